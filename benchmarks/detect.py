"""How long `scaffold detect --json` takes on a repository of 100,000 tracked files, and on a small one.

    python -m benchmarks.detect [--quick]

The measure is a ratio, since machines differ: detection's time over the time of `git ls-files | wc -l` plus one read of
the files that detection reads, each the median of interleaved rounds. The limits are 3x and 300 MB for the large
repository, 0.5 s for one of the size of nanoGPT.

Beside it stands the floor: the cheapest Python program with click that starts `git status --porcelain
--untracked-files=no` first (without it nobody knows whether a tracked file differs), then lists the tracked files with
`git ls-files -z`, reads the same files, as bytes, and waits for git. It is told which files those are, parses nothing and
answers nothing. Where the floor is over the limit, no such program can meet it. The rest says what has its price whatever
detection does: the start of Python, `import click`, and `git status` alone.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from benchmarks.fixtures import SCAFFOLD, commit_files, scratch_home
from benchmarks.interleaved import Contender, measure_costs
from benchmarks.peers import Peers
from benchmarks.result_rows import Reference, Row, run_alone

TRAIN = '''"""Train one model."""
import argparse

import wandb
from lib.part_{n} import step


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    loss = step(args.seed)
    loss.backward()
    wandb.log({{"val/loss": loss}})


if __name__ == "__main__":
    main()
'''
LIBRARY = '''"""Part {n}."""
import numpy as np

CONSTANT = {n}


class Model:
    """A model."""

    def __init__(self, width: int) -> None:
        self.width = width


def step(seed: int) -> float:
    """One step."""
    return float(np.random.default_rng(seed).normal()) * CONSTANT
'''
FUNCTION = '''

def forward(batch: np.ndarray, weights: np.ndarray, *, training: bool = True) -> np.ndarray:
    """One pass of a layer over a batch, with dropout while training."""
    hidden = batch @ weights
    if training:
        keep = np.random.default_rng(CONSTANT).random(hidden.shape) > 0.1
        hidden = hidden * keep / 0.9
    return np.maximum(hidden, 0.0)
'''
SBATCH = (
    "#!/bin/bash\n#SBATCH --partition=gpu\n#SBATCH --account=lab\n#SBATCH --time=01:00:00\nsrun python train_{n}.py\n"
)


FLOOR = """
import subprocess, sys
status = subprocess.Popen(["git", "status", "--porcelain", "--untracked-files=no"], stdout=subprocess.PIPE)
listing = subprocess.Popen(["git", "ls-files", "-z"], stdout=subprocess.PIPE)
import click
listing.communicate()[0].split(b"\\0")
with open(sys.argv[1]) as names:
    for name in names.read().split("\\0"):
        with open(name, "rb", buffering=0) as file:
            file.read()
status.communicate()
"""


def write_repository(root: Path, files: int) -> None:
    """A research repository: 20 scripts, 1,500 modules of 150 lines, 40 sbatch scripts, 300 configurations; the rest is data."""
    texts = {"README.md": "# R\n\n```bash\npython train_0.py --seed 1\n```\n", "requirements.txt": "torch\n"}
    texts |= {f"train_{n}.py": TRAIN.format(n=n) for n in range(20)}
    texts |= {f"lib/part_{n}.py": LIBRARY.format(n=n) + FUNCTION * 15 for n in range(1500 if files else 20)}
    texts |= {f"scripts/job_{n}.sbatch": SBATCH.format(n=n % 20) for n in range(40)}
    texts |= {f"configs/run_{n}.yaml": f"seed: {n}\nlr: 0.1\n" for n in range(300 if files else 10)}
    for name, text in texts.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    for number in range(max(0, files - len(texts))):
        path = root / f"data/shard_{number // 1000:03d}/sample_{number:06d}.{('npy', 'json', 'txt', 'png')[number % 4]}"
        if number % 1000 == 0:
            path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    commit_files(root)


def paths_read(root: Path) -> list[Path]:
    """The files whose text detection reads."""
    from scaffold.facts import collect_repository_facts

    return [root / path for path in collect_repository_facts(root).texts]


def make_baseline(root: Path, paths: list[Path]) -> Callable[[], None]:
    """`git ls-files | wc -l` and one read of `paths`."""

    def work() -> None:
        subprocess.run("git ls-files | wc -l", shell=True, cwd=root, check=True, stdout=subprocess.DEVNULL)
        for path in paths:
            path.read_bytes()

    return work


def measure(*, quick: bool = False, peers: Peers | None = None) -> list[Row]:
    """Write the repositories, and measure."""
    files, rounds = (4_000, 2) if quick else (100_000, 7)
    with scratch_home() as folder:
        large, small, names = folder / "large", folder / "small", folder / "names"
        write_repository(large, files)
        write_repository(small, 0)
        paths = paths_read(large)
        names.write_text("\0".join(map(str, paths)))
        detect = [*SCAFFOLD, "detect", "--json"]
        contenders = {
            "git ls-files and one read": Contender(work=make_baseline(large, paths)),
            "detect": Contender(work=detect, cwd=large),
            "floor": Contender(work=[sys.executable, "-c", FLOOR, str(names)], cwd=large),
            "python -c pass": Contender(work=[sys.executable, "-c", "pass"]),
            "import click": Contender(work=[sys.executable, "-c", "import click"]),
            "git status": Contender(work=["git", "status", "--porcelain", "--untracked-files=no"], cwd=large),
            "small": Contender(work=detect, cwd=small),
        }
        cost = measure_costs(contenders, rounds=rounds)
    base = cost["git ls-files and one read"].passed
    detection, floor = cost["detect"], cost["floor"]
    parts = ("git ls-files and one read", "git status", "python -c pass", "import click", "floor")
    return [
        Row(
            benchmark="detect",
            what=f"{files:,} tracked files over `git ls-files` and one read",
            ours=detection.passed / base,
            unit="x",
            limit=3,
            beside=(Reference(name="the floor: any Python with click that asks git", value=floor.passed / base),),
        ),
        Row(
            benchmark="detect",
            what="the same, time",
            ours=detection.ms,
            unit="ms",
            beside=tuple(Reference(name=name, value=cost[name].ms) for name in parts),
        ),
        Row(benchmark="detect", what="the same, peak memory", ours=detection.megabytes, unit="MB", limit=300),
        Row(benchmark="detect", what="a repository as small as nanoGPT", ours=cost["small"].ms, unit="ms", limit=500),
    ]


if __name__ == "__main__":
    raise SystemExit(run_alone(measure, __doc__))
