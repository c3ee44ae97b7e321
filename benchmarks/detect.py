#!/usr/bin/env python3
"""How long `scaffold detect --json` takes on a repository of 100,000 tracked files, and on a small one.

    python benchmarks/detect.py [--files 100000] [--rounds 5] [--keep DIR]

The measure is a ratio, since machines differ: detection's time over the time of `git ls-files | wc -l` plus one read of
the files that detection reads, each the median of interleaved rounds. The limits are 3x and 300 MB for the large
repository, 0.5 s for the small one; the exit status is 3 where one is missed.

A second line holds the same time against 3x plus the start of the interpreter (`python -c pass`), which is no work of
detection's, and a third says what else has its price whatever detection does: importing click, and `git status`, which
answers whether a tracked file differs. Processor seconds are shown beside the time that passed, since other work on a
machine lengthens the one and not the other. Python runs with compiled modules, as it does where the package is installed.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

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
    quiet = {"cwd": root, "check": True, "stdout": subprocess.DEVNULL}
    subprocess.run(["git", "init", "-q", "-b", "main"], **quiet)  # type: ignore[call-overload]
    subprocess.run(["git", "add", "-A"], **quiet)  # type: ignore[call-overload]
    name = ["-c", "user.name=bench", "-c", "user.email=bench@localhost"]
    subprocess.run(["git", *name, "commit", "-qm", "first"], **quiet)  # type: ignore[call-overload]


def files_read(root: Path) -> list[Path]:
    """The files whose text detection reads."""
    from scaffold.facts import read

    return [root / path for path in read(root).texts]


def baseline(root: Path, paths: list[Path]) -> float:
    """Seconds for `git ls-files | wc -l` and one read of `paths`."""
    start = time.perf_counter()
    subprocess.run("git ls-files | wc -l", shell=True, cwd=root, check=True, stdout=subprocess.DEVNULL)
    for path in paths:
        path.read_bytes()
    return time.perf_counter() - start


class Cost(NamedTuple):
    """Seconds that passed, seconds of processors (git's included), and peak megabytes of one process."""

    passed: float
    used: float
    megabytes: float


def cost(command: list[str], root: Path, environment: dict[str, str]) -> Cost:
    """What one command costs in a process of its own."""
    start = time.perf_counter()
    process = subprocess.Popen(command, cwd=root, env=environment, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    passed = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}")
    return Cost(
        passed, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / (1024 if sys.platform == "linux" else 1024**2)
    )


def measure(root: Path, rounds: int, environment: dict[str, str]) -> tuple[float, dict[str, Cost]]:
    """The median seconds of the baseline, and the median cost of detection and of what it cannot do without."""
    paths = files_read(root)
    commands = {
        "detect": [sys.executable, "-m", "scaffold", "detect", "--json"],
        "python": [sys.executable, "-c", "pass"],
        "click": [sys.executable, "-c", "import click"],
        "status": ["git", "status", "--porcelain", "--untracked-files=no"],
    }
    baselines, costs = [], {name: [] for name in commands}  # type: ignore[var-annotated]
    for number in range(rounds + 1):
        one = baseline(root, paths)
        found = {name: cost(command, root, environment) for name, command in commands.items()}
        if number > 0:  # the first round fills the caches
            baselines.append(one)
            for name, price in found.items():
                costs[name].append(price)
    return statistics.median(baselines), {
        name: Cost(*(statistics.median(c[n] for c in prices) for n in range(3))) for name, prices in costs.items()
    }


def main() -> int:
    """Write the repositories, measure, print, compare with the limits."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--files", type=int, default=100_000)
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--keep", type=Path, help="write the large repository here, or use the one that is there")
    options = arguments.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        large = options.keep or Path(temporary) / "large"
        small = Path(temporary) / "small"
        if not large.exists():
            write_repository(large, options.files)
        write_repository(small, 0)
        environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
        environment |= {
            "PYTHONPATH": str(Path(__file__).resolve().parent.parent),
            "PYTHONPYCACHEPREFIX": f"{temporary}/compiled",
        }
        slow, prices = measure(large, options.rounds, environment)
        brief = measure(small, options.rounds, environment)[1]["detect"]
    found, start = prices["detect"], prices["python"].passed
    megabytes = found.megabytes
    print(
        f"large: git ls-files and one read {slow:.3f} s, detect {found.passed:.3f} s = {found.passed / slow:.2f}x (limit 3x),"
        f" {megabytes:.0f} MB (limit 300), {found.used:.3f} s of processors"
    )
    print(
        f"       3x + the interpreter's start = {3 * slow + start:.3f} s; detect without that start"
        f" {(found.passed - start) / slow:.2f}x"
    )
    print(
        f"       of it python -c pass {start:.3f} s, import click {prices['click'].passed - start:.3f} s more;"
        f" git status, beside it, {prices['status'].passed:.3f} s ({prices['status'].used:.3f} s of processors)"
    )
    print(f"small: detect {brief.passed:.3f} s (limit 0.5)")
    return 0 if found.passed <= 3 * slow and megabytes <= 300 and brief.passed < 0.5 else 3


if __name__ == "__main__":
    raise SystemExit(main())
