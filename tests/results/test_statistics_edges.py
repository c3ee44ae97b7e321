"""Where numbers end: the largest and smallest values, no difference at all, exactly 5 %, one value too few."""

from __future__ import annotations

import math

import pytest

from scaffold.results import distributions, statistics
from tests.results.test_statistics import REFERENCE, close

ANOVA = REFERENCE["anova"]


@pytest.mark.parametrize("exponent", [-700, 700])
@pytest.mark.parametrize(("groups", "welch", "fisher"), ANOVA, ids=["2x3", "4x3", "5x8"])
def test_the_analysis_of_variance_asks_not_how_large_values_are(
    groups: list[list[float]], welch: float, fisher: float, exponent: int
) -> None:
    """A perplexity that blew up is a number too: its square is none."""
    scaled = [[math.ldexp(v, exponent) for v in group] for group in groups]
    assert close(statistics.welch_anova(scaled) or 0, welch)
    assert close(statistics.anova(scaled) or 0, max(welch, fisher))


def test_groups_may_be_of_very_different_size() -> None:
    small, large = [1e-200, 2e-200, 4e-200], [1.0, 2.0, 4.0]
    as_if_zero = statistics.welch_t([0.0, 0.0, 0.0], large).p
    assert as_if_zero is not None and close(statistics.welch_anova([small, large]) or 0, as_if_zero)


def test_no_difference_and_a_boundless_one() -> None:
    assert distributions.t_tails(0.0, 4) == 1.0 and distributions.f_tail(0.0, 2, 6) == 1.0
    assert distributions.t_tails(math.inf, 4) == distributions.t_tails(-1e200, 4) == 0.0
    assert distributions.f_tail(math.inf, 2, 6) == 0.0
    assert math.isnan(distributions.t_tails(math.nan, 4))


@pytest.mark.parametrize(
    ("shift", "df", "wanted"),
    [
        (0.0, 1, 0.05),
        (1.0, 1, 0.07298889446966995),
        (20.0, 1, 0.8833944429330349),
        (1.0, 1.5, 0.084738092540521),
        (3.0, 1.5, 0.28865783579660675),
        (1.0, 3.7, 0.11937057462950008),
        (1.0, 10, 0.14815762885251071),
        (3.0, 400, 0.8491576054235257),
    ],
)
def test_power_at_two_runs_at_fractions_and_at_many(shift: float, df: float, wanted: float) -> None:
    """scipy 1.17: nct.sf(c, df, shift) + nct.cdf(-c, df, shift) with c = t.isf(0.025, df)."""
    assert distributions.power_t(shift, df) == pytest.approx(wanted, abs=1e-5)
    assert distributions.power_t(-shift, df) == pytest.approx(wanted, abs=1e-5)
