"""Every number agrees with scipy and statsmodels (reference.json, made by make_reference.py), and holds what it promises."""

from __future__ import annotations

import json
import math
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scaffold.results.stats import distributions, hypothesis_tests, power, resampling
from scaffold.results.stats.pair_test import run_pair_test
from scaffold.results.stats.summary import summarize_seed_values

REFERENCE = json.loads((Path(__file__).parent / "reference.json").read_text())
TWO = REFERENCE["two"]


def close(found: float, wanted: float, tolerance: float = 1e-9) -> bool:
    return math.isclose(found, wanted, rel_tol=tolerance, abs_tol=1e-300)


@pytest.mark.parametrize(("df", "alpha", "wanted"), REFERENCE["t_critical"])
def test_t_quantiles(df: float, alpha: float, wanted: float) -> None:
    assert close(distributions.t_critical(df, alpha), wanted, 1e-12)


@pytest.mark.parametrize(("t", "df", "wanted"), REFERENCE["t_tails"])
def test_t_tails(t: float, df: float, wanted: float) -> None:
    assert close(distributions.t_two_sided_p(t, df), wanted, 1e-12)
    assert distributions.t_two_sided_p(-t, df) == distributions.t_two_sided_p(t, df)


@pytest.mark.parametrize(("f", "df1", "df2", "wanted"), REFERENCE["f_tail"])
def test_f_tails(f: float, df1: float, df2: float, wanted: float) -> None:
    assert close(distributions.f_test_p(f, df1, df2), wanted, 1e-11)


@pytest.mark.parametrize(("shift", "df", "wanted"), REFERENCE["power_t"])
def test_power(shift: float, df: float, wanted: float) -> None:
    assert close(distributions.t_test_power(shift, df), wanted)


@pytest.mark.parametrize("case", TWO, ids=lambda c: f"{len(c['a'])}-{len(c['b'])}")
def test_mean_sd_and_interval(case: dict[str, Any]) -> None:
    found = summarize_seed_values(case["a"])
    assert found.n == len(case["a"])
    assert found.mean is not None and found.sd is not None and found.low is not None and found.high is not None
    assert close(found.mean, case["mean"]) and close(found.sd, case["sd"])
    assert close(found.low, case["interval"][0]) and close(found.high, case["interval"][1])


@pytest.mark.parametrize("case", TWO, ids=lambda c: f"{len(c['a'])}-{len(c['b'])}")
def test_welch(case: dict[str, Any]) -> None:
    found = hypothesis_tests.welch_t_test(case["a"], case["b"])
    assert found.p is not None
    assert all(close(x, y) for x, y in zip((found.p, found.low, found.high, found.df), case["welch"], strict=True))


@pytest.mark.parametrize("case", [c for c in TWO if "paired" in c], ids=lambda c: str(len(c["a"])))
def test_paired(case: dict[str, Any]) -> None:
    found = hypothesis_tests.paired_t_test(case["a"], case["b"])
    assert found.p is not None
    assert all(close(x, y) for x, y in zip((found.p, found.low, found.high), case["paired"], strict=True))


@pytest.mark.parametrize("case", [c for c in TWO if "sign_flips" in c], ids=lambda c: str(len(c["a"])))
def test_sign_flips(case: dict[str, Any]) -> None:
    found = resampling.sign_flip_p([b - a for a, b in zip(case["a"], case["b"], strict=True)])
    assert found is not None and close(found, case["sign_flips"])


@pytest.mark.parametrize(
    "case", [c for c in TWO if "splits" in c and len(c["a"]) == len(c["b"])], ids=lambda c: str(len(c["a"]))
)
def test_splits(case: dict[str, Any]) -> None:
    found = resampling.independent_permutation_p(case["a"], case["b"])
    assert found is not None and close(found, case["splits"])


def test_permutation_tests_only_where_they_can_reach_5_percent() -> None:
    assert resampling.sign_flip_p([1.0] * 5) is None and resampling.sign_flip_p([1.0] * 6) == 2 / 64
    assert resampling.sign_flip_p([float(n) for n in range(1, 18)]) is None
    assert resampling.independent_permutation_p([1, 2, 3], [4, 5, 6]) is None
    assert resampling.independent_permutation_p([1, 2, 3, 4], [5, 6, 7, 8]) == 2 / 70
    assert resampling.independent_permutation_p([1.0] * 12, [2.0] * 12) is None


def test_holm() -> None:
    ps, wanted = REFERENCE["holm"]
    assert all(close(x or 0, y) for x, y in zip(hypothesis_tests.holm_correction(ps), wanted, strict=True))
    assert hypothesis_tests.holm_correction([None, 0.04, None, 0.01]) == [None, 0.04, None, 0.02], (
        "what is not tested counts not"
    )
    assert hypothesis_tests.holm_correction([]) == []


@pytest.mark.parametrize(("groups", "welch", "fisher"), REFERENCE["anova"], ids=["2x3", "4x3", "5x8"])
def test_anova(groups: list[list[float]], welch: float, fisher: float) -> None:
    assert close(hypothesis_tests.welch_anova(groups) or 0, welch)
    assert close(hypothesis_tests.anova_p(groups) or 0, max(welch, fisher))
    assert (
        hypothesis_tests.anova_p([*groups, [1.0]]) is None
        and hypothesis_tests.anova_p([[1.0, 1.0], [1.0, 2.0]]) is None
    )


@pytest.mark.parametrize(("effect", "sd", "paired", "wanted"), REFERENCE["seeds"])
def test_seeds_needed(effect: float, sd: float, paired: bool, wanted: float) -> None:
    assert power.seeds_needed(effect, sd, paired=paired) == math.ceil(wanted)
    assert power.seeds_needed(-effect, sd, paired=paired) == math.ceil(wanted)


def test_seeds_that_nobody_has_are_none() -> None:
    assert power.seeds_needed(1e-6, 1.0, paired=True) is None
    assert power.seeds_needed(0.0, 1.0, paired=True) is None


def test_what_a_test_can_detect_it_detects() -> None:
    found = hypothesis_tests.welch_t_test([0.1, 0.2, 0.3], [0.15, 0.2, 0.25])
    size = power.detectable_effect(found.error, found.df)
    assert size is not None and close(distributions.t_test_power(size / found.error, found.df), 0.8, 1e-6)


def test_noise_floor() -> None:
    assert power.noise_floor([1.0, 2.0], 2, 2) is None, "two runs have no spread worth the name"
    assert power.noise_floor([1.0, 1.0, 1.0], 3, 3) is None
    # t(2) * sd * sqrt(1/3 + 1/1) with t(2) = 4.302652729911275
    assert close(power.noise_floor([1.0, 2.0, 3.0], 3, 1) or 0, 4.302652729911275 * math.sqrt(4 / 3))


def test_bootstrap_only_from_ten_values_on() -> None:
    draw = random.Random(1)
    values = [draw.gauss(5, 1) for _ in range(10)]
    assert resampling.bootstrap_interval(values[:9]) is None
    found = resampling.bootstrap_interval(values)
    assert found == resampling.bootstrap_interval(list(reversed(values))), "the same values, the same interval"
    # scipy 1.17.1: bootstrap((values,), numpy.mean, n_resamples=99_999, method="BCa", rng=0): 4.3528, 5.4984
    assert found == pytest.approx((4.3528, 5.4984), abs=0.03)
    summary = summarize_seed_values(values)
    assert found is not None and summary.low is not None and summary.high is not None
    assert summary.low < found[0] < (summary.mean or 0) < found[1] < summary.high


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=8))
@settings(max_examples=200, deadline=None)
def test_no_values_are_too_large_too_small_or_too_equal(values: list[float]) -> None:
    found = summarize_seed_values(values)
    assert found.n == len(values) and found.mean is not None
    slack = 1e-12 * max(abs(v) for v in values) + 5e-324
    assert min(values) - slack <= found.mean <= max(values) + slack
    assert found.sd is None if len(values) == 1 else found.sd is not None and found.sd >= 0
    if len(set(values)) == 1 and len(values) > 1:
        assert found.sd == 0 and found.low == found.high == values[0]


def test_two_runs_against_more_have_one_degree_of_freedom() -> None:
    few, many = [0.90, 0.92], [0.95, 0.96, 0.97, 0.955]
    assert hypothesis_tests.welch_t_test(few, many).df == hypothesis_tests.welch_t_test(many, few).df == 1
    assert 1 < hypothesis_tests.welch_t_test(few, many[:2]).df < 2, "two against two are Welch's as they are"


def test_equal_values_have_no_p() -> None:
    assert hypothesis_tests.paired_t_test([0.1] * 3, [0.3] * 3).p is None
    assert hypothesis_tests.welch_t_test([0.1, 0.1], [0.3, 0.3]).p is None
    assert hypothesis_tests.welch_t_test([0.1, 0.1, 0.1], [0.3, 0.31, 0.32]).p is not None


def test_pairs_are_made_where_seeds_match() -> None:
    a = [(1, 0.5), (2, 0.6), (3, 0.8)]
    assert run_pair_test(a, [(3, 0.9), (1, 0.7), (2, 0.65)]).paired
    partly = run_pair_test([*a, (4, 0.9)], [*((s, v + s / 50) for s, v in a), (7, 1.0)])
    assert partly.paired and partly.left_out == (4, 7) and len(partly.a) == 3
    assert not run_pair_test(a, [(1, 0.5), (2, 0.6), (9, 0.8)]).paired, (
        "two of three pairs are fewer than what is left out"
    )
    assert run_pair_test(a[:2], [(1, 0.5), (2, 0.7)]).paired
    assert not run_pair_test(a, [(None, 0.5), (None, 0.6), (None, 0.7)]).paired
    assert run_pair_test(a, [(1, 0.5)]).test is None
    assert run_pair_test(a, [(1, 0.5), (2, math.nan), (3, 0.1)]).b == (0.5, 0.1)


def test_the_same_difference_in_every_pair_is_tested_without_pairs() -> None:
    """Values are rounded: that all differences are equal proves nothing, and t would be infinite."""
    found = run_pair_test([(1, 0.90), (2, 0.91), (3, 0.92)], [(1, 0.91), (2, 0.92), (3, 0.93)])
    assert not found.paired and found.test is not None and found.test.p is not None and found.test.p > 0.05


# --- simulations: deterministic, each of some seconds ---


@pytest.mark.long
@pytest.mark.parametrize("n", [3, 5, 10])
def test_95_percent_intervals_hold_the_truth_in_95_of_100_cases(n: int) -> None:
    draw, rounds = random.Random(n), 20_000
    hit = 0
    for _ in range(rounds):
        found = summarize_seed_values([draw.gauss(0.7, 0.02) for _ in range(n)])
        hit += (found.low or 1) <= 0.7 <= (found.high or 0)
    assert 0.94 <= hit / rounds <= 0.96


@pytest.mark.long
@pytest.mark.parametrize("n", [3, 5, 10])
@pytest.mark.parametrize("kind", ["paired", "correlated"])
def test_pairs_show_a_difference_that_is_none_in_5_of_100_cases(n: int, kind: str) -> None:
    """Of 6000 draws 4 to 6 percent is 3.5 standard errors to either side."""
    draw, rounds = random.Random(n), 6000
    found = 0
    for _ in range(rounds):
        shifts = [draw.gauss(0, 1) if kind == "correlated" else 0.0 for _ in range(n)]
        a, b = ([(s, shifts[s] + draw.gauss(0, 1)) for s in range(n)] for _ in "ab")
        found += _claims(a, b)
    assert 0.04 <= found / rounds <= 0.06


# Two numbers of runs, the spread of the second side (the first has 1), and within which percentages Welch's test finds a difference
# that is none. Known from 100,000 draws each: 3.5 at 3 against 3, up to 5.8 where spreads differ; up to 7.5 where a side with 3 stands
# against more that scatter as much, or down to a quarter as much. Nothing is better: pooled spreads are worse where they differ,
# and no permutation of 3 and 3 reaches 5 percent.
WELCH = [
    *((3, 3, 1, 2.5, 4.5), (5, 5, 1, 3.5, 5.5), (10, 10, 1, 4, 6)),
    *((3, 3, 4, 4.5, 6.5), (5, 5, 4, 4, 6), (10, 10, 4, 4, 6), (3, 3, 0.25, 4.5, 6.5)),
    *((3, 10, 1, 5.5, 7.5), (3, 10, 4, 3.5, 5.5), (3, 10, 0.25, 5.5, 7.5), (5, 10, 1, 4, 6), (5, 10, 4, 4, 6)),
    *((2, 2, 1, 1.5, 3.5), (2, 10, 1, 0, 1), (2, 10, 4, 0, 1), (2, 10, 0.25, 0.5, 2.5), (2, 10, 0.1, 2.5, 4.5)),
]


@pytest.mark.long
@pytest.mark.parametrize(("n_a", "n_b", "spread", "low", "high"), WELCH)
def test_how_often_welch_shows_a_difference_that_is_none(
    n_a: int, n_b: int, spread: float, low: float, high: float
) -> None:
    draw, rounds = random.Random(n_a), 6000
    found = 0
    for _ in range(rounds):
        a = [(s, draw.gauss(0, 1)) for s in range(n_a)]
        found += _claims(a, [(s + 100, draw.gauss(0, spread)) for s in range(n_b)])
    assert low <= 100 * found / rounds <= high


def _claims(a: list[tuple[int, float]], b: list[tuple[int, float]]) -> bool:
    """Whether a difference is found; the interval has to say the same."""
    test = run_pair_test(a, b).test
    assert test is not None and test.p is not None
    assert (test.p <= 0.05) is not (test.low <= 0 <= test.high)
    return test.p <= 0.05


@pytest.mark.long
def test_holm_keeps_five_comparisons_to_5_percent_together() -> None:
    draw, rounds = random.Random(5), 3000
    wrong = 0
    for _ in range(rounds):
        a = [(s, draw.gauss(0, 1)) for s in range(5)]
        ps = [run_pair_test(a, [(s, draw.gauss(0, 1)) for s in range(5)]).test for _ in range(5)]
        wrong += any(
            p is not None and p <= 0.05 for p in hypothesis_tests.holm_correction([t.p if t else None for t in ps])
        )
    assert wrong / rounds <= 0.06


@pytest.mark.long
def test_the_noise_floor_holds_95_of_100_differences_of_nothing() -> None:
    draw, rounds = random.Random(3), 10_000
    within = 0
    for _ in range(rounds):
        a, b = ([draw.gauss(0, 1) for _ in range(n)] for n in (3, 1))
        within += abs(b[0] - sum(a) / 3) <= (power.noise_floor(a, 3, 1) or 0)
    assert 0.94 <= within / rounds <= 0.96


@pytest.mark.long
@pytest.mark.parametrize(("groups", "spread"), [(3, 1.0), (6, 1.0), (4, 3.0)])
def test_the_analysis_of_variance_keeps_to_5_percent_at_3_seeds(groups: int, spread: float) -> None:
    draw, rounds = random.Random(groups), 3000
    wrong = 0
    for _ in range(rounds):
        p = hypothesis_tests.anova_p(
            [[draw.gauss(0, spread if g == 0 else 1.0) for _ in range(3)] for g in range(groups)]
        )
        wrong += p is not None and p <= 0.05
    assert wrong / rounds <= 0.06
