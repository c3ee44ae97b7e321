"""What is on record of an idea -> the next step: which runs are missing, or keep, drop, leave open.

An idea is a change of the code; the incumbent is the code that stands. A few runs screen an idea; only a confirmation on seeds that
neither side has used can keep it, at a level that holds for a loop of any length (LOND: Javanmard and Montanari, arXiv 1502.06197).

Pure: no clock, no file, no randomness, so the same records give the same steps. Values are better where they are lower (callers turn the
sign); effects are incumbent - candidate, in the metric's units. Where the constants come from, and what breaks them: docs/ideas.md.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from statistics import NormalDist, fmean

from scaffold.ideas.loop_state import (
    IdeaRuns,
    JudgingOptions,
    JudgingStep,
    LoopState,
    close_idea,
    record_step_runs,
    start_loop,
    sum_of_squares,
)

__all__ = [
    "IdeaRuns",
    "JudgingOptions",
    "JudgingStep",
    "LoopState",
    "choose_next_step",
    "close_idea",
    "estimate_claim",
    "record_step_runs",
    "start_loop",
    "unused_seeds",
]

RECORD_FULL, SENTINEL_AFTER = 8, 6
AGING = 0.94  # a half-life of 11 ideas: how fast the incumbent's old runs lose their weight
SCREENING_RUNS, SAME_RUNS = 4, 2
SCREENING_FUTILITY, SCREENING_PASS = (-0.2, 0.35, 0.9, 1.2), (2.4, 2.0, 1.6)  # after 1, 2, ... runs
LOOKS = (3, 5, 8, 12, 16, 24)
SHARES = (0.10, 0.28, 0.28, 0.28, 0.35, 0.45)  # of the level, at each look
FUTILITY = (0.0, 0.4, 0.9, 1.3, 1.6)
LEVEL, MOST_LEVEL, MARGIN_LEVEL = 0.10, 0.05, 0.10
MARGIN_LENIENCE = 0.8
LENT_RUNS, MOST_LENT = 3, 4  # degrees of freedom that single runs and past pairs lend to a confirmation's own
CRASHES, INCUMBENT_CRASHES = 2, 3


def choose_next_step(loop: LoopState, idea: IdeaRuns, options: JudgingOptions = JudgingOptions()) -> JudgingStep:  # noqa: B008 - it is frozen
    """What to do with an idea now: a function of what is on record alone."""
    if idea.crashes >= CRASHES:
        return JudgingStep(kind="drop", why=f"crashed: {idea.crashes} runs of the candidate gave no value")
    if idea.incumbent_crashes >= INCUMBENT_CRASHES:
        return JudgingStep(kind="stop", why=f"crashed: {idea.incumbent_crashes} runs of the incumbent gave no value")
    if loop.deterministic:
        return _judge_without_noise(loop, idea, options)
    if idea.pair_seeds or idea.skip_screening:
        return _confirm(loop, idea, options)
    if (missing := RECORD_FULL - len(loop.record)) > 0:
        why = f"the incumbent has {len(loop.record)} runs on record, of {RECORD_FULL}"
        return JudgingStep(kind="run", incumbent=_incumbent_seeds(loop, idea, missing), why=why)
    sentinel: tuple[int, ...] = ()
    age = loop.time - loop.record[0].time
    if age >= SENTINEL_AFTER and (idea.repeat or not idea.screening):
        sentinel = _incumbent_seeds(loop, idea, 1)
        if options.batch == 1:
            return JudgingStep(kind="run", incumbent=sentinel, why=f"the incumbent has not run for {age} ideas")
    return _screen(loop, idea, options, sentinel)


def unused_seeds(loop: LoopState, count: int) -> tuple[int, ...]:
    """New seeds: larger than all that were used, so that no old result can pass for a new run."""
    return tuple(range(loop.last_seed + 1, loop.last_seed + 1 + count))


def _incumbent_seeds(loop: LoopState, idea: IdeaRuns, count: int) -> tuple[int, ...]:
    return (idea.repeat + unused_seeds(loop, count))[:count]


def _judge_without_noise(loop: LoopState, idea: IdeaRuns, options: JudgingOptions) -> JudgingStep:
    """One run decides where no two runs ever differed; a keep needs a second that is equal."""
    if (missing := 2 - len(loop.record)) > 0:
        return JudgingStep(
            kind="run", incumbent=_incumbent_seeds(loop, idea, missing), why="the incumbent has too few runs"
        )
    tried = {run.seed for run in idea.screening}
    if idea.skip_screening and not tried and loop.record[0].time < loop.time:
        return JudgingStep(
            kind="run", incumbent=unused_seeds(loop, 1), why="no noise so far: a new seed tells whether that holds"
        )
    following = [run.seed for run in loop.record if run.seed not in tried][:1]
    if not tried:
        return JudgingStep(kind="run", candidate=tuple(following), why="no noise: one run decides")
    effect = loop.record[0].value - idea.screening[0].candidate
    better = effect + options.margin
    step = JudgingStep(kind="drop", effect=effect, low=effect, high=effect, estimate=effect, why="no noise: not better")
    if better <= 0 or better < options.min_effect:
        return step
    if len(tried) < 2:
        return replace(step, kind="run", candidate=tuple(following), why="no noise: a second run has to be equal")
    return replace(step, kind="keep", why="no noise: better, in two equal runs")


def _screen(loop: LoopState, idea: IdeaRuns, options: JudgingOptions, sentinel: tuple[int, ...]) -> JudgingStep:
    """Runs of the candidate alone, against what is on record of the incumbent: they drop most ideas cheaply, and prove nothing."""
    done = len(idea.screening)
    looks = (1, 2, 3, 4) if options.batch == 1 else (2, 4) if options.batch < SCREENING_RUNS else (4,)
    step = JudgingStep(kind="run", why="screening")
    if done:
        effect, error, slope = _screening_effect(loop, idea, options)
        low, high = effect - 1.96 * error, effect + 1.96 * error
        step = replace(step, effect=effect, low=low, high=high, estimate=effect)
        better, lenience = effect + options.margin, MARGIN_LENIENCE if options.margin else 0.0
        same = sum(run.candidate == run.incumbent for run in idea.screening)
        if options.seeds and same == done:
            # the same value on the same seed tells more than what other seeds gave: the change may have no effect at all
            if done >= SAME_RUNS and options.margin:
                return replace(_confirm(loop, idea, options), effect=0.0, estimate=0.0)
            if done >= SAME_RUNS:
                why = f"no effect: the same value as the code that stands on {done} seeds of {done}"
                return replace(step, kind="drop", effect=0.0, low=0.0, high=0.0, estimate=0.0, why=why)
        elif done in looks:
            z = better / error
            if z < SCREENING_FUTILITY[done - 1] - 0.4 * slope - lenience:
                return replace(step, kind="drop", why=f"screening: z = {z:.2f} after {done} runs")
            if better + 1.28 * error < options.min_effect:
                return replace(step, kind="drop", why=f"screening: less than {options.min_effect:g}")
            if done >= SCREENING_RUNS or z >= SCREENING_PASS[done - 1] - lenience:
                return replace(_confirm(loop, idea, options), effect=effect, low=low, high=high, estimate=effect)
    missing = next(look for look in looks if look > done) - done
    tried = {run.seed for run in idea.screening}
    seeds = [run.seed for run in loop.record if run.seed not in tried][:missing]
    return replace(step, incumbent=sentinel, candidate=tuple(seeds))


def _screening_effect(loop: LoopState, idea: IdeaRuns, options: JudgingOptions) -> tuple[float, float, float]:
    """The effect, its standard error, and the slope: how far a seed that is bad for the incumbent is bad for the candidate too."""
    runs, noise = len(idea.screening), loop.run_squares / loop.run_freedom
    spread = loop.incumbent_squares + 2 * noise  # two runs' worth of nothing draw a slope of few pairs to 0
    slope = min(0.98, max(0.0, loop.cross / spread)) if options.seeds and spread else 0.0
    weights = [AGING ** (loop.time - run.time) for run in loop.record]
    total = sum(weights)
    usual = sum(weight * run.value for weight, run in zip(weights, loop.record, strict=True)) / total
    size = total**2 / sum(weight**2 for weight in weights)
    same_seeds, candidate = fmean(run.incumbent for run in idea.screening), fmean(r.candidate for r in idea.screening)
    error = math.sqrt(noise * ((1 - slope**2) / runs + (1 - slope) ** 2 / size))
    return (1 - slope) * usual + slope * same_seeds - candidate, error, slope


def _confirm(loop: LoopState, idea: IdeaRuns, options: JudgingOptions) -> JudgingStep:
    """Both sides on seeds that neither has used, looked at after 3, 5, 8 ... pairs. A step names all runs that a look misses."""
    most = min(options.max_pairs, LOOKS[-1])
    looks = (*(look for look in LOOKS if look < most), most)
    level = idea.level or _level(loop, options)
    step = JudgingStep(kind="run", level=level, why=f"confirmation at level {level:.4f}")
    differences = [x - y for x, y in idea.pairs]
    complete = len(differences) == len(idea.pair_seeds)
    if (
        differences
    ):  # an incomplete look is none: who looks at whichever pairs came first looks more often than the level pays for
        step = _judge(loop, options, differences, step, looks if complete else ())
    if step.kind != "run":
        return step
    new = next(look for look in looks if look > len(differences)) - len(differences) if complete else 0
    seeds = idea.pair_seeds + unused_seeds(loop, new)
    ours, theirs = dict(idea.incumbent), dict(idea.candidate)
    return replace(
        step,
        incumbent=tuple(seed for seed in seeds if seed not in ours),
        candidate=tuple(seed for seed in seeds if seed not in theirs),
    )


def _level(loop: LoopState, options: JudgingOptions) -> float:
    """LOND: the shares of all confirmations together are 10 %, and each keep earns one more share.

    Confirmations that are under way elsewhere count too: who runs several at once adds them to `loop.confirmations`.
    """
    number = loop.confirmations + 1
    earned = LEVEL * 5 / ((number + 4) * (number + 5)) * (loop.kept + 1)
    return MARGIN_LEVEL if options.margin else min(MOST_LEVEL, earned)


def _judge(
    loop: LoopState, options: JudgingOptions, differences: Sequence[float], step: JudgingStep, looks: Sequence[int]
) -> JudgingStep:
    """The effect in pairs; a verdict where their number is a look. The spread is theirs, with a little of what was known before."""
    pairs, effect = len(differences), fmean(differences)
    lent = min(1.0, MOST_LENT / loop.pair_freedom) if loop.pair_freedom else 1.0
    freedom = lent * loop.pair_freedom + LENT_RUNS + pairs - 1
    prior = lent * loop.pair_squares + LENT_RUNS * 2 * loop.run_squares / loop.run_freedom
    error = math.sqrt((prior + sum_of_squares(differences)) / freedom / pairs)
    better, half = effect + options.margin, _t_quantile(freedom) * error
    step = replace(step, effect=effect, low=effect - half, high=effect + half, estimate=effect)
    if pairs not in looks:
        return step
    look, t = looks.index(pairs), better / error
    # t as a normal z (Wallace 1959): bounds of a sequential test are quantiles of the normal distribution
    z = math.copysign(math.sqrt(freedom * math.log1p(t * t / freedom)), t) * (8 * freedom + 1) / (8 * freedom + 3)
    assert step.level is not None
    if z >= _normal_quantile(1 - step.level * SHARES[look]):
        shrunk = better * (1 - 1 / t**2) - options.margin
        return replace(step, kind="keep", estimate=shrunk, why=f"confirmed: z = {z:.2f} after {pairs} pairs")
    if look < len(FUTILITY) and z < FUTILITY[look] - (MARGIN_LENIENCE if options.margin else 0.0):
        return replace(step, kind="drop", why=f"not confirmed: z = {z:.2f} after {pairs} pairs")
    if better + 1.28 * error < options.min_effect:
        return replace(step, kind="drop", why=f"not confirmed: less than {options.min_effect:g}")
    return replace(step, kind="open", why=f"not decided by {pairs} pairs") if pairs == looks[-1] else step


def estimate_claim(
    baseline: Sequence[tuple[int, float]], incumbent: Sequence[tuple[int, float]]
) -> tuple[float, float, float]:
    """What a loop gained: estimate, low and high (95 %) of baseline - incumbent, both run on the same seeds that nothing else used.

    8 seeds are meant. Raises ValueError for other seeds on the two sides, and for fewer than 4.
    """
    ours, theirs = dict(baseline), dict(incumbent)
    if ours.keys() != theirs.keys() or len(ours) < 4:
        raise ValueError("a claim is made of the same seeds on both sides, 4 at least")
    differences = [ours[seed] - theirs[seed] for seed in sorted(ours)]
    freedom = len(differences) - 1
    half = _t_quantile(freedom) * math.sqrt(sum_of_squares(differences) / freedom / len(differences))
    mean = fmean(differences)
    return mean, mean - half, mean + half


@lru_cache(maxsize=1024)
def _normal_quantile(share: float) -> float:
    return NormalDist().inv_cdf(share)


@lru_cache(maxsize=1024)
def _t_quantile(freedom: float) -> float:
    """The 97.5 % quantile of Student's t for 3 and more degrees of freedom, whole or not, to 0.1 % (Abramowitz and Stegun 26.7.5)."""
    z = 1.959963984540054
    terms = (
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
        (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160,
    )
    return z + sum(term / freedom**power for power, term in enumerate(terms, start=1))
