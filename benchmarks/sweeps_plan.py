"""How long planning takes: `scaffold sweep new` with 10,240 runs, and what `launch` does before it launches.

    python -m benchmarks.sweeps_plan [--quick]

`sweep new` is timed whole, as a process, in a repository with a workspace: a grid, and drawn configurations, which are written out
(limit 3 s each). What `launch` does before the first run is timed in this process: read the sheet, look whether the code changed,
name the runs, write their launchers, which the second time finds them unchanged.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.fixtures import SCAFFOLD, commit_files, scratch_home
from benchmarks.interleaved import Contender, measure_costs
from benchmarks.peers import Peers
from benchmarks.result_rows import Reference, Row, run_alone
from scaffold import workspace as workspaces
from scaffold.sweeps.launch import run_scripts
from scaffold.sweeps.spec import code_state, run_names, sweep_file
from scaffold.sweeps.spec.model import Sweep
from scaffold.workspace import Workspace

SCRIPT = "import argparse\np = argparse.ArgumentParser()\np.add_argument('--seed', type=int)\n"
SEEDS, LIMIT_S = 10, 3


def make_repository(root: Path) -> Path:
    """A committed repository with a script and a workspace."""
    root.mkdir()
    (root / "train.py").write_text(SCRIPT)
    commit_files(root)
    subprocess.run([*SCAFFOLD, "init", "--yes"], cwd=root, check=True, capture_output=True)
    return root


def sweep_options(side: int) -> dict[str, list[str]]:
    """A grid of two keys, and as many drawn configurations of four."""
    first, second = (",".join(str(n) for n in range(start, start + side)) for start in (1, 1001))
    space = ["lr=log:1e-5,1e-1", "p=uniform:0,1", "n=int:1,9", "o=a,b"]
    return {
        "a grid": ["--grid", f"a={first}", f"b={second}"],
        "drawn": ["--random", str(side * side), "--space", *space],
    }


def measure(*, quick: bool = False, peers: Peers | None = None) -> list[Row]:
    """Plan both, then do what comes before a launch."""
    side, rounds = (3, 1) if quick else (32, 3)
    with scratch_home() as folder:
        root = make_repository(folder / "repository")
        contenders = {}
        for name, rule in sweep_options(side).items():
            called = name.split()[-1]
            words = [*rule, "--goal", "g", "--seeds", f"1-{SEEDS}", "--yes", "--", "python", "train.py"]
            contenders[name] = Contender(
                work=[*SCAFFOLD, "sweep", "new", called, *words], cwd=root, prepare=delete_sweep(root, called)
            )
        found = measure_costs(contenders, rounds=rounds)
        workspace = workspaces.find_workspace(root)
        before = time_before_launch(workspace, "grid"), time_before_launch(workspace, "grid")
    runs = f"{side * side * SEEDS:,} runs"
    return [
        *(
            Row(benchmark="sweeps", what=f"{runs} planned, {name}", ours=cost.passed, unit="s", limit=LIMIT_S)
            for name, cost in found.items()
        ),
        Row(
            benchmark="sweeps",
            what=f"{runs} named, launchers written",
            ours=before[0],
            unit="s",
            beside=(Reference(name="again, unchanged", value=before[1]),),
        ),
    ]


def delete_sweep(root: Path, name: str) -> Callable[[], None]:
    """Takes a planned sweep away."""

    def work() -> None:
        for path in root.glob(f".wild/experiments/metadata/sweeps/{name}.*"):
            path.unlink()

    return work


def time_before_launch(workspace: Workspace, name: str) -> float:
    """Seconds of what `launch` does before the first run."""
    began = time.perf_counter()
    sweep: Sweep = sweep_file.read_sweep(workspace, name)
    code_state.compare_with_planned_code(workspace, sweep)
    run_scripts.write_launchers(workspace, sweep, run_names.planned_runs(workspace, sweep))
    return time.perf_counter() - began


if __name__ == "__main__":
    raise SystemExit(run_alone(measure, __doc__))
