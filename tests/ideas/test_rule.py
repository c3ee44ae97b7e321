"""The rule for ideas: each line of its contract, each case of its table, and that its state is a replay of the records."""

from __future__ import annotations

import ast
import json
import math
import random
from collections.abc import Callable, Iterable
from dataclasses import asdict, replace
from pathlib import Path
from statistics import NormalDist, fmean
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scaffold.ideas import loop_state, rule
from scaffold.ideas.rule import IdeaRuns, JudgingOptions, JudgingStep, LoopState
from scaffold.results.stats import distributions

BASELINE = [(1, 10.0), (2, 11.0), (3, 9.0), (4, 10.5), (5, 9.5)]
Value = Callable[[int], float | None]
USUAL, NEW, AGAIN = JudgingOptions(), IdeaRuns(), IdeaRuns(skip_screening=True)


def squares(values: Iterable[float]) -> float:
    values = list(values)
    return sum((v - fmean(values)) ** 2 for v in values)


def answer(
    loop: LoopState, idea: IdeaRuns, step: JudgingStep, ours: Value, theirs: Value
) -> tuple[LoopState, IdeaRuns]:
    """The state after a step whose runs give these values by seed."""
    return rule.record_step_runs(
        loop, idea, step, [(s, ours(s)) for s in step.incumbent], [(s, theirs(s)) for s in step.candidate]
    )


def noise(seed: int) -> float:
    """A value around 10 that a seed always gives."""
    return 10 + (seed * 5 % 7 - 3) / 3


def full(loop: LoopState | None = None) -> LoopState:
    """A loop whose record is full."""
    loop = loop or rule.start_loop(BASELINE)
    while (step := rule.choose_next_step(loop, IdeaRuns())).incumbent and not step.candidate:
        loop, _ = answer(loop, IdeaRuns(), step, noise, noise)
    return loop


def judge(
    loop: LoopState, theirs: Value, options: JudgingOptions = USUAL, idea: IdeaRuns = NEW, ours: Value = noise
) -> tuple[LoopState, IdeaRuns, JudgingStep, list[JudgingStep]]:
    """An idea to its verdict: the state then, the verdict, and the steps before it."""
    steps: list[JudgingStep] = []
    while (step := rule.choose_next_step(loop, idea, options)).kind == "run":
        steps.append(step)
        loop, idea = answer(loop, idea, step, ours, theirs)
    return loop, idea, step, steps


def shifted(effect: float) -> Callable[[int], float]:
    """Values that are better by `effect`, with noise of their own."""
    return lambda seed: 10 + (seed * 3 % 7 - 3) / 3 - effect


def confirming(loop: LoopState, options: JudgingOptions = USUAL) -> JudgingStep:
    """The first step of a confirmation."""
    return rule.choose_next_step(loop, AGAIN, options)


# 0, 1: the start, the incumbent


def test_it_imports_the_standard_library_alone() -> None:
    allowed = {"__future__", "math", "collections.abc", "dataclasses", "functools", "statistics", "typing"}
    for module in (rule, loop_state):
        tree = ast.parse(Path(str(module.__file__)).read_text(encoding="utf-8"))
        names = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
        names |= {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
        assert names <= allowed | {"scaffold.ideas.loop_state"}


def test_a_baseline_is_the_record_newest_first_and_its_spread() -> None:
    loop = rule.start_loop(BASELINE)
    assert [run.seed for run in loop.record] == [5, 4, 3, 2, 1] and loop.last_seed == 5
    assert loop.run_squares == pytest.approx(2.5) and loop.run_freedom == 4
    assert rule.start_loop(BASELINE, largest_seed=40).last_seed == 40


@pytest.mark.parametrize("baseline", [[], [(1, 1.0)], [(1, 1.0), (1, 2.0)], [(1, 1.0), (2, math.nan)]])
def test_a_baseline_is_two_different_runs_at_least(baseline: list[tuple[int, float]]) -> None:
    with pytest.raises(ValueError, match="at least 2 runs on different seeds"):
        rule.start_loop(baseline)


def test_a_record_of_fewer_than_8_is_filled_on_new_seeds_as_a_batch_of_its_own() -> None:
    loop = rule.start_loop(BASELINE, largest_seed=7)
    step = rule.choose_next_step(loop, IdeaRuns())
    assert (step.kind, step.incumbent, step.candidate) == ("run", (8, 9, 10), ())
    after, _ = rule.record_step_runs(loop, IdeaRuns(), step, [(9, 101.0), (8, 100.0), (10, 102.0)])
    assert [run.seed for run in after.record][:3] == [10, 9, 8] and after.last_seed == 10
    assert after.run_squares == pytest.approx(loop.run_squares + 2.0) and after.run_freedom == 6


def test_an_incumbent_that_has_not_run_for_6_ideas_runs_once() -> None:
    loop = full()
    assert not rule.choose_next_step(replace(loop, time=5), IdeaRuns()).incumbent
    step = rule.choose_next_step(replace(loop, time=6), IdeaRuns())
    assert (step.incumbent, step.candidate) == ((loop.last_seed + 1,), ())
    after, idea = answer(replace(loop, time=6), IdeaRuns(), step, noise, noise)
    assert after.record[0].time == 6 and after.run_freedom == loop.run_freedom
    assert rule.choose_next_step(after, idea).candidate == step.incumbent


def test_a_record_holds_24_runs() -> None:
    loop = rule.start_loop([(seed, noise(seed)) for seed in range(1, 41)])
    assert [run.seed for run in loop.record] == list(range(40, 16, -1)) and loop.run_freedom == 39


# 2: screening


def test_a_candidate_runs_on_the_newest_seeds_one_at_a_time() -> None:
    loop = full()
    steps = [step for step in judge(loop, shifted(0.5))[-1] if step.level is None]
    assert [step.candidate for step in steps] == [(8,), (7,), (6,), (5,)]
    assert not any(step.incumbent for step in steps)


def screening(loop: LoopState, idea: IdeaRuns, *, seeds: bool = True) -> tuple[float, float, float]:
    """Effect, error and b, as the contract has them."""
    s2 = loop.run_squares / loop.run_freedom
    b = min(0.98, max(0.0, loop.cross / (loop.incumbent_squares + 2 * s2))) if seeds else 0.0
    w = [0.94 ** (loop.time - run.time) for run in loop.record]
    level = sum(a * run.value for a, run in zip(w, loop.record, strict=True)) / sum(w)
    m = sum(w) ** 2 / sum(a**2 for a in w)
    n = len(idea.screening)
    values = {run.seed: run.value for run in loop.record}
    same = fmean(values[run.seed] for run in idea.screening)
    effect = (1 - b) * level + b * same - fmean(run.candidate for run in idea.screening)
    return effect, math.sqrt(s2 * ((1 - b**2) / n + (1 - b) ** 2 / m)), b


@pytest.mark.parametrize("seeds", [True, False])
def test_screening_is_the_contracts_formula(seeds: bool) -> None:
    loop = replace(full(), time=4, cross=3.0, incumbent_squares=4.0)
    loop = replace(loop, record=tuple(run._replace(time=i % 4) for i, run in enumerate(loop.record)))
    for runs in (1, 2, 3, 4):
        screened = [loop_state.ScreeningRun(r.seed, r.value, shifted(0.9)(r.seed)) for r in loop.record[:runs]]
        idea = IdeaRuns(screening=tuple(screened))
        step = rule.choose_next_step(loop, idea, JudgingOptions(seeds=seeds))
        effect, error, b = screening(loop, idea, seeds=seeds)
        assert (b > 0) == seeds
        assert step.effect == pytest.approx(effect)
        assert (step.low, step.high) == pytest.approx((effect - 1.96 * error, effect + 1.96 * error))


@pytest.mark.parametrize(("runs", "futile", "enough"), [(1, -0.2, 2.4), (2, 0.35, 2.0), (3, 0.9, 1.6), (4, 1.2, 1.2)])
@pytest.mark.parametrize("margin", [0.0, 1.0])
@pytest.mark.parametrize("cross", [0.0, 1.7])
def test_screening_leaves_at_its_bounds(runs: int, futile: float, enough: float, margin: float, cross: float) -> None:
    loop = replace(full(), cross=cross, incumbent_squares=1.0)
    seeds = [run.seed for run in loop.record][:runs]
    values = {run.seed: run.value for run in loop.record}

    def kind(z: float) -> str:
        idea = IdeaRuns(screening=tuple(loop_state.ScreeningRun(s, values[s], 10.0) for s in seeds))
        effect, error, b = screening(loop, idea)
        move = effect + margin - (z - 0.4 * b * (z <= bound) - (0.8 if margin else 0.0)) * error
        idea = replace(idea, screening=tuple(run._replace(candidate=10.0 + move) for run in idea.screening))
        step = rule.choose_next_step(loop, idea, JudgingOptions(margin=margin))
        return "confirm" if step.level is not None else step.kind

    bound = futile
    assert kind(futile - 0.01) == "drop"
    assert kind(futile + 0.01) == ("run" if runs < 4 else "confirm")
    bound = -math.inf
    if runs < 4:
        assert kind(enough - 0.01) == "run"
        assert kind(enough + 0.01) == "confirm"


def test_an_effect_that_is_too_small_to_matter_is_dropped() -> None:
    loop = full()
    step = judge(loop, shifted(1.0), JudgingOptions(min_effect=4.0))[2]
    assert step.kind == "drop" and step.why == "screening: less than 4"
    step = judge(loop, shifted(1.0), JudgingOptions(min_effect=4.0), AGAIN)[2]
    assert step.kind == "drop" and step.why == "not confirmed: less than 4"


# 3: confirmation


def test_both_sides_run_on_the_same_seeds_that_nothing_has_used() -> None:
    loop = full()
    loop, idea, verdict, steps = judge(loop, shifted(0.5))
    pairs = [step for step in steps if step.level is not None]
    assert all(step.incumbent == step.candidate for step in pairs)
    assert [len(step.candidate) for step in pairs] == [3, 2, 3, 4, 4, 8]
    assert idea.pair_seeds == tuple(range(9, 33)) and verdict.kind == "keep"


def test_no_more_than_24_pairs_are_run() -> None:
    loop = full()
    assert rule.choose_next_step(loop, at_z(loop, 24, 1.9), JudgingOptions(max_pairs=40)).kind == "open"


def test_a_confirmation_that_began_goes_on_whatever_became_of_the_record() -> None:
    loop, idea = full(), NEW
    while not idea.pair_seeds:
        loop, idea = answer(loop, idea, rule.choose_next_step(loop, idea), noise, shifted(0.5))
    moved = replace(loop, record=tuple(run._replace(value=run.value - 9) for run in loop.record[:3]), time=30)
    assert rule.choose_next_step(moved, idea).incumbent == rule.choose_next_step(loop, idea).incumbent == (12, 13)


def test_a_level_is_londs_and_stays_what_it_was_when_the_confirmation_began() -> None:
    loop = full()
    assert confirming(loop).level == pytest.approx(0.10 * 5 / (5 * 6))
    assert confirming(replace(loop, confirmations=3)).level == pytest.approx(0.10 * 5 / (8 * 9))
    assert confirming(replace(loop, confirmations=3, kept=2)).level == pytest.approx(0.10 * 5 / (8 * 9) * 3)
    assert confirming(replace(loop, kept=9)).level == 0.05
    loop, idea = answer(loop, AGAIN, confirming(loop), noise, noise)
    assert rule.choose_next_step(replace(loop, confirmations=7), idea).level == pytest.approx(0.10 * 5 / 30)


def confirmation(loop: LoopState, idea: IdeaRuns, margin: float = 0.0) -> tuple[float, float, float, float]:
    """mean(d), s_d, nu and z, as the contract has them."""
    d = [x - y for (_, x), (_, y) in zip(idea.incumbent, idea.candidate, strict=True)]
    n, s2 = len(d), loop.run_squares / loop.run_freedom
    c = min(1.0, 4 / loop.pair_freedom) if loop.pair_freedom else 1.0
    nu = c * loop.pair_freedom + 3 + n - 1
    s_d = math.sqrt((c * loop.pair_squares + 3 * 2 * s2 + squares(d)) / nu)
    t = (fmean(d) + margin) * math.sqrt(n) / s_d
    z = math.copysign(1, t) * (8 * nu + 1) / (8 * nu + 3) * math.sqrt(nu * math.log(1 + t**2 / nu))
    return fmean(d), s_d, nu, z


def at_z(loop: LoopState, pairs: int, z: float, margin: float = 0.0, level: float = 0.02) -> IdeaRuns:
    """A confirmation of so many pairs whose statistic is z."""
    seeds = tuple(range(100, 100 + pairs))
    spread = {seed: 0.3 * (-1) ** seed for seed in seeds}

    def idea(effect: float) -> IdeaRuns:
        ours = tuple((seed, 10.0) for seed in seeds)
        theirs = tuple((seed, 10.0 - effect + spread[seed]) for seed in seeds)
        return IdeaRuns(skip_screening=True, pair_seeds=seeds, incumbent=ours, candidate=theirs, level=level)

    low, high = -50.0, 50.0
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if confirmation(loop, idea(middle), margin)[3] < z else (low, middle)
    return idea(high)


@pytest.mark.parametrize("pooled", [0.0, 2.0, 9.0])
@pytest.mark.parametrize(("look", "pairs"), list(enumerate((3, 5, 8, 12, 16, 24))))
def test_a_look_keeps_and_drops_at_its_bounds(look: int, pairs: int, pooled: float) -> None:
    loop = replace(full(), pair_squares=1.5 * pooled, pair_freedom=pooled)
    share = (0.10, 0.28, 0.28, 0.28, 0.35, 0.45)[look]
    bound = NormalDist().inv_cdf(1 - 0.02 * share)
    assert rule.choose_next_step(loop, at_z(loop, pairs, bound + 0.001)).kind == "keep"
    undecided = rule.choose_next_step(loop, at_z(loop, pairs, bound - 0.001)).kind
    assert undecided == ("open" if pairs == 24 else "run")
    futile = (0.0, 0.4, 0.9, 1.3, 1.6, -math.inf)[look]
    if pairs < 24:
        assert rule.choose_next_step(loop, at_z(loop, pairs, futile - 0.001)).kind == "drop"
        assert rule.choose_next_step(loop, at_z(loop, pairs, futile + 0.001)).kind == "run"
    else:
        assert rule.choose_next_step(loop, at_z(loop, pairs, 0.0)).kind == "open"


def test_what_is_shown_of_a_confirmation() -> None:
    loop = full()
    for idea in (at_z(loop, 5, 1.0), at_z(loop, 8, 4.0)):
        step = rule.choose_next_step(loop, idea)
        effect, s_d, nu, _ = confirmation(loop, idea)
        n = len(idea.pair_seeds)
        half = distributions.t_critical(nu) * s_d / math.sqrt(n)
        assert step.effect == pytest.approx(effect)
        assert (step.low, step.high) == pytest.approx((effect - half, effect + half), rel=1e-3)
        t = effect * math.sqrt(n) / s_d
        assert step.estimate == pytest.approx(effect * (1 - 1 / t**2) if step.kind == "keep" else effect)


@pytest.mark.parametrize(
    ("most", "looks", "share"), [(10, (3, 5, 8, 10), 0.28), (20, (3, 5, 8, 12, 16, 20), 0.45), (2, (2,), 0.1)]
)
def test_a_last_look_between_two_has_the_share_of_the_larger(most: int, looks: tuple[int, ...], share: float) -> None:
    loop, options = full(), JudgingOptions(max_pairs=most)
    seen = 0
    for look in looks:
        step = rule.choose_next_step(loop, at_z(loop, seen, 1.7) if seen else AGAIN, options)
        assert len(step.candidate) == look - seen
        seen = look
    bound = NormalDist().inv_cdf(1 - 0.02 * share)
    assert rule.choose_next_step(loop, at_z(loop, most, bound + 0.001), options).kind == "keep"
    assert rule.choose_next_step(loop, at_z(loop, most, bound - 0.001), options).kind == "open"


# 4: the close


def test_what_an_idea_leaves_behind() -> None:
    loop = replace(full(), pair_squares=3.0, pair_freedom=5.0, cross=1.0, incumbent_squares=2.0, time=2)
    loop, idea, _, _ = judge(loop, shifted(0.5), JudgingOptions(max_pairs=5))
    assert len(idea.screening) == 4 and len(idea.pairs) == 5
    after = rule.close_idea(loop, idea, "drop")
    x, y = [a for a, _ in idea.pairs], [b for _, b in idea.pairs]
    screened = [run.candidate for run in idea.screening]
    partner = [run.incumbent for run in idea.screening]
    freedom = len(screened) - 1 + len(x) - 1 + len(y) - 1
    assert after.run_squares == pytest.approx(0.93 * (loop.run_squares + squares(screened) + squares(x) + squares(y)))
    assert after.run_freedom == pytest.approx(0.93 * (loop.run_freedom + freedom))
    d = [a - b for a, b in idea.pairs]
    assert after.pair_squares == pytest.approx(0.93 * (3.0 + squares(d)))
    assert after.pair_freedom == pytest.approx(0.93 * (5.0 + len(d) - 1))
    products = sum(
        (a - fmean(xs)) * (b - fmean(ys))
        for xs, ys in ((partner, screened), (x, y))
        for a, b in zip(xs, ys, strict=True)
    )
    assert after.cross == pytest.approx(0.93 * (1.0 + products))
    assert after.incumbent_squares == pytest.approx(0.93 * (2.0 + squares(partner) + squares(x)))
    assert (after.time, after.confirmations) == (3, 1)


def test_a_kept_ideas_confirmation_runs_are_the_record() -> None:
    loop, idea, verdict, _ = judge(full(), shifted(4.0))
    assert verdict.kind == "keep"
    after = rule.close_idea(loop, idea, "keep")
    assert [(run.seed, run.value) for run in after.record] == list(reversed(idea.candidate))
    assert (after.kept, after.confirmations) == (1, 1)
    assert len(rule.choose_next_step(after, IdeaRuns()).incumbent) == 8 - len(idea.candidate)


def test_the_incumbents_confirmation_runs_join_its_record() -> None:
    loop, idea, verdict, _ = judge(full(), shifted(0.0), idea=AGAIN)
    assert verdict.kind == "drop"
    after = rule.close_idea(loop, idea, "drop")
    assert [run.seed for run in after.record] == [*reversed(idea.pair_seeds), *(run.seed for run in loop.record)]
    assert (after.kept, after.confirmations) == (0, 1)


def test_an_idea_that_was_only_screened_is_no_confirmation() -> None:
    loop, idea, verdict, _ = judge(full(), shifted(-3.0))
    assert verdict.kind == "drop" and verdict.level is None
    assert rule.close_idea(loop, idea, "drop").confirmations == 0


def test_a_persons_keep_earns_nothing_and_its_screening_runs_are_no_record() -> None:
    loop, idea, _, _ = judge(full(), shifted(-3.0))
    after = rule.close_idea(loop, idea, "by hand")
    assert after.record == () and (after.kept, after.confirmations) == (0, 0)
    assert len(rule.choose_next_step(after, IdeaRuns()).incumbent) == 8


def test_an_end_that_is_none_is_refused_and_both_words_for_one_are_the_same() -> None:
    loop, idea, _, _ = judge(full(), shifted(4.0))
    assert (
        rule.close_idea(loop, idea, "kept")
        == rule.close_idea(loop, idea, "keep")
        != rule.close_idea(loop, idea, "dropped")
    )
    with pytest.raises(ValueError, match="run is no end of an idea"):
        rule.close_idea(loop, idea, "run")


# the cases


def test_without_a_seed_option_a_seed_moves_nothing() -> None:
    loop = replace(full(), cross=50.0, incumbent_squares=1.0)
    run = loop_state.ScreeningRun(8, loop.record[0].value, 9.0)
    with_seeds, without = (
        rule.choose_next_step(loop, IdeaRuns(screening=(run,)), JudgingOptions(seeds=s)) for s in (True, False)
    )
    assert with_seeds.effect != without.effect


def test_without_noise_one_run_decides_and_a_keep_needs_a_second() -> None:
    loop = rule.start_loop([(1, 5.0), (2, 5.0)])
    assert loop.deterministic
    _, _, verdict, steps = judge(loop, lambda _: 5.0)
    assert verdict.kind == "drop" and [step.candidate for step in steps] == [(2,)]
    after, idea, verdict, steps = judge(loop, lambda _: 4.5)
    assert (verdict.kind, verdict.effect, verdict.estimate) == ("keep", 0.5, 0.5)
    assert [step.candidate for step in steps] == [(2,), (1,)]
    loop = rule.close_idea(after, idea, "keep")
    assert loop.deterministic and {run.value for run in loop.record} == {4.5} and loop.confirmations == 0
    assert judge(loop, lambda _: 4.4)[2].kind == "keep"
    assert judge(loop, lambda _: 4.6, JudgingOptions(margin=0.2))[2].kind == "keep"
    assert judge(loop, lambda _: 4.4, JudgingOptions(min_effect=0.2))[2].kind == "drop"


def test_the_same_values_on_the_same_seeds_are_no_effect_and_not_an_unlucky_seed() -> None:
    """On the seed on which the code that stands is worst, a change of nothing looks worse than its mean."""
    loop = full()
    recorded = {run.seed: run.value for run in loop.record}
    _, _, verdict, steps = judge(loop, recorded.__getitem__)
    assert (verdict.kind, verdict.effect, len(steps)) == ("drop", 0.0, 2) and verdict.why.startswith("no effect:")
    confirmed = judge(loop, lambda seed: recorded.get(seed, noise(seed)), JudgingOptions(margin=1.0))[2]
    assert (confirmed.kind, confirmed.effect) == ("keep", 0.0)
    by_chance = judge(loop, lambda seed: recorded[seed] if seed == loop.record[0].seed else 15.0)[2]
    assert by_chance.kind == "drop" and by_chance.why.startswith("screening:")


def test_an_idea_again_is_decided_on_a_new_seed_also_without_noise() -> None:
    """Else the same run was read once more, and what looked like a metric without noise would stay one."""
    loop = rule.start_loop([(seed, 5.0) for seed in range(1, 6)])
    loop, idea, verdict, _ = judge(loop, lambda _: 5.0)
    loop = rule.close_idea(loop, idea, verdict.kind)
    again, _, verdict, steps = judge(loop, lambda _: 5.0, idea=IdeaRuns(skip_screening=True), ours=lambda _: 5.0)
    assert verdict.kind == "drop" and [(step.incumbent, step.candidate) for step in steps] == [((6,), ()), ((), (6,))]
    noisy, _, _, steps = judge(loop, lambda _: 5.1, idea=IdeaRuns(skip_screening=True), ours=lambda seed: 5.2)
    assert again.deterministic and not noisy.deterministic
    assert len(steps) > 2 and all(step.level for step in steps[1:])


def test_the_first_difference_ends_the_belief_in_no_noise_for_good() -> None:
    loop = rule.start_loop([(seed, 5.0) for seed in range(1, 6)])
    idea = IdeaRuns()
    for value in (4.0, 4.2):
        step = rule.choose_next_step(loop, idea)
        loop, idea = rule.record_step_runs(loop, idea, step, candidate=[(step.candidate[0], value)])
    assert not loop.deterministic
    assert loop.run_squares == pytest.approx(0.02) and loop.run_freedom == 1
    assert rule.choose_next_step(loop, idea).incumbent == (6, 7, 8)
    loop, idea, _, steps = judge(loop, lambda seed: 4.0 + 0.01 * seed, idea=idea, ours=lambda seed: 5.0 + 0.01 * seed)
    assert steps[0].incumbent == (6, 7, 8) and not rule.close_idea(loop, idea, "drop").deterministic


@pytest.mark.parametrize("value", [None, math.nan, math.inf])
def test_a_candidate_that_crashes_runs_once_more_and_is_dropped_at_the_second_crash(value: float | None) -> None:
    loop, idea = full(), IdeaRuns()
    step = rule.choose_next_step(loop, idea)
    loop, idea = rule.record_step_runs(loop, idea, step, candidate=[(step.candidate[0], value)])
    again = rule.choose_next_step(loop, idea)
    assert again.candidate == step.candidate
    crashed = rule.choose_next_step(*rule.record_step_runs(loop, idea, again, candidate=[(again.candidate[0], value)]))
    assert crashed.kind == "drop" and crashed.why.startswith("crashed:")
    _, better = rule.record_step_runs(loop, idea, again, candidate=[(again.candidate[0], 10.0)])
    assert better.crashes == 1 and len(better.screening) == 1


def test_a_seed_that_crashed_in_a_confirmation_is_asked_for_on_its_side_alone() -> None:
    loop, idea = full(), AGAIN
    step = rule.choose_next_step(loop, idea)
    first, second, third = step.candidate
    loop, idea = rule.record_step_runs(
        loop, idea, step, [(s, 10.0) for s in step.incumbent], [(first, 5.0), (second, None), (third, 5.0)]
    )
    again = rule.choose_next_step(loop, idea)
    assert (again.kind, again.incumbent, again.candidate) == ("run", (), (second,))
    loop, idea = rule.record_step_runs(loop, idea, again, candidate=[(second, 5.0)])
    assert rule.choose_next_step(loop, idea).kind == "keep"


def test_the_third_crash_of_the_incumbent_in_an_idea_stops_the_loop() -> None:
    loop, idea = rule.start_loop(BASELINE), IdeaRuns()
    step = rule.choose_next_step(loop, idea)
    loop, idea = rule.record_step_runs(loop, idea, step, [(6, 10.0), (7, None), (8, 10.0)])
    assert rule.choose_next_step(loop, idea).incumbent == (7,)
    for _ in range(2):
        assert rule.choose_next_step(loop, idea).kind == "run"
        loop, idea = rule.record_step_runs(loop, idea, rule.choose_next_step(loop, idea), [(7, None)])
    assert rule.choose_next_step(loop, idea).kind == "stop" and rule.choose_next_step(loop, idea).why.startswith(
        "crashed:"
    )
    assert rule.choose_next_step(loop, IdeaRuns()).kind == "run"


def test_not_worse_is_decided_at_a_level_of_its_own() -> None:
    loop, options = replace(full(), confirmations=8), JudgingOptions(margin=1.0)
    assert confirming(loop, options).level == 0.10
    for look, pairs in enumerate((3, 5, 8)):
        share, futile = (0.10, 0.28, 0.28)[look], (0.0, 0.4, 0.9)[look] - 0.8
        bound = NormalDist().inv_cdf(1 - 0.10 * share)
        assert rule.choose_next_step(loop, at_z(loop, pairs, bound + 0.001, 1.0, 0.10), options).kind == "keep"
        assert rule.choose_next_step(loop, at_z(loop, pairs, futile + 0.001, 1.0, 0.10), options).kind == "run"
        assert rule.choose_next_step(loop, at_z(loop, pairs, futile - 0.001, 1.0, 0.10), options).kind == "drop"
    idea = at_z(loop, 8, 3.0, 1.0, 0.10)
    step = rule.choose_next_step(loop, idea, options)
    assert step.kind == "keep" and step.effect is not None and step.low is not None and step.high is not None
    assert step.low < step.effect < step.high and step.effect == pytest.approx(confirmation(loop, idea)[0])
    after = rule.close_idea(loop, idea, "keep", options)
    assert (after.confirmations, after.kept) == (8, 0) and after.record[0].seed == idea.pair_seeds[-1]


def test_several_machines_start_the_missing_runs_of_a_look_together() -> None:
    loop = full()
    assert [len(s.candidate) for s in judge(loop, shifted(0.5), JudgingOptions(batch=2))[3]][:3] == [2, 2, 3]
    assert [len(s.candidate) for s in judge(loop, shifted(0.5), JudgingOptions(batch=4))[3]][:2] == [4, 3]
    stale = replace(loop, time=9)
    step = rule.choose_next_step(stale, IdeaRuns(), JudgingOptions(batch=2))
    assert step.incumbent == (9,) and step.candidate == (8, 7)
    loop, idea = rule.record_step_runs(stale, IdeaRuns(), step, [(9, None)], [(8, 9.0), (7, 9.0)])
    assert rule.choose_next_step(loop, idea, JudgingOptions(batch=2)).incumbent == (9,)


def test_a_claim_is_a_paired_t_interval() -> None:
    ours = [(seed, 10.0 + (seed % 3)) for seed in range(1, 9)]
    theirs = [(seed, 8.5 + (seed % 3) + 0.1 * seed) for seed in reversed(range(1, 9))]
    d = [1.5 - 0.1 * seed for seed in range(1, 9)]
    half = 2.364624 * math.sqrt(squares(d) / 7 / 8)
    assert rule.estimate_claim(ours, theirs) == pytest.approx((fmean(d), fmean(d) - half, fmean(d) + half), rel=1e-4)
    for wrong in (theirs[1:], [(9, 1.0), *theirs[1:]]):
        with pytest.raises(ValueError, match="the same seeds"):
            rule.estimate_claim(ours, wrong)
    with pytest.raises(ValueError, match="4 at least"):
        rule.estimate_claim(ours[:3], ours[:3])


# the replay


def play(
    ideas: list[float], options: JudgingOptions, crashes: float = 0.0, parts: bool = False
) -> tuple[LoopState, list[Any]]:
    """A loop, and its records: of each idea the results of its steps and the outcome."""
    draws = random.Random(repr((ideas, options, crashes)))
    loop, records = rule.start_loop(BASELINE), []
    for effect in ideas:
        idea, results = IdeaRuns(), []
        while (step := rule.choose_next_step(loop, idea, options)).kind == "run":
            sides = []
            for seeds, gain in ((step.incumbent, 0.0), (step.candidate, effect)):
                values = [(s, None if draws.random() < crashes else 10 + draws.gauss(0, 1) - gain) for s in seeds]
                draws.shuffle(values)
                sides.append(values[: max(1, len(values) // 2)] if parts else values)
            results.append(sides)
            loop, idea = rule.record_step_runs(loop, idea, step, *sides)
        loop = rule.close_idea(loop, idea, step.kind, options)
        records.append({"results": results, "outcome": step.kind})
    return loop, records


def replay(records: list[Any], options: JudgingOptions) -> LoopState:
    loop = rule.start_loop(BASELINE)
    for record in records:
        idea = IdeaRuns()
        for ours, theirs in record["results"]:
            step = rule.choose_next_step(loop, idea, options)
            # in another order: which of two runs ended first is nowhere on record
            loop, idea = rule.record_step_runs(
                loop, idea, step, sorted(map(tuple, ours)), sorted(map(tuple, theirs), reverse=True)
            )
        loop = rule.close_idea(loop, idea, record["outcome"], options)
    return loop


@settings(max_examples=60, deadline=None)
@given(
    ideas=st.lists(st.sampled_from([0.0, 0.0, 0.0, -1.0, 1.5, 3.0]), max_size=12),
    options=st.builds(
        JudgingOptions,
        seeds=st.booleans(),
        margin=st.sampled_from([0.0, 1.0]),
        min_effect=st.sampled_from([0.0, 0.5]),
        max_pairs=st.sampled_from([1, 3, 10, 24]),
        batch=st.sampled_from([1, 2, 3, 4, 8]),
    ),
    crashes=st.sampled_from([0.0, 0.1]),
    parts=st.booleans(),
)
def test_the_state_is_a_replay_of_the_records(
    ideas: list[float], options: JudgingOptions, crashes: float, parts: bool
) -> None:
    loop, records = play(ideas, options, crashes, parts)
    assert replay(json.loads(json.dumps(records)), options) == loop
    json.dumps([asdict(loop), asdict(options), asdict(IdeaRuns())], allow_nan=False)
    assert len({run.seed for run in loop.record}) == len(loop.record) and loop.time == len(ideas)


def test_a_verdict_has_nothing_to_run() -> None:
    loop, idea, verdict, _ = judge(full(), shifted(-3.0))
    assert rule.record_step_runs(loop, idea, verdict) == (loop, idea)


def test_a_step_that_was_done_in_part_names_what_is_missing() -> None:
    loop, idea = full(), AGAIN
    step = rule.choose_next_step(loop, idea)
    loop, idea = rule.record_step_runs(loop, idea, step, [(step.incumbent[0], 10.0)], [(step.candidate[2], 9.0)])
    rest = rule.choose_next_step(loop, idea)
    assert rest.incumbent == step.incumbent[1:] and rest.candidate == step.candidate[:2]
