"""Comparisons: who is meant, how it is tested, what is said."""

from __future__ import annotations

import random
from typing import Any

import pytest

from scaffold.errors import ScaffoldError
from scaffold.observations.model import MeasuredRun, MetricValue
from scaffold.results.metrics import run_selectors
from scaffold.results.stats import power
from scaffold.results.tables.model import ResultRow
from scaffold.results.tables.pair_comparisons import compare_pairs
from scaffold.results.tables.pairing import RowPair
from tests.conftest import Run
from tests.results.conftest import Ask, Study
from tests.results.test_run_filter import RUN


def one(ask: Ask, *args: str) -> Any:
    (found,) = ask("compare", *args)["comparisons"]
    return found


def test_paired_by_seed(ask: Ask, study: Study) -> None:
    study.seeds("base", [0.90, 0.93, 0.96])
    study.seeds("main", [0.92, 0.955, 0.98])
    found = one(ask, "base", "main")
    assert (found["paired"], found["test"], found["n_a"], found["n_b"]) == (True, "paired t", 3, 3)
    # scipy 1.17: ttest_rel([0.92, 0.955, 0.98], [0.90, 0.93, 0.96])
    assert found["effect"] == pytest.approx(0.065 / 3) and found["p"] == pytest.approx(0.005865153227565443, rel=1e-9)
    assert found["distinguishable"] and found["better"] == "main" and found["seeds_needed"] is None
    assert found["verdict"] == "main is better: +0.0217 [0.0145, 0.0288], p = 0.0059"
    assert "within the noise floor" in found["warnings"][0], "only the pairs show it"


def test_within_the_noise_floor(ask: Ask, study: Study) -> None:
    study.seeds("base", [0.90, 0.93, 0.96])
    for seed, value in ((11, 0.934), (12, 0.91), (13, 0.958)):
        study.add("main", seed, {}, {"acc": value})
    found = one(ask, "base", "main")
    assert found["test"] == "Welch t" and not found["distinguishable"] and found["better"] is None
    assert found["noise_floor"] == pytest.approx(4.302652729911275 * 0.03 * (2 / 3) ** 0.5)
    assert found["verdict"] == "not distinguishable: 0.004 within the noise floor 0.105"
    # statsmodels 0.15: TTestIndPower().solve_power(0.004 / sd, alpha=0.05, power=0.8) = 725.02
    assert found["seeds_needed"] == 726 and found["detectable"] == pytest.approx(0.0850, abs=0.001)


def test_not_distinguishable_without_a_floor(ask: Ask, study: Study) -> None:
    study.seeds("base", [0.90, 0.93])
    study.seeds("main", [0.91, 0.93])
    found = one(ask, "base", "main")
    assert found["noise_floor"] is None
    assert found["verdict"] == "not distinguishable: the interval [-0.059, 0.069] of the difference +0.005 includes 0"


def test_one_run_has_no_interval_and_no_verdict(ask: Ask, study: Study) -> None:
    study.seeds("base", [0.90, 0.91, 0.92])
    study.seeds("near", [0.93])
    study.seeds("far", [0.99])
    near, far = ask("compare", "base", "near", "far")["comparisons"]
    assert near["verdict"] == "one run of near: no interval; 0.02 is within the noise floor 0.049683"
    assert "above the noise floor" in far["verdict"] and "no proof" in far["verdict"]
    assert (near["low"], near["p"], far["distinguishable"], near["comparisons"]) == (None, None, False, 0)
    assert one(ask, "near", "far")["verdict"] == "one run each: no interval; 0.06 may be luck"


def test_only_the_seed_differs(ask: Ask, study: Study) -> None:
    for seed in range(1, 9):
        study.add("train", seed, {"lr": 0.1}, {"acc": 0.9 + (0.05 if seed > 4 else 0) + seed / 1e4})
    found = one(ask, "seed<5", "seed>4")
    assert not found["distinguishable"] and found["verdict"].startswith("only the seed differs: 0.0504 is luck")
    assert found["p"] is None


def test_another_code_is_a_difference(ask: Ask, study: Study) -> None:
    for code in ("a", "b"):
        for seed in range(1, 4):
            study.add("train", seed, {}, {"acc": 0.9 + (0.05 if code == "b" else 0) + seed**2 / 1e3}, code=code)
    found = one(ask, f"code={'a' * 64}", f"code={'b' * 64}")
    assert "seed differs" not in found["verdict"]


def test_values_that_no_seed_moves(ask: Ask, study: Study) -> None:
    study.seeds("base", [0.9, 0.9, 0.9])
    study.seeds("main", [0.95, 0.95, 0.95])
    study.seeds("same", [0.9, 0.9, 0.9])
    different, same = ask("compare", "base", "main", "same")["comparisons"]
    assert (
        "no value varies with the seed" in different["verdict"]
        and "check that the seed is used" in different["verdict"]
    )
    assert same["verdict"] == "identical: every value is the same on both sides"
    assert not different["distinguishable"] and different["noise_floor"] is None


def test_a_change_that_changes_nothing_is_identical_seed_by_seed(ask: Ask, study: Study) -> None:
    study.seeds("base", [0.90, 0.93, 0.96])
    study.seeds("main", [0.90, 0.93, 0.96])
    found = one(ask, "base", "main")
    assert found["verdict"] == "identical: every value is the same on both sides" and found["p"] is None


def test_holm_over_all_comparisons_and_metrics(ask: Ask, study: Study) -> None:
    for name, offset in (("base", 0.0), ("b", 0.016), ("c", 0.001)):
        for seed, noise in enumerate([0.001, -0.003, 0.002], start=1):
            value = 0.9 + offset + noise * (1 if name == "base" else -1)
            study.add(name, seed, {}, {"acc": value, "f1": value - 0.1})
    found = ask("compare", "base", "b", "c")["comparisons"]
    assert [(c["metric"], c["b"], c["comparisons"]) for c in found] == [
        ("acc", "b", 4), ("acc", "c", 4), ("f1", "b", 4), ("f1", "c", 4),
    ]  # fmt: skip
    first = found[0]
    assert first["p"] < 0.05 < first["p_holm"] and not first["distinguishable"]
    assert "alone" in first["verdict"] and "among 4 comparisons (Holm)" in first["verdict"]
    assert one(ask, "base", "b", "--metric", "acc", "--family", "asked")["distinguishable"]


def test_nan_and_missing_runs_are_warned_of(ask: Ask, study: Study) -> None:
    study.seeds("base", [0.90, 0.93, 0.96])
    for seed, value in enumerate([0.95, "nan", 0.97], start=1):
        study.add("main", seed, {}, {"acc": value})
    study.add("main", 4, {}, status="failed")
    warnings = " ".join(one(ask, "base", "main")["warnings"])
    assert "1 of 3 values are NaN or infinite" in warnings and "1 run has no result (failed, exit 3)" in warnings


def test_a_side_without_values(ask: Ask, study: Study) -> None:
    study.seeds("base", [0.90, 0.93])
    study.add("main", 1, {}, {"loss": 0.5})
    study.add("main", 2, {}, {"acc": "nan"})
    found = {c["metric"]: c["verdict"] for c in ask("compare", "base", "main")["comparisons"]}
    assert found == {
        "acc": "not comparable: main has no value of acc",
        "loss": "not comparable: base has no value of loss",
    }


def test_an_outlier_is_pointed_out(ask: Ask, study: Study) -> None:
    study.seeds("base", [0.50, 0.51, 0.49, 0.50, 0.52, 0.48])
    study.seeds("main", [0.51, 0.52, 0.50, 0.51, 0.53, 0.80])
    found = one(ask, "base", "main")
    assert found["p"] > 0.05 > (found["p_exact"] or 1) and "exact permutation test" in found["warnings"][0]


def test_sides_by_name_beginning_and_condition(study: Study) -> None:
    for experiment, lr in (("base", 0.1), ("base", 0.2), ("main", 0.1)):
        study.seeds(experiment, [0.5, 0.6], lr=lr)
    single = study.add("other", 1, {"lr": 0.1, "wd": 1}, {"acc": 0.5}, sweep="grid", task="P1-T1")

    def meant(text: str) -> tuple[str, int]:
        result = study.read()
        found = run_selectors.select_runs(text, result)
        return found.kind, sum(map(found.admits, result.runs()))

    assert meant("base") == ("experiment", 4)
    assert meant("grid") == ("sweep", 1) and meant("P1-T1") == ("task", 1)
    assert meant("base-lr=0.1") == ("configuration", 2)
    assert meant("other-lr=0.1") == ("beginning", 1), "a name is not cut in the middle where it need not be"
    assert meant("oth") == ("beginning", 1)
    assert meant(single) == ("run", 1)
    assert meant("lr=0.1 and experiment!=other") == ("condition", 4)
    with pytest.raises(ScaffoldError, match="no run is meant by 'x'"):
        meant("x")
    with pytest.raises(ScaffoldError, match="no run is meant by 'lr=7'"):
        meant("lr=7")
    study.add("grid", 1, {}, {"acc": 0.5})
    assert meant("grid") == ("experiment", 1), "the order of meanings holds"
    assert meant("sweep:grid") == ("sweep", 1) and meant(f"run:{single}") == ("run", 1)
    note = run_selectors.select_runs("grid", study.read()).note
    assert note == "'grid' is taken for the experiment; it is also sweep:grid"
    with pytest.raises(ScaffoldError, match="there is no task 'grid' with a run"):
        meant("task:grid")


def test_grids_are_compared_configuration_by_configuration(ask: Ask, study: Study) -> None:
    for lr in (0.1, 0.2):
        study.seeds("base", [0.5, 0.6, 0.7], lr=lr)
        study.seeds("main", [0.51, 0.63, 0.72], lr=lr, use_x=True)
    study.seeds("main", [0.9], lr=0.3, use_x=True)
    found = ask("compare", "base", "main")
    assert [(c["a"], c["b"]) for c in found["comparisons"]] == [
        ("base lr=0.1", "main lr=0.1"),
        ("base lr=0.2", "main lr=0.2"),
    ]
    assert found["warnings"] == ["1 configuration of base and main has no partner"]


def test_grids_that_do_not_match_are_refused(run: Run, study: Study) -> None:
    for lr in (0.1, 0.2):
        study.seeds("base", [0.5, 0.6], lr=lr)
        study.seeds("main", [0.5, 0.6], lr=lr * 10)
    done = run("results", "compare", "base", "main", "--workdir", study.root)
    assert done.exit_code == 1 and "do not match by lr" in done.stderr and "experiment=base and lr=0.1" in done.stderr


def test_what_shares_runs_cannot_be_compared(run: Run, study: Study) -> None:
    study.seeds("base", [0.5, 0.6], lr=0.1)
    done = run("results", "compare", "base", "lr=0.1", "--workdir", study.root)
    assert done.exit_code == 2 and "share runs" in done.stderr
    assert run("results", "compare", "base", "--workdir", study.root).exit_code == 2


def test_the_noise_floor_of_another_baseline(ask: Ask, study: Study) -> None:
    study.seeds("quiet", [0.90, 0.901])
    study.seeds("main", [0.90, 0.902])
    study.seeds("noisy", [0.7, 0.8, 0.9])
    assert one(ask, "quiet", "main", "--noise-from", "noisy")["noise_floor"] == pytest.approx(4.302652729911275 * 0.1)


@pytest.mark.long
@pytest.mark.parametrize("n", [3, 5, 10])
def test_verdicts_claim_a_difference_that_is_none_in_5_of_100_cases(n: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The verdict itself, as it is told: paired by seed, one comparison, without a difference."""
    for slow in ("detectable_effect", "seeds_needed"):  # what would be needed to see more is no part of what is claimed
        monkeypatch.setattr(power, slow, lambda *_, **__: None)
    draw, rounds, claimed = random.Random(n), 3000, 0

    def row(lr: float) -> ResultRow:
        runs = tuple(
            MeasuredRun(run=RUN._replace(seed=seed), values={"acc": MetricValue(draw.gauss(0.7, 0.02), "x")})
            for seed in range(n)
        )
        return ResultRow(experiment="e", config={"lr": lr}, runs=runs, missing=(), summaries={})

    for _ in range(rounds):
        pair = RowPair(a=row(0.1), b=row(0.2), name_a="a", name_b="b")
        (found,) = compare_pairs([pair], ["acc"], {"acc": "maximize"})
        assert found.distinguishable == (" is better" in found.verdict or " is worse" in found.verdict)
        claimed += found.distinguishable
    assert 0.04 <= claimed / rounds <= 0.06
