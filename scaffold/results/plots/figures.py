"""What a plot shows, as types without any drawing; each knows the table (CSV) behind it.

A figure's `name` is its file name; a mark without a value is left out, never drawn as 0.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

Cell = str | float | int | None
Scale = Literal["linear", "log"]


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
class Mark:
    """A mean at `x` over `n` seeds, with its interval where there is one."""

    x: float
    mean: float
    low: float | None
    high: float | None
    n: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A configuration's marks in the order of x; `points` are the values of single seeds as (x, y)."""

    label: str
    marks: tuple[Mark, ...]
    points: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Curves:
    """Lines with bands: learning curves over steps (`dots` False), or a metric over a parameter (`dots` True)."""

    name: str
    title: str
    caption: str
    x: Axis
    y: Axis
    lines: tuple[Line, ...]
    dots: bool = False

    def table(self) -> tuple[list[str], list[list[Cell]]]:
        """Header and rows of the CSV."""
        rows: list[list[Cell]] = []
        for line in self.lines:
            rows += [[line.label, m.x, m.mean, m.low, m.high, m.n] for m in line.marks]
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
class Bars:
    """Means of configurations side by side, with intervals and the seeds' own values.

    A bar's length is its value, so bars are drawn where the axis has 0; else only marks and intervals.
    """

    name: str
    title: str
    caption: str
    x: Axis
    bars: tuple[Bar, ...]

    def table(self) -> tuple[list[str], list[list[Cell]]]:
        """Header and rows of the CSV."""
        rows: list[list[Cell]] = [
            [b.label, b.mean, b.low, b.high, len(b.values), " ".join(f"{v:.6g}" for v in b.values)] for b in self.bars
        ]
        return ["configuration", f"mean {self.x.title}", "low", "high", "n", "values"], rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Coordinate:
    """One vertical axis of parallel coordinates; `names` are its places from bottom to top where it has words instead of numbers."""

    axis: Axis
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Thread:
    """One configuration across the axes: a number for each (the place of its word where the axis has words), None where it has none."""

    label: str
    values: tuple[float | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Parallel:
    """Configurations as lines across their parameters, the metric on the last axis."""

    name: str
    title: str
    caption: str
    coordinates: tuple[Coordinate, ...]
    threads: tuple[Thread, ...]

    def table(self) -> tuple[list[str], list[list[Cell]]]:
        """Header and rows of the CSV."""
        rows: list[list[Cell]] = []
        for thread in self.threads:
            pairs = zip(self.coordinates, thread.values, strict=True)
            rows.append([thread.label, *(c.names[int(v)] if c.names and v is not None else v for c, v in pairs)])
        return ["configuration", *(c.axis.title for c in self.coordinates)], rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A run in time: seconds since the figure's beginning."""

    label: str
    start: float
    end: float
    status: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """A place where runs ran (a host), its spans; those that overlap lie in rows of their own."""

    label: str
    rows: tuple[tuple[Span, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """When each run ran where. `begins` is RFC 3339, the time of x = 0; `seconds` one unit of the axis."""

    name: str
    title: str
    caption: str
    x: Axis
    seconds: float
    begins: str
    lanes: tuple[Lane, ...]

    def table(self) -> tuple[list[str], list[list[Cell]]]:
        """Header and rows of the CSV."""
        rows: list[list[Cell]] = []
        for lane in self.lanes:
            for row in lane.rows:
                rows += [[lane.label, s.label, s.start, s.end, s.status] for s in row]
        return ["host", "run", f"start (s since {self.begins})", "end (s)", "status"], rows


Figure = Curves | Bars | Parallel | Timeline


def as_csv(figure: Figure) -> str:
    """The table behind a figure. Numbers are exact; a missing one is an empty cell; no text can begin a formula."""
    header, rows = figure.table()
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([_cell(name) for name in header])
    writer.writerows([_cell(cell) for cell in row] for row in rows)
    return out.getvalue()


def _cell(cell: Cell) -> str:
    if cell is None:
        return ""
    if isinstance(cell, str):
        return f"'{cell}" if cell.startswith(("=", "+", "-", "@", "\t", "\r")) else cell
    return repr(cell)


def file_name(*words: str) -> str:
    """Words as a file name: letters, digits, dots and dashes."""
    return re.sub(r"[^A-Za-z0-9.]+", "-", "-".join(words)).strip("-.").lower()[:80] or "plot"


def rows_of(spans: Iterable[Span]) -> tuple[tuple[Span, ...], ...]:
    """Spans in as few rows as hold them without overlap, each row in the order of time."""
    rows: list[list[Span]] = []
    ends: list[float] = []
    for span in sorted(spans, key=lambda s: (s.start, s.end, s.label)):
        place = next((i for i, end in enumerate(ends) if end <= span.start), None)
        if place is None:
            rows.append([span])
            ends.append(span.end)
        else:
            rows[place].append(span)
            ends[place] = span.end
    return tuple(tuple(row) for row in rows)


def thinned(xs: Sequence[float], most: int) -> list[int]:
    """Which of many points a plot keeps: evenly spread over the index, the first and the last among them."""
    if len(xs) <= most:
        return list(range(len(xs)))
    return sorted({round(i * (len(xs) - 1) / (most - 1)) for i in range(most)})
