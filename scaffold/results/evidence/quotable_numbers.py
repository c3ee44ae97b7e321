"""Runs and tables -> all the numbers that they say: values, parameters, means, spreads, intervals, differences, noise floors."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from itertools import combinations, islice
from typing import TYPE_CHECKING, NamedTuple

from scaffold.results.metrics.configurations import finite_number
from scaffold.results.stats import power
from scaffold.results.stats.distributions import t_critical, t_two_sided_p
from scaffold.results.stats.hypothesis_tests import holm_correction, paired_effect
from scaffold.results.stats.pair_test import OrderedValues, SeedValues, in_seed_order, run_pair_test
from scaffold.results.stats.power import TARGET_POWER, detectable_effect
from scaffold.results.tables.fold import row_label

if TYPE_CHECKING:
    from scaffold.observations.model import MeasuredRun
    from scaffold.results.evidence.claimed_numbers import ClaimRanges
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


class PairStatistics(NamedTuple):
    """What is tested of two rows with `n_a` and `n_b` values: the difference of their means, its error and p; None without a test."""

    n_a: int
    n_b: int
    effect: float | None = None
    error: float = 0.0
    df: float = 0.0
    p: float | None = None
    paired: bool = False


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
    def pairs(self) -> dict[tuple[int, int], PairStatistics]:
        """Each later row against each earlier one, by their places."""
        return {
            (i, j): compare_rows(a, b) for (i, a), (j, b) in islice(combinations(enumerate(self.rows), 2), MOST_PAIRS)
        }

    def p_values(self, a: int, others: Sequence[int]) -> list[float | None]:
        """The p-values of other rows against row `a`. Of pairs it is the same both ways to the last bit, else it may not be."""
        pairs = [self.pairs[(a, b) if a < b else (b, a)] for b in others]
        return [
            pair.p if pair.paired or a < b else compare_rows(self.rows[a], self.rows[b]).p
            for b, pair in zip(others, pairs, strict=True)
        ]


def compare_rows(a: RowMetricValues, b: RowMetricValues) -> PairStatistics:
    """Row `b` against row `a`, as `run_pair_test` tests them."""
    ordered_a, ordered_b = a.ordered_values, b.ordered_values
    if ordered_a and ordered_b and ordered_a.seeds == ordered_b.seeds:
        # most pairs: without the objects that a comparison is made of, since there are thousands
        n = len(ordered_a.seeds)
        effect, error = paired_effect(ordered_a.values, ordered_b.values)
        if error:
            return PairStatistics(n, n, effect, error, n - 1, t_two_sided_p(effect / error, n - 1), True)
    pair = run_pair_test(a.seed_values, b.seed_values)
    if pair.test is None:
        return PairStatistics(len(pair.a), len(pair.b))
    _, effect, _, _, p, error, df = pair.test
    return PairStatistics(len(pair.a), len(pair.b), effect, error, df, p, pair.paired)


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


def _pair_numbers(a: RowMetricValues, b: RowMetricValues, pair: PairStatistics | None) -> tuple[float, ...]:
    """What two rows say, as PAIR_KINDS names it; NaN for what they do not say."""
    difference = b.mean - a.mean
    if pair is None:
        return (difference,)
    n_a, n_b, effect, error, df, _, _ = pair
    detectable, again, low, high = math.nan, math.nan, math.nan, math.nan
    if effect is not None:
        detectable = detectable_effect(error, df) or math.nan
        half = t_critical(df) * error
        low, high = effect - half, effect + half
        # paired by seed, the effect is of the common seeds alone, and a text may quote either
        if effect != difference and not math.isclose(effect, difference, rel_tol=1e-9, abs_tol=1e-12):
            again = effect
    floors = [row.noise_floor(n_a, n_b) or math.nan for row in (a, b)] if n_a and n_b else ()
    return (difference, detectable, again, low, high, *floors)
