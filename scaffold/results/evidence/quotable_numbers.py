"""Runs and tables -> all the numbers that they say: values, parameters, means, spreads, intervals, differences, noise floors."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import combinations, islice
from typing import TYPE_CHECKING

from scaffold.results.metrics.configurations import finite_number
from scaffold.results.stats import power
from scaffold.results.stats.hypothesis_tests import holm_correction
from scaffold.results.stats.pair_test import PairTest, SeedValues, run_pair_test
from scaffold.results.stats.power import TARGET_POWER, detectable_effect
from scaffold.results.tables.fold import row_label

if TYPE_CHECKING:
    from scaffold.observations.model import MeasuredRun
    from scaffold.results.stats.summary import MetricSummary
    from scaffold.results.tables.model import ResultRow, ResultTable

# pairs of configurations whose means are held against each other, and those that are tested for their intervals too:
# pairs grow with the square of the configurations, and a test takes a hundred times as long as a subtraction
MOST_PAIRS, MOST_TESTS = 20_000, 2_000
# whether somebody asks for a number: of all that pairs of rows say, next to nothing
IsNear = Callable[[float], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class QuotableNumber:
    """A number that runs say: a value, or what was computed over runs.

    `subject` names the run, the configuration, or the two that differ; `sources` are `path:line`, empty for what was computed.
    """

    value: float
    kind: str
    metric: str
    subject: str
    runs: tuple[str, ...]
    sources: tuple[str, ...] = ()


def list_run_numbers(measured: Iterable[MeasuredRun]) -> Iterator[QuotableNumber]:
    """What single runs say: the values of their metrics with the place each was read from, and parameters that are numbers."""
    for reading in measured:
        run = reading.run
        for metric, value in reading.values.items():
            place = (value.path if value.line is None else f"{value.path}:{value.line}",)
            exact, name = value.value, run.label
            yield QuotableNumber(value=exact, kind="value", metric=metric, subject=name, runs=(name,), sources=place)
        for name, setting in run.params.items():
            if (number := finite_number(setting)) is not None:
                # without its run: a parameter that a hundred runs share is one number
                yield QuotableNumber(value=number, kind="parameter", metric=name, subject="", runs=())


def list_configuration_numbers(row: ResultRow, by: Sequence[str]) -> Iterator[QuotableNumber]:
    """What a configuration says that has at least two seeds with a metric: its mean, spread, interval, extremes."""
    for metric, summary in row.summaries.items():
        if summary is None or summary.n < 2:
            continue
        runs = _runs_with(row, metric)
        for kind, value in _summary_numbers(summary):
            if value is not None:
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


@dataclass(frozen=True, slots=True)
class RowValues:
    """A row as pairs of rows need it in one metric: its name, its runs, their mean, and each run's seed and value."""

    name: str
    runs: tuple[str, ...]
    mean: float
    seed_values: SeedValues
    finite_values: tuple[float, ...]
    _floors: dict[tuple[int, int], float | None] = field(default_factory=dict)

    def noise_floor(self, n_a: int, n_b: int) -> float | None:
        """What means of so many runs of this row stay within; worked out once, whoever asks. None without a spread of three runs."""
        sizes = n_a, n_b
        if sizes not in self._floors:
            self._floors[sizes] = power.noise_floor(self.finite_values, n_a, n_b) if self.finite_values else None
        return self._floors[sizes]


class MetricRows:
    """The rows of a table that have a value of a metric; two of them are tested against each other once, whoever asks."""

    def __init__(self, table: ResultTable, metric: str) -> None:
        self.metric = metric
        self.rows = [
            RowValues(
                row_label(row, table.by),
                _runs_with(row, metric),
                summary.mean,
                row.seed_values(metric),
                tuple(row.finite_values(metric)),
            )
            for row in table.rows
            if (summary := row.summaries.get(metric)) is not None and summary.mean is not None
        ]
        self._tests: dict[tuple[int, int], PairTest] = {}

    def test(self, a: int, b: int) -> PairTest:
        """Row `b` against row `a`."""
        pair = self._tests.get((a, b))
        if pair is None:
            pair = run_pair_test(self.rows[a].seed_values, self.rows[b].seed_values)
            self._tests[a, b] = pair
        return pair

    def p_value(self, a: int, b: int) -> float | None:
        """The p-value of row `b` against row `a`. Of pairs it is the same both ways to the last bit, of independent values it is not."""
        pair = self.test(min(a, b), max(a, b))
        if not pair.paired and a > b:
            pair = self.test(a, b)
        return pair.test.p if pair.test is not None else None


def difference_numbers(rows: MetricRows, is_near: IsNear, is_near_either_way: IsNear) -> Iterator[QuotableNumber]:
    """What two configurations differ by, both ways: means, the interval of the difference, the noise floor.

    `is_near_either_way` is whether a number or its negative is near: of the thousands of numbers next to none is, and one question
    is cheaper than two.
    """
    tested = math.comb(len(rows.rows), 2) <= MOST_TESTS
    for (i, a), (j, b) in islice(combinations(enumerate(rows.rows), 2), MOST_PAIRS):
        for kind, value in _pair_numbers(a, b, rows.test(i, j) if tested else None):
            if not is_near_either_way(value):
                continue
            for exact, first, second in ((value, b, a), (-value, a, b)):
                if is_near(exact):
                    yield QuotableNumber(
                        value=exact,
                        kind=kind,
                        metric=rows.metric,
                        subject=f"{first.name} - {second.name}",
                        runs=a.runs + b.runs,
                    )


def relative_numbers(rows: MetricRows, is_near: IsNear) -> Iterator[QuotableNumber]:
    """What the means of two configurations differ by in per cent of the one and of the other, as a share, both ways."""
    for a, b in islice(combinations([row for row in rows.rows if row.mean], 2), MOST_PAIRS):
        for base, other in ((a, b), (b, a)):
            share = (other.mean - base.mean) / abs(base.mean)
            for value in filter(is_near, (share, -share)):
                yield QuotableNumber(
                    value=value,
                    kind="relative difference",
                    metric=rows.metric,
                    subject=f"{other.name} over {base.name}",
                    runs=a.runs + b.runs,
                )


def p_value_numbers(rows: MetricRows, is_near: IsNear) -> Iterator[QuotableNumber]:
    """What tests of two configurations say: p alone, and p corrected for all comparisons with the same reference."""
    indices = [index for index, row in enumerate(rows.rows) if row.finite_values]
    if len(indices) ** 2 > MOST_TESTS:
        return
    for a in indices:
        others = [b for b in indices if b != a]
        alone = [rows.p_value(a, b) for b in others]
        for b, p, p_holm in zip(others, alone, holm_correction(alone), strict=True):
            for value in sorted({value for value in (p, p_holm) if value is not None and is_near(value)}):
                yield QuotableNumber(
                    value=value,
                    kind="p-value",
                    metric=rows.metric,
                    subject=f"{rows.rows[b].name} against {rows.rows[a].name}",
                    runs=rows.rows[a].runs + rows.rows[b].runs,
                )


def power_number() -> QuotableNumber:
    """The power that every test aims at."""
    return QuotableNumber(value=TARGET_POWER, kind="power", metric="", subject="of every test", runs=())


def _pair_numbers(a: RowValues, b: RowValues, pair: PairTest | None) -> list[tuple[str, float]]:
    difference = b.mean - a.mean
    numbers = [("difference", difference)]
    if pair is None:
        return numbers
    if pair.test is not None:
        _, effect, low, high, _, error, df = pair.test
        detectable = detectable_effect(error, df)
        if detectable is not None:
            numbers.append(("detectable difference", detectable))
        # paired by seed, the effect is of the common seeds alone, and a text may quote either
        if not math.isclose(effect, difference, rel_tol=1e-9, abs_tol=1e-12):
            numbers.append(("difference", effect))
        numbers += ("interval", low), ("interval", high)
    if pair.a and pair.b:
        sizes = len(pair.a), len(pair.b)
        numbers += [("noise floor", noise) for row in (a, b) if (noise := row.noise_floor(*sizes)) is not None]
    return numbers
