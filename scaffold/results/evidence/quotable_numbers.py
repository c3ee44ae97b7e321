"""Runs and tables -> all the numbers that they say: values, parameters, means, spreads, intervals, differences, noise floors."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from itertools import combinations, islice
from typing import TYPE_CHECKING, NamedTuple

from scaffold.results.metrics.configurations import finite_number
from scaffold.results.stats import power
from scaffold.results.stats.hypothesis_tests import holm_correction
from scaffold.results.stats.pair_test import (
    OrderedValues,
    PairTest,
    SeedValues,
    in_seed_order,
    run_pair_test,
    run_test_in_order,
)
from scaffold.results.stats.power import TARGET_POWER, detectable_effect
from scaffold.results.tables.fold import row_label

if TYPE_CHECKING:
    from scaffold.observations.model import MeasuredRun
    from scaffold.results.evidence.written_number import ClaimRanges
    from scaffold.results.stats.summary import MetricSummary
    from scaffold.results.tables.model import ResultRow, ResultTable

# pairs of configurations whose means are held against each other, and those that are tested for their intervals too:
# pairs grow with the square of the configurations, and a test takes a hundred times as long as a subtraction
MOST_PAIRS, MOST_TESTS = 20_000, 2_000
# what a pair of rows says, in this order
PAIR_KINDS = (
    *("difference", "detectable difference", "difference", "interval", "interval"),
    *("noise floor", "noise floor"),
)


class QuotableNumber(NamedTuple):
    """A number that runs say: a value, or what was computed over runs.

    `subject` names the run, the configuration, or the two that differ; `sources` are `path:line`, empty for what was computed.
    """

    value: float
    kind: str
    metric: str
    subject: str
    runs: tuple[str, ...]
    sources: tuple[str, ...] = ()


def list_quotable_run_values(measured: Iterable[MeasuredRun], near: ClaimRanges) -> Iterator[QuotableNumber]:
    """What single runs say: the values of their metrics with the place each was read from, and parameters that are numbers."""
    for reading in measured:
        run = reading.run
        for metric, value in reading.values.items():
            exact = value.value
            if near.contains(exact):
                place = value.path if value.line is None else f"{value.path}:{value.line}"
                runs = (run.label,)
                yield QuotableNumber(
                    value=exact, kind="value", metric=metric, subject=run.label, runs=runs, sources=(place,)
                )
        for name, setting in run.params.items():
            if (number := finite_number(setting)) is not None and near.contains(number):
                # without its run: a parameter that a hundred runs share is one number
                yield QuotableNumber(value=number, kind="parameter", metric=name, subject="", runs=())


def list_configuration_numbers(row: ResultRow, by: Sequence[str], near: ClaimRanges) -> Iterator[QuotableNumber]:
    """What a configuration says that has at least two seeds with a metric: its mean, spread, interval, extremes."""
    for metric, summary in row.summaries.items():
        if summary is None or summary.n < 2:
            continue
        for kind, value in _summary_numbers(summary):
            if value is not None and near.contains(value):
                runs = _runs_with(row, metric)
                yield QuotableNumber(value=value, kind=kind, metric=metric, subject=row_label(row, by), runs=runs)


def _runs_with(row: ResultRow, metric: str) -> tuple[str, ...]:
    return tuple(measured.run.label for measured in row.runs if metric in measured.values)


def _summary_numbers(summary: MetricSummary) -> Iterator[tuple[str, float | None]]:
    yield "mean", summary.mean
    yield "sd", summary.sd
    yield "interval", summary.low
    yield "interval", summary.high
    if summary.low is not None and summary.high is not None:
        yield "half-interval", (summary.high - summary.low) / 2
    yield "minimum", summary.minimum
    yield "maximum", summary.maximum


class RowMetricValues(NamedTuple):
    """A row as pairs of rows need it in one metric: its name, its runs, their mean, and each run's seed and value.

    `noise_floors` are what means of so many runs of it stay within, by both numbers of runs, as far as somebody asked.
    """

    name: str
    runs: tuple[str, ...]
    mean: float
    seed_values: SeedValues
    ordered_values: OrderedValues | None
    finite_values: tuple[float, ...]
    noise_floors: dict[tuple[int, int], float | None]

    def noise_floor(self, n_a: int, n_b: int) -> float | None:
        """What means of so many runs of this row stay within; worked out once, whoever asks. None without a spread of three runs."""
        sizes = n_a, n_b
        if sizes not in self.noise_floors:
            floor = power.noise_floor(self.finite_values, n_a, n_b) if self.finite_values else None
            self.noise_floors[sizes] = floor
        return self.noise_floors[sizes]


class MetricRows:
    """The rows of a table that have a value of a metric; two of them are tested against each other once, whoever asks."""

    def __init__(self, table: ResultTable, metric: str) -> None:
        self.metric = metric
        self.rows = [
            RowMetricValues(
                row_label(row, table.by),
                _runs_with(row, metric),
                summary.mean,
                seed_values := row.seed_values(metric),
                in_seed_order(seed_values),
                tuple(row.finite_values(metric)),
                {},
            )
            for row in table.rows
            if (summary := row.summaries.get(metric)) is not None and summary.mean is not None
        ]

    @cached_property
    def pairs(self) -> dict[tuple[int, int], PairTest]:
        """Each later row against each earlier one, by their places."""
        return {
            (i, j): _run_row_test(a, b) for (i, a), (j, b) in islice(combinations(enumerate(self.rows), 2), MOST_PAIRS)
        }

    def p_values(self, a: int, others: Sequence[int]) -> list[float | None]:
        """The p-values of other rows against row `a`. Of pairs it is the same both ways to the last bit, else it may not be."""
        pairs = [self.pairs[(a, b) if a < b else (b, a)] for b in others]
        tests = [
            pair.test if pair.paired or a < b else _run_row_test(self.rows[a], self.rows[b]).test
            for b, pair in zip(others, pairs, strict=True)
        ]
        return [test.p if test is not None else None for test in tests]


def _run_row_test(a: RowMetricValues, b: RowMetricValues) -> PairTest:
    """Row `b` against row `a`; the order of a row's seeds is looked at once, and not in each of its pairs."""
    ordered = a.ordered_values and b.ordered_values and run_test_in_order(a.ordered_values, b.ordered_values)
    return ordered or run_pair_test(a.seed_values, b.seed_values)


def list_quotable_differences(
    rows: MetricRows, near: ClaimRanges, near_either_way: ClaimRanges
) -> Iterator[QuotableNumber]:
    """What two configurations differ by, both ways: means, the interval of the difference, the noise floor.

    `near_either_way` is where a number or its negative is near: of the thousands of numbers next to none is, and one question is cheaper
    than two.
    """
    tested = rows.pairs if math.comb(len(rows.rows), 2) <= MOST_TESTS else {}
    for (i, a), (j, b) in islice(combinations(enumerate(rows.rows), 2), MOST_PAIRS):
        values = _pair_numbers(a, b, tested.get((i, j)))
        for place in near_either_way.find_near(values):
            for exact, first, second in ((values[place], b, a), (-values[place], a, b)):
                if near.contains(exact):
                    yield QuotableNumber(
                        value=exact,
                        kind=PAIR_KINDS[place],
                        metric=rows.metric,
                        subject=f"{first.name} - {second.name}",
                        runs=a.runs + b.runs,
                    )


def list_quotable_relative_changes(rows: MetricRows, near: ClaimRanges) -> Iterator[QuotableNumber]:
    """What the means of two configurations differ by in per cent of the one and of the other, as a share, both ways."""
    for a, b in islice(combinations([row for row in rows.rows if row.mean], 2), MOST_PAIRS):
        for base, other in ((a, b), (b, a)):
            share = (other.mean - base.mean) / abs(base.mean)
            for value in filter(near.contains, (share, -share)):
                yield QuotableNumber(
                    value=value,
                    kind="relative difference",
                    metric=rows.metric,
                    subject=f"{other.name} over {base.name}",
                    runs=a.runs + b.runs,
                )


def list_quotable_p_values(rows: MetricRows, near: ClaimRanges) -> Iterator[QuotableNumber]:
    """What tests of two configurations say: p alone, and p corrected for all comparisons with the same reference."""
    indices = [index for index, row in enumerate(rows.rows) if row.finite_values]
    if len(indices) ** 2 > MOST_TESTS:
        return
    for a in indices:
        others = [b for b in indices if b != a]
        alone = rows.p_values(a, others)
        tests = [[math.nan if p is None else p for p in ps] for ps in (alone, holm_correction(alone))]
        for place in sorted({place for ps in tests for place in near.find_near(ps)}):
            b = others[place]
            for value in sorted({ps[place] for ps in tests if near.contains(ps[place])}):
                yield QuotableNumber(
                    value=value,
                    kind="p-value",
                    metric=rows.metric,
                    subject=f"{rows.rows[b].name} against {rows.rows[a].name}",
                    runs=rows.rows[a].runs + rows.rows[b].runs,
                )


def target_power_number() -> QuotableNumber:
    """The power that every test aims at."""
    return QuotableNumber(value=TARGET_POWER, kind="power", metric="", subject="of every test", runs=())


def _pair_numbers(a: RowMetricValues, b: RowMetricValues, pair: PairTest | None) -> tuple[float, ...]:
    """What two rows say, as PAIR_KINDS names it; NaN for what they do not say."""
    difference = b.mean - a.mean
    if pair is None:
        return (difference,)
    detectable, again, low, high = math.nan, math.nan, math.nan, math.nan
    if pair.test is not None:
        _, effect, low, high, _, error, df = pair.test
        detectable = detectable_effect(error, df) or math.nan
        # paired by seed, the effect is of the common seeds alone, and a text may quote either
        if effect != difference and not math.isclose(effect, difference, rel_tol=1e-9, abs_tol=1e-12):
            again = effect
    sizes = len(pair.a), len(pair.b)
    floors = [row.noise_floor(*sizes) or math.nan for row in (a, b)] if all(sizes) else ()
    return (difference, detectable, again, low, high, *floors)
