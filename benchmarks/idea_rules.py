"""What rules for keeping changes of code are worth: loops of ideas whose truth is known, in nine worlds. python -m benchmarks.idea_rules

Every rule sees the same ideas. An idea changes the metric (lower is better) by nothing, or by 0.5 to 2 standard deviations of a run;
kept ideas add up. Our rule is `scaffold.ideas.rule` itself; the others are written here as their public code and descriptions say.
"""

from __future__ import annotations

import argparse
import hashlib
import itertools
import json
import math
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean, median
from typing import Any

import numpy as np

from benchmarks import machine
from scaffold.ideas import loop_state, rule

LAST = Path(__file__).with_name("idea_rules.json")


def rule_digest() -> str:
    """Which state of our rule a table is of: a hash of its modules, since a commit may be rewritten before it is published."""
    texts = [Path(module.__file__ or "").read_bytes() for module in (rule, loop_state)]
    return hashlib.sha256(b"".join(texts)).hexdigest()[:16]


@dataclass(frozen=True, kw_only=True)
class World:
    """Where a loop runs. `correlation`: of two codes' runs on one seed; `drift`: step of a random walk of the machine, each idea.

    `slower` is what the machine loses with each idea, `slower_by_run` with each run; all in standard deviations of a run.
    """

    name: str
    ideas: int = 100
    good: float = 0.05
    bad: float = 0.10
    correlation: float = 0.0
    drift: float = 0.0
    slower: float = 0.0
    slower_by_run: float = 0.0
    noise_doubles: bool = False
    heavy_tails: bool = False


WORLDS = (
    World(name="base, seeds unrelated"),
    World(name="seeds correlated 0.5", correlation=0.5),
    World(name="seeds correlated 0.9", correlation=0.9),
    World(name="machine drifts 0.2 sigma an idea", drift=0.2),
    World(name="noise doubles half-way", noise_doubles=True),
    World(name="heavy tails (t, 4 df)", heavy_tails=True),
    World(name="2 % good ideas", good=0.02),
    World(name="no good idea", good=0.0),
    World(name="300 ideas, 2 % good", ideas=300, good=0.02),
)


class Bench:
    """A loop's machine: runs the incumbent, or the idea at hand on it, and counts. Ideas, seeds and noise are drawn apart.

    `stream` names the noise: two rules with one stream still draw other noise from their first different run on.
    """

    def __init__(self, world: World, loop: int, stream: int) -> None:
        self.world, self.runs, self.idea, self.gained = world, 0, 0, 0.0
        truth = np.random.default_rng((loop, 0))
        self.effects = _effects(world, truth)
        steps = truth.normal(0.0, 1.0, world.ideas) * world.drift + world.slower
        self._drift: list[float] = [0.0, *np.cumsum(steps).tolist()]
        self._noise, self._seeds = (self._draws(np.random.default_rng((loop, which))) for which in (stream, 1))
        self._seed_part: list[float] = []
        self.claimed: tuple[float, float, float] | None = None

    def _draws(self, random: np.random.Generator) -> Iterator[float]:
        while True:
            tails = self.world.heavy_tails
            yield from (random.standard_t(4, 1024) / math.sqrt(2) if tails else random.standard_normal(1024)).tolist()

    def each_idea(self) -> Iterator[int]:
        """The numbers of the ideas, each while it is the idea at hand."""
        for number in range(self.world.ideas):
            self.idea = number
            yield number

    def run(self, seed: int, *, candidate: bool) -> float:
        """The metric of the incumbent, or of the idea at hand."""
        self.runs += 1
        return self.value(seed, self.gained + (self.effects[self.idea] if candidate else 0.0))

    def value(self, seed: int, gained: float) -> float:
        """A run of code that is better than the baseline by `gained`; not counted."""
        while len(self._seed_part) <= seed:
            self._seed_part.append(next(self._seeds))
        share = self.world.correlation
        noise = math.sqrt(share) * self._seed_part[seed] + math.sqrt(1 - share) * next(self._noise)
        if self.world.noise_doubles and self.idea >= self.world.ideas // 2:
            noise *= 2
        return noise + self._drift[self.idea] + self.world.slower_by_run * self.runs - gained

    def keep(self) -> None:
        """The idea at hand is the incumbent from now on."""
        self.gained += self.effects[self.idea]


def _effects(world: World, truth: np.random.Generator) -> list[float]:
    """What each idea is worth: better by this much, worse where it is negative."""
    kinds, sizes = truth.random(world.ideas), truth.uniform(0.5, 2.0, world.ideas)
    signs = np.where(kinds < world.good, 1.0, np.where(kinds < world.good + world.bad, -1.0, 0.0))
    effects: list[float] = (signs * sizes).tolist()
    return effects


# plays a loop, and says of each idea, while it is at hand, whether it is kept
Rule = Callable[[Bench], Iterator[bool]]


def ours(options: rule.JudgingOptions = rule.JudgingOptions(), *, interleaved: bool = True) -> Rule:  # noqa: B008 - it is frozen
    """Our rule; what is claimed at the end is left at the bench."""

    def play(bench: Bench) -> Iterator[bool]:
        loop = rule.start_loop([(seed, bench.run(seed, candidate=False)) for seed in range(1, 6)])
        for _ in bench.each_idea():
            idea = rule.IdeaRuns()
            while (step := rule.choose_next_step(loop, idea, options)).kind == "run":
                loop, idea = rule.record_step_runs(loop, idea, step, *_run_step(bench, step, interleaved=interleaved))
            yield step.kind == "keep"
            loop = rule.close_idea(loop, idea, step.kind, options)
        sides: tuple[list[tuple[int, float]], list[tuple[int, float]]] = ([], [])
        for seed in rule.unused_seeds(loop, 8):
            for side, gained in zip(sides, (0.0, bench.gained), strict=True):
                side.append((seed, bench.value(seed, gained)))
        bench.claimed = rule.estimate_claim(*sides)

    return play


def _run_step(bench: Bench, step: rule.JudgingStep, *, interleaved: bool) -> tuple[list[tuple[int, float]], ...]:
    """A step's runs in the order A B B A; or all of the incumbent's first, which our rule forbids."""
    runs = [(seed, False) for seed in step.incumbent] + [(seed, True) for seed in step.candidate]
    if interleaved:
        runs = [(seed, False) for seed in step.incumbent if seed not in step.candidate]
        for number, seed in enumerate(step.candidate):
            sides = (False, True) if number % 2 == 0 else (True, False)
            runs += [(seed, side) for side in sides if side or seed in step.incumbent]
    values = {run: bench.run(run[0], candidate=run[1]) for run in runs}
    return tuple([(s, v) for (s, side), v in values.items() if side is candidate] for candidate in (False, True))


def _greedy(bench: Bench) -> Iterator[bool]:
    """One run, kept if better than the incumbent's recorded value."""
    recorded = bench.run(1, candidate=False)
    for _ in bench.each_idea():
        value = bench.run(1, candidate=True)
        kept = value < recorded
        recorded = value if kept else recorded
        yield kept


def _confidence(bench: Bench) -> Iterator[bool]:
    """Greedy, and what stands then is better than the first run by twice the median absolute deviation of all values so far."""
    first = recorded = bench.run(1, candidate=False)
    values = [first]
    for _ in bench.each_idea():
        value = bench.run(1, candidate=True)
        values.append(value)
        middle = median(values)
        deviation = median(abs(v - middle) for v in values)
        kept = value < recorded and abs(value - first) >= 2 * deviation
        recorded = value if kept else recorded
        yield kept


def _two_sigma(bench: Bench) -> Iterator[bool]:
    """Better than the recorded value by twice the difference of two runs of the baseline."""
    recorded, again = bench.run(1, candidate=False), bench.run(1, candidate=False)
    threshold = 2 * abs(recorded - again)
    for _ in bench.each_idea():
        value = bench.run(1, candidate=True)
        kept = value < recorded - threshold
        recorded = value if kept else recorded
        yield kept


def _bootstrap(bench: Bench) -> Iterator[bool]:
    """Dropped after one run not better than the best's mean; else three runs, and 95 % of resamples have to have a better mean."""
    best = [bench.run(seed, candidate=False) for seed in (1, 2, 3)]
    for _ in bench.each_idea():
        values = [bench.run(1, candidate=True)]
        if values[0] >= fmean(best):
            yield False
            continue
        values += [bench.run(seed, candidate=True) for seed in (2, 3)]
        kept = _share_better(values, best) >= 0.95
        best = values if kept else best
        yield kept


def _share_better(values: Sequence[float], best: Sequence[float]) -> float:
    """The share of resamples (all 27 x 27 that there are) whose mean is better."""
    resamples = [np.sort([sum(each) for each in itertools.product(side, repeat=3)]) for side in (values, best)]
    return float(np.searchsorted(resamples[0], resamples[1], side="left").mean()) / 27


# after so many runs: dropped below, passed from there on; together 10 % one-sided where an idea does nothing
RETEST_BOUNDS = {1: (0.0, 1.8), 2: (0.6, 1.7), 4: (1.3, 1.3)}
RETEST_T = 2.364624  # 2.5 % one-sided, 7 degrees of freedom


def _retest(bench: Bench) -> Iterator[bool]:
    """A sequential test at 10 % one-sided, its spread pooled over the loop; what passes has 8 new seeds of both sides, at 2.5 %.

    The test holds the candidate, after 1, 2 and 4 runs, against the incumbent's last 24 runs, those on the same seeds as far as the
    past says that a seed moves both sides alike.
    """
    record = {seed: bench.run(seed, candidate=False) for seed in range(1, 9)}
    squares, freedom, cross, spread, place = _squares(record.values()), 7, 0.0, 0.0, 0
    for _ in bench.each_idea():
        seeds = list(record)
        slope = min(0.98, max(0.0, cross / spread)) if spread else 0.0
        pairs: list[tuple[float, float]] = []
        for seed in (seeds[(place + step) % len(seeds)] for step in range(4)):
            pairs.append((record[seed], bench.run(seed, candidate=True)))
            if (runs := len(pairs)) in RETEST_BOUNDS:
                usual = (1 - slope) * fmean(record.values()) + slope * fmean(ours for ours, _ in pairs)
                error = squares / freedom * ((1 - slope**2) / runs + (1 - slope) ** 2 / len(record))
                z = (usual - fmean(theirs for _, theirs in pairs)) / math.sqrt(error)
                if not RETEST_BOUNDS[runs][0] <= z < RETEST_BOUNDS[runs][1]:
                    break
        place += len(pairs)
        squares, freedom = squares + _squares(theirs for _, theirs in pairs), freedom + len(pairs) - 1
        kept = False
        if z >= RETEST_BOUNDS[runs][1]:
            fresh = range(max(seeds) + 1, max(seeds) + 9)
            pairs = [(bench.run(seed, candidate=False), bench.run(seed, candidate=True)) for seed in fresh]
            ours, theirs = [x for x, _ in pairs], [y for _, y in pairs]
            squares, freedom = squares + _squares(ours) + _squares(theirs), freedom + 14
            spread += _squares(ours)
            cross += sum((x - fmean(ours)) * (y - fmean(theirs)) for x, y in pairs)
            error = _squares(x - y for x, y in pairs) / 7 / 8
            kept = fmean(ours) - fmean(theirs) >= RETEST_T * math.sqrt(error)
            known = {} if kept else record
            record = dict([*known.items(), *zip(fresh, theirs if kept else ours, strict=True)][-24:])
        yield kept


def _squares(values: Iterable[float]) -> float:
    values = list(values)
    return sum((value - fmean(values)) ** 2 for value in values)


RULES: dict[str, Rule] = {
    "this rule": ours(),
    "retest on 8 new seeds": _retest,
    "bootstrap of 3": _bootstrap,
    "2 sigma of two": _two_sigma,
    "confidence >= 2": _confidence,
    "greedy": _greedy,
}
# our rule where something is otherwise: at hand, or wrong
FURTHER: tuple[tuple[World, Rule], ...] = (
    (World(name="2 runs at a time"), ours(rule.JudgingOptions(batch=2))),
    (World(name="4 runs at a time"), ours(rule.JudgingOptions(batch=4))),
    (World(name="no seed option"), ours(rule.JudgingOptions(seeds=False))),
    (World(name="15 % good ideas", good=0.15), ours()),
    (World(name="slower by 0.2 sigma every idea", slower=0.2), ours()),
    (World(name="faster by 0.2 sigma every idea", slower=-0.2), ours()),
    (World(name="faster by 0.1 sigma every run", slower_by_run=-0.1), ours()),
    (World(name="the same, the incumbent's runs first", slower_by_run=-0.1), ours(interleaved=False)),
)


@dataclass(frozen=True, kw_only=True)
class Score:
    """Of many loops: keeps that do nothing or hurt (mean of each loop's share, in %), ideas that help and were kept (%), runs a loop.

    `covered`: claims at the end of a loop whose interval holds the truth, in % of the loops; None for rules that make none.
    """

    false_keeps: float
    gains: float | None
    runs: float
    covered: float | None


def measure(play: Rule, world: World, loops: int, *, stream: int = 2) -> Score:
    """A rule in a world, over the loops 0, 1, 2 ...: the same numbers give the same score."""
    false = helpful = gained = runs = covered = claims = 0.0
    for number in range(loops):
        bench, kept = Bench(world, number, stream), []
        for is_kept in play(bench):
            if is_kept:
                kept.append(bench.effects[bench.idea])
                bench.keep()
        wrong = sum(effect <= 0 for effect in kept)
        false += wrong / max(1, len(kept))
        gained += len(kept) - wrong
        helpful += sum(effect > 0 for effect in bench.effects)
        runs += bench.runs
        if bench.claimed is not None:
            claims += 1
            covered += bench.claimed[1] <= bench.gained <= bench.claimed[2]
    return Score(
        false_keeps=100 * false / loops,
        gains=100 * gained / helpful if helpful else None,
        runs=runs / loops,
        covered=100 * covered / claims if claims else None,
    )


def table(loops: int) -> dict[str, Any]:
    """All rules in all worlds, and our rule where something is otherwise; `seconds` is what 100 loops of ours took in the base world."""
    where, began = machine.describe_machine(), time.process_time()
    measure(RULES["this rule"], WORLDS[0], 100)
    seconds = time.process_time() - began
    worlds = []
    for world in WORLDS:
        scores = {name: measure(play, world, loops, stream=2 + i) for i, (name, play) in enumerate(RULES.items())}
        worlds.append({"world": world.name, "scores": {name: asdict(score) for name, score in scores.items()}})
        print(f"{world.name}: " + "; ".join(f"{name} {shown(asdict(s))}" for name, s in scores.items()), flush=True)
    further = []
    for world, play in FURTHER:
        score = asdict(measure(play, world, loops))
        further.append({"world": world.name, "score": score})
        print(f"{world.name}: {shown(score)}", flush=True)
    head = {"version": 1, "rule": rule_digest(), "loops": loops, "seconds": seconds, "machine": asdict(where)}
    return {**head, "worlds": worlds, "further": further}


def shown(score: dict[str, Any]) -> str:
    """`false keeps / gains / runs`."""
    gains = "-" if score["gains"] is None else f"{score['gains']:.0f}"
    return f"{score['false_keeps']:.0f} / {gains} / {score['runs']:.0f}"


def main() -> None:
    """Measure and print; with --keep the table becomes that of docs/ideas.md."""
    parser = argparse.ArgumentParser(description="Rules for keeping changes of code, in nine worlds.")
    parser.add_argument("--loops", type=int, default=200, help="loops in each world (default 200)")
    parser.add_argument("--keep", action="store_true", help=f"write {LAST.name}, of which docs/ideas.md is made")
    arguments = parser.parse_args()
    measured = table(arguments.loops)
    if arguments.keep:
        LAST.write_text(json.dumps(measured, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
