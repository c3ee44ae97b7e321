"""Permutations and resamples at their bounds, and the bootstrap's interval against another program's."""

from __future__ import annotations

import math

import pytest

from scaffold.results.stats import resampling

SKEWED = [0.31, 0.42, 0.55, 0.61, 0.78, 0.9, 1.1, 1.4, 2.2, 3.9, 7.5, 14.0]


def test_sign_flips_are_gone_through_for_6_to_16_pairs() -> None:
    assert resampling.sign_flip_p([1.0] * 5) is None and resampling.sign_flip_p([1.0] * 17) is None
    assert resampling.sign_flip_p([1.0] * 6) == 2 / 2**6 and resampling.sign_flip_p([1.0] * 16) == 2 / 2**16


def test_splits_are_gone_through_where_they_can_reach_5_percent_and_are_not_too_many() -> None:
    """One of 21 is the least that 2 against 5 can give, 2 of 20 what 3 against 3 can: their mirror image counts."""
    assert resampling.independent_permutation_p([1, 2], [8, 8.1, 8.2, 8.3, 8.4]) == 1 / 21
    assert (
        resampling.independent_permutation_p([1, 2], [3, 4, 5, 6]) is None
        and resampling.independent_permutation_p([1, 2, 3], [4, 5, 6]) is None
    )
    assert resampling.independent_permutation_p([1], [2, 3]) is None
    nine = [float(n) for n in range(9)]
    assert resampling.independent_permutation_p(nine, [n + 9 for n in nine]) == 2 / math.comb(18, 9)
    assert resampling.independent_permutation_p(nine, [*(n + 9 for n in nine), 18.0]) is None, "92,378 of them"


@pytest.mark.parametrize("shift", [0.0, 0.1, 1e6])
def test_what_is_far_from_zero_has_the_same_p(shift: float) -> None:
    """Splits that are equally far apart are, whatever their sums lose to rounding."""
    a, b = [0.1, 0.2, 0.3, 0.7], [0.4, 0.6, 0.8, 0.2]
    assert (
        resampling.independent_permutation_p([x + shift for x in a], [y + shift for y in b])
        == resampling.independent_permutation_p(a, b)
        == 30 / 70
    )


def test_the_interval_of_a_skewed_sample_is_another_program_s() -> None:
    """scipy 1.17.1: bootstrap((SKEWED,), numpy.mean, n_resamples=1_000_000, method="BCa"): 1.263, 6.389."""
    found = resampling.bootstrap_interval(SKEWED, resamples=100_000)
    assert found == pytest.approx((1.263, 6.389), abs=0.05)
    mirrored = resampling.bootstrap_interval([-v for v in SKEWED], resamples=100_000)
    assert mirrored == pytest.approx((-6.389, -1.263), abs=0.05)


def test_means_that_are_the_sample_s_own_count_half() -> None:
    """Right or wrong, 12 answers: every fifth mean is the sample's. scipy as above: 1/6, 3/4."""
    assert resampling.bootstrap_interval([0.0] * 7 + [1.0] * 5) == pytest.approx((1 / 6, 3 / 4))


@pytest.mark.parametrize("values", [SKEWED, [-v for v in SKEWED]])
def test_the_fewest_resamples_have_an_interval(values: list[float]) -> None:
    """All of them may lie on one side of the mean: the bias is bounded, and both ends are means that were drawn."""
    one = resampling.bootstrap_interval(values, resamples=1)
    assert one is not None and one[0] == one[1]
    for resamples in (2, 3, 4):
        low, high = resampling.bootstrap_interval(values, resamples=resamples) or (1.0, 0.0)
        assert min(values) < low < high < max(values), resamples


def test_equal_values_have_no_interval() -> None:
    assert resampling.bootstrap_interval([0.1] * 12) is None
