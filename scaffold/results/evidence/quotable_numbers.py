"""Runs and tables -> all the numbers that they say: values, parameters, means, spreads, intervals, differences, noise floors."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, islice
from typing import TYPE_CHECKING

from scaffold.results.metrics.configurations import finite_number
from scaffold.results.stats.hypothesis_tests import holm_correction
from scaffold.results.stats.pair_test import run_pair_test
from scaffold.results.stats.power import TARGET_POWER, detectable_effect, noise_floor
from scaffold.results.tables.fold import row_label

if TYPE_CHECKING:
    from scaffold.observations.model import MeasuredRun
    from scaffold.results.stats.summary import MetricSummary
    from scaffold.results.tables.model import ResultRow, ResultTable

# pairs of configurations whose means are held against each other, and those that are tested for their intervals too:
# pairs grow with the square of the configurations, and a test takes a hundred times as long as a subtraction
MOST_PAIRS, MOST_TESTS = 20_000, 2_000


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


def run_numbers(measured: Iterable[MeasuredRun]) -> Iterator[QuotableNumber]:
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


def difference_numbers(table: ResultTable) -> Iterator[QuotableNumber]:
    """What two configurations of a table differ by, both ways: means, the interval of the difference, the noise floor."""
    labels = [row_label(row, table.by) for row in table.rows]
    for metric in table.metrics:
        rows = [
            (row, name, _runs_with(row, metric))
            for row, name in zip(table.rows, labels, strict=True)
            if (summary := row.summaries.get(metric)) is not None and summary.mean is not None
        ]
        tested = math.comb(len(rows), 2) <= MOST_TESTS
        for (a, name_a, runs_a), (b, name_b, runs_b) in islice(combinations(rows, 2), MOST_PAIRS):
            runs = runs_a + runs_b
            for kind, value in _pair_numbers(a, b, metric, tested=tested):
                yield QuotableNumber(value=value, kind=kind, metric=metric, subject=f"{name_b} - {name_a}", runs=runs)
                yield QuotableNumber(value=-value, kind=kind, metric=metric, subject=f"{name_a} - {name_b}", runs=runs)


def relative_numbers(table: ResultTable) -> Iterator[QuotableNumber]:
    """What the means of two configurations differ by in per cent of the one and of the other, as a share, both ways."""
    labels = [row_label(row, table.by) for row in table.rows]
    for metric in table.metrics:
        rows = [
            (summary.mean, name, _runs_with(row, metric))
            for row, name in zip(table.rows, labels, strict=True)
            if (summary := row.summaries.get(metric)) is not None and summary.mean
        ]
        for (mean_a, name_a, runs_a), (mean_b, name_b, runs_b) in islice(combinations(rows, 2), MOST_PAIRS):
            for base, other, subject in (
                (mean_a, mean_b, f"{name_b} over {name_a}"),
                (mean_b, mean_a, f"{name_a} over {name_b}"),
            ):
                share = (other - base) / abs(base)
                for value in (share, -share):
                    yield QuotableNumber(
                        value=value, kind="relative difference", metric=metric, subject=subject, runs=runs_a + runs_b
                    )


def p_value_numbers(table: ResultTable) -> Iterator[QuotableNumber]:
    """What tests of two configurations say: p alone, p corrected for all comparisons with the same reference, the power aimed at."""
    labels = [row_label(row, table.by) for row in table.rows]
    for metric in table.metrics:
        rows = [(row, name) for row, name in zip(table.rows, labels, strict=True) if row.finite_values(metric)]
        if len(rows) ** 2 > MOST_TESTS:
            continue
        for a, name_a in rows:
            others = [(b, name_b) for b, name_b in rows if b is not a]
            tests = [run_pair_test(a.seed_values(metric), b.seed_values(metric)).test for b, _ in others]
            alone = [test.p if test else None for test in tests]
            for (b, name_b), p, p_holm in zip(others, alone, holm_correction(alone), strict=True):
                runs = _runs_with(a, metric) + _runs_with(b, metric)
                for value in sorted({value for value in (p, p_holm) if value is not None}):
                    subject = f"{name_b} against {name_a}"
                    yield QuotableNumber(value=value, kind="p-value", metric=metric, subject=subject, runs=runs)
    yield QuotableNumber(value=TARGET_POWER, kind="power", metric="", subject="of every test", runs=())


def _pair_numbers(a: ResultRow, b: ResultRow, metric: str, *, tested: bool) -> Iterator[tuple[str, float]]:
    summary_a, summary_b = a.summaries[metric], b.summaries[metric]
    assert summary_a is not None and summary_b is not None
    difference = (summary_b.mean or 0.0) - (summary_a.mean or 0.0)
    yield "difference", difference
    if not tested:
        return
    pair = run_pair_test(a.seed_values(metric), b.seed_values(metric))
    if pair.test is not None:
        detectable = detectable_effect(pair.test.error, pair.test.df)
        yield from [("detectable difference", detectable)] if detectable is not None else []
        # paired by seed, the effect is of the common seeds alone, and a text may quote either
        if not math.isclose(pair.test.effect, difference, rel_tol=1e-9, abs_tol=1e-12):
            yield "difference", pair.test.effect
        yield "interval", pair.test.low
        yield "interval", pair.test.high
    for row in (a, b):
        repeated = row.finite_values(metric)
        if repeated and pair.a and pair.b:
            floor = noise_floor(repeated, len(pair.a), len(pair.b))
            yield from [("noise floor", floor)] if floor is not None else []
