"""What a p-value is corrected for: all that was run against a reference, whatever is asked in one call."""

from __future__ import annotations

from typing import Any

import pytest

from scaffold.sweeps.spec import run_names, sweep_file
from scaffold.sweeps.spec.model import PlannedRun
from tests.conftest import Run, commit_all, new_repository, write_tree
from tests.results.conftest import Ask, Study

# seed by seed 0.016 better than the reference, with a spread that three pairs tell from nothing at 5 %, and not at 5 % / 2
NOISE = (0.001, -0.003, 0.002)


def run_study(study: Study, *names: str, better: str = "b", sweep: str | None = None, task: str | None = None) -> None:
    """A reference, and configurations of which one is better, each an experiment of its own."""
    for name in names:
        for seed, noise in enumerate(NOISE, start=1):
            value = 0.9 + (0.016 if name == better else 0.0) + (noise if name == names[0] else -noise)
            study.add(name, seed, {"init": name}, {"acc": value}, sweep=sweep, task=task)


def plan_of(study: Study, sweep: str) -> tuple[PlannedRun, ...]:
    """The runs that a sweep's file plans."""
    return run_names.planned_runs(study.workspace, sweep_file.read_sweep(study.workspace, sweep))


def one(ask: Ask, *args: str) -> Any:
    (found,) = ask("compare", *args)["comparisons"]
    return found


def test_who_asks_one_at_a_time_is_corrected_as_who_asks_for_all(ask: Ask, study: Study) -> None:
    run_study(study, "init3", "b", "c", "d")
    alone = one(ask, "init3", "b", "--family", "asked")
    assert alone["distinguishable"] and alone["verdict"].startswith("b is better: ")
    single = one(ask, "init3", "b")
    together = ask("compare", "init3", "b", "c", "d")["comparisons"][0]
    assert single["p_holm"] == together["p_holm"] == pytest.approx(3 * alone["p"])
    assert (single["family"], single["comparisons"]) == ("all", 3)
    assert single["verdict"] == (
        f"not distinguishable: p = {alone['p']:.2g} alone, p = {single['p_holm']:.2g} among the 3 that were run against init3 (Holm)"
    )


def test_an_experiment_of_both_sides_is_the_family(ask: Ask, study: Study) -> None:
    for lr, better in ((0.1, 0.0), (0.2, 0.016), (0.3, 0.001), (0.4, 0.0)):
        for seed, noise in enumerate(NOISE, start=1):
            study.add(
                "main", seed, {"lr": lr}, {"acc": 0.9 + better + (noise if lr == 0.1 else -noise)}, sweep=f"s{lr}"
            )
    run_study(study, "other", "x", "y")
    found = one(ask, "lr=0.1", "lr=0.2")
    assert (found["family"], found["comparisons"], found["distinguishable"]) == ("experiment main", 3, False)
    assert "among the 3 that were run against lr=0.1 in experiment main (Holm)" in found["verdict"]
    assert (one(ask, "lr=0.1", "lr=0.2", "--family", "all")["comparisons"]) == 5
    sweep = one(ask, "lr=0.1", "lr=0.2", "--family", "sweep")
    assert (sweep["family"], sweep["comparisons"], sweep["distinguishable"]) == ("sweep s0.2", 1, True)


def test_a_condition_on_what_is_shown_makes_the_family_no_smaller(ask: Ask, study: Study) -> None:
    run_study(study, "init3", "b", "c", "d")
    assert one(ask, "init3", "b", "--where", "experiment in (init3, b)")["comparisons"] == 3


def test_a_family_of_sweeps_needs_a_sweep(run: Run, study: Study) -> None:
    run_study(study, "init3", "b")
    done = run("results", "compare", "init3", "b", "--family", "sweep", "--workdir", study.root)
    assert done.exit_code == 1 and "no run of b belongs to a sweep" in done.stderr


def test_seeds_needed_follow_the_correction(ask: Ask, study: Study) -> None:
    """Three seeds were run, and are not enough: then it takes more than three."""
    run_study(study, "init3", "b", "c", "d", "e")
    alone, among = one(ask, "init3", "b", "--family", "asked"), one(ask, "init3", "b")
    assert alone["level"] == 0.05 and among["level"] == pytest.approx(0.05 / 4)
    assert not among["distinguishable"] and among["seeds_needed"] > 3
    # scipy 1.17, integrated (make_reference_margins.py): seeds_needed(0.016 / sd(differences), 0.05 / 4, paired=True) = 5
    assert among["seeds_needed"] == 5 and among["detectable"] > alone["detectable"]


def test_what_the_plan_named_before_it_ran_stands_alone(ask: Ask, study: Study) -> None:
    new_repository(study.root)
    text = "# Tasks\n\n## Phase 2 - main\n\n- [ ] [P2-T1] Compare `init3` and `b` seed by seed\n"
    write_tree(study.root, {"exp/tasks.md": text})
    commit = commit_all(study.root)
    study.commit = commit
    run_study(study, "init3", "b", "c", "d", task="P2-T1")
    found = one(ask, "init3", "b")
    assert found["distinguishable"] and (found["family"], found["comparisons"]) == ("plan P2-T1", 1)
    assert found["verdict"].endswith(" (which P2-T1 of the plan named before it ran)")
    assert one(ask, "init3", "c")["family"] == "all"


def test_runs_of_a_sweep_that_have_not_ended_make_a_word_preliminary(ask: Ask, study: Study) -> None:
    write_tree(
        study.root / "exp/metadata/sweeps",
        {
            "grid.yml": "version: 1\nname: grid\ngoal: ''\nexperiment: b\ncommand: [python, t.py]\nstyle: flags\n"
            "seeds: 1-3\ngrid:\n  lr: ['1', '2', '3']\ncode: {}\n"
        },
    )
    run_study(study, "init3", "b", sweep=None)
    for seed in (4, 5):
        study.add("b", seed, {"init": "b"}, {"acc": 0.916}, sweep="grid")
    assert (
        "preliminary: 7 runs of the 9 of sweep grid have not ended, and this word may change"
        in (one(ask, "init3", "b")["warnings"])
    )


def test_the_best_so_far_was_chosen_by_its_outcome(ask: Ask, study: Study) -> None:
    run_study(study, "init3", "b", "c", "d")
    found = ask("compare", "--against", "best")
    assert found["reference"].startswith("b ") and len(found["comparisons"]) == 3
    assert {c["comparisons"] for c in found["comparisons"]} == {6} and found["comparisons"][0][
        "family"
    ] == "all, every pair"
    (named,) = ask("compare", "init3", "--against", "best")["comparisons"]
    assert named["b"] == "init3" and named["comparisons"] == 6


def test_all_pairs(ask: Ask, study: Study) -> None:
    run_study(study, "init3", "b", "c")
    found = ask("compare", "init3", "b", "c", "--all-pairs")["comparisons"]
    assert [(c["a"], c["b"]) for c in found] == [("init3", "b"), ("init3", "c"), ("b", "c")]
    assert {c["comparisons"] for c in found} == {2, 3}


def test_the_noise_floor_is_always_told_with_its_runs(run: Run, study: Study) -> None:
    run_study(study, "init3", "b")
    done = run("results", "compare", "init3", "b", "--workdir", study.root)
    assert (
        "noise floor of acc: 0.0092948 between means of 3 and 3 runs, from 3 runs (init3-init=init3-s1-00000001, "
        in done.stderr
    )
    study.seeds("two", [0.9, 0.91])
    done = run("results", "compare", "two", "b", "--workdir", study.root)
    assert (
        "noise floor of acc: not known, from 2 runs (two-s1-00000007, two-s2-00000008); it takes 3 that differ"
        in done.stderr
    )


def test_pairs_and_the_whole_may_contradict_each_other(ask: Ask, study: Study) -> None:
    study.seeds("a", [0.80, 0.81, 0.82, 0.83, 0.99, 0.99, 0.99])
    study.seeds("b", [0.82, 0.831, 0.84, 0.85])
    found = one(ask, "a", "b")
    assert found["verdict"].startswith("b is better: ")
    assert found["verdict"].endswith("; but all runs, not only the 4 pairs, point the other way: -0.05475")


def test_budgets_do_not_compete_for_best(ask: Ask, study: Study) -> None:
    for steps, base in ((5, 0.5), (20, 0.8)):
        for lr, gain in ((0.1, 0.0), (0.2, 0.1)):
            study.seeds("main", [base + gain, base + gain + 0.002, base + gain + 0.001], max_steps=steps, lr=lr)
    answer = ask()
    (metric,) = answer["metrics"]
    assert answer["budget"] == ["max_steps"] and (metric["best"], metric["best_of_budgets"]) == (None, [2, 3])
    (whole,) = ask("--budget", "none")["metrics"]
    assert whole["best"] == 3


def test_a_failed_run_makes_no_constant_vary(ask: Ask, study: Study) -> None:
    for lr in (0.1, 0.2):
        study.seeds("main", [0.5, 0.6], lr=lr, width=64, depth=4)
    study.add("main", 9, {"help": True}, status="failed")
    assert ask()["by"] == ["lr"]


def test_runs_that_belong_to_two_sweeps(ask: Ask, run: Run, study: Study) -> None:
    """Both sweeps plan the runs of lr=1; the records name the first that started them."""
    sheet = (
        "version: 1\nname: {name}\ngoal: ''\nexperiment: main\ncommand: [python, t.py]\nstyle: flags\nseeds: {seeds}\n"
        "grid:\n  lr: {values}\ncode: {{}}\n"
    )
    files = {
        "a.yml": sheet.format(name="a", seeds="1-3", values="['1']"),
        "b.yml": sheet.format(name="b", seeds="1-3", values="['1', '2']"),
    }
    write_tree(study.root / "exp/metadata/sweeps", files)
    names = {(r.params["lr"], r.seed): r.name for r in plan_of(study, "b")}
    for seed in (1, 2, 3):
        study.add("main", seed, {"lr": 1}, {"acc": 0.9 + seed / 100}, sweep="a", name=names[1, seed])
    for seed in (1, 2, 3):
        study.add("main", seed, {"lr": 2}, {"acc": 0.8 + seed / 100 + seed**2 / 1e4}, sweep="b", name=names[2, seed])
    found = ask("compare", "a", "b")
    assert [c["b"] for c in found["comparisons"]] == ["b lr=2"]
    assert "have 1 configurations in common" in found["warnings"][0]
    assert {run["seed"] for row in ask("--sweep", "b")["rows"] for run in row["runs"]} == {1, 2, 3}
    assert len(ask("--sweep", "b")["rows"]) == 2 and len(ask("--where", "sweep=b")["rows"]) == 2
    done = run("results", "compare", "sweep:a", "lr=1", "--workdir", study.root)
    assert done.exit_code == 2 and "share runs" in done.stderr


def test_a_value_that_only_failed_is_left_out_of_the_test_and_named(ask: Ask, study: Study) -> None:
    for lr, values in ((0.1, [0.9, 0.91, 0.92]), (0.2, [0.8, 0.81, 0.83])):
        study.seeds("main", values, lr=lr)
    for seed in (1, 2, 3):
        study.add("main", seed, {"lr": 10.0}, status="failed")
    study.add("main", 1, {"lr": 0.4}, {"acc": 0.7})
    (curve,) = ask("sensitivity", "lr")["curves"]
    assert curve["p"] < 0.05 and curve["untested"] == [0.4, 10]
    assert curve["verdict"].startswith("lr matters: it moves acc by 0.21 between lr=0.4 and lr=0.1")
    assert curve["verdict"].endswith("; left out of the test for want of two runs that differ: lr=0.4, lr=10")


def test_values_in_two_experiments_are_one_curve_on_request(ask: Ask, run: Run, study: Study) -> None:
    study.seeds("low", [0.9, 0.91, 0.92], lr=0.1)
    study.seeds("high", [0.8, 0.81, 0.83], lr=0.2)
    done = run("results", "sensitivity", "lr", "--workdir", study.root)
    assert done.exit_code == 1 and "--ignore experiment" in done.stderr
    (curve,) = ask("sensitivity", "lr", "--ignore", "experiment")["curves"]
    assert [spot["value"] for spot in curve["spots"]] == [0.1, 0.2] and curve["p"] < 0.05
    assert {row["experiment"] for row in ask("--ignore", "experiment")["rows"]} == {"any experiment"}
