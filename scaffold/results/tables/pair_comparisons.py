"""Pairs of configurations -> effects with intervals, corrected p-values and a verdict in words."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple, overload

from scaffold.results.stats import power
from scaffold.results.stats.corrections import HolmCorrection, correct_p_values
from scaffold.results.stats.distributions import ALPHA
from scaffold.results.stats.pair_test import PairTest, permutation_p, run_pair_test
from scaffold.results.stats.summary import moments
from scaffold.results.tables.model import ResultRow
from scaffold.results.tables.text_format import format_number, format_p
from scaffold.results.tables.verdicts import MetricComparison, contradiction_sentence, is_improvement, verdict_sentence

if TYPE_CHECKING:
    from scaffold.metric_directions import Direction
    from scaffold.results.stats.hypothesis_tests import TTest
    from scaffold.results.tables.expectation import ComparisonExpectation, ExpectationResult
    from scaffold.results.tables.family import ComparisonFamilies, TestP
    from scaffold.results.tables.pairing import RowPair


class ComparisonRules(NamedTuple):
    """How pairs are compared: against which noise, among which tests, and what is expected.

    `noise_baseline` is whose spread is the noise floor, if not each pair's reference; without `families` only what is asked in one call
    counts. `alone` says of a pair where the plan named it before it ran (a task): it is then corrected for as many as were named there.
    """

    noise_baseline: ResultRow | None = None
    families: ComparisonFamilies | None = None
    expectation: ComparisonExpectation | None = None
    alone: Callable[[RowPair], tuple[str, int] | None] = lambda pair: None


class PairComparisons(Sequence[MetricComparison]):
    """Tested pairs as comparisons, each made when it is first looked at: of 165 tests 20 are shown, and their power is dear to compute."""

    def __init__(
        self,
        tested: Sequence[_Tested],
        corrections: Sequence[HolmCorrection | None],
        expected: Sequence[ExpectationResult | None],
        directions: Mapping[str, Direction],
        rules: ComparisonRules,
    ) -> None:
        self._entries = list(zip(tested, corrections, expected, strict=True))
        self._directions, self._rules = directions, rules
        self._made: dict[int, MetricComparison] = {}

    def __len__(self) -> int:
        return len(self._entries)

    @overload
    def __getitem__(self, index: int) -> MetricComparison: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[MetricComparison]: ...
    def __getitem__(self, index: int | slice) -> MetricComparison | Sequence[MetricComparison]:
        places = range(len(self._entries))[index]
        return self._make(places) if isinstance(places, int) else [self._make(place) for place in places]

    def _make(self, place: int) -> MetricComparison:
        if place not in self._made:
            t, correction, expected = self._entries[place]
            direction = self._directions.get(t.metric)
            c = _comparison(t, correction, direction, self._rules.noise_baseline or t.pair.a, expected)
            verdict = verdict_sentence(c, direction, seed_only=t.seed_only) + contradiction_sentence(
                c, _difference_of_all(t)
            )
            self._made[place] = replace(c, verdict=verdict, warnings=tuple(_warnings(c, t, direction, self._rules)))
        return self._made[place]


def compare_pairs(
    pairs: Sequence[RowPair],
    metrics: Sequence[str],
    directions: Mapping[str, Direction],
    rules: ComparisonRules | None = None,
) -> PairComparisons:
    """Compare each pair in each metric; p-values are corrected for all of them together, and for what was run (Holm).

    Of both corrections the larger p decides. The noise floor is that of each pair's own reference where it has 3 runs or more.
    """
    rules = rules or ComparisonRules()
    is_luck = [pair.only_seeds_differ() for pair in pairs]  # the same in every metric
    tested = [
        _Tested(metric, pair, luck, run_pair_test(pair.a.seed_values(metric), pair.b.seed_values(metric)))
        for metric in metrics
        for pair, luck in zip(pairs, is_luck, strict=True)
    ]
    corrections = _correct(tested, [t.p for t in tested], rules)
    return PairComparisons(tested, corrections, _judge(tested, directions, rules), directions, rules)


class _Tested(NamedTuple):
    """A pair in one metric, and its test; `seed_only` where any difference is luck, and no p-value is believed."""

    metric: str
    pair: RowPair
    seed_only: bool
    result: PairTest

    @property
    def p(self) -> float | None:
        return None if self.seed_only or self.result.test is None else self.result.test.p


def _correct(
    tested: Sequence[_Tested],
    ps: Sequence[float | None],
    rules: ComparisonRules,
    test_p: Callable[[str], TestP] | None = None,
) -> list[HolmCorrection | None]:
    """Each p among those that are asked, and among those of what was run: of both the larger."""
    corrections: list[HolmCorrection | None] = []
    for t, p, asked in zip(tested, ps, correct_p_values(ps), strict=True):
        if p is None or asked is None:
            corrections.append(None)
        elif named := rules.alone(t.pair):
            task, count = named
            among = HolmCorrection(p=min(1.0, p * count), count=count, family=f"plan {task}", level=ALPHA / count)
            corrections.append(among)
        elif rules.families is None:
            corrections.append(asked)
        else:
            run = rules.families.correct(t.pair, t.metric, p, test_p and test_p(t.metric))
            corrections.append(max(run, asked, key=lambda correction: (correction.p, correction is run)))
    return corrections


def _judge(
    tested: Sequence[_Tested], directions: Mapping[str, Direction], rules: ComparisonRules
) -> list[ExpectationResult | None]:
    """What is expected, held against each; None where nothing is."""
    expected = rules.expectation
    if expected is None:
        return [None] * len(tested)

    from scaffold.results.tables.expectation import judge_expectation

    def test_p(metric: str) -> TestP:
        return lambda test: expected.p_value(test, directions.get(metric))

    ps = [None if t.p is None or t.result.test is None else test_p(t.metric)(t.result.test) for t in tested]
    return [
        judge_expectation(
            expected,
            t.pair.name_b,
            effect=None if t.seed_only else _effect(t.result),
            test=t.result.test,
            p=p,
            correction=correction,
        )
        for t, p, correction in zip(tested, ps, _correct(tested, ps, rules, test_p), strict=True)
    ]


def _effect(result: PairTest) -> float | None:
    """mean(B) - mean(A); where one side has a single run there is a difference all the same, to hold against the noise floor."""
    if result.test is not None:
        return result.test.effect
    return moments(result.b).mean - moments(result.a).mean if result.a and result.b else None


def _comparison(
    t: _Tested,
    correction: HolmCorrection | None,
    direction: Direction | None,
    noise_baseline: ResultRow,
    expected: ExpectationResult | None,
) -> MetricComparison:
    """All of a comparison but its sentences."""
    values_a, values_b, test = t.result.a, t.result.b, t.result.test
    mean_a, mean_b = (moments(values).mean if values else None for values in (values_a, values_b))
    effect = _effect(t.result)
    noise_floor = None
    if values_a and values_b:
        baseline = noise_baseline.finite_values(t.metric)
        noise_floor = power.noise_floor(baseline, len(values_a), len(values_b)) if baseline else None
    distinguishable = correction is not None and correction.p <= ALPHA
    improves = is_improvement(effect, direction) if distinguishable and effect is not None else None
    level = correction.level if correction else ALPHA
    return MetricComparison(
        metric=t.metric,
        a=t.pair.name_a,
        b=t.pair.name_b,
        n_a=len(values_a),
        n_b=len(values_b),
        mean_a=mean_a,
        mean_b=mean_b,
        paired=t.result.paired,
        test=test.name if test else "none",
        effect=effect,
        low=test.low if test else None,
        high=test.high if test else None,
        p=t.p,
        p_holm=correction.p if correction else None,
        p_exact=None if t.seed_only else permutation_p(t.result),
        comparisons=correction.count if correction else 0,
        noise_floor=noise_floor,
        detectable=power.detectable_effect(test.error, test.df, level) if test else None,
        distinguishable=distinguishable,
        better=None if improves is None else t.pair.name_b if improves else t.pair.name_a,
        seeds_needed=None if distinguishable else _seeds_needed(t.result, level),
        verdict="",
        family=correction.family if correction else None,
        level=correction.level if correction else None,
        noise_runs=tuple(m.run.label for m in noise_baseline.runs if t.metric in m.values),
        expected=expected,
    )


def _seeds_needed(result: PairTest, level: float) -> int | None:
    """How many seeds each side needs, at the level that the correction leaves: more than there are, since these did not find it."""
    test: TTest | None = result.test
    if test is None or test.p is None:
        return None
    if result.paired:
        n = power.seeds_needed(test.effect, test.error * math.sqrt(len(result.a)), paired=True, alpha=level)
    else:
        spreads = [moments(values).sd or 0.0 for values in (result.a, result.b)]
        spread = math.hypot(*spreads) / math.sqrt(2)
        n = power.seeds_needed(test.effect, spread, paired=False, alpha=level)
    return None if n is None else max(n, min(len(result.a), len(result.b)) + 1)


def _difference_of_all(t: _Tested) -> float | None:
    """mean(B) - mean(A) over all runs, where pairs leave some out."""
    values = [row.finite_values(t.metric) for row in (t.pair.a, t.pair.b)] if t.result.left_out else []
    if not values or not all(values):
        return None
    mean_a, mean_b = (moments(side).mean for side in values)
    return mean_b - mean_a


def _warnings(c: MetricComparison, t: _Tested, direction: Direction | None, rules: ComparisonRules) -> Iterator[str]:
    sides = ((c.a, t.pair.a), (c.b, t.pair.b))
    if rules.families is not None and c.family != "asked" and c.p is not None:
        yield from rules.families.preliminary(t.pair)
    yield from (f"{name}: {warning}" for name, row in sides for warning in row.warnings)
    for name, row in sides:
        summary = row.summaries.get(c.metric)
        if summary and summary.not_finite:
            all_values = summary.not_finite + summary.n
            yield f"{name}: {summary.not_finite} of {all_values} values are NaN or infinite and left out: the rest flatters it"
        if row.missing:
            runs_have = "1 run has" if len(row.missing) == 1 else f"{len(row.missing)} runs have"
            yield f"{name}: {runs_have} no result ({row.missing[0].reason}): the rest may flatter it"
    if t.result.left_out:
        seeds = ", ".join("none" if seed is None else str(seed) for seed in t.result.left_out)
        yield f"paired by seed: runs without a partner are left out (seeds {seeds})"
    if c.p_exact is not None and c.p is not None and (c.p <= ALPHA) != (c.p_exact <= ALPHA):
        exact = f"the exact permutation test, which assumes no normal distribution, says {format_p(c.p_exact)}"
        yield f"{exact}: look for an outlier"
    if c.distinguishable and c.noise_floor is not None and c.effect is not None and abs(c.effect) <= c.noise_floor:
        yield f"it is within the noise floor {format_number(c.noise_floor)}: only the pairs by seed show it"
    if direction is None and c.effect is not None:
        yield f"whether {c.metric} is better high or low is not known: --maximize {c.metric} or --minimize {c.metric}"
