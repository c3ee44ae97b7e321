"""A t-test and a margin -> is the difference shown to lie within the margin, or beyond it?

Two one-sided tests (Schuirmann 1987, Journal of Pharmacokinetics and Biopharmaceutics 15): that no difference was found is no proof that
there is none, so what is to be shown is the hypothesis that is tested for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from scaffold.results.stats.distributions import t_two_sided_p

if TYPE_CHECKING:
    from scaffold.results.stats.hypothesis_tests import TTest


def equivalence_p(test: TTest, margin: float) -> float | None:
    """The p-value that the true difference lies within -margin and margin: the larger of two one-sided ones. None without a spread."""
    below, above = noninferiority_p(test, margin, 1.0), noninferiority_p(test, margin, -1.0)
    return None if below is None or above is None else max(below, above)


def noninferiority_p(test: TTest, margin: float, sign: float) -> float | None:
    """The one-sided p-value that the true difference, turned by `sign` so that more is better, is above -margin; None without a spread."""
    if test.p is None or test.error <= 0.0:
        return None
    return _upper_tail((sign * test.effect + margin) / test.error, test.df)


def superiority_p(test: TTest, margin: float, sign: float) -> float | None:
    """The two-sided p-value that the true difference, turned by `sign`, is above the margin, 1 at most; None without a spread."""
    one_sided = noninferiority_p(test, -margin, sign)
    return None if one_sided is None else min(1.0, 2.0 * one_sided)


def _upper_tail(t: float, df: float) -> float:
    half = t_two_sided_p(t, df) / 2.0
    return half if t > 0 else 1.0 - half
