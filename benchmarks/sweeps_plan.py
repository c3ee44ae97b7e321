"""How long planning takes: `scaffold sweep new` with 10,000 runs, and writing their launchers.

    python benchmarks/sweeps_plan.py [RUNS]

The command is timed whole, as a process, in a fresh repository with a workspace; then its parts in this process. The second
writing of the launchers finds all of them unchanged.
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

PROJECT = Path(__file__).parent.parent
sys.path.insert(0, str(PROJECT))

from scaffold import workspace as workspaces  # noqa: E402
from scaffold.sweeps import codestate, launchers, naming, sheet  # noqa: E402

T = TypeVar("T")


def repository(folder: Path) -> Path:
    """A committed repository with a script and a workspace."""
    root = folder / "repository"
    root.mkdir()
    (root / "train.py").write_text(
        "import argparse\np = argparse.ArgumentParser()\np.add_argument('--seed', type=int)\n"
    )
    who = ["-c", "user.name=bench", "-c", "user.email=bench@localhost"]
    for args in (["init", "-q"], ["add", "-A"], [*who, "commit", "-qm", "first"]):
        subprocess.run(["git", "-C", str(root), *args], check=True)
    scaffold("init", "--yes", "--workdir", str(root))
    return root


def scaffold(*args: str) -> float:
    """Seconds that a command takes."""
    begun = time.perf_counter()
    env = {**os.environ, "PYTHONPATH": str(PROJECT)}
    subprocess.run([sys.executable, "-m", "scaffold", *args], check=True, capture_output=True, env=env, cwd=args[-1])
    return time.perf_counter() - begun


def timed(what: str, work: Callable[[], T]) -> T:
    begun = time.perf_counter()
    found = work()
    print(f"{what:44} {time.perf_counter() - begun:6.2f} s")
    return found


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    seeds = 10
    side = round((count / seeds) ** 0.5)
    values = [",".join(str(n) for n in range(start, start + side)) for start in (1, 1001)]
    with tempfile.TemporaryDirectory() as folder:
        root = repository(Path(folder))
        grid = ["new", "--goal", "g", "--grid", f"a={values[0]}", f"b={values[1]}", "--seeds", f"1-{seeds}", "--yes"]
        drawn = ["--random", str(side * side), "--space", "lr=log:1e-5,1e-1", "p=uniform:0,1", "n=int:1,9", "o=a,b"]
        here = ["--workdir", str(root)]
        for name, options in (
            ("grid", grid),
            ("drawn", ["new", "--goal", "g", *drawn, "--seeds", f"1-{seeds}", "--yes"]),
        ):
            words = [str(w) for w in ("sweep", options[0], name, *options[1:], *here, "--", "python", "train.py")]
            begun = time.perf_counter()
            env = {**os.environ, "PYTHONPATH": str(PROJECT)}
            subprocess.run(
                [sys.executable, "-m", "scaffold", *words], check=True, capture_output=True, env=env, cwd=root
            )
            print(
                f"{f'scaffold sweep new, {name}, {side * side * seeds} runs':44} {time.perf_counter() - begun:6.2f} s"
            )
        workspace = workspaces.find(root)
        for name in ("grid", "drawn"):
            sweep = timed(f"{name}: sheet.read", lambda name=name: sheet.read(workspace, name))  # type: ignore[misc]
            timed(f"{name}: codestate.compare", lambda sweep=sweep: codestate.compare(workspace, sweep))  # type: ignore[misc]
            runs = timed(f"{name}: naming.runs", lambda sweep=sweep: naming.runs(workspace, sweep))  # type: ignore[misc]
        timed(f"launchers of {len(runs)} runs, new", lambda: launchers.write(workspace, sweep, runs))
        timed(f"launchers of {len(runs)} runs, unchanged", lambda: launchers.write(workspace, sweep, runs))


if __name__ == "__main__":
    main()
