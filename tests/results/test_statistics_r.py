"""Every number agrees with base R too (reference_r.json, made by make_reference.R, which says how), to a relative 1e-9.

Where R and this package differ by convention:

- `power.t.test` leaves out by default (strict = FALSE) that a test may find the difference on its wrong side. Ours counts it.
- Wilcoxon's tests are no part of this package. Over ranks instead of values our permutation tests are Wilcoxon's, so R's exact
  p-values hold for them; that only without ties and zeros, where `exact = TRUE` falls back on an approximation and ours does not.
- An interval of one mean is `t.test(a)$conf.int`; a difference is b - a, so R is asked for `t.test(b, a)`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from scaffold.results.stats import distributions, hypothesis_tests, power, resampling, summary

R = json.loads((Path(__file__).parent / "reference_r.json").read_text())
SCIPY = json.loads((Path(__file__).parent / "reference.json").read_text())
TWO = R["two"]


def close(found: float | None, wanted: float) -> bool:
    return found is not None and math.isclose(found, wanted, rel_tol=1e-9, abs_tol=1e-300)


def all_close(found: Sequence[float | None], wanted: Sequence[float]) -> bool:
    return all(close(x, y) for x, y in zip(found, wanted, strict=True))


def cases(key: str) -> pytest.MarkDecorator:
    """The pairs of samples for which R gives `key`."""
    return pytest.mark.parametrize("case", [c for c in TWO if key in c], ids=lambda c: f"{len(c['a'])}-{len(c['b'])}")


def ranks(values: Sequence[float]) -> list[float]:
    """1 for the smallest ...; refuses ties."""
    assert len(set(values)) == len(values)
    return [1.0 + sum(other < v for other in values) for v in values]


def test_the_file_says_how_it_was_made_and_has_the_same_samples_as_scipys() -> None:
    assert R["made"]["R"].startswith("R version 4.") and "make_reference.R" in R["made"]["command"]
    assert [(c["a"], c["b"]) for c in TWO] == [(c["a"], c["b"]) for c in SCIPY["two"]]


def test_quantiles_and_tails() -> None:
    assert all(close(distributions.t_critical(df, alpha), wanted) for df, alpha, wanted in R["t_critical"])
    assert all(close(distributions.t_two_sided_p(t, df), wanted) for t, df, wanted in R["t_tails"])
    assert all(close(distributions.f_test_p(f, df1, df2), wanted) for f, df1, df2, wanted in R["f_tail"])


@cases("mean")
def test_mean_sd_and_interval(case: dict[str, Any]) -> None:
    found = summary.summarize_seed_values(case["a"])
    assert all_close((found.mean, found.sd, found.low, found.high), (case["mean"], case["sd"], *case["interval"]))


@cases("welch")
def test_welch(case: dict[str, Any]) -> None:
    found = hypothesis_tests.welch_t_test(case["a"], case["b"])
    assert all_close((found.p, found.low, found.high, found.df), case["welch"])


@cases("paired")
def test_paired(case: dict[str, Any]) -> None:
    found = hypothesis_tests.paired_t_test(case["a"], case["b"])
    assert all_close((found.p, found.low, found.high), case["paired"])


@cases("sign_flips")
def test_permutations_of_pairs(case: dict[str, Any]) -> None:
    differences = [b - a for a, b in zip(case["a"], case["b"], strict=True)]
    assert close(resampling.sign_flip_p(differences), case["sign_flips"])
    order = ranks([abs(d) for d in differences])
    signed = [math.copysign(rank, d) for rank, d in zip(order, differences, strict=True)]
    assert close(resampling.sign_flip_p(signed), case["signed_rank"])


@cases("splits")
def test_permutations_of_two_sides(case: dict[str, Any]) -> None:
    assert close(resampling.independent_permutation_p(case["a"], case["b"]), case["splits"])


@cases("rank_sum")
def test_rank_sums(case: dict[str, Any]) -> None:
    """R doubles the smaller tail and ours counts both: one and the same, as rank sums without ties are symmetric."""
    order = ranks([*case["a"], *case["b"]])
    n = len(case["a"])
    assert close(resampling.independent_permutation_p(order[:n], order[n:]), case["rank_sum"])


@pytest.mark.parametrize(("size", "n", "paired", "strict", "default"), R["power"])
def test_power(size: float, n: float, paired: float, strict: float, default: float) -> None:
    shift, df = (size * math.sqrt(n), n - 1) if paired else (size * math.sqrt(n / 2), 2 * n - 2)
    assert close(distributions.t_test_power(shift, df), strict)
    assert strict >= default, "the other tail is left out in R's default"
    assert close(distributions.t_test_power(-shift, df), strict)


@pytest.mark.parametrize(("shift", "df", "wanted"), R["power_t"])
def test_power_of_welchs_degrees_of_freedom(shift: float, df: float, wanted: float) -> None:
    assert close(distributions.t_test_power(shift, df), wanted)


@pytest.mark.parametrize(("effect", "sd", "paired", "wanted"), R["seeds"])
def test_seeds_needed(effect: float, sd: float, paired: float, wanted: float) -> None:
    assert power.seeds_needed(effect, sd, paired=bool(paired)) == math.ceil(wanted)


@pytest.mark.parametrize(("ps", "wanted"), R["holm"])
def test_holm(ps: list[float], wanted: list[float]) -> None:
    assert all_close(hypothesis_tests.holm_correction(ps), wanted)


@pytest.mark.parametrize(("groups", "welch", "fisher"), R["anova"], ids=["2x3", "4x3", "5x8"])
def test_anova(groups: list[list[float]], welch: float, fisher: float) -> None:
    assert close(hypothesis_tests.welch_anova(groups), welch)
    assert close(hypothesis_tests.anova_p(groups), max(welch, fisher))
