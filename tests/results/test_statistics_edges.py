"""Where numbers end: the largest and smallest values, no difference at all, exactly 5 %, one value too few."""

from __future__ import annotations

import itertools
import math

import pytest

from scaffold.results.stats import distributions, hypothesis_tests, power, summary
from scaffold.results.stats.summary import MetricSummary
from tests.results.test_statistics import REFERENCE, close

ANOVA = REFERENCE["anova"]


@pytest.mark.parametrize("exponent", [-1000, -700, 700, 1000])
def test_spread_and_interval_grow_with_the_values(exponent: int) -> None:
    values = [1.0, 2.5, 3.25, 3.0]
    one = summary.summarize_seed_values(values)
    other = summary.summarize_seed_values([math.ldexp(v, exponent) for v in values])
    for name in ("mean", "sd", "low", "high", "minimum", "maximum"):
        assert close(math.ldexp(getattr(other, name), -exponent), getattr(one, name)), name


def test_what_is_not_finite_is_counted_and_left_out() -> None:
    found = summary.summarize_seed_values([math.nan, 3.0, math.inf, 1.0, -math.inf])
    assert (found.n, found.mean, found.minimum, found.maximum, found.not_finite) == (2, 2.0, 1.0, 3.0, 3)
    assert summary.summarize_seed_values([math.nan]) == MetricSummary(0, None, None, None, None, None, None, 1)
    assert summary.summarize_seed_values([]) == MetricSummary(0, None, None, None, None, None, None, 0)
    assert summary.summarize_seed_values([0.5, math.nan]) == MetricSummary(1, 0.5, None, None, None, 0.5, 0.5, 1)
    with pytest.raises(ValueError, match="no values"):
        summary.moments([])


@pytest.mark.parametrize("exponent", [-700, 700])
@pytest.mark.parametrize(("groups", "welch", "fisher"), ANOVA, ids=["2x3", "4x3", "5x8"])
def test_the_analysis_of_variance_asks_not_how_large_values_are(
    groups: list[list[float]], welch: float, fisher: float, exponent: int
) -> None:
    """A perplexity that blew up is a number too: its square is none."""
    scaled = [[math.ldexp(v, exponent) for v in group] for group in groups]
    assert close(hypothesis_tests.welch_anova(scaled) or 0, welch)
    assert close(hypothesis_tests.anova_p(scaled) or 0, max(welch, fisher))


def test_groups_may_be_of_very_different_size() -> None:
    small, large = [1e-200, 2e-200, 4e-200], [1.0, 2.0, 4.0]
    as_if_zero = hypothesis_tests.welch_t_test([0.0, 0.0, 0.0], large).p
    assert as_if_zero is not None and close(hypothesis_tests.welch_anova([small, large]) or 0, as_if_zero)
    assert hypothesis_tests.anova_p([small, large]) == hypothesis_tests.welch_anova([small, large]), (
        "Fisher's is the smaller here"
    )


TINY_TO_HUGE = [10.0**k for k in range(-12, 13, 2)]


@pytest.mark.parametrize("t", TINY_TO_HUGE)
def test_the_tails_of_1_and_2_degrees_of_freedom_are_as_their_formulas_say(t: float) -> None:
    assert close(distributions.t_two_sided_p(t, 1), 2 / math.pi * math.atan(1 / t), 1e-12)
    root = math.sqrt(2 + t * t)
    assert close(distributions.t_two_sided_p(t, 2), 2 / (root * (root + t)), 1e-12)


@pytest.mark.parametrize(
    ("f", "df1", "df2", "wanted"),
    [
        (1.0, 1_000_000, 2, 0.63212019094942307),
        (1.1, 200, 200, 0.25048138069500726),
        (0.9, 200, 200, 0.7715342087747834),
        (1.2, 150, 198, 0.11497186491052957),
        (1.2, 150, 199, 0.11467950841370437),
        (1.05, 2000, 1000, 0.18886324793857285),
        (1.3, 400, 60, 0.10621857813596027),
    ],
)
def test_tails_of_many_groups_and_many_runs(f: float, df1: float, df2: float, wanted: float) -> None:
    """mpmath 1.4, 50 digits: betainc(df2/2, df1/2, 0, df2/(df2 + df1*f), regularized=True)."""
    assert close(distributions.f_test_p(f, df1, df2), wanted, 5e-13)


def test_a_quantile_takes_few_looks_at_the_tail(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is asked for once a comparison, with degrees of freedom that no other has: by halving it would be 50 looks."""
    looks: list[float] = []
    tails = distributions.t_two_sided_p

    def counted(t: float, df: float) -> float:
        looks.append(t)
        return tails(t, df)

    monkeypatch.setattr(distributions, "t_two_sided_p", counted)
    for df in (1, 1.3, 2, 2.7, 3, 4.4, 9, 57.1, 1000):
        looks.clear()
        assert close(tails(distributions.t_critical.__wrapped__(df), df), 0.05, 1e-12)
        assert len(looks) <= 14, df


def test_power_is_a_probability_and_certain_far_out() -> None:
    for df in (1, 2, 4, 7.3, 30, 400):
        shifts = [distributions.t_critical(df) * k / 4 for k in range(1, 60)]
        found = [distributions.t_test_power(shift, df) for shift in shifts]
        assert all(0.05 <= p <= 1.0 for p in found), df
        assert all(less <= more + 1e-11 for less, more in itertools.pairwise(found)), df
    assert distributions.t_test_power(1e3, 4) == distributions.t_test_power(-1e200, 1) == 1.0


def test_no_difference_and_a_boundless_one() -> None:
    assert distributions.t_two_sided_p(0.0, 4) == 1.0 and distributions.f_test_p(0.0, 2, 6) == 1.0
    assert distributions.t_two_sided_p(math.inf, 4) == distributions.t_two_sided_p(-1e200, 4) == 0.0
    assert distributions.f_test_p(math.inf, 2, 6) == 0.0
    assert math.isnan(distributions.t_two_sided_p(math.nan, 4))


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
    assert distributions.t_test_power(shift, df) == pytest.approx(wanted, abs=1e-5)
    assert distributions.t_test_power(-shift, df) == pytest.approx(wanted, abs=1e-5)


@pytest.mark.parametrize(
    "pairs",
    [
        [(1000.1, 1000.2), (0.1, 0.2), (0.3, 0.4)],
        [(0.1, 1000.2), (0.2, 1000.3), (0.3, 1000.4)],
        [(-1000.2, 0.1), (-1000.3, 0.0), (-1000.4, -0.1)],
    ],
)
def test_what_large_values_lose_to_rounding_is_no_spread(pairs: list[tuple[float, float]]) -> None:
    """All differences are the same but for the last bits of 1000.1: nothing to hold them against, nor a certainty."""
    found = hypothesis_tests.paired_t_test(*zip(*pairs, strict=True))
    assert len({b - a for a, b in pairs}) > 1
    assert (found.low, found.high, found.p, found.error, found.df) == (found.effect, found.effect, None, 0.0, 2)
    assert power.detectable_effect(found.error, found.df) is None


def test_without_a_spread_the_difference_is_all_there_is_to_say() -> None:
    found = hypothesis_tests.welch_t_test([0.1, 0.1, 0.1], [0.3, 0.3])
    assert found == hypothesis_tests.TTest("Welch t", 0.3 - 0.1, 0.3 - 0.1, 0.3 - 0.1, None, 0.0, 3)
    sums = [0.1 + 0.2, 0.3, 0.3]
    assert not summary.has_spread(sums) and not summary.has_spread([-v for v in sums])
    assert summary.has_spread([0.3, 0.3, 0.3 + 1e-13]) and hypothesis_tests.welch_t_test(sums, [0.5, 0.5]).p is None
    assert hypothesis_tests.welch_t_test([0.1, 0.2], [0.3, 0.3]).p is not None, "one side has a spread"


def test_a_corrected_p_is_a_probability() -> None:
    assert hypothesis_tests.holm_correction([0.6, 0.7, None]) == [1.0, 1.0, None]
    assert hypothesis_tests.holm_correction([0.3, 0.02, 0.02]) == [0.3, 0.06, 0.06], (
        "never smaller than that of a smaller p"
    )


def test_the_noise_floor_shrinks_with_the_runs_on_both_sides() -> None:
    values = [0.90, 0.93, 0.97, 0.91]
    # t(3) = 3.182446305284263
    wanted = 3.182446305284263 * summary.summarize_seed_values(values).sd * math.sqrt(1 / 3 + 1 / 2)  # type: ignore[operator]
    assert close(power.noise_floor(values, 3, 2) or 0, wanted) and close(power.noise_floor(values, 2, 3) or 0, wanted)


@pytest.mark.parametrize("paired", [True, False])
@pytest.mark.parametrize("size", [40.0, 6.0, 3.0, 1.6, 1.3, 1.0, 0.77, 0.6, 0.37])
def test_the_seeds_needed_are_the_fewest(size: float, paired: bool) -> None:
    """Power by its definition: a t-test of n pairs, or of n runs on each side."""

    def power_of(n: int) -> float:
        shift, df = (math.sqrt(n), n - 1) if paired else (math.sqrt(n / 2), 2 * n - 2)
        return distributions.t_test_power(size * shift, df)

    found = power.seeds_needed(size, 1.0, paired=paired)
    assert found is not None and power_of(found) >= 0.8 and (found == 2 or power_of(found - 1) < 0.8)
    assert power.seeds_needed(size * 0.01, 0.01, paired=paired) == found


def test_no_difference_and_no_spread_need_no_seeds() -> None:
    assert power.seeds_needed(0.0, 1.0, paired=True) is None and power.seeds_needed(1.0, 0.0, paired=False) is None
    assert power.seeds_needed(1.0, 1.0, paired=True) == 10, "the textbook's example"


def test_as_many_as_ten_thousand_seeds_are_counted() -> None:
    # (z(0.975) + z(0.8)) / size, squared: 2.8016 ** 2 / size ** 2, and a little for t
    assert power.seeds_needed(0.03, 1.0, paired=True) == pytest.approx((2.8016 / 0.03) ** 2, abs=4)
    assert power.seeds_needed(0.0281, 1.0, paired=True) == pytest.approx((2.8016 / 0.0281) ** 2, abs=4)
    assert power.seeds_needed(0.0279, 1.0, paired=True) is None


@pytest.mark.parametrize("paired", [True, False])
def test_one_more_than_ten_thousand_seeds_are_none(paired: bool) -> None:
    def size_that_needs(n: int) -> float:
        """The smallest that n seeds find, by halving."""
        low, high = 0.0, 1.0
        for _ in range(60):
            size = (low + high) / 2
            shift, df = (size * math.sqrt(n), n - 1) if paired else (size * math.sqrt(n / 2), 2 * n - 2)
            low, high = (low, size) if distributions.t_test_power(shift, df) >= 0.8 else (size, high)
        return high

    assert power.seeds_needed(size_that_needs(10_000), 1.0, paired=paired) == 10_000
    assert power.seeds_needed(size_that_needs(10_001), 1.0, paired=paired) is None


def test_zeros_have_no_spread() -> None:
    """An accuracy of 0 on both sides: no division by it."""
    zeros = [0.0, 0.0, 0.0]
    assert not summary.has_spread(zeros) and power.noise_floor(zeros, 3, 3) is None
    assert (
        hypothesis_tests.welch_t_test(zeros, zeros).p is None and hypothesis_tests.paired_t_test(zeros, zeros).p is None
    )
    assert hypothesis_tests.anova_p([zeros, [1.0, 2.0]]) is None


def test_two_values_a_group_are_enough_for_an_analysis_of_variance() -> None:
    # scipy 1.17: f_oneway(*groups, equal_var=False) and f_oneway(*groups): 0.0803, 0.0614
    groups = [[1.0, 2.0], [2.0, 4.0], [5.0, 5.5]]
    assert close(hypothesis_tests.welch_anova(groups) or 0, 0.08031157227483357)
    assert close(hypothesis_tests.anova_p(groups) or 0, 0.08031157227483357)
    for nothing in ([], [[1.0, 2.0]], [[], [1.0, 2.0]], [[1.0], [1.0, 2.0]], [[1.0, 2.0], [3.0, 3.0]]):
        assert hypothesis_tests.anova_p(nothing) is None and hypothesis_tests.welch_anova(nothing) is None
