"""What is on record of a loop and of an idea, as values: made from runs alone, in their order, so that a replay gives the same."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from statistics import fmean
from typing import Literal, NamedTuple

RECORD_MOST = 24
FORGET = 0.93  # a half-life of 10 ideas: a pool that never forgets gives 23 % false keeps when the noise doubles

Kind = Literal["run", "keep", "drop", "open", "stop"]
Result = tuple[int, "float | None"]
# an idea's end, as a step's kind or as the verdict that people read
KEPT, OUTCOMES = ("keep", "kept"), ("keep", "kept", "by hand", "drop", "dropped", "open", "stop", "failed")


class PastRun(NamedTuple):
    """A run of the incumbent; `time` counts the ideas that were closed before it."""

    seed: int
    value: float
    time: int


class ScreeningRun(NamedTuple):
    """A run of the candidate, beside the incumbent's on the same seed."""

    seed: int
    incumbent: float
    candidate: float


@dataclass(frozen=True, slots=True)
class JudgingOptions:
    """How ideas are judged.

    `seeds`: the command takes a seed (without, a seed is the number of the repeat); `margin`: not worse by more than this is enough;
    `min_effect`: a smaller effect is of no interest; `max_pairs`: where an idea stays open (24 at most); `batch`: runs at one time.
    """

    seeds: bool = True
    margin: float = 0.0
    min_effect: float = 0.0
    max_pairs: int = 24
    batch: int = 1


@dataclass(frozen=True, slots=True)
class LoopState:
    """What all ideas so far left behind.

    `record`: runs of the incumbent, newest first. `run_squares` and `run_freedom` are a sum of squares and its degrees of freedom
    of single runs (S1 and f1 of the contract), `pair_squares` and `pair_freedom` of paired differences (S2, f2); `cross` and
    `incumbent_squares` (Cxy, Cxx) say how far a seed moves both sides alike. `deterministic`: no two runs ever differed.
    """

    record: tuple[PastRun, ...]
    run_squares: float
    run_freedom: float
    pair_squares: float = 0.0
    pair_freedom: float = 0.0
    cross: float = 0.0
    incumbent_squares: float = 0.0
    confirmations: int = 0
    kept: int = 0
    time: int = 0
    last_seed: int = 0
    deterministic: bool = False


@dataclass(frozen=True, slots=True)
class IdeaRuns:
    """What has run of one idea. `skip_screening` is for a new confirmation of an idea that was judged before.

    `pair_seeds` are the seeds of the confirmation, `incumbent` and `candidate` its values by seed; `level` is fixed when it begins;
    `repeat` are seeds that the incumbent crashed on outside of a confirmation.
    """

    skip_screening: bool = False
    screening: tuple[ScreeningRun, ...] = ()
    pair_seeds: tuple[int, ...] = ()
    incumbent: tuple[tuple[int, float], ...] = ()
    candidate: tuple[tuple[int, float], ...] = ()
    level: float = 0.0
    crashes: int = 0
    incumbent_crashes: int = 0
    repeat: tuple[int, ...] = ()

    @property
    def pairs(self) -> list[tuple[float, float]]:
        """(incumbent, candidate) of each seed of the confirmation that both have a value on."""
        ours, theirs = dict(self.incumbent), dict(self.candidate)
        return [(ours[seed], theirs[seed]) for seed in self.pair_seeds if seed in ours and seed in theirs]


@dataclass(frozen=True, slots=True)
class JudgingStep:
    """What to do next: seeds to run of each side (`run`), or a verdict; and what is known of the effect, where something is.

    `low` and `high` are an interval of 95 %; `estimate` is the effect, for a keep without what its own runs are too good by; `level`
    is that of the confirmation, None outside of one.
    """

    kind: Kind
    incumbent: tuple[int, ...] = ()
    candidate: tuple[int, ...] = ()
    effect: float | None = None
    low: float | None = None
    high: float | None = None
    estimate: float | None = None
    level: float | None = None
    why: str = ""


def start_loop(baseline: Sequence[tuple[int, float]], *, largest_seed: int = 0) -> LoopState:
    """A loop whose incumbent ran on these seeds (5, at least 2); `largest_seed` is the largest that was ever used for the command.

    Raises ValueError for fewer than 2 runs, for one seed twice, for values that are not finite.
    """
    seeds, values = [seed for seed, _ in baseline], [value for _, value in baseline]
    if len(set(seeds)) < max(2, len(seeds)) or not all(map(math.isfinite, values)):
        raise ValueError(f"a baseline is at least 2 runs on different seeds, each with a finite value: {baseline}")
    equal = len(set(values)) == 1
    return LoopState(
        record=tuple(PastRun(seed, value, 0) for seed, value in reversed(baseline))[:RECORD_MOST],
        run_squares=sum_of_squares(values),
        # equal runs do not say how large the noise is, should there turn out to be some
        run_freedom=0 if equal else len(values) - 1,
        last_seed=max(*seeds, largest_seed),
        deterministic=equal,
    )


def record_step_runs(
    loop: LoopState,
    idea: IdeaRuns,
    step: JudgingStep,
    incumbent: Iterable[Result] = (),
    candidate: Iterable[Result] = (),
) -> tuple[LoopState, IdeaRuns]:
    """The state after runs that a step asked for, in whatever order they came, all or some; a value that is None or NaN is a crash."""
    ours, our_crashes = _sort_results(step.incumbent, incumbent)
    theirs, their_crashes = _sort_results(step.candidate, candidate)
    idea = replace(
        idea,
        crashes=idea.crashes + len(their_crashes),
        incumbent_crashes=idea.incumbent_crashes + len(our_crashes),
    )
    loop = replace(loop, last_seed=max((loop.last_seed, *step.incumbent, *step.candidate)))
    if step.level is not None:
        new = tuple(seed for seed in (*step.incumbent, *step.candidate) if seed not in idea.pair_seeds)
        seeds = idea.pair_seeds + tuple(dict.fromkeys(new))
        both = replace(idea, incumbent=idea.incumbent + ours, candidate=idea.candidate + theirs)
        return loop, replace(both, pair_seeds=seeds, level=step.level)
    values = {run.seed: run.value for run in loop.record}
    screened = tuple(ScreeningRun(seed, values[seed], value) for seed, value in theirs)
    answered = {seed for seed, _ in ours}
    repeat = tuple(dict.fromkeys(seed for seed in (*idea.repeat, *our_crashes) if seed not in answered))
    idea = replace(idea, screening=idea.screening + screened, repeat=repeat)
    if loop.deterministic:
        return _look_for_noise(_recorded(loop, ours), idea), idea
    squares = loop.run_squares + sum_of_squares([value for _, value in ours])
    grown = replace(loop, run_squares=squares, run_freedom=loop.run_freedom + max(0, len(ours) - 1))
    return _recorded(grown, ours), idea


def _sort_results(
    seeds: Sequence[int], results: Iterable[Result]
) -> tuple[tuple[tuple[int, float], ...], tuple[int, ...]]:
    """Values and crashes in the order in which the step named the seeds: which of them came first says nothing."""
    by_seed = dict(results)
    asked = [(seed, by_seed[seed]) for seed in seeds if seed in by_seed]
    values = tuple((seed, value) for seed, value in asked if value is not None and math.isfinite(value))
    return values, tuple(seed for seed, value in asked if value is None or not math.isfinite(value))


def _recorded(loop: LoopState, runs: Iterable[tuple[int, float]]) -> LoopState:
    """The record with further runs of the incumbent; of these the last is the newest."""
    newer = [PastRun(seed, value, loop.time) for seed, value in runs]
    return replace(loop, record=(*reversed(newer), *loop.record)[:RECORD_MOST])


def _look_for_noise(loop: LoopState, idea: IdeaRuns) -> LoopState:
    """The first two runs of one code that differ end the belief in a metric without noise, for good."""
    for values in ([run.candidate for run in idea.screening], [run.value for run in loop.record]):
        if len(set(values)) > 1:
            squares = (max(values) - min(values)) ** 2 / 2
            return replace(loop, deterministic=False, run_squares=squares, run_freedom=1)
    return loop


def close_idea(loop: LoopState, idea: IdeaRuns, outcome: str, options: JudgingOptions = JudgingOptions()) -> LoopState:
    """The loop after an idea that ended as one of OUTCOMES; `by hand` is a person's keep, by which the rule's level earns nothing.

    Raises ValueError for another word: an idea that was kept and counts as dropped would leave the loop with the wrong incumbent.
    """
    if outcome not in OUTCOMES:
        raise ValueError(f"{outcome} is no end of an idea; there are {', '.join(OUTCOMES)}")
    pairs, screened = idea.pairs, [(run.incumbent, run.candidate) for run in idea.screening]
    singles = [[y for _, y in screened], *([value for _, value in side] for side in (idea.incumbent, idea.candidate))]
    squares = sum(map(sum_of_squares, singles))
    freedom = sum(max(0, len(values) - 1) for values in singles)
    differences = [x - y for x, y in pairs]
    counts = idea.level > 0 and not options.margin
    if outcome in (*KEPT, "by hand"):
        # never its screening runs: they are too good; without noise there is nothing that they could be too good by
        runs = [(run.seed, run.candidate) for run in idea.screening] if loop.deterministic else idea.candidate
        loop = replace(loop, record=())
    else:
        runs = idea.incumbent
    return replace(
        _recorded(loop, runs),
        run_squares=FORGET * (loop.run_squares + squares),
        run_freedom=FORGET * (loop.run_freedom + freedom),
        pair_squares=FORGET * (loop.pair_squares + sum_of_squares(differences)),
        pair_freedom=FORGET * (loop.pair_freedom + max(0, len(pairs) - 1)),
        cross=FORGET * (loop.cross + _products(screened) + _products(pairs)),
        incumbent_squares=FORGET
        * (loop.incumbent_squares + sum(sum_of_squares([x for x, _ in each]) for each in (screened, pairs))),
        confirmations=loop.confirmations + counts,
        kept=loop.kept + (counts and outcome in KEPT),
        time=loop.time + 1,
    )


def sum_of_squares(values: Sequence[float]) -> float:
    """The squared deviations from the mean, summed; 0 for fewer than two values."""
    mean = fmean(values) if values else 0.0
    return math.fsum((value - mean) ** 2 for value in values)


def _products(pairs: Sequence[tuple[float, float]]) -> float:
    if not pairs:
        return 0.0
    mean_x, mean_y = fmean(x for x, _ in pairs), fmean(y for _, y in pairs)
    return math.fsum((x - mean_x) * (y - mean_y) for x, y in pairs)
