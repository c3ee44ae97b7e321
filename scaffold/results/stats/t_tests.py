"""Two sets of values -> a t-test, and the correction for many of them. Which test when, and why, is on the page docs/results.md."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from scaffold.results.stats.distributions import t_critical, t_two_sided_p
from scaffold.results.stats.summary import _ROUNDING, has_spread, moments


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


def paired_t_test(pairs: Sequence[tuple[float, float]]) -> TTest:
    """Student's t on the differences b - a of at least 2 pairs."""
    differences = [b - a for a, b in pairs]
    n, mean, sd = moments(differences)
    largest = max(max(abs(a), abs(b)) for a, b in pairs)
    assert sd is not None
    if max(differences) - min(differences) <= _ROUNDING * largest:
        return TTest("paired t", mean, mean, mean, None, 0.0, n - 1)
    return _t_test("paired t", mean, sd / math.sqrt(n), n - 1)


def welch_t_test(a: Sequence[float], b: Sequence[float]) -> TTest:
    """Welch's t: the difference of two independent means, each with a spread of its own; at least 2 values each.

    Two values against more have 1 degree of freedom, the least that Welch's formula gives: its estimate leans on the spread of
    two, and finds a difference that is none in up to 12 of 100 cases (docs/results.md).
    """
    n_a, mean_a, sd_a = moments(a)
    n_b, mean_b, sd_b = moments(b)
    assert sd_a is not None and sd_b is not None
    effect = mean_b - mean_a
    if not has_spread(a) and not has_spread(b):
        return TTest("Welch t", effect, effect, effect, None, 0.0, n_a + n_b - 2)
    # only the ratio of the spreads matters for df: their squares may be beyond what a float holds
    e_a, e_b = sd_a / math.sqrt(n_a), sd_b / math.sqrt(n_b)
    share = (e_a / math.hypot(e_a, e_b)) ** 2
    df = 1.0 if min(n_a, n_b) == 2 < max(n_a, n_b) else 1.0 / (share**2 / (n_a - 1) + (1.0 - share) ** 2 / (n_b - 1))
    return _t_test("Welch t", effect, math.hypot(e_a, e_b), df)


def _t_test(name: str, effect: float, error: float, df: float) -> TTest:
    half = t_critical(df) * error
    return TTest(name, effect, effect - half, effect + half, t_two_sided_p(effect / error, df), error, df)


def holm_correction(ps: Sequence[float | None]) -> list[float | None]:
    """Holm's step-down correction: p-values that may be held against 5 % however many there are. None stays None and counts not."""
    order = sorted((p, i) for i, p in enumerate(ps) if p is not None)
    adjusted: list[float | None] = [None] * len(ps)
    highest = 0.0
    for rank, (p, i) in enumerate(order):
        highest = max(highest, min(1.0, p * (len(order) - rank)))
        adjusted[i] = highest
    return adjusted
