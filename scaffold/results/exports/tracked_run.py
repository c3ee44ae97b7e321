"""A run as trackers take it: times, parameters, the course of its metrics and their final values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from scaffold.errors import ScaffoldError
from scaffold.observations.run_values import attach_final_metrics
from scaffold.observations.series import read_series
from scaffold.runs import timestamps
from scaffold.runs.model import Run, Scalar
from scaffold.workspace import Workspace

# of one metric so many values are passed on, an even choice of more
MOST_POINTS = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedPoint:
    """A value of a metric at a step (counted where the run logged none), and when in milliseconds since 1970."""

    metric: str
    value: float
    step: int
    time_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportedRun:
    """A run, its times in milliseconds since 1970 (None: it has not ended), the course of its metrics, and the final values that the
    course does not end with."""

    run: Run
    started_ms: int
    ended_ms: int | None
    course: tuple[LoggedPoint, ...]
    final: Mapping[str, float]
    tags: Mapping[str, str]

    @property
    def uuid(self) -> str:
        """What the attempt is known by there; old manifests have nothing but its label."""
        return self.run.uuid or self.run.label


def read_tracked_runs(workspace: Workspace, runs: Sequence[Run]) -> Iterator[ExportedRun]:
    """The runs with all that they measured, one after the other."""
    for run in attach_final_metrics(workspace, runs, names=("*",)):
        yield _track_run(workspace, run)


def _track_run(workspace: Workspace, run: Run) -> ExportedRun:
    started_ms = round(timestamps.parse_timestamp(run.started_at).timestamp() * 1000)
    ended_ms = None if run.duration_s is None else started_ms + round(run.duration_s * 1000)
    try:
        series = read_series(workspace, run, max_points=MOST_POINTS)
    except ScaffoldError:  # files that need an extra: the final values have said what could be read
        series = {}
    course = [
        LoggedPoint(
            metric=name,
            value=point.value,
            step=number if point.step is None else round(point.step),
            time_ms=started_ms if point.wall_time is None else round(point.wall_time * 1000),
        )
        for name, of_metric in series.items()
        for number, point in enumerate(of_metric.points)
    ]
    last = {point.metric: point.value for point in course}
    final = {name: number for name, value in run.metrics.items() if (number := _number(value)) is not None}
    return ExportedRun(
        run=run,
        started_ms=started_ms,
        ended_ms=ended_ms,
        course=tuple(course),
        final={name: value for name, value in final.items() if last.get(name) != value},
        tags=_tags(run),
    )


def _number(value: Scalar) -> float | None:
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def _tags(run: Run) -> dict[str, str]:
    """What leads back from there to the record."""
    values = {
        "scaffold.run": run.label,
        "scaffold.uuid": run.uuid or run.label,
        "scaffold.manifest": run.path,
        "scaffold.sweep": run.sweep,
        "scaffold.task": run.task,
        "scaffold.seed": None if run.effective_seed is None else str(run.effective_seed),
        "scaffold.purpose": run.purpose,
        "scaffold.withdrawn": run.withdrawn,
        "scaffold.code": run.code,
    }
    return {name: value for name, value in values.items() if value}
