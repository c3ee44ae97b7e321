"""What was read of runs: the value of each metric, its course over the steps, and what has none and why.

A value that a run does not have is None or missing, never 0; NaN and infinities stay what they are. What there are hundreds of
thousands of is a tuple.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from scaffold.runs.model import Run


class SeriesPoint(NamedTuple):
    """One value of a metric, its step (None where the source has none), and its wall time in epoch seconds where it is known."""

    value: float
    step: float | None = None
    wall_time: float | None = None


class MetricValue(NamedTuple):
    """A metric's value for one run, and where it was read: a path below the work directory (and a line, where it has lines).

    `unit` is what stands behind a printed number (`%`); None where nothing does.
    """

    value: float
    path: str
    line: int | None = None
    step: float | None = None
    unit: str | None = None

    @property
    def source(self) -> str:
        """Where it was read, as `path:line`."""
        return self.path if self.line is None else f"{self.path}:{self.line}"


class MetricSeries(NamedTuple):
    """A metric over a run's steps, in the order of its file; of many points an even choice, every `stride`th and the last."""

    metric: str
    path: str
    points: tuple[SeriesPoint, ...]
    stride: int = 1


class MeasuredRun(NamedTuple):
    """A run with the value of each metric that it has; a metric that is missing here is missing, not 0."""

    run: Run
    values: Mapping[str, MetricValue]


class RunWithoutResult(NamedTuple):
    """A run (or its manifest) that has no result, and why: `failed, exit 3`, `running`, `no metrics`, `damaged: ...`."""

    label: str
    path: str
    reason: str
