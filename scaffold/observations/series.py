"""A run's metric files -> the values at one step, or the course of metrics over all steps, in constant memory."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Iterable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from scaffold.errors import ScaffoldError
from scaffold.observations import printed_values
from scaffold.observations.file_metrics import describe_error
from scaffold.observations.model import MetricSeries, MetricValue, SeriesPoint
from scaffold.observations.output_files import FILE_KINDS, find_metric_files
from scaffold.observations.server_metrics import ServerSeries, describe_server_source, to_logged_steps
from scaffold.observations.spelling import normalize_name

if TYPE_CHECKING:
    from scaffold.observations.file_formats import LoggedStep, OnProblem
    from scaffold.runs.model import Run
    from scaffold.workspace import Workspace


def read_values_at(
    workspace: Workspace,
    run: Run,
    step: float,
    on_problem: OnProblem,
    server_series: ServerSeries | None = None,
    printed_sources: printed_values.PrintedSources | None = None,
) -> dict[str, MetricValue]:
    """The value of each metric exactly at `step`, from the first file that has it; of a step logged twice (a resumed run) the later.

    `server_series` is the research server's, for what no file has; `printed_sources` say which metrics are looked for in the logs.
    Raises ScaffoldError where a file that needs an extra is all there is.
    """
    values: dict[str, MetricValue] = {}

    def take(path: str, course: str, steps: Iterable[LoggedStep]) -> None:
        in_file: dict[str, MetricValue] = {}
        for line, logged_step, _, logged in steps:
            if logged_step == step:
                in_file.update((name, MetricValue(value, path, line, step)) for name, value in logged.items())
        values.update((name, value) for name, value in in_file.items() if name not in values)

    _read_series_files(workspace, run, take, on_problem, printed_sources)
    if server_series is not None:
        take(describe_server_source(run), "", to_logged_steps(server_series))
    return values


def read_series(
    workspace: Workspace, run: Run, metrics: Collection[str] = (), *, max_points: int = 2000
) -> dict[str, MetricSeries]:
    """The course of a run's metrics (of all without `metrics`), each of at most `max_points` points and the last, from its first course.

    Files of one course are put together by step. A file of any length is read in constant memory: where there are too many points,
    every second one is let go, again and again. What no file has is read off the logs, where the run printed it. Raises
    ScaffoldError as `read_values_at`.
    """
    files: list[tuple[str, str, dict[str, ThinnedPoints]]] = []

    def take(path: str, course: str, steps: Iterable[LoggedStep]) -> None:
        in_file: dict[str, ThinnedPoints] = {}
        files.append((path, course, in_file))  # before it is read: of a file that breaks off, what came before counts
        collect_metric_points(steps, metrics, in_file, max_points)

    sources = printed_values.find_printed_metric_sources(run, printed_values.SidecarFiles(workspace))
    _read_series_files(workspace, run, take, lambda _: None, sources)
    series: dict[str, MetricSeries] = {}
    courses: dict[str, str] = {}
    for path, course, in_file in files:
        spellings = {normalize_name(name): name for name in series}
        for name, points in in_file.items():
            # what Ray's CSV calls a/b is a.b in its JSON: one metric, by its first name, and the longer course is it
            first_name = name if name in series else spellings.get(normalize_name(name), name)
            if courses.get(first_name) == course:
                series[first_name] = _continue_series(series[first_name], points, max_points)
                continue
            of_file = MetricSeries(metric=first_name, path=path, points=points.points(), stride=points.stride)
            is_other_spelling = first_name != name and len(of_file.points) > len(series[first_name].points)
            if first_name not in series or is_other_spelling:
                courses[first_name] = course
                series[first_name] = of_file
    return dict(sorted(series.items()))


def _continue_series(newer: MetricSeries, older: ThinnedPoints, max_points: int) -> MetricSeries:
    """A series with the points of an older file of its course before it, up to the step where it begins."""
    begins = newer.points[0].step
    points = [p for p in older.points() if begins is None or p.step is None or p.step < begins] + list(newer.points)
    stride = max(newer.stride, older.stride)
    while len(points) > max_points + 1:
        points, stride = [*points[:-1:2], points[-1]], stride * 2
    return newer._replace(points=tuple(points), stride=stride)


def _read_series_files(
    workspace: Workspace,
    run: Run,
    take: Callable[[str, str, Iterable[LoggedStep]], None],
    on_problem: OnProblem,
    printed_sources: printed_values.PrintedSources | None = None,
) -> None:
    """Give `take` the path, the course and the steps of each of a run's files that hold a series, the most trusted file first, of one
    course the newest; then those of its logs, where it printed metrics."""
    workdir = workspace.workdir

    def report(path: str, problem: str) -> None:
        on_problem(f"{path}: {problem}")

    missing_extra: ScaffoldError | None = None
    read = 0
    for file in find_metric_files(workdir, run.outputs, partial(report, run.outputs)):
        kind, path = FILE_KINDS[file.kind], file.path.relative_to(workdir).as_posix()
        if not kind.is_series and file.path.name != "metrics.json":
            continue
        try:
            steps = kind.read(file.path, partial(report, path))
            # of files of final values only sacred's holds a course, and it is the one whose values have steps
            take(path, file.course, steps if kind.is_series else (s for s in steps if s.step is not None))
            read += 1
        except ScaffoldError as error:
            missing_extra = error
            report(path, f"{error.message} ({error.hint})")
        except (OSError, ValueError, RecursionError) as error:
            report(path, describe_error(error))
    patterns = printed_values.recorder_metric_patterns(printed_sources) if printed_sources else []
    for disk_path, path in printed_values.find_log_paths(workspace, run) if patterns else ():
        with contextlib.suppress(OSError):
            take(path, path, printed_values.read_log_steps(Path(disk_path), patterns))
    if missing_extra is not None and not read:
        raise missing_extra


def collect_metric_points(
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
