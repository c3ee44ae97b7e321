"""Values of a few seeds -> mean, spread, interval; two sets of values -> a test. Pure Python, exact at n = 2.

Which test when, and why, is on the page docs/results.md.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from scaffold.results.metrics.model import Summary
from scaffold.results.stats.distributions import f_tail, power_t, t_critical, t_tails

POWER = 0.8
MOST_SEEDS = 10_000
# a spread below this part of the largest value is the rounding of sums, not a difference between runs
_ROUNDING = 1e-14


class Moments(NamedTuple):
    """n, mean and sample standard deviation (n - 1; None at n = 1) of finite values."""

    n: int
    mean: float
    sd: float | None


class Test(NamedTuple):
    """A difference of means with its 95 % interval and two-sided p-value; `error` is its standard error, `df` the degrees of freedom.

    `p` is None where there is no spread to hold the difference against.
    """

    name: str
    effect: float
    low: float
    high: float
    p: float | None
    error: float
    df: float


def moments(values: Sequence[float]) -> Moments:
    """Mean and standard deviation, in two passes of exact sums; values of any size. Raises ValueError for none."""
    n = len(values)
    if not n:
        raise ValueError("no values")
    low, high = min(values), max(values)
    if low == high:
        return Moments(n, low, 0.0 if n > 1 else None)
    # by a power of two, which changes no digit: the square of a value may be beyond what a float holds
    scale = math.ldexp(1.0, math.frexp(max(-low, high))[1] - 1)
    scaled = [v / scale for v in values]
    mean = math.fsum(scaled) / n
    sd = math.sqrt(math.fsum([(v - mean) ** 2 for v in scaled]) / (n - 1))
    return Moments(n, mean * scale, sd * scale)


def summarize(values: Iterable[float]) -> Summary:
    """What a table says of one configuration's values; NaN and infinities are counted and left out."""
    everything = list(values)
    finite = [v for v in everything if math.isfinite(v)]
    lost = len(everything) - len(finite)
    if not finite:
        return Summary(0, None, None, None, None, None, None, lost)
    n, mean, sd = moments(finite)
    if sd is None:
        return Summary(1, mean, None, None, None, mean, mean, lost)
    half = t_critical(n - 1) * sd / math.sqrt(n)
    return Summary(n, mean, sd, mean - half, mean + half, min(finite), max(finite), lost)


def has_spread(values: Sequence[float]) -> bool:
    """Whether values differ by more than the rounding of sums."""
    return max(values) - min(values) > _ROUNDING * max(abs(v) for v in values)


def paired_t(pairs: Sequence[tuple[float, float]]) -> Test:
    """Student's t on the differences b - a of at least 2 pairs."""
    differences = [b - a for a, b in pairs]
    n, mean, sd = moments(differences)
    largest = max(max(abs(a), abs(b)) for a, b in pairs)
    assert sd is not None
    if max(differences) - min(differences) <= _ROUNDING * largest:
        return Test("paired t", mean, mean, mean, None, 0.0, n - 1)
    return _tested("paired t", mean, sd / math.sqrt(n), n - 1)


def welch_t(a: Sequence[float], b: Sequence[float]) -> Test:
    """Welch's t: the difference of two independent means, each with a spread of its own; at least 2 values each.

    Two values against more have 1 degree of freedom, the least that Welch's formula gives: its estimate leans on the spread of
    two, and finds a difference that is none in up to 12 of 100 cases (docs/results.md).
    """
    n_a, mean_a, sd_a = moments(a)
    n_b, mean_b, sd_b = moments(b)
    assert sd_a is not None and sd_b is not None
    effect = mean_b - mean_a
    if not has_spread(a) and not has_spread(b):
        return Test("Welch t", effect, effect, effect, None, 0.0, n_a + n_b - 2)
    # only the ratio of the spreads matters for df: their squares may be beyond what a float holds
    e_a, e_b = sd_a / math.sqrt(n_a), sd_b / math.sqrt(n_b)
    share = (e_a / math.hypot(e_a, e_b)) ** 2
    df = 1.0 if min(n_a, n_b) == 2 < max(n_a, n_b) else 1.0 / (share**2 / (n_a - 1) + (1.0 - share) ** 2 / (n_b - 1))
    return _tested("Welch t", effect, math.hypot(e_a, e_b), df)


def _tested(name: str, effect: float, error: float, df: float) -> Test:
    half = t_critical(df) * error
    return Test(name, effect, effect - half, effect + half, t_tails(effect / error, df), error, df)


def holm(ps: Sequence[float | None]) -> list[float | None]:
    """Holm's step-down correction: p-values that may be held against 5 % however many there are. None stays None and counts not."""
    order = sorted((p, i) for i, p in enumerate(ps) if p is not None)
    adjusted: list[float | None] = [None] * len(ps)
    highest = 0.0
    for rank, (p, i) in enumerate(order):
        highest = max(highest, min(1.0, p * (len(order) - rank)))
        adjusted[i] = highest
    return adjusted


def noise_floor(baseline: Sequence[float], n_a: int, n_b: int) -> float | None:
    """The difference that means of `n_a` and `n_b` runs of one and the same configuration stay within in 95 of 100 cases.

    From the spread of at least 3 runs of the baseline: t(n - 1) * sd * sqrt(1/n_a + 1/n_b). None for fewer, or without a spread.
    """
    n, _, sd = moments(baseline)
    if n < 3 or sd is None or not has_spread(baseline):
        return None
    return t_critical(n - 1) * sd * math.sqrt(1 / n_a + 1 / n_b)


def seeds_needed(effect: float, sd: float, *, paired: bool) -> int | None:
    """Seeds (pairs, or runs on each side) with which a t-test finds `effect` with a power of 80 %; None beyond 10,000.

    `sd` is of the differences where paired, else of each side.
    """
    if sd <= 0:
        return None
    size = abs(effect) / sd

    def enough(n: int) -> bool:
        return _power(size, n, paired=paired) >= POWER

    low, high = 1, 2
    while not enough(high):
        if high >= MOST_SEEDS:
            return None
        low, high = high, min(high * 2, MOST_SEEDS)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def _power(size: float, n: int, *, paired: bool) -> float:
    return power_t(size * math.sqrt(n), n - 1) if paired else power_t(size * math.sqrt(n / 2), 2 * n - 2)


def detectable(error: float, df: float) -> float | None:
    """The true difference that a test with this standard error finds with a power of 80 %; None without a spread."""
    return _found_in_80_percent(df) * error if error > 0 else None


@functools.lru_cache(maxsize=1024)
def _found_in_80_percent(df: float) -> float:
    """`detectable` in standard errors, which is the same for every test with as many degrees of freedom."""
    low, high = 0.0, 4.0
    while power_t(high, df) < POWER:
        low, high = high, high * 2
    for _ in range(48):
        middle = (low + high) / 2
        low, high = (low, middle) if power_t(middle, df) >= POWER else (middle, high)
    return high


def anova(groups: Sequence[Sequence[float]]) -> float | None:
    """Do the means of several groups differ at all? The larger p-value of Fisher's and Welch's analysis of variance.

    Fisher's takes all spreads for one; Welch's does not, but finds too much among many groups of 3 (7.7 % instead of 5 % for 6).
    Together they keep to 5 % in both cases. None unless there are at least 2 groups, each of at least 2 values with a spread.
    """
    welch = welch_anova(groups)
    if welch is None:
        return None
    found = [_spread_out(g) for g in groups]
    n, k = sum(size for size, _, _ in found), len(found)
    centre = math.fsum(size * mean for size, mean, _ in found) / n
    widest = max(sd for _, _, sd in found)  # squares are of ratios: that of a value may be beyond what a float holds
    between = math.fsum(size * ((mean - centre) / widest) ** 2 for size, mean, _ in found) / (k - 1)
    within = math.fsum((size - 1) * (sd / widest) ** 2 for size, _, sd in found) / (n - k)
    return max(welch, f_tail(between / within, k - 1, n - k))


def welch_anova(groups: Sequence[Sequence[float]]) -> float | None:
    """The p-value of Welch's analysis of variance, for groups with spreads of their own; None as in `anova`."""
    if len(groups) < 2 or any(len(g) < 2 or not has_spread(g) for g in groups):
        return None
    found = [_spread_out(g) for g in groups]
    narrowest = min(sd for _, _, sd in found)
    weights = [size * (narrowest / sd) ** 2 for size, _, sd in found]
    total, k = math.fsum(weights), len(found)
    centre = math.fsum(w * mean for w, (_, mean, _) in zip(weights, found, strict=True)) / total
    between = math.fsum(size * ((mean - centre) / sd) ** 2 for size, mean, sd in found) / (k - 1)
    spread = math.fsum((1 - w / total) ** 2 / (size - 1) for w, (size, _, _) in zip(weights, found, strict=True))
    f = between / (1 + 2 * (k - 2) / (k**2 - 1) * spread)
    return f_tail(f, k - 1, (k**2 - 1) / (3 * spread))


def _spread_out(values: Sequence[float]) -> tuple[int, float, float]:
    n, mean, sd = moments(values)
    assert sd is not None
    return n, mean, sd
