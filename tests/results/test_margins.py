"""Equivalence, not being worse, being better by a margin: held against statsmodels and scipy; and what `--expect` makes of it."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

from scaffold.results.stats import margins, power
from scaffold.results.stats.distributions import t_test_power
from scaffold.results.stats.hypothesis_tests import TTest, paired_t_test, welch_t_test
from tests.conftest import Run
from tests.results.conftest import Ask, Study

# written by make_reference_margins.py
REFERENCE: dict[str, Any] = json.loads(Path(__file__).with_name("reference_margins.json").read_text())


@pytest.mark.parametrize(
    "entry", REFERENCE["margins"], ids=lambda entry: f"{len(entry['a'])}-{len(entry['b'])}-{entry['margin']}"
)
def test_margins_agree_with_statsmodels(entry: dict[str, Any]) -> None:
    a, b, margin = entry["a"], entry["b"], entry["margin"]
    tests = {"welch": welch_t_test(a, b)}
    if "paired" in entry:
        tests["paired"] = paired_t_test(a, b)
    for name, test in tests.items():
        ps = (
            margins.equivalence_p(test, margin),
            margins.noninferiority_p(test, margin, 1.0),
            margins.noninferiority_p(test, -margin, 1.0),
        )
        assert ps == pytest.approx(entry[name], rel=1e-8, abs=1e-14), name
        doubled = margins.superiority_p(test, margin, 1.0)
        assert doubled == pytest.approx(min(1.0, 2 * entry[name][2]), rel=1e-8, abs=1e-14)


def test_power_at_corrected_levels_agrees_with_scipy() -> None:
    for shift, df, alpha, value in REFERENCE["power"]:
        assert t_test_power(shift, df, alpha) == pytest.approx(value, rel=1e-7, abs=1e-10), (shift, df, alpha)
    for size, paired, alpha, value in REFERENCE["seeds"]:
        assert power.seeds_needed(size, 1.0, paired=paired, alpha=alpha) == value, (size, paired, alpha)


def test_the_far_power_meets_the_series() -> None:
    for df in (2, 3, 6.5):
        near, far = t_test_power(29.999999, df, 1e-6), t_test_power(30.000001, df, 1e-6)
        assert near == pytest.approx(far, rel=1e-5) and near < far


def test_without_a_spread_there_is_nothing_to_test() -> None:
    constant = TTest("paired t", 0.0, 0.0, 0.0, None, 0.0, 2)
    assert margins.equivalence_p(constant, 0.1) is None and margins.superiority_p(constant, 0.1, 1.0) is None


@pytest.fixture
def sides(study: Study) -> Study:
    """Against base: as good, better, worse by much, of one run, and without a value."""
    base = [0.900, 0.903, 0.906, 0.901, 0.904]
    study.seeds("base", base)
    study.seeds("same", [v + d for v, d in zip(base, (0.001, -0.001, 0.0005, -0.0004, 0.0002), strict=True)])
    study.seeds("good", [v + d for v, d in zip(base, (0.05, 0.051, 0.049, 0.052, 0.05), strict=True)])
    study.seeds("bad", [v - d for v, d in zip(base, (0.05, 0.051, 0.049, 0.052, 0.05), strict=True)])
    study.seeds("single", [0.95])
    study.add("empty", 1, {}, {"loss": 1.0})
    study.add("empty", 2, {}, {"loss": 2.0})
    return study


EXIT_CODES = [
    (("good", "--expect", "better"), 0),
    (("bad", "--expect", "worse"), 0),
    (("bad", "--expect", "better"), 3),
    (("same", "--expect", "better"), 3),
    (("good", "--expect", "better", "--margin", "0.04"), 0),
    (("good", "--expect", "better", "--margin", "0.06"), 3),
    (("same", "--expect", "equal", "--margin", "0.01"), 0),
    (("same", "--expect", "equal", "--margin", "0.0001"), 3),
    (("good", "--expect", "equal", "--margin", "0.01"), 3),
    (("same", "--expect", "not-worse", "--margin", "0.01"), 0),
    (("good", "--expect", "not-worse", "--margin", "0.01"), 0),
    (("bad", "--expect", "not-worse", "--margin", "0.01"), 3),
    (("good", "same", "--expect", "better"), 3),
    (("good", "same", "--expect", "not-worse", "--margin", "0.01"), 0),
    (("single", "--expect", "better"), 3),
    (("empty", "--expect", "better"), 1),
    (("good", "empty", "--expect", "better"), 1),
    (("good",), 0),
    (("bad",), 0),
    (("good", "--margin", "1"), 2),
    (("good", "--expect", "equal"), 2),
]


def test_an_expectation_is_an_exit_code(run: Run, sides: Study) -> None:
    for args, code in EXIT_CODES:
        done = run("results", "compare", "base", *args, "--metric", "acc", "--workdir", sides.root)
        assert done.exit_code == code, (args, done.output)
        if code in (0, 3) and "--expect" in args:
            assert f"expected {args[0]} " in done.stdout


def test_an_expectation_in_json(ask: Ask, sides: Study) -> None:
    (found,) = ask("compare", "base", "same", "--expect", "equal", "--margin", "0.01", "--metric", "acc")["comparisons"]
    expected = found["expected"]
    assert expected["shown"] and expected["p"] < expected["p_holm"] < 0.05 and expected["margin"] == 0.01
    assert expected["sentence"].startswith("expected same equal within 0.01: shown, p < 0.0001 alone, ")


def test_which_way_is_better_has_to_be_known(run: Run, study: Study) -> None:
    study.seeds("a", [0.1, 0.2, 0.3], "zeal")
    study.seeds("b", [0.2, 0.3, 0.5], "zeal")
    done = run("results", "compare", "a", "b", "--expect", "better", "--workdir", study.root)
    assert done.exit_code == 1 and "--minimize zeal or --maximize zeal" in done.stderr


@pytest.mark.long
@pytest.mark.parametrize("paired", [True, False])
@pytest.mark.parametrize("n", [3, 5, 10])
def test_equivalence_holds_its_level(n: int, paired: bool) -> None:
    """Where the true difference is just the margin, it is called equal in at most 5 of 100 cases."""
    draw, rounds, claimed = random.Random(n), 4000, 0
    for _ in range(rounds):
        a = [draw.gauss(0.0, 1.0) for _ in range(n)]
        b = [draw.gauss(2.0, 1.0) for _ in range(n)]
        test = paired_t_test(a, b) if paired else welch_t_test(a, b)
        p = margins.equivalence_p(test, 2.0)
        claimed += p is not None and p <= 0.05
    assert claimed / rounds <= 0.057
