"""A metric file -> the last, lowest and highest value of each metric in it, in constant memory."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from scaffold.errors import ScaffoldError
from scaffold.observations.output_files import FILE_KINDS, MetricFile

if TYPE_CHECKING:
    from scaffold.observations.file_formats import LoggedStep

# a value, its line and its step
PlacedValue = tuple[float, int | None, float | None]


class FileMetrics(NamedTuple):
    """What one file says: of each metric the last value, the lowest and the highest finite one. `path` is below the work directory.

    Files with the same `course` hold parts of one; of two that have a metric, the older is read up to where the newer begins. A
    tuple, since the index of runs keeps it as a list of its fields.
    """

    path: str
    is_series: bool
    last: dict[str, PlacedValue]
    low: dict[str, PlacedValue]
    high: dict[str, PlacedValue]
    notes: list[str]
    course: str = ""


def summarize_steps(steps: Iterable[LoggedStep], path: str, *, is_series: bool) -> FileMetrics:
    """Go through what was logged once; where no value is finite, `low` and `high` hold the first one."""
    last: dict[str, PlacedValue] = {}
    low: dict[str, PlacedValue] = {}
    high: dict[str, PlacedValue] = {}
    for line, step, _, values in steps:
        for name, value in values.items():
            placed = (value, line, step)
            if name not in last:
                low[name] = high[name] = placed
            elif math.isfinite(value):
                if value < low[name][0] or not math.isfinite(low[name][0]):
                    low[name] = placed
                if value > high[name][0] or not math.isfinite(high[name][0]):
                    high[name] = placed
            last[name] = placed
    return FileMetrics(path, is_series, last, low, high, [])


def read_file_metrics(workdir: Path, files: Sequence[MetricFile], unread: list[str]) -> list[FileMetrics]:
    """What each metric file of a run says; a file that is damaged says so in its notes. `files` hold the newest of a course first.

    TensorBoard files without the extra `tb` go to `unread`; where a run has nothing else, ScaffoldError is raised.
    """
    by_file: list[FileMetrics] = []
    missing_extra: ScaffoldError | None = None
    counts = Counter(file.course for file in files)
    begins: dict[str, dict[str, float]] = {course: {} for course, count in counts.items() if count > 1}
    for file in files:
        path = file.path.relative_to(workdir).as_posix()
        kind, notes = FILE_KINDS[file.kind], list[str]()
        try:
            steps = kind.read(file.path, notes.append)
            if kind.is_series and (newer := begins.get(file.course)) is not None:
                steps = _before_newer(steps, newer)
            metrics = summarize_steps(steps, path, is_series=kind.is_series)
        except ScaffoldError as error:
            missing_extra = error
            unread.append(f"{path}: {error.message} ({error.hint})")
            continue
        except (OSError, ValueError, RecursionError) as error:
            notes.append(describe_error(error))
            metrics = FileMetrics(path, kind.is_series, {}, {}, {}, [])
        by_file.append(metrics._replace(notes=notes, course=file.course))
    if missing_extra is not None and not any(metrics.last for metrics in by_file):
        raise missing_extra
    return by_file


def _before_newer(steps: Iterable[LoggedStep], begins: dict[str, float]) -> Iterator[LoggedStep]:
    """The steps of a file without the values that newer files of its course have again, from the step where each metric `begins` there.

    A run that goes on from a checkpoint repeats the steps after it; the first time they led nowhere.
    """
    first_steps: dict[str, float] = {}
    for logged in steps:
        step = logged.step
        if step is None:
            yield logged
            continue
        values = logged.values
        for name in values:
            if name not in first_steps:
                first_steps[name] = step
        if begins:
            values = {name: value for name, value in values.items() if name not in begins or step < begins[name]}
        yield logged._replace(values=values)
    for name, step in first_steps.items():
        begins[name] = min(step, begins.get(name, math.inf))


def find_best_value(files: Sequence[FileMetrics], name: str, *, lowest: bool) -> tuple[FileMetrics, PlacedValue] | None:
    """The lowest or highest finite value of a metric, and its file, in the course of the first file that has it."""
    course: str | None = None
    best: tuple[FileMetrics, PlacedValue] | None = None
    for file in files:
        placed = (file.low if lowest else file.high).get(name)
        if placed is None or (course is not None and file.course != course):
            continue
        course = file.course
        if best is None or _is_better(placed[0], best[1][0], lowest=lowest):
            best = file, placed
    return best


def _is_better(value: float, best: float, *, lowest: bool) -> bool:
    if not math.isfinite(best):
        return True
    return math.isfinite(value) and (value < best if lowest else value > best)


def describe_error(error: Exception) -> str:
    """Why a file cannot be read, in one line."""
    return f"it cannot be read: {' '.join(str(error).split())}"
