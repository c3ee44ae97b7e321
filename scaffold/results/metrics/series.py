"""A metric file's observations -> the last, lowest and highest value of each metric, or its course, in constant memory."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from scaffold.errors import ScaffoldError
from scaffold.results.metrics import file_formats
from scaffold.results.metrics.file_formats import LoggedStep, OnProblem
from scaffold.results.metrics.find_files import FILE_KINDS, MetricFile, find_metric_files
from scaffold.results.metrics.model import MetricSeries, MetricValue, SeriesPoint
from scaffold.runs.model import Run

# (value, line, step): where a value of a digest stands
ValuePlace = tuple[float, int | None, float | None]


class FileMetrics(NamedTuple):
    """What one file says: of each metric the last value, the lowest and the highest finite one. `path` is below the work directory."""

    path: str
    series: bool
    last: dict[str, ValuePlace]
    low: dict[str, ValuePlace]
    high: dict[str, ValuePlace]
    notes: list[str]


def summarize_rows(observations: Iterable[LoggedStep], path: str, *, series: bool) -> FileMetrics:
    """Go through observations once."""
    last: dict[str, ValuePlace] = {}
    low: dict[str, ValuePlace] = {}
    high: dict[str, ValuePlace] = {}
    for line, step, _, values in observations:
        for name, value in values.items():
            here = (value, line, step)
            if name not in last:
                low[name] = high[name] = here
            else:
                if value < low[name][0] or not math.isfinite(low[name][0]):
                    low[name] = here if math.isfinite(value) else low[name]
                if value > high[name][0] or not math.isfinite(high[name][0]):
                    high[name] = here if math.isfinite(value) else high[name]
            last[name] = here
    return FileMetrics(path, series, last, low, high, [])


def summarize_files(workdir: Path, found: Iterable[MetricFile], unread: list[str]) -> list[FileMetrics]:
    """What each metric file of a run says; a file that is damaged says so in its notes.

    TensorBoard files without the extra `tb` go to `unread`; where a run has nothing else, ScaffoldError is raised.
    """
    made: list[FileMetrics] = []
    without: ScaffoldError | None = None
    for source in found:
        path = source.path.relative_to(workdir).as_posix()
        kind, own = FILE_KINDS[source.kind], list[str]()
        try:
            one = summarize_rows(kind.read(source.path, own.append), path, series=kind.series)
        except ScaffoldError as error:
            without = error
            unread.append(f"{path}: {error.message} ({error.hint})")
            continue
        except (OSError, ValueError, RecursionError) as error:
            own.append(_unreadable(error))
            one = FileMetrics(path, kind.series, {}, {}, {}, [])
        made.append(one._replace(notes=own))
    if without is not None and not any(one.last for one in made):
        raise without
    return made


def server_path(run: Run) -> str:
    """What is told as the source of a value that the research server gave."""
    return f"server:{run.name}/metrics"


def summarize_server_series(answer: Mapping[str, Any], run: Run) -> FileMetrics:
    """What the research server's `/runs/{id}/metrics` says of a run."""
    return summarize_rows(file_formats.read_server_series(answer), server_path(run), series=True)


def read_values_at(
    workdir: Path, run: Run, step: float, complain: OnProblem, answer: Mapping[str, Any] | None = None
) -> dict[str, MetricValue]:
    """The value of each metric exactly at `step`, from the first file that has it; of a step logged twice (a resumed run) the later.

    `answer` is the research server's, for what no file has. Raises ScaffoldError where a file that needs an extra is all there is.
    """
    found: dict[str, MetricValue] = {}

    def take(path: str, observations: Iterable[LoggedStep]) -> None:
        here: dict[str, MetricValue] = {}
        for line, at, _, values in observations:
            if at == step:
                here.update((name, MetricValue(value, path, line, at)) for name, value in values.items())
        found.update((name, value) for name, value in here.items() if name not in found)

    _each_course(workdir, run, take, complain)
    if answer is not None:
        take(server_path(run), file_formats.read_server_series(answer))
    return found


def read_series(workdir: Path, run: Run, metrics: Collection[str] = (), *, most: int = 2000) -> dict[str, MetricSeries]:
    """The course of a run's metrics (of all of them without `metrics`), each of at most `most` points and the last, from its first file.

    A file of any length is read in constant memory: where there are too many points, every second one is let go, again and again.
    Raises ScaffoldError as `values_at`.
    """
    found: dict[str, MetricSeries] = {}
    files: list[tuple[str, dict[str, ThinnedPoints]]] = []

    def take(path: str, observations: Iterable[LoggedStep]) -> None:
        files.append((path, {}))  # before it is read: of a file that breaks off there is what came before
        _collect(observations, metrics, files[-1][1], most)

    _each_course(workdir, run, take, lambda _: None)
    for path, thinned in files:
        for name, points in thinned.items():
            found.setdefault(name, MetricSeries(metric=name, path=path, points=points.all(), stride=points.stride))
    return dict(sorted(found.items()))


def _told_of(path: str, complain: OnProblem, said: str) -> None:
    complain(f"{path}: {said}")


def _each_course(
    workdir: Path, run: Run, take: Callable[[str, Iterable[LoggedStep]], None], complain: OnProblem
) -> None:
    """Give `take` what each of a run's files with a course says, the most trusted file first; what cannot be read is told."""
    without: ScaffoldError | None = None
    taken = 0
    for source in find_metric_files(workdir / run.outputs, partial(_told_of, run.outputs, complain)):
        kind, path = FILE_KINDS[source.kind], source.path.relative_to(workdir).as_posix()
        if not kind.series:
            continue
        try:
            take(path, kind.read(source.path, partial(_told_of, path, complain)))
            taken += 1
        except ScaffoldError as error:
            without = error
            complain(f"{path}: {error.message} ({error.hint})")
        except (OSError, ValueError, RecursionError) as error:
            complain(f"{path}: {_unreadable(error)}")
    if without is not None and not taken:
        raise without


def _unreadable(error: Exception) -> str:
    return f"it cannot be read: {' '.join(str(error).split())}"


def _collect(
    observations: Iterable[LoggedStep], metrics: Collection[str], into: dict[str, ThinnedPoints], most: int
) -> None:
    for _, step, at, values in observations:
        for name, value in values.items():
            if not metrics or name in metrics:
                into.setdefault(name, ThinnedPoints(most)).add(SeriesPoint(value, step, at))


class ThinnedPoints:
    """Points as they come, every `stride`th kept, and the last one."""

    def __init__(self, most: int) -> None:
        self.most, self.stride = most, 1
        self._seen = 0
        self._kept: list[SeriesPoint] = []
        self._last: SeriesPoint | None = None

    def add(self, point: SeriesPoint) -> None:
        """Take one more."""
        if self._seen % self.stride == 0:
            if len(self._kept) >= self.most:
                self._kept = self._kept[::2]
                self.stride *= 2
            if self._seen % self.stride == 0:
                self._kept.append(point)
        self._seen += 1
        self._last = point

    def all(self) -> tuple[SeriesPoint, ...]:
        """The points that were kept, in order."""
        whole = not self._kept or self._last is self._kept[-1] or self._last is None
        return tuple(self._kept) if whole or self._last is None else (*self._kept, self._last)
