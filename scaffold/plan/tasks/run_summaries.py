"""Manifests on disk -> the little that a plan asks of runs. A file that is no manifest is passed over, never an error."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from scaffold.errors import ScaffoldError
from scaffold.observations import log_hints, run_values
from scaffold.plan.document.plan_location import PlanLocation
from scaffold.runs import attempt_selection, model, records
from scaffold.workspace import Workspace, find_workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSummary:
    """An attempt of a run that counts: its first finished one (without an effective seed each of them), else its latest."""

    name: str
    experiment: str
    status: str
    task: str | None
    started_at: str
    is_smoke_test: bool = False
    metrics: Mapping[str, float] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)


def load_run_summaries(workspace: Workspace) -> tuple[RunSummary, ...]:
    """The runs of a workspace, in either layout, by the time of their start: of each the attempt that counts, with what it gave.

    Source: specs, run manifest.
    """
    counted = attempt_selection.select_attempts(records.read_records(workspace).runs, smoke=True).counted
    summaries = (_summarize(workspace, run) for run in counted)
    return tuple(sorted(summaries, key=lambda run: (run.started_at, run.name)))


def runs_of_plan(location: PlanLocation) -> tuple[tuple[RunSummary, ...] | None, str]:
    """The runs of a plan's workspace; None, and why, where there is none to ask."""
    try:
        return load_run_summaries(find_workspace(location.workdir, location.root)), ""
    except ScaffoldError as error:
        return None, error.message


def _summarize(workspace: Workspace, run: model.Run) -> RunSummary:
    return RunSummary(
        name=run.name,
        experiment=run.experiment,
        status=run.status,
        task=run.task,
        started_at=run.started_at,
        is_smoke_test=run.is_smoke_test,
        metrics=LazyRunMetrics(workspace, run),
        units={
            name: unit for name, source in run.metric_sources.items() if isinstance(unit := source.get("unit"), str)
        },
    )


class LazyRunMetrics(Mapping[str, float]):
    """The finite metrics of one run, as results have them, read when they are first asked for: a plan asks for those of few runs."""

    def __init__(self, workspace: Workspace, run: model.Run) -> None:
        self._workspace, self._run = workspace, run
        self._values: dict[str, float] | None = None

    def printed_hint(self) -> str | None:
        """What to type, where the run has no metric and printed some."""
        return None if self._read() else log_hints.suggest_log_pattern(self._workspace, [self._run])

    def _read(self) -> dict[str, float]:
        if self._values is None:
            metrics = run_values.attach_final_metrics(self._workspace, [self._run], names=("*",))[0].metrics
            self._values = {name: float(value) for name, value in metrics.items() if isinstance(value, (int, float))}
        return self._values

    def __getitem__(self, name: str) -> float:
        return self._read()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._read())

    def __len__(self) -> int:
        return len(self._read())
