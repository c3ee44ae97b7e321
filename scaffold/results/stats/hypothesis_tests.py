"""Two sets of values -> a t-test; several -> an analysis of variance; many tests -> Holm's correction.

Which test when, and why, is on the page docs/results.md.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from scaffold.results.stats.distributions import f_test_p, t_critical, t_two_sided_p
from scaffold.results.stats.summary import ROUNDING, has_spread, moments


class TTest(NamedTuple):
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


def paired_t_test(a: Sequence[float], b: Sequence[float], *, largest: float | None = None) -> TTest:
    """Student's t on the differences b - a of at least 2 pairs: values of the same place belong together.

    `largest` is the magnitude that no value is above, where the caller knows it: of a hundred rows each is in a hundred pairs.
    """
    differences = [after - before for before, after in zip(a, b, strict=True)]
    n, mean, sd = moments(differences)
    assert sd is not None
    # held against the values and not the differences: these are as rounded as the values that they come from
    if largest is None:
        largest = max(max(a), max(b), -min(a), -min(b))
    if max(differences) - min(differences) <= ROUNDING * largest:
        return TTest("paired t", mean, mean, mean, None, 0.0, n - 1)
    return _t_test("paired t", mean, sd / math.sqrt(n), n - 1)


def welch_t_test(a: Sequence[float], b: Sequence[float]) -> TTest:
    """Welch's t (1947, Biometrika 34): the difference b - a of two independent means, each with a spread of its own.

    At least 2 values each. Two values against more have 1 degree of freedom, the least that Welch's formula gives: its estimate
    leans on the spread of two, and finds a difference that is none in up to 12 of 100 cases (docs/results.md).
    """
    n_a, mean_a, sd_a = moments(a)
    n_b, mean_b, sd_b = moments(b)
    assert sd_a is not None and sd_b is not None
    effect = mean_b - mean_a
    if not has_spread(a) and not has_spread(b):
        return TTest("Welch t", effect, effect, effect, None, 0.0, n_a + n_b - 2)
    # only the ratio of the spreads matters for df: their squares may be beyond what a float holds
    error_a, error_b = sd_a / math.sqrt(n_a), sd_b / math.sqrt(n_b)
    error = math.hypot(error_a, error_b)
    share = (error_a / error) ** 2
    df = 1.0 if min(n_a, n_b) == 2 < max(n_a, n_b) else 1.0 / (share**2 / (n_a - 1) + (1.0 - share) ** 2 / (n_b - 1))
    return _t_test("Welch t", effect, error, df)


def _t_test(name: str, effect: float, error: float, df: float) -> TTest:
    half = t_critical(df) * error
    return TTest(name, effect, effect - half, effect + half, t_two_sided_p(effect / error, df), error, df)


def holm_correction(ps: Sequence[float | None], count: int = 0) -> list[float | None]:
    """Holm's step-down correction (1979): p-values that may be held against 5 % however many there are.

    None is no test: it stays None and counts not. `count` is how many tests there were in all, where these are only some of them: then
    each counts as if all others had a larger p-value.
    """
    order = sorted((p, i) for i, p in enumerate(ps) if p is not None)
    adjusted: list[float | None] = [None] * len(ps)
    highest, count = 0.0, max(count, len(order))
    for rank, (p, i) in enumerate(order):
        highest = max(highest, min(1.0, p * (count - rank)))
        adjusted[i] = highest
    return adjusted


def anova_p(groups: Sequence[Sequence[float]]) -> float | None:
    """Do the means of several groups differ at all? The larger p-value of Fisher's and Welch's analysis of variance.

    Fisher's takes all spreads for one; Welch's does not, but finds too much among many groups of 3 (7.7 % instead of 5 % for 6).
    Together they keep to 5 % in both cases. None unless there are at least 2 groups, each of at least 2 values with a spread.
    """
    welch_p = welch_anova(groups)
    if welch_p is None:
        return None
    parts = _sizes_means_spreads(groups)
    n, k = sum(size for size, _, _ in parts), len(parts)
    centre = math.fsum(size * mean for size, mean, _ in parts) / n
    widest = max(sd for _, _, sd in parts)  # squares are of ratios: that of a value may be beyond what a float holds
    between = math.fsum(size * ((mean - centre) / widest) ** 2 for size, mean, _ in parts) / (k - 1)
    within = math.fsum((size - 1) * (sd / widest) ** 2 for size, _, sd in parts) / (n - k)
    return max(welch_p, f_test_p(between / within, k - 1, n - k))


def welch_anova(groups: Sequence[Sequence[float]]) -> float | None:
    """The p-value of Welch's analysis of variance (1951, Biometrika 38), for groups with spreads of their own; None as in `anova`."""
    if len(groups) < 2 or any(len(group) < 2 or not has_spread(group) for group in groups):
        return None
    parts = _sizes_means_spreads(groups)
    narrowest = min(sd for _, _, sd in parts)
    weights = [size * (narrowest / sd) ** 2 for size, _, sd in parts]
    total, k = math.fsum(weights), len(parts)
    centre = math.fsum(w * mean for w, (_, mean, _) in zip(weights, parts, strict=True)) / total
    between = math.fsum(size * ((mean - centre) / sd) ** 2 for size, mean, sd in parts) / (k - 1)
    spread = math.fsum((1 - w / total) ** 2 / (size - 1) for w, (size, _, _) in zip(weights, parts, strict=True))
    f = between / (1 + 2 * (k - 2) / (k**2 - 1) * spread)
    return f_test_p(f, k - 1, (k**2 - 1) / (3 * spread))


def _sizes_means_spreads(groups: Sequence[Sequence[float]]) -> list[tuple[int, float, float]]:
    """Of groups of at least two values."""
    return [(n, mean, sd) for n, mean, sd in map(moments, groups) if sd is not None]
