"""Numbers on an axis -> linear or log, where ticks stand, how they are written, how values become places on paper."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

from scaffold.results.plots.figures import ParallelPlot, Scale

# what a float holds: a loss may grow up to that before it is infinite
LEAST, MOST = 5e-324, sys.float_info.max


@dataclass(frozen=True, slots=True)
class AxisScale:
    """An axis from `low` to `high` in data, from `start` to `end` on paper."""

    low: float
    high: float
    start: float
    end: float
    kind: Scale = "linear"

    def at(self, value: float) -> float:
        """Where a value lies on paper; what lies outside is put on the edge."""
        low, high, value = (math.log10(v) if self.kind == "log" else v for v in (self.low, self.high, value))
        share = (value - low) / (high - low) if high > low else 0.5
        return self.start + min(1.0, max(0.0, share)) * (self.end - self.start)

    def ticks(self, most: int = 6) -> list[float]:
        """Round numbers on the axis."""
        return log_ticks(self.low, self.high, most) if self.kind == "log" else linear_ticks(self.low, self.high, most)

    def labelled_ticks(self, most: int = 6) -> list[tuple[float, str]]:
        """Ticks with what is written at each."""
        ticks = self.ticks(most)
        texts = [short_number(t) for t in ticks] if self.kind == "log" else tick_labels(ticks)
        return list(zip(ticks, texts, strict=True))


def fit_scale(
    values: Iterable[float], start: float, end: float, *, scale: Scale = "linear", zero: bool = False
) -> AxisScale:
    """An axis that holds `values` with a little room; `zero` takes 0 in. A log axis becomes linear where a value is not positive."""
    finite = [v for v in values if math.isfinite(v)]
    if not finite:
        return AxisScale(0.0, 1.0, start, end)
    low, high = min(finite), max(finite)
    if scale == "log" and low > 0:
        room = (high / low) ** 0.04 if high > low else 2.0
        return AxisScale(max(low / room, LEAST), min(high * room, MOST), start, end, "log")
    if zero:
        low, high = min(low, 0.0), max(high, 0.0)
    room = (high - low) * 0.05 or abs(high) * 0.05 or 1.0
    above = high + (0 if zero and high == 0 else room)
    return AxisScale(low - (0 if zero and low == 0 else room), above, start, end)


def fit_parallel_scales(figure: ParallelPlot, start: float, end: float) -> list[AxisScale]:
    """One scale for each axis of parallel coordinates."""
    return [
        fit_scale(range(len(a.names)) if a.names else figure.column(i), start, end, scale=a.axis.scale)
        for i, a in enumerate(figure.axes)
    ]


def parallel_ticks(figure: ParallelPlot, index: int, scale: AxisScale) -> list[tuple[float, str]]:
    """What is written at one of the parallel axes: its words, its values where these are few, else round numbers."""
    values = sorted(set(figure.column(index)))
    if names := figure.axes[index].names:
        return [(float(number), name) for number, name in enumerate(names)]
    return scale.labelled_ticks(5) if len(values) > 6 else [(value, short_number(value)) for value in values]


def choose_axis_scale(values: Iterable[float], *, many: float) -> Scale:
    """A log axis where positive values span more than a factor of `many`."""
    finite = [v for v in values if math.isfinite(v)]
    return "log" if finite and min(finite) > 0 and max(finite) / min(finite) > many else "linear"


def should_include_zero(values: Iterable[float]) -> bool:
    """Whether an axis with 0 on it still shows the differences: the values spread over at least a third of their size, or change sign."""
    finite = [v for v in values if math.isfinite(v)]
    if not finite:
        return True
    low, high = min(finite), max(finite)
    return low <= 0 <= high or (high - low) >= max(abs(low), abs(high)) / 3


def linear_ticks(low: float, high: float, most: int) -> list[float]:
    """Ticks at 1, 2 or 5 times a power of ten, at most `most` of them."""
    span = high - low
    if not (span > 0 and math.isfinite(span)):
        return [low]
    size = 10.0 ** math.floor(math.log10(span / most))
    step = next(size * factor for factor in (1, 2, 5, 10, 20) if span / (size * factor) <= most)
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [0.0 if number == 0 else number * step for number in range(first, last + 1)]


def log_ticks(low: float, high: float, most: int) -> list[float]:
    """Ticks at powers of ten, with 2 and 5 between them where there is room."""
    first, last = math.floor(math.log10(low)), min(math.ceil(math.log10(high)), sys.float_info.max_10_exp)
    for factors in ((1, 2, 5), (1, 3), (1,)):
        ticks = [f * 10.0**e for e in range(first, last + 1) for f in factors]
        ticks = [v for v in ticks if low * (1 - 1e-9) <= v <= high * (1 + 1e-9)]
        if len(ticks) <= most:
            break
    return ticks[:: max(1, math.ceil(len(ticks) / most))]


def tick_labels(ticks: list[float]) -> list[str]:
    """Ticks as text, with as many decimals as tell them apart."""
    if not ticks:
        return []
    largest = max(abs(t) for t in ticks)
    if largest >= 1e5 or (0 < largest < 1e-3) or _is_wide(ticks):
        return [short_number(t) for t in ticks]
    gaps = [abs(b - a) for a, b in pairwise(ticks)] or [largest or 1.0]
    decimals = max(0, min(6, -math.floor(math.log10(min(gaps)) + 1e-9)))
    return [f"{t:.{decimals}f}" for t in ticks]


def _is_wide(ticks: list[float]) -> bool:
    positive = [t for t in ticks if t > 0]
    return len(positive) == len(ticks) > 1 and max(positive) / min(positive) >= 100


def short_number(value: float) -> str:
    """A number in four digits: `0.9312`, `12k`, `3e-5`."""
    if value == 0:
        return "0"
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if size <= abs(value) < size * 1000 and value % (size / 100) == 0 and abs(value) >= 1e4:
            return f"{value / size:g}{letter}"
    text = f"{value:.4g}"
    mantissa, e, exponent = text.partition("e")
    return f"{mantissa}e{int(exponent)}" if e else text
