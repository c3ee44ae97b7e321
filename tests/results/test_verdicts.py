"""Numbers as they are written, and the sentence that goes with every outcome of a comparison."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from scaffold.metric_directions import Direction
from scaffold.results.stats.summary import MetricSummary
from scaffold.results.tables import text_format, verdicts
from scaffold.results.tables.verdicts import MetricComparison

TESTED = MetricComparison(
    metric="acc",
    a="base",
    b="main",
    n_a=3,
    n_b=4,
    mean_a=0.9,
    mean_b=0.92,
    paired=False,
    test="Welch t",
    effect=0.02,
    low=0.01,
    high=0.03,
    p=0.02,
    p_holm=0.02,
    p_exact=None,
    comparisons=1,
    noise_floor=0.05,
    detectable=0.04,
    distinguishable=False,
    better=None,
    seeds_needed=7,
    verdict="",
)


@pytest.mark.parametrize(
    ("value", "spread", "text"),
    [
        (0.123456789, None, "0.12346"),  # five digits where nothing is known of the spread
        (0.123456789, 0.0, "0.12346"),
        (0.123456789, math.inf, "0.12346"),
        (0.123456789, 0.0123, "0.123"),  # two digits of the spread
        (0.123456789, 0.1, "0.12"),
        (0.123456789, 0.0999, "0.123"),
        (123.456, 1.0, "123.5"),
        (123.456, 10.0, "123"),
        (123.456, 5000.0, "123"),  # never fewer than the whole number
        (1.23456789012, 1e-7, "1.23456789"),  # eight decimals
        (1.23456789012, 1e-8, "1.234567890e+00"),  # more are counted from the first digit
        (999_999_999.0, 0.1, "999999999.00"),
        (-999_999_999.0, 0.1, "-999999999.00"),
        (1e9, 0.1, "1.00000000000e+09"),
        (-1e9, 0.1, "-1.00000000000e+09"),
        (1e9, 1e12, "1.0e+09"),
        (1e30, 1.0, "1.000000000000000e+30"),  # a float has no more than 16 digits
        (0.0, 1e-12, "0.0000000000000e+00"),
        (1.2e-12, 1e-13, "1.20e-12"),
        (math.nan, 0.1, "nan"),
        (-math.inf, None, "-inf"),
    ],
)
def test_a_value_has_the_digits_that_its_spread_leaves(value: float, spread: float | None, text: str) -> None:
    assert text_format.format_number(value, spread) == text


def test_a_difference_has_its_sign() -> None:
    assert (
        text_format.format_signed_number(0.5),
        text_format.format_signed_number(-0.5),
        text_format.format_signed_number(0.0),
    ) == (
        "+0.5",
        "-0.5",
        "0",
    )


def test_an_interval_needs_both_ends() -> None:
    assert (
        text_format.format_interval(0.1, 0.2) == "[0.1, 0.2]"
        and text_format.format_interval(-1.0, 1.0, 1.0) == "[-1.0, 1.0]"
    )
    none = "one run: no interval"
    assert (
        text_format.format_interval(None, 0.2)
        == text_format.format_interval(0.1, None)
        == text_format.format_interval(None, None)
        == none
    )


def test_a_p_value() -> None:
    assert text_format.format_p(0.0341) == "p = 0.034"
    assert (text_format.format_p(1e-4), text_format.format_p(9.99e-5)) == ("p = 0.0001", "p < 0.0001")


def test_how_many_runs_a_mean_rests_on() -> None:
    three = MetricSummary(3, 0.5, 0.1, 0.4, 0.6, 0.4, 0.6)
    assert (text_format.format_run_count(three, 0), text_format.format_run_count(three, 1)) == ("3", "3 of 4")
    assert text_format.format_run_count(three._replace(n=2, not_finite=1), 0) == "2 of 3 (1 not finite)"
    assert (text_format.format_run_count(None, 0), text_format.format_run_count(None, 2)) == ("0", "0 of 2")


@pytest.mark.parametrize(
    ("effect", "direction", "better"),
    [
        (0.1, "maximize", True),
        (-0.1, "maximize", False),
        (0.1, "minimize", False),
        (-0.1, "minimize", True),
        (0.1, None, None),
        (0.0, "maximize", None),
    ],
)
def test_better_is_a_matter_of_direction(effect: float, direction: Direction | None, better: bool | None) -> None:
    assert verdicts.is_improvement(effect, direction) is better


@pytest.mark.parametrize(
    ("change", "direction", "verdict"),
    [
        ({}, "maximize", "main is better: +0.020 [0.010, 0.030], p = 0.02"),
        ({}, "minimize", "main is worse: +0.020 [0.010, 0.030], p = 0.02"),
        ({}, None, "main is higher: +0.020 [0.010, 0.030], p = 0.02"),
        ({"effect": -0.02, "low": -0.03, "high": -0.01}, None, "main is lower: -0.020 [-0.030, -0.010], p = 0.02"),
        ({"p_holm": 0.05}, "maximize", "main is better: +0.020 [0.010, 0.030], p = 0.05"),
        ({"comparisons": 2}, None, "main is higher: +0.020 [0.010, 0.030], p = 0.02 among 2 comparisons (Holm)"),
        (
            {"p": 0.05, "p_holm": 0.1, "comparisons": 2},
            None,
            "not distinguishable: p = 0.05 alone, p = 0.1 among 2 comparisons (Holm)",
        ),
        ({"p": 0.2, "p_holm": 0.2}, None, "not distinguishable: 0.020 within the noise floor 0.050"),
        (
            {"p": 0.2, "p_holm": 0.2, "noise_floor": 0.02},
            None,
            "not distinguishable: 0.020 within the noise floor 0.020",
        ),
        (
            {"p": 0.2, "p_holm": 0.2, "effect": -0.02, "low": -0.05, "high": 0.01, "noise_floor": 0.01},
            None,
            "not distinguishable: the interval [-0.050, 0.010] of the difference -0.020 includes 0",
        ),
        (
            {"p": 0.2, "p_holm": 0.2, "effect": -0.02, "low": -0.05, "high": 0.01, "noise_floor": 0.03},
            None,
            "not distinguishable: 0.020 within the noise floor 0.030",
        ),
        ({"effect": None, "n_a": 0}, None, "not comparable: base has no value of acc"),
        ({"effect": None, "n_a": 0, "n_b": 0}, None, "not comparable: base and main have no value of acc"),
        ({"n_a": 1, "n_b": 1}, None, "one run each: no interval; 0.02 may be luck"),
        ({"n_a": 1, "n_b": 1, "effect": 0.0}, None, "one run each: no interval; 0 may be luck"),
        ({"n_a": 2, "n_b": 1, "effect": 0.0}, None, "one run of main: no interval; 0 is within the noise floor 0.05"),
        (
            {"n_a": 1, "n_b": 2, "effect": 0.0, "noise_floor": None},
            None,
            "one run of base: no interval; 0 may be luck",
        ),
        ({"n_b": 1, "noise_floor": None}, None, "one run of main: no interval; 0.02 may be luck"),
        ({"n_a": 1, "effect": -0.05}, None, "one run of base: no interval; 0.05 is within the noise floor 0.05"),
        (
            {"n_b": 1, "effect": -0.06},
            None,
            "one run of main: no interval; 0.06 is above the noise floor 0.05: worth more seeds, no proof",
        ),
        ({"p": None, "p_holm": None, "effect": 0.0}, None, "identical: every value is the same on both sides"),
        (
            {"p": None, "p_holm": None},
            None,
            "differs by 0.02 and no value varies with the seed: there is nothing to test against; "
            "check that the seed is used",
        ),
    ],
)
def test_a_sentence_for_every_outcome(change: dict[str, object], direction: Direction | None, verdict: str) -> None:
    assert verdicts.verdict_sentence(replace(TESTED, **change), direction, seed_only=False) == verdict  # type: ignore[arg-type]


def test_what_only_the_seed_tells_apart_is_luck() -> None:
    assert (
        verdicts.verdict_sentence(TESTED, "maximize", seed_only=True)
        == "only the seed differs: 0.02 is luck, whatever its size"
    )


def test_how_many_seeds_it_would_take() -> None:
    told = "3 seeds find differences from 0.04 on (power 80 %)"
    assert verdicts.needed_seeds_sentence(TESTED) == f"{told}; if the true difference is 0.02, it takes 7 seeds each"
    assert verdicts.needed_seeds_sentence(replace(TESTED, effect=-0.02)) == verdicts.needed_seeds_sentence(TESTED)
    assert verdicts.needed_seeds_sentence(replace(TESTED, seeds_needed=None)) == told
    for reason in ({"distinguishable": True}, {"p": None}, {"detectable": None}):
        assert verdicts.needed_seeds_sentence(replace(TESTED, **reason)) is None, "it does not matter"
