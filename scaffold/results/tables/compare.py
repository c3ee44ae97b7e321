"""Two or more configurations -> effects with intervals, corrected p-values and a verdict in words."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from scaffold.errors import ScaffoldError, WrongUsage
from scaffold.metric_directions import Direction
from scaffold.results.metrics.query import QueryResult
from scaffold.results.metrics.run_selection import restrict_to_selection, select_runs
from scaffold.results.stats import power
from scaffold.results.stats.distributions import ALPHA
from scaffold.results.stats.hypothesis_tests import holm_correction
from scaffold.results.stats.pair_test import PairTest, permutation_p, run_pair_test
from scaffold.results.stats.summary import moments
from scaffold.results.tables.common_code import keep_common_code
from scaffold.results.tables.fold import fold_seeds, row_label
from scaffold.results.tables.model import MetricComparison, ResultRow
from scaffold.results.tables.pairing import RowPair, pair_rows
from scaffold.results.tables.text_format import format_number, format_p
from scaffold.results.tables.verdicts import is_better, verdict_sentence


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparisonReport:
    """Comparisons with one reference (metrics outermost), and sentences about configurations that have no partner."""

    reference: str
    comparisons: tuple[MetricComparison, ...]
    unmatched: tuple[str, ...]


def compare_selections(result: QueryResult, names: Sequence[str], noise_from: str | None = None) -> ComparisonReport:
    """Compare what each further name stands for with what the first stands for; `noise_from` names the baseline of the noise floor.

    Raises ScaffoldError where a name means nothing, or several configurations that do not match, and WrongUsage where two sides
    have a run in common.
    """
    metrics = result.metrics_to_compare()
    reference = select_runs(names[0], result.runs())
    pairs: list[RowPair] = []
    unmatched: list[str] = []
    for name in names[1:]:
        selection = select_runs(name, result.runs())
        if any(reference.admits(run) and selection.admits(run) for run in result.runs()):
            raise WrongUsage(f"{names[0]!r} and {name!r} share runs", hint="name things that have no run in common")
        sides = [(side.text, restrict_to_selection(result, side)) for side in (reference, selection)]
        common, sentence = keep_common_code(sides, result.code_states)
        reference_table, table = (fold_seeds(side, mark_best=False) for side in common)
        new_pairs, sentences = pair_rows(names[0], reference_table, name, table)
        pairs += new_pairs
        unmatched += [*([sentence] if sentence and sentence not in unmatched else []), *sentences]
    baseline = find_single_row(result, noise_from) if noise_from else None
    directions = {metric: way for metric in metrics if (way := result.query.directions.direction(metric))}
    comparisons = compare_pairs(pairs, metrics, directions, baseline)
    return ComparisonReport(reference=names[0], comparisons=tuple(comparisons), unmatched=tuple(unmatched))


def find_single_row(result: QueryResult, name: str) -> ResultRow:
    """The one configuration that a name stands for. Raises ScaffoldError where it stands for several."""
    table = fold_seeds(restrict_to_selection(result, select_runs(name, result.runs())), mark_best=False)
    if len(table.rows) != 1:
        labels = "; ".join(row_label(row, table.by) for row in table.rows[:5])
        raise ScaffoldError(
            f"{name!r} stands for {len(table.rows)} configurations: {labels}",
            hint="name one of them, for example 'lr=0.1'",
        )
    return table.rows[0]


def compare_pairs(
    pairs: Sequence[RowPair],
    metrics: Sequence[str],
    directions: Mapping[str, Direction],
    noise_baseline: ResultRow | None = None,
) -> list[MetricComparison]:
    """Compare each pair in each metric; p-values are corrected for all of them together (Holm).

    The noise floor is that of each pair's own reference, or of `noise_baseline`, where it has 3 runs or more.
    """
    is_luck = [pair.only_seeds_differ() for pair in pairs]  # the same in every metric
    tested = [
        _Tested(metric, pair, luck, run_pair_test(pair.a.seed_values(metric), pair.b.seed_values(metric)))
        for metric in metrics
        for pair, luck in zip(pairs, is_luck, strict=True)
    ]
    corrected = holm_correction([t.p for t in tested])
    count = sum(t.p is not None for t in tested)
    comparisons = []
    for t, p_holm in zip(tested, corrected, strict=True):
        direction = directions.get(t.metric)
        c = _comparison(t, p_holm, count, direction, noise_baseline or t.pair.a)
        verdict = verdict_sentence(c, direction, seed_only=t.seed_only)
        comparisons.append(replace(c, verdict=verdict, warnings=tuple(_warnings(c, t, direction))))
    return comparisons


class _Tested(NamedTuple):
    """A pair in one metric, and its test; `seed_only` where any difference is luck, and no p-value is believed."""

    metric: str
    pair: RowPair
    seed_only: bool
    result: PairTest

    @property
    def p(self) -> float | None:
        return None if self.seed_only or self.result.test is None else self.result.test.p


def _comparison(
    t: _Tested, p_holm: float | None, count: int, direction: Direction | None, noise_baseline: ResultRow
) -> MetricComparison:
    """All of a comparison but its sentences."""
    values_a, values_b, test = t.result.a, t.result.b, t.result.test
    mean_a, mean_b = (moments(values).mean if values else None for values in (values_a, values_b))
    # where one side has a single run there is a difference all the same, and the noise floor to hold it against
    effect = test.effect if test else None if mean_a is None or mean_b is None else mean_b - mean_a
    noise_floor = None
    if values_a and values_b:
        baseline = noise_baseline.finite_values(t.metric)
        noise_floor = power.noise_floor(baseline, len(values_a), len(values_b)) if baseline else None
    distinguishable = p_holm is not None and p_holm <= ALPHA
    improves = is_better(effect, direction) if distinguishable and effect is not None else None
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
        p_holm=p_holm,
        p_exact=None if t.seed_only else permutation_p(t.result),
        comparisons=count,
        noise_floor=noise_floor,
        detectable=power.detectable_effect(test.error, test.df) if test else None,
        distinguishable=distinguishable,
        better=None if improves is None else t.pair.name_b if improves else t.pair.name_a,
        seeds_needed=None if distinguishable else _seeds_needed(t.result),
        verdict="",
    )


def _seeds_needed(result: PairTest) -> int | None:
    test = result.test
    if test is None or test.p is None:
        return None
    if result.paired:
        return power.seeds_needed(test.effect, test.error * math.sqrt(len(result.a)), paired=True)
    spreads = [moments(values).sd or 0.0 for values in (result.a, result.b)]
    return power.seeds_needed(test.effect, math.hypot(*spreads) / math.sqrt(2), paired=False)


def _warnings(c: MetricComparison, t: _Tested, direction: Direction | None) -> Iterator[str]:
    sides = ((c.a, t.pair.a), (c.b, t.pair.b))
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
