"""What launching costs: wall time of each run of a local sweep, one after the other, beyond the recorder's own.

    python -m benchmarks.sweeps_launch [--quick]

Each round paces a new sweep of 20 runs to its end, and records the same commands as often without one, in turn, so that a busy machine
disturbs both alike. The limit is 25 ms a run. 200 finished runs of a sweep stand before, since ledger and records grow.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.fixtures import make_recorded_repository, scratch_home
from benchmarks.peers import Peers
from benchmarks.result_rows import Reference, Row, run_alone
from scaffold import workspace as workspaces
from scaffold.sweeps.launch import open_sweep, run_loop
from scaffold.sweeps.launch.scheduler import Scheduler
from scaffold.sweeps.spec import code_state, sweep_file
from scaffold.sweeps.spec.model import RunResources, Sweep, SweepCode
from scaffold.workspace import Workspace

BUDGET_MS = 25.0


def scheduler(place: Workspace, name: str, first: int, runs: int, *, cpus: int | None = None) -> Scheduler:
    """A planned sweep of so many runs, of which each needs so many cores; all of them where that is not said."""
    planned = code_state.replan_with_current_code(
        place,
        Sweep(
            name=name,
            goal="bench",
            experiment="bench",
            command=("sh", "train.sh"),
            cwd=".",
            style="flags",
            configurations=({},),
            seeds=tuple(range(first, first + runs)),
            task=None,
            backend="local",
            resources=RunResources(gpus=0, cpus=cpus or os.cpu_count()),
            code=SweepCode(state=None, commit=None, patch=None),
        ),
    )
    sweep_file.write_sweep(place, planned)
    return open_sweep.make_scheduler(place, planned, original=False, warn=lambda text: print(text, file=sys.stderr))


def time_launch(one: Scheduler) -> float:
    """Pace a sweep to its end; seconds a run."""
    began = time.perf_counter()
    one.request_runs()
    snapshot = run_loop.run_until_done(one, lambda snapshot: None, doing="bench", warn=lambda text: None)
    took = time.perf_counter() - began
    states = {s.state for s in snapshot.states}
    if states != {"finished"}:
        raise RuntimeError(f"the runs are {states}")
    return took / len(snapshot.states)


def time_recorder(root: Path, first: int, runs: int) -> float:
    """Record the same commands without a sweep; seconds a run."""
    began = time.perf_counter()
    for seed in range(first, first + runs):
        words = [sys.executable, "-IS", "exp/scripts/record_run.py", "--experiment", "bare", "--seed", str(seed)]
        words += ["--", "sh", "train.sh", "--seed", str(seed)]
        subprocess.run(words, cwd=root, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    return (time.perf_counter() - began) / runs


def measure(*, quick: bool = False, peers: Peers | None = None) -> list[Row]:
    """Rounds of both, and the median of their differences."""
    runs, rounds, known = (2, 1, 0) if quick else (20, 5, 200)
    launched, recorded = [], []
    with scratch_home() as folder:
        root = folder / "repository"
        make_recorded_repository(root, 0)
        place = workspaces.load_workspace(root, "exp")
        if known:
            time_launch(scheduler(place, "before", 100_000, known))
        for turn in range(rounds + 1):
            one = scheduler(place, f"sweep{turn}", turn * runs, runs)
            recorded.append(time_recorder(root, turn * runs, runs))
            launched.append(time_launch(one))
    over = statistics.median(a - b for a, b in zip(launched[1:], recorded[1:], strict=True)) * 1000
    return [
        Row(
            benchmark="sweeps",
            what="a local run, beyond the recorder",
            ours=over,
            unit="ms",
            limit=BUDGET_MS,
            beside=(Reference(name="the recorder with its command", value=statistics.median(recorded[1:]) * 1000),),
        )
    ]


if __name__ == "__main__":
    raise SystemExit(run_alone(measure, __doc__))
