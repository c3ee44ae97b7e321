"""Manifests on disk -> the little that a plan asks of runs. A file that is no manifest is passed over, never an error."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeGuard

from scaffold.errors import ScaffoldError
from scaffold.plan.document.plan_lookup import PlanLocation
from scaffold.runs import model, records
from scaffold.workspace import Workspace, find_workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSummary:
    """The attempt of one run name that counts: its latest finished one, else its latest."""

    name: str
    experiment: str
    status: str
    task: str | None
    started_at: str
    is_smoke_test: bool = False
    metrics: Mapping[str, float] = field(default_factory=dict)


def load_run_summaries(workspace: Workspace) -> tuple[RunSummary, ...]:
    """The runs of a workspace, in either layout, by the time of their start: of each the attempt that counts, with its finite numbers.

    Source: specs, run manifest.
    """
    attempts, _ = records.select_attempts(records.read_records(workspace).runs)
    return tuple(sorted(map(_summarize, attempts), key=lambda run: (run.started_at, run.name)))


def runs_of_plan(location: PlanLocation) -> tuple[tuple[RunSummary, ...] | None, str]:
    """The runs of a plan's workspace; None, and why, where there is none to ask."""
    try:
        return load_run_summaries(find_workspace(location.workdir, location.root)), ""
    except ScaffoldError as error:
        return None, error.message


def _summarize(run: model.Run) -> RunSummary:
    return RunSummary(
        name=run.name,
        experiment=run.experiment,
        status=run.status,
        task=run.task,
        started_at=run.started_at,
        is_smoke_test=run.is_smoke_test,
        metrics={name: float(value) for name, value in run.metrics.items() if _is_number(value)},
    )


def _is_number(value: object) -> TypeGuard[int | float]:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
