"""A metric file -> the last, lowest and highest value of each metric in it, in constant memory."""

from __future__ import annotations

import math
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from scaffold.errors import ScaffoldError
from scaffold.results.metrics.file_formats import LoggedStep
from scaffold.results.metrics.output_files import FILE_KINDS, MetricFile

# a value, its line and its step
PlacedValue = tuple[float, int | None, float | None]


class FileMetrics(NamedTuple):
    """What one file says: of each metric the last value, the lowest and the highest finite one. `path` is below the work directory.

    A tuple, since the index of runs keeps it as a list of its fields.
    """

    path: str
    is_series: bool
    last: dict[str, PlacedValue]
    low: dict[str, PlacedValue]
    high: dict[str, PlacedValue]
    notes: list[str]


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


def read_file_metrics(workdir: Path, files: Iterable[MetricFile], unread: list[str]) -> list[FileMetrics]:
    """What each metric file of a run says; a file that is damaged says so in its notes.

    TensorBoard files without the extra `tb` go to `unread`; where a run has nothing else, ScaffoldError is raised.
    """
    by_file: list[FileMetrics] = []
    missing_extra: ScaffoldError | None = None
    for file in files:
        path = file.path.relative_to(workdir).as_posix()
        kind, notes = FILE_KINDS[file.kind], list[str]()
        try:
            metrics = summarize_steps(kind.read(file.path, notes.append), path, is_series=kind.is_series)
        except ScaffoldError as error:
            missing_extra = error
            unread.append(f"{path}: {error.message} ({error.hint})")
            continue
        except (OSError, ValueError, RecursionError) as error:
            notes.append(describe_error(error))
            metrics = FileMetrics(path, kind.is_series, {}, {}, {}, [])
        by_file.append(metrics._replace(notes=notes))
    if missing_extra is not None and not any(metrics.last for metrics in by_file):
        raise missing_extra
    return by_file


def describe_error(error: Exception) -> str:
    """Why a file cannot be read, in one line."""
    return f"it cannot be read: {' '.join(str(error).split())}"
