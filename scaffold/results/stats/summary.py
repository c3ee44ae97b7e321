"""Values of a few seeds -> mean, standard deviation, interval. Pure Python, exact at n = 2."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from scaffold.results.stats.distributions import t_critical

# a spread below this part of the largest value is the rounding of sums, not a difference between runs
ROUNDING = 1e-14


class Moments(NamedTuple):
    """n, mean and sample standard deviation (n - 1; None at n = 1) of finite values."""

    n: int
    mean: float
    sd: float | None


class MetricSummary(NamedTuple):
    """One metric over the seeds of one configuration.

    `sd` is the sample standard deviation (n - 1), None at n = 1; `low`, `high` the 95 % t-interval of the mean, None at n = 1.
    NaN and infinite values are counted in `not_finite` and left out of the rest.
    """

    n: int
    mean: float | None
    sd: float | None
    low: float | None
    high: float | None
    minimum: float | None
    maximum: float | None
    not_finite: int = 0


def moments(values: Sequence[float]) -> Moments:
    """Mean and standard deviation, in two passes of exact sums; values of any size. Raises ValueError for none."""
    n = len(values)
    if not n:
        raise ValueError("no values")
    low, high = min(values), max(values)
    if low == high:
        return Moments(n, low, 0.0 if n > 1 else None)
    largest = max(-low, high)
    scale, scaled = 1.0, values
    if not 1e-100 < largest < 1e100:
        # by a power of two, which changes no digit: the square of a value may be beyond what a float holds
        scale = math.ldexp(1.0, math.frexp(largest)[1] - 1)
        scaled = [v / scale for v in values]
    mean = math.fsum(scaled) / n
    sd = math.sqrt(math.fsum([(v - mean) ** 2 for v in scaled]) / (n - 1))
    return Moments(n, mean * scale, sd * scale)


def summarize_seed_values(values: Iterable[float]) -> MetricSummary:
    """What a table says of one configuration's values; NaN and infinities are counted and left out."""
    everything = list(values)
    # a sum is finite where all of its terms are; a row of a table has few, and a table many rows
    finite = everything if math.isfinite(sum(everything)) else [v for v in everything if math.isfinite(v)]
    lost = len(everything) - len(finite)
    if not finite:
        return MetricSummary(0, None, None, None, None, None, None, lost)
    n, mean, sd = moments(finite)
    if sd is None:
        return MetricSummary(1, mean, None, None, None, mean, mean, lost)
    half = t_critical(n - 1) * sd / math.sqrt(n)
    return MetricSummary(n, mean, sd, mean - half, mean + half, min(finite), max(finite), lost)


def has_spread(values: Sequence[float]) -> bool:
    """Whether values differ by more than the rounding of sums."""
    return max(values) - min(values) > ROUNDING * max(abs(v) for v in values)
