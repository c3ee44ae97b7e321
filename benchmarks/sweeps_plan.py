"""How long planning takes: `scaffold sweep new` with 10,000 runs, and what `launch` does before it launches.

    python benchmarks/sweeps_plan.py [RUNS]

`sweep new` is timed whole, as a process, in a fresh repository with a workspace: a grid, and drawn configurations, which are
written out. Its parts are timed in this process. The second writing of the launchers finds all of them unchanged. Processor
time stands beside the time on the clock: a busy machine slows only the latter.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from scaffold import workspace as workspaces
from scaffold.sweeps import codestate, launchers, naming, sheet

PROJECT = Path(__file__).parent.parent
SCRIPT = "import argparse\np = argparse.ArgumentParser()\np.add_argument('--seed', type=int)\n"
SEEDS = 10
T = TypeVar("T")


def repository(folder: Path) -> Path:
    """A committed repository with a script and a workspace."""
    root = folder / "repository"
    root.mkdir()
    (root / "train.py").write_text(SCRIPT)
    who = ["-c", "user.name=bench", "-c", "user.email=bench@localhost"]
    for args in (["init", "-q"], ["add", "-A"], [*who, "commit", "-qm", "first"]):
        subprocess.run(["git", "-C", str(root), *args], check=True)
    scaffold(root, "init", "--yes")
    return root


def scaffold(root: Path, *args: str) -> None:
    """Run a command in the repository."""
    env = {**os.environ, "PYTHONPATH": str(PROJECT)}
    subprocess.run([sys.executable, "-m", "scaffold", *args], check=True, capture_output=True, env=env, cwd=root)


def timed(what: str, work: Callable[[], T]) -> T:
    """Do `work`, and print how long it took."""
    begun, used = time.perf_counter(), os.times()
    found = work()
    now = os.times()
    processor = sum(now[:4]) - sum(used[:4])
    print(f"{what:50} {time.perf_counter() - begun:6.2f} s ({processor:5.2f} s of processor time)")
    return found


def main() -> None:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    side = round((runs / SEEDS) ** 0.5)
    first, second = (",".join(str(n) for n in range(start, start + side)) for start in (1, 1001))
    space = ["lr=log:1e-5,1e-1", "p=uniform:0,1", "n=int:1,9", "o=a,b"]
    rules = {
        "grid": ["--grid", f"a={first}", f"b={second}"],
        "drawn": ["--random", str(side * side), "--space", *space],
    }
    with tempfile.TemporaryDirectory() as folder:
        root = repository(Path(folder))
        for name, rule in rules.items():
            words = [*rule, "--goal", "g", "--seeds", f"1-{SEEDS}", "--yes", "--", "python", "train.py"]
            timed(
                f"scaffold sweep new, {name}, {side * side * SEEDS} runs",
                lambda name=name, words=words: scaffold(root, "sweep", "new", name, *words),
            )
        workspace = workspaces.find(root)
        for name in rules:
            sweep = timed(f"{name}: sheet.read", lambda name=name: sheet.read(workspace, name))
            timed(f"{name}: codestate.compare", lambda sweep=sweep: codestate.compare(workspace, sweep))
            planned = timed(f"{name}: naming.runs", lambda sweep=sweep: naming.runs(workspace, sweep))
        for state in ("new", "unchanged"):
            timed(f"{len(planned)} launchers, {state}", lambda: launchers.write(workspace, sweep, planned))


if __name__ == "__main__":
    main()
