"""Ten public repositories that print their result: does the first table show it, with no edit? python -m tools.printed_metrics MIRRORS

MIRRORS is a folder with clones of them, bare or not: `karpathy+nanoGPT`, or `repo` in a folder of that name. Each is cloned from there;
its script gets a stand-in for the training before its first statement, which sets the names that the script's own print lines use,
runs these lines (read off the script, word for word) and leaves. Everything else stays, so that what is detected is what the
repository says. Then `init`, `sweep new`, `sweep launch` and `results` are called as a user would, and what the table shows is held
against REPOSITORIES. Exit code 0 where at least 9 are right, 1 where fewer are, 3 where clones are missing (it says which). Not part of
the gate: it needs the clones, and takes about two minutes.
"""

from __future__ import annotations

import argparse
import ast
import json
import math
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from scaffold.observations.spelling import find_metric_value

ROOT = Path(__file__).parents[1]
LEAST_RIGHT = 9


class Repository(NamedTuple):
    """A repository, its script, how it is called, what its printed result is called, and the training's stand-in.

    `lines` are the beginnings of the statements that print; `names` is Python that sets what these use, where `value` is the result.
    """

    name: str
    script: str
    command: Sequence[str]
    metric: str
    value: float
    lines: Sequence[str]
    names: str


REPOSITORIES = (
    Repository(
        "karpathy/autoresearch",
        "train.py",
        ("uv", "run", "train.py"),
        "val_bpb",
        0.997,
        ('print(f"val_bpb:', 'print(f"training_seconds:', 'print(f"peak_vram_mb:', 'print(f"num_steps:'),
        "val_bpb, total_training_time, peak_vram_mb, step = value, 300.1, 45060.2, 953",
    ),
    Repository(
        "karpathy/nanoGPT",
        "train.py",
        ("python", "train.py"),
        "val loss",
        1.5,
        ('print(f"step {iter_num}', 'print(f"iter {iter_num}'),
        "iter_num, losses, lossf, dt, running_mfu = 250, {'train': 1.25, 'val': value}, 1.3, 0.5, 0.4",
    ),
    Repository(
        "karpathy/ng-video-lecture",
        "gpt.py",
        ("python", "gpt.py"),
        "val loss",
        1.5,
        ('print(f"step {iter}',),
        "iter, losses = 4999, {'train': 1.25, 'val': value}",
    ),
    Repository(
        "mlflow/mlflow-example",
        "train.py",
        ("python", "train.py"),
        "RMSE",
        0.75,
        ('print("Elasticnet', 'print("  RMSE', 'print("  MAE', 'print("  R2'),
        "alpha, l1_ratio, rmse, mae, r2 = 0.5, 0.5, value, 0.625, 0.25",
    ),
    Repository(
        "pytorch/examples",
        "mnist/main.py",
        ("python", "mnist/main.py"),
        "Accuracy",
        98.0,
        ("print('\\nTest set: Average loss",),
        "test_loss, correct = 0.05, round(value * 100)\nclass test_loader: dataset = range(10000)",
    ),
    Repository(
        "weiaicunzai/pytorch-cifar100",
        "train.py",
        ("python", "train.py", "-net", "vgg16"),
        "Accuracy",
        0.625,
        ("print('Test set: Epoch",),
        "import types\nepoch, test_loss, start, finish = 3, 128.0, 1.0, 2.0\n"
        "correct = types.SimpleNamespace(float=lambda: value * 10000)\n"
        "cifar100_test_loader = types.SimpleNamespace(dataset=range(10000))",
    ),
    Repository(
        "tkipf/pygcn",
        "pygcn/train.py",
        ("python", "pygcn/train.py"),
        "accuracy",
        0.8125,
        ("print('Epoch: {:04d}'", 'print("Test set results:"'),
        "import time, types\nnumber = lambda v: types.SimpleNamespace(item=lambda: v)\nepoch, t = 199, time.time()\n"
        "loss_train, acc_train, loss_val, acc_val, loss_test = map(number, (0.5, 0.9, 0.75, 0.8, 0.7))\nacc_test = number(value)",
    ),
    Repository(
        "karpathy/makemore",
        "makemore.py",
        ("python", "makemore.py"),
        "test loss",
        2.125,
        ('print(f"step {step} train loss',),
        "step, train_loss, test_loss = 500, 2.0, value",
    ),
    Repository(
        "salesforce/awd-lstm-lm",
        "main.py",
        ("python", "main.py"),
        "valid loss",
        4.25,
        ("print('| end of epoch",),
        "import math, time\nepoch, epoch_start_time, val_loss = 1, time.time(), value\nval_loss2 = value",
    ),
    Repository(
        "milesial/Pytorch-UNet",
        "train.py",
        ("python", "train.py"),
        "Validation Dice score",
        0.8125,
        ("logging.info('Validation Dice score",),
        "import logging\nlogging.basicConfig(level=logging.INFO, format='%(levelname)s: %(message)s')\nval_score = value",
    ),
)


def find_clone(mirrors: Path, name: str) -> Path | None:
    """Where a clone of `owner/name` lies among the mirrors; None where there is none."""
    folder = mirrors / name.replace("/", "+")
    places = (folder / "repo", folder, folder.with_name(f"{folder.name}.git"))
    return next((place for place in places if (place / "HEAD").exists() or (place / ".git").exists()), None)


def add_stand_in(source: str, repository: Repository) -> str:
    """The script with the stand-in before its first statement; a docstring and imports from the future stay first."""
    module = ast.parse(source)
    segments = [
        (prefix, segment)
        for prefix in repository.lines
        for node in ast.walk(module)
        if isinstance(node, ast.Expr) and (segment := ast.get_source_segment(source, node) or "").startswith(prefix)
    ]
    prints = [next(segment for own, segment in segments if own == prefix) for prefix in repository.lines]
    first = next(
        node
        for node in module.body
        if not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))
        and not (isinstance(node, ast.ImportFrom) and node.module == "__future__")
    )
    stand_in = ["import math", f"value = {repository.value}", repository.names, *prints, "raise SystemExit"]
    lines = source.splitlines()
    return "\n".join([*lines[: first.lineno - 1], *stand_in, *lines[first.lineno - 1 :]]) + "\n"


def clone_with_stand_in(clone: Path, folder: Path, repository: Repository, environment: Mapping[str, str]) -> None:
    """A clone of the clone, whose newest commit has the stand-in."""
    identity = ("-c", "user.name=n", "-c", "user.email=n@localhost")
    git = ("git", *identity, "-C", str(folder))
    subprocess.run(["git", "clone", "-qn", "--no-tags", str(clone), str(folder)], check=True, env=environment)
    subprocess.run([*git, "read-tree", "HEAD"], check=True, env=environment)
    # a mirror may lack large files: the others are enough
    subprocess.run([*git, "checkout-index", "-aq"], stderr=subprocess.DEVNULL, check=False, env=environment)
    script = folder / repository.script
    script.write_text(add_stand_in(script.read_text(encoding="utf-8"), repository), encoding="utf-8")
    subprocess.run([*git, "commit", "-qam", "a stand-in for the training"], check=True, env=environment)


def first_table(folder: Path, repository: Repository, environment: Mapping[str, str]) -> dict[str, float]:
    """What `results` shows after `init`, `sweep new` and `sweep launch`: the mean of each metric. Raises CalledProcessError."""

    def scaffold(*words: str) -> str:
        command = [sys.executable, "-m", "scaffold", *words]
        done = subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True, text=True)
        return done.stdout

    scaffold("init", "--yes")
    scaffold("sweep", "new", "base", "--goal", "what the baseline gives", "--", *repository.command)
    scaffold("sweep", "launch", "base", "--wait")
    (row,) = json.loads(scaffold("results", "--json"))["rows"]
    return {name: summary["mean"] for name, summary in row["summaries"].items() if summary}


def check_repository(clone: Path, repository: Repository, scratch: Path) -> tuple[bool, str]:
    """Whether the first table of a repository shows its result, and what it shows."""
    programs = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    home = scratch / "home"
    home.mkdir(exist_ok=True)
    # uv makes an environment, and installs nothing into it: the stand-in needs nothing
    uv = {"UV_NO_SYNC": "1", "UV_OFFLINE": "1", "UV_PYTHON": sys.executable}
    environment = {**os.environ, "PATH": programs, "HOME": str(home), "PYTHONPATH": str(ROOT), **uv}
    folder = scratch / repository.name.replace("/", "+")
    try:
        clone_with_stand_in(clone, folder, repository, environment)
        table = first_table(folder, repository, environment)
    except subprocess.CalledProcessError as error:
        return False, " ".join(f"{error.stdout or ''} {error.stderr or ''}".split())[-300:]
    shown = " ".join(f"{name}={value:.6g}" for name, value in table.items()) or "no metric"
    value = find_metric_value(table, repository.metric)
    return value is not None and math.isclose(value, repository.value, rel_tol=1e-6), shown


def main() -> int:
    """Check each repository, print a line for each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("mirrors", type=Path, help="a folder with clones: OWNER+NAME, or OWNER+NAME/repo")
    parser.add_argument("--only", metavar="TEXT", default="", help="only repositories with this in their name")
    arguments = parser.parse_args()
    repositories = [repository for repository in REPOSITORIES if arguments.only in repository.name]
    clones = {repository.name: find_clone(arguments.mirrors, repository.name) for repository in repositories}
    if missing := [name for name, clone in clones.items() if clone is None]:
        print(f"{arguments.mirrors} has no clone of {', '.join(missing)}")
        return 3
    right = 0
    for repository in repositories:
        clone = clones[repository.name]
        assert clone is not None
        with tempfile.TemporaryDirectory() as scratch:
            is_right, shown = check_repository(clone, repository, Path(scratch))
        right += is_right
        print(f"{'right' if is_right else 'WRONG'}  {repository.name}: {repository.metric}; shown: {shown}", flush=True)
    print(f"{right} of {len(repositories)} right")
    return 0 if right >= min(LEAST_RIGHT, len(repositories)) else 1


if __name__ == "__main__":
    sys.exit(main())
