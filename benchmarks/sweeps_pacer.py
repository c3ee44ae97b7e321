"""What scheduling a sweep costs the process that does it: its own processor time, not that of launchers and runs.

    python -m benchmarks.sweeps_pacer [--quick]

A sweep of 200 runs that do nothing, two at a time, paced to its end; and one of 50, since each further run is to cost as much as the
first ones. Processor time, because the other processes of a machine change the time that passes.
"""

from __future__ import annotations

import time

from benchmarks.fixtures import make_recorded_repository, scratch_home
from benchmarks.peers import Peers
from benchmarks.result_rows import Reference, Row, run_alone
from benchmarks.sweeps_launch import scheduler
from scaffold import workspace as workspaces
from scaffold.sweeps.launch import run_loop
from scaffold.workspace import Workspace

PARALLEL = 2
# a third of what it was before only those runs were looked at that can have changed
BUDGET_MS = 7.0
GROWTH = 1.3


def measure_pacer(workspace: Workspace, name: str, runs: int) -> float:
    """Pace a new sweep of so many runs to its end; milliseconds of this process's processors, a run."""
    paced = scheduler(workspace, name, 0, runs, cpus=1)
    began = time.process_time()
    paced.request_runs(max_parallel=PARALLEL)
    snapshot = run_loop.run_until_done(paced, lambda snapshot: None, doing="bench", warn=lambda text: None)
    used = time.process_time() - began
    states = {state.state for state in snapshot.states}
    if states != {"finished"}:
        raise RuntimeError(f"the runs are {states}")
    return used * 1000 / runs


def measure(*, quick: bool = False, peers: Peers | None = None) -> list[Row]:
    """One sweep of each length, each in a workspace of its own."""
    lengths = (2, 4) if quick else (50, 200)
    costs = []
    for length in lengths:
        with scratch_home() as folder:
            root = folder / "repository"
            make_recorded_repository(root, 0)
            costs.append(measure_pacer(workspaces.load_workspace(root, "exp"), f"sweep{length}", length))
    few, many = costs
    what = f"scheduling {lengths[1]} local runs, processor time"
    return [
        Row(
            benchmark="sweeps",
            what=f"{what} a run",
            ours=many,
            unit="ms",
            limit=BUDGET_MS,
            beside=(Reference(name=f"of {lengths[0]}", value=few),),
        ),
        Row(
            benchmark="sweeps",
            what=f"{what} a run over that of {lengths[0]}",
            ours=many / few,
            unit="x",
            limit=GROWTH,
        ),
    ]


if __name__ == "__main__":
    raise SystemExit(run_alone(measure, __doc__))
