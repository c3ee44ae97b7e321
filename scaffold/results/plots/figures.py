"""What a plot shows, as types without any drawing; each knows the table (CSV) behind it.

A mark without a value is left out, never drawn as 0.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from scaffold import visible_text
from scaffold.results.tables.model import ResultTable

CsvCell = str | float | int | None
CsvTable = tuple[list[str], list[list[CsvCell]]]
Scale = Literal["linear", "log"]
INTERVAL = "95 % t-interval over seeds"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Titled:
    """What every figure has: the name of its file, a title, a caption that says what is left out; and the metric whose place another
    may take on the page, empty where none may."""

    name: str
    title: str
    caption: str
    metric: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """What an axis measures: a label, and a unit where there is one."""

    label: str
    unit: str = ""
    scale: Scale = "linear"

    @property
    def title(self) -> str:
        """`label (unit)`."""
        return f"{self.label} ({self.unit})" if self.unit else self.label


@dataclass(frozen=True, slots=True, kw_only=True)
class MeanPoint:
    """A mean at `x` over `n` seeds, with its interval where there is one."""

    x: float
    mean: float
    low: float | None
    high: float | None
    n: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CurveLine:
    """A configuration's means in the order of x; `points` are the values of single seeds as (x, y)."""

    label: str
    means: tuple[MeanPoint, ...]
    points: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LineChart(_Titled):
    """Lines with bands: learning curves over steps (`dots` False), or a metric over a parameter (`dots` True)."""

    x: Axis
    y: Axis
    lines: tuple[CurveLine, ...]
    dots: bool = False

    def csv_table(self) -> CsvTable:
        """Header and rows of the CSV."""
        rows: list[list[CsvCell]] = []
        for line in self.lines:
            rows += [[line.label, m.x, m.mean, m.low, m.high, m.n] for m in line.means]
        return ["configuration", self.x.title, f"mean {self.y.title}", "low", "high", "n"], rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """A configuration's mean, its interval and the values of its seeds."""

    label: str
    mean: float
    low: float | None
    high: float | None
    values: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BarChart(_Titled):
    """Means of configurations side by side, with intervals and the seeds' own values.

    A bar's length is its value, so bars are drawn where the axis has 0; else only marks and intervals.
    """

    x: Axis
    bars: tuple[Bar, ...]

    def numbers(self) -> list[float]:
        """All that its axis has to hold: means, ends of intervals, values."""
        return [v for b in self.bars for v in (b.mean, b.low, b.high, *b.values) if v is not None]

    def csv_table(self) -> CsvTable:
        """Header and rows of the CSV."""
        rows: list[list[CsvCell]] = [
            [b.label, b.mean, b.low, b.high, len(b.values), " ".join(f"{v:.6g}" for v in b.values)] for b in self.bars
        ]
        return ["configuration", f"mean {self.x.title}", "low", "high", "n", "values"], rows


@dataclass(frozen=True, slots=True, kw_only=True)
class ParallelCoordinatesAxis:
    """One vertical axis of parallel coordinates; `names` are its places from bottom to top where it has words instead of numbers."""

    axis: Axis
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ParallelLine:
    """One configuration across the axes: a number for each (the place of its word where the axis has words), None where it has none."""

    label: str
    values: tuple[float | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ParallelPlot(_Titled):
    """Configurations as lines across their parameters, the metric on the last axis."""

    axes: tuple[ParallelCoordinatesAxis, ...]
    lines: tuple[ParallelLine, ...]

    def column(self, index: int) -> list[float]:
        """The values that lines have on one of its axes."""
        return [value for line in self.lines if (value := line.values[index]) is not None]

    def csv_table(self) -> CsvTable:
        """Header and rows of the CSV."""
        rows: list[list[CsvCell]] = []
        for line in self.lines:
            pairs = zip(self.axes, line.values, strict=True)
            rows.append([line.label, *(c.names[int(v)] if c.names and v is not None else v for c, v in pairs)])
        return ["configuration", *(c.axis.title for c in self.axes)], rows


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSpan:
    """A run in time: seconds since the figure's beginning."""

    label: str
    start: float
    end: float
    status: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HostLane:
    """A place where runs ran (a host), its spans; those that overlap lie in rows of their own."""

    label: str
    rows: tuple[tuple[RunSpan, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunTimeline(_Titled):
    """When each run ran where. `begins` is RFC 3339, the time of x = 0; `unit_seconds` is one unit of the axis."""

    x: Axis
    unit_seconds: float
    begins: str
    lanes: tuple[HostLane, ...]

    def csv_table(self) -> CsvTable:
        """Header and rows of the CSV."""
        rows: list[list[CsvCell]] = []
        for lane in self.lanes:
            for row in lane.rows:
                rows += [[lane.label, s.label, s.start, s.end, s.status] for s in row]
        return ["host", "run", f"start (s since {self.begins})", "end (s)", "status"], rows


Figure = LineChart | BarChart | ParallelPlot | RunTimeline


def figure_to_csv(figure: Figure) -> str:
    """The table behind a figure. Numbers are exact; a missing one is an empty cell; no text can begin a formula."""
    header, rows = figure.csv_table()
    return visible_text.csv_lines([header, *rows])


def file_name(*words: str) -> str:
    """Words as a file name: letters, digits, dots and dashes."""
    return re.sub(r"[^A-Za-z0-9.]+", "-", "-".join(words)).strip("-.").lower()[:80] or "plot"


def describe_metric_direction(table: ResultTable, metric: str) -> str:
    """Which way a metric is better, in words; empty where that is not known."""
    return {"maximize": "higher is better", "minimize": "lower is better"}.get(table.directions.get(metric, ""), "")


def share_shown(shown: Sequence[object], everything: Sequence[object], noun: str = "configurations") -> str:
    """`6 of 20 configurations`; empty where all are shown."""
    return f"{len(shown)} of {len(everything)} {noun}" if len(shown) < len(everything) else ""


def caption(*parts: str) -> str:
    """The parts that say something, as a sentence."""
    return "; ".join(part for part in parts if part) + "."
