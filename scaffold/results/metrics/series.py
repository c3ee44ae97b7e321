"""A run's metric files -> the values at one step, or the course of metrics over all steps, in constant memory."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from functools import partial
from pathlib import Path

from scaffold.errors import ScaffoldError
from scaffold.results.metrics.file_formats import LoggedStep, OnProblem
from scaffold.results.metrics.file_metrics import describe_error
from scaffold.results.metrics.model import MetricSeries, MetricValue, SeriesPoint
from scaffold.results.metrics.output_files import FILE_KINDS, find_metric_files
from scaffold.results.metrics.server_metrics import ServerSeries, server_source, server_steps
from scaffold.runs.model import Run


def read_values_at(
    workdir: Path, run: Run, step: float, on_problem: OnProblem, server_series: ServerSeries | None = None
) -> dict[str, MetricValue]:
    """The value of each metric exactly at `step`, from the first file that has it; of a step logged twice (a resumed run) the later.

    `server_series` is the research server's, for what no file has. Raises ScaffoldError where a file that needs an extra is all
    there is.
    """
    values: dict[str, MetricValue] = {}

    def take(path: str, steps: Iterable[LoggedStep]) -> None:
        in_file: dict[str, MetricValue] = {}
        for line, logged_step, _, logged in steps:
            if logged_step == step:
                in_file.update((name, MetricValue(value, path, line, step)) for name, value in logged.items())
        values.update((name, value) for name, value in in_file.items() if name not in values)

    _read_series_files(workdir, run, take, on_problem)
    if server_series is not None:
        take(server_source(run), server_steps(server_series))
    return values


def read_series(
    workdir: Path, run: Run, metrics: Collection[str] = (), *, max_points: int = 2000
) -> dict[str, MetricSeries]:
    """The course of a run's metrics (of all without `metrics`), each of at most `max_points` points and the last, from its first file.

    A file of any length is read in constant memory: where there are too many points, every second one is let go, again and again.
    Raises ScaffoldError as `read_values_at`.
    """
    files: list[tuple[str, dict[str, ThinnedPoints]]] = []

    def take(path: str, steps: Iterable[LoggedStep]) -> None:
        in_file: dict[str, ThinnedPoints] = {}
        files.append((path, in_file))  # before it is read: of a file that breaks off, what came before counts
        collect_points(steps, metrics, in_file, max_points)

    _read_series_files(workdir, run, take, lambda _: None)
    series: dict[str, MetricSeries] = {}
    for path, in_file in files:
        for name, points in in_file.items():
            series.setdefault(name, MetricSeries(metric=name, path=path, points=points.points(), stride=points.stride))
    return dict(sorted(series.items()))


def _read_series_files(
    workdir: Path, run: Run, take: Callable[[str, Iterable[LoggedStep]], None], on_problem: OnProblem
) -> None:
    """Give `take` the steps of each of a run's files that hold a series, the most trusted file first."""

    def report(path: str, problem: str) -> None:
        on_problem(f"{path}: {problem}")

    missing_extra: ScaffoldError | None = None
    read = 0
    for file in find_metric_files(workdir / run.outputs, partial(report, run.outputs)):
        kind, path = FILE_KINDS[file.kind], file.path.relative_to(workdir).as_posix()
        if not kind.is_series:
            continue
        try:
            take(path, kind.read(file.path, partial(report, path)))
            read += 1
        except ScaffoldError as error:
            missing_extra = error
            report(path, f"{error.message} ({error.hint})")
        except (OSError, ValueError, RecursionError) as error:
            report(path, describe_error(error))
    if missing_extra is not None and not read:
        raise missing_extra


def collect_points(
    steps: Iterable[LoggedStep], metrics: Collection[str], points: dict[str, ThinnedPoints], max_points: int
) -> None:
    """Add the values of `metrics` (of all, without) to `points`, by name."""
    for _, step, wall_time, values in steps:
        for name, value in values.items():
            if not metrics or name in metrics:
                points.setdefault(name, ThinnedPoints(max_points)).add(SeriesPoint(value, step, wall_time))


class ThinnedPoints:
    """Points as they come, every `stride`th kept, and the last one."""

    def __init__(self, max_points: int) -> None:
        self.max_points, self.stride = max_points, 1
        self._count = 0
        self._kept: list[SeriesPoint] = []
        self._last: SeriesPoint | None = None

    def add(self, point: SeriesPoint) -> None:
        """Take one more."""
        if self._count % self.stride == 0:
            if len(self._kept) >= self.max_points:
                self._kept = self._kept[::2]
                self.stride *= 2
            if self._count % self.stride == 0:
                self._kept.append(point)
        self._count += 1
        self._last = point

    def points(self) -> tuple[SeriesPoint, ...]:
        """The points that were kept, in order."""
        if self._last is None or self._last is self._kept[-1]:
            return tuple(self._kept)
        return (*self._kept, self._last)
