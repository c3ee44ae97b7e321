"""Sweeps that are not over -> how far each is, from the records alone: neither a scheduler nor a server is asked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from scaffold.errors import ScaffoldError
from scaffold.results.report.failures import STATUSES
from scaffold.results.report.model import OpenSweep
from scaffold.runs.model import Run
from scaffold.sweeps.spec import sweep_file
from scaffold.sweeps.spec.run_names import planned_runs
from scaffold.workspace import Workspace

NOT_STARTED = "not started"


def collect_open_sweeps(workspace: Workspace, runs: Sequence[Run]) -> tuple[OpenSweep, ...]:
    """The sweeps that have runs to go, by name; of a run of several attempts the newest counts. One that cannot be read is left out.

    `runs` are newest first.
    """
    states: dict[str, str] = {}
    for run in runs:
        states.setdefault(run.name, run.status)
    found = (_describe(workspace, name, states) for name in sweep_file.sweep_names(workspace))
    return tuple(sweep for sweep in found if sweep is not None and sweep.done < sweep.total)


def _describe(workspace: Workspace, name: str, states: dict[str, str]) -> OpenSweep | None:
    try:
        names = [run.name for run in planned_runs(workspace, sweep_file.read_sweep(workspace, name))]
    except (ScaffoldError, OSError):
        return None
    counts = Counter(states.get(run, NOT_STARTED) for run in names)
    waiting = counts["running"] + counts[NOT_STARTED]
    return OpenSweep(
        name=name,
        done=len(names) - waiting,
        total=len(names),
        counts={state: counts[state] for state in (*STATUSES, NOT_STARTED) if counts[state]},
    )
