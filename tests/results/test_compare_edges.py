"""What a comparison says beside its verdict, and who is compared with whom where there are many."""

from __future__ import annotations

from typing import Any

import pytest

from scaffold.errors import ScaffoldError
from scaffold.results.metrics.run_filter import parse_run_filter
from scaffold.results.tables.pairing import RowPair, pair_rows
from tests.results.conftest import Ask, Study


def one(ask: Ask, *args: str) -> Any:
    (found,) = ask("compare", *args)["comparisons"]
    return found


def test_runs_without_a_partner_are_named(ask: Ask, study: Study) -> None:
    study.seeds("base", [0.90, 0.93, 0.96, 0.99])
    study.seeds("main", [0.92, 0.955, 0.98])
    study.add("main", None, {}, {"acc": 0.5})
    found = one(ask, "base", "main")
    assert (found["paired"], found["n_a"], found["n_b"]) == (True, 3, 3)
    assert "paired by seed: runs without a partner are left out (seeds 4, none)" in found["warnings"]
    assert found["mean_b"] == pytest.approx((0.92 + 0.955 + 0.98) / 3), "of the pairs alone"


def test_runs_without_a_result_are_counted(ask: Ask, study: Study) -> None:
    study.seeds("base", [0.90, 0.93, 0.96])
    study.seeds("main", [0.92, 0.955, 0.98])
    for seed in (4, 5):
        study.add("base", seed, {}, status="failed")
    assert (
        "base: 2 runs have no result (failed, exit 3): the rest may flatter it" in one(ask, "base", "main")["warnings"]
    )


def test_values_that_are_not_finite_are_counted_on_their_side(ask: Ask, study: Study) -> None:
    study.seeds("base", [0.90, 0.93, 0.96])
    for seed, value in enumerate(["nan", "inf"], start=1):
        study.add("main", seed, {}, {"acc": value})
    found = one(ask, "base", "main")
    assert [w for w in found["warnings"] if "NaN" in w] == [
        "main: 2 of 2 values are NaN or infinite and left out: the rest flatters it"
    ]
    assert (found["n_a"], found["n_b"], found["effect"], found["noise_floor"]) == (3, 0, None, None)


def test_rows_are_named_by_what_tells_them_apart_on_either_side(ask: Ask, study: Study) -> None:
    """All of base have depth 1, which its own table need not say: main has depth 2 too."""
    for lr in (0.1, 0.2):
        study.seeds("base", [0.90, 0.93, 0.96], lr=lr, depth=1)
        for depth in (1, 2):
            study.seeds("main", [0.92, 0.955, 0.98], lr=lr, depth=depth)
    found = ask("compare", "base", "main")["comparisons"]
    assert [(one["a"], one["b"]) for one in found] == [
        ("base depth=1 lr=0.1", "main depth=1 lr=0.1"),
        ("base depth=1 lr=0.2", "main depth=1 lr=0.2"),
    ]


def test_what_no_difference_can_be_taken_of_counts_as_infinite(ask: Ask, study: Study) -> None:
    """1e308 and -1e308 are numbers, and their difference is none."""
    study.seeds("base", [1e308, 0.93, 0.96, 0.91])
    study.seeds("main", [-1e308, 0.955, 0.98, 0.95])
    found = one(ask, "base", "main")
    assert found["n_a"] == found["n_b"] == 3 and 0 < found["effect"] < 1


def test_a_metric_whose_direction_nobody_knows(ask: Ask, study: Study) -> None:
    study.seeds("base", [0.90, 0.93, 0.97], "zeal")
    study.seeds("main", [0.95, 0.985, 1.02], "zeal")
    found = one(ask, "base", "main")
    assert found["distinguishable"] and found["better"] is None and found["verdict"].startswith("main is higher: ")
    assert "whether zeal is better high or low is not known: --maximize zeal or --minimize zeal" in found["warnings"]
    told = one(ask, "base", "main", "--minimize", "zeal")
    assert told["better"] == "base" and "not known" not in " ".join(told["warnings"])


def test_a_clear_difference_of_pairs_needs_no_warning(ask: Ask, study: Study) -> None:
    study.seeds("base", [0.90, 0.93, 0.97])
    study.seeds("main", [1.40, 1.435, 1.47])
    found = one(ask, "base", "main")
    assert found["distinguishable"] and found["effect"] > found["noise_floor"] and found["warnings"] == []


def test_what_it_would_take_is_told_of_pairs_and_of_sides(ask: Ask, study: Study) -> None:
    study.seeds("base", [0.90, 0.93, 0.97])
    study.seeds("main", [0.91, 0.99, 0.96])
    for seed, value in ((11, 0.91), (12, 0.99), (13, 0.96)):
        study.add("apart", seed, {}, {"acc": value})
    paired, apart = (one(ask, "base", name, "--family", "asked") for name in ("main", "apart"))
    assert (paired["paired"], apart["paired"]) == (True, False)
    assert paired["effect"] == pytest.approx(0.02) and apart["effect"] == pytest.approx(0.02)
    # scipy 1.17: the first n at which nct's tails beyond t.isf(0.025, df) hold 80 %, for 0.02 / sd(differences) and 0.02 / pooled sd
    assert (paired["seeds_needed"], apart["seeds_needed"]) == (28, 58)


def test_a_code_and_its_parameters_are_one_configuration_only_within_an_experiment(study: Study) -> None:
    study.seeds("base", [0.5, 0.6], lr=0.1)
    study.seeds("main", [0.5, 0.6], lr=0.1)
    base, main = study.table().rows
    pair = RowPair(a=base, b=main, name_a="base", name_b="main")
    assert not pair.only_seeds_differ()
    assert RowPair(a=base, b=base, name_a="1", name_b="2").only_seeds_differ()


def test_one_side_of_many_is_compared_with_each(ask: Ask, study: Study) -> None:
    study.seeds("base", [0.5, 0.6, 0.71])
    for lr in (0.1, 0.2):
        study.seeds("main", [0.51, 0.63, 0.72], lr=lr)
    found = ask("compare", "base", "main")
    assert [(c["a"], c["b"]) for c in found["comparisons"]] == [("base", "main lr=0.1"), ("base", "main lr=0.2")]
    turned = ask("compare", "main", "base")
    assert [(c["a"], c["b"]) for c in turned["comparisons"]] == [("main lr=0.1", "base"), ("main lr=0.2", "base")]
    assert found["warnings"] == []


def test_a_side_of_several_experiments_names_each(ask: Ask, study: Study) -> None:
    study.seeds("base", [0.5, 0.6, 0.71], lr=0.1)
    for experiment, value in (("x", 0.5), ("y", 0.7)):
        for seed in (1, 2, 3):
            study.add(experiment, seed, {"lr": 0.1}, {"acc": value + seed**2 / 100}, sweep="grid")
    found = ask("compare", "base", "grid")["comparisons"]
    assert [c["b"].split()[:2] for c in found] == [["grid", "x"], ["grid", "y"]]


def test_several_rows_of_one_key_are_refused(study: Study) -> None:
    """Two experiments of one configuration on a side: which of them was meant?"""
    for lr in (0.1, 0.2):
        study.seeds("base", [0.5, 0.6], lr=lr)
        for experiment in ("x", "y"):
            study.seeds(experiment, [0.5, 0.6], lr=lr)
    base, both = (study.table(where=parse_run_filter(f"experiment in {side}")) for side in ("(base)", "(x, y)"))
    with pytest.raises(ScaffoldError, match="'one' stands for 2 configurations and 'two' for 4") as caught:
        pair_rows("one", base, "two", both)
    assert caught.value.hint == "name one configuration on each side, for example 'experiment=base and lr=0.1'"


def test_two_configurations_of_one_code_differ_by_more_than_the_seed(ask: Ask, study: Study) -> None:
    study.seeds("train", [0.90, 0.93, 0.97], lr=0.1)
    study.seeds("train", [1.40, 1.435, 1.47], lr=0.2)
    found = one(ask, "lr=0.1", "lr=0.2")
    assert found["distinguishable"] and found["better"] == "lr=0.2"


def test_a_side_without_values_has_no_noise_floor_to_be_held_against(ask: Ask, study: Study) -> None:
    study.add("base", 1, {}, {"loss": 0.5})
    study.seeds("main", [0.9, 0.91])
    study.seeds("noisy", [0.7, 0.8, 0.9])
    found = ask("compare", "base", "main", "--noise-from", "noisy", "--metric", "acc")["comparisons"][0]
    assert found["verdict"] == "not comparable: base has no value of acc" and found["noise_floor"] is None
    assert not [w for w in found["warnings"] if "NaN" in w], "there is none, not one that is lost"


def test_the_permutation_test_is_silent_where_it_agrees(ask: Ask, study: Study) -> None:
    study.seeds("base", [0.50, 0.51, 0.49, 0.50, 0.52, 0.48])
    study.seeds("main", [0.91, 0.93, 0.90, 0.90, 0.92, 0.90])
    study.seeds("near", [0.51, 0.50, 0.50, 0.49, 0.52, 0.485])
    for found in ask("compare", "base", "main", "near")["comparisons"]:
        assert found["p_exact"] is not None and (found["p"] <= 0.05) == (found["p_exact"] <= 0.05)
        assert found["warnings"] == []


def test_rounding_is_no_spread_that_could_tell_how_many_seeds_it_takes(ask: Ask, study: Study) -> None:
    for seed, (a, b) in enumerate([(0.1 + 0.2, 0.5), (0.3, 0.5), (0.3, 0.5)], start=1):
        study.add("base", seed, {}, {"acc": a})
        study.add("main", seed + 10, {}, {"acc": b})
    found = one(ask, "base", "main")
    assert (found["p"], found["seeds_needed"], found["distinguishable"]) == (None, None, False)
    assert "no value varies with the seed" in found["verdict"]


def test_two_pairs_may_show_a_difference_without_a_noise_floor(ask: Ask, study: Study) -> None:
    study.seeds("base", [0.90, 0.93])
    study.seeds("main", [1.40, 1.435])
    found = one(ask, "base", "main")
    assert found["distinguishable"] and found["noise_floor"] is None and found["warnings"] == []


def test_the_direction_of_what_is_not_there_is_not_asked_for(ask: Ask, study: Study) -> None:
    study.seeds("base", [0.90, 0.93], "zeal")
    study.add("main", 1, {}, {"zeal": "nan"})
    assert "not known" not in " ".join(one(ask, "base", "main")["warnings"])


def test_several_rows_of_one_key_are_refused_on_either_side(study: Study) -> None:
    for lr in (0.1, 0.2):
        for experiment in ("x", "y", "base"):
            study.seeds(experiment, [0.5, 0.6], lr=lr)
    base, both = (study.table(where=parse_run_filter(f"experiment in {side}")) for side in ("(base)", "(x, y)"))
    with pytest.raises(ScaffoldError, match="'two' stands for 4 configurations and 'one' for 2"):
        pair_rows("two", both, "one", base)
