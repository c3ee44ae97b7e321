"""Sweeps that are not over -> how far each is, from the records alone: neither a scheduler nor a server is asked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from scaffold.results.metrics.sweep_runs import SweepFileReader
from scaffold.results.report.failures import STATUSES
from scaffold.results.report.model import OpenSweep
from scaffold.runs.model import Run
from scaffold.workspace import Workspace

NOT_STARTED = "not started"
OPEN = ("running", NOT_STARTED)


def collect_open_sweeps(workspace: Workspace, runs: Sequence[Run]) -> tuple[OpenSweep, ...]:
    """The sweeps that have runs to go, by name; of a run of several attempts the newest counts. One that cannot be read is left out.

    `runs` are newest first.
    """
    newest: dict[str, Run] = {}
    for run in runs:
        newest.setdefault(run.name, run)
    # not by the sweep that a record names: planned anew, a sweep has other runs than those
    sheets = SweepFileReader(workspace)
    sweeps = (_describe_sweep(name, sheets.planned_names(name), newest) for name in sorted(sheets.names))
    return tuple(sweep for sweep in sweeps if sweep.done < sweep.total)


def _describe_sweep(name: str, planned: frozenset[str], newest: dict[str, Run]) -> OpenSweep:
    counts = Counter(newest[run].status if run in newest else NOT_STARTED for run in planned)
    return OpenSweep(
        name=name,
        done=len(planned) - sum(counts[state] for state in OPEN),
        total=len(planned),
        counts={state: counts[state] for state in (*STATUSES, NOT_STARTED) if counts[state]},
    )
