"""A number in prose -> what backs it: values of runs, and what was computed from them, within the rounding of its digits."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations, islice

from scaffold.results.evidence.claims import Claim
from scaffold.results.metrics.configurations import finite_number
from scaffold.results.metrics.model import MeasuredRun
from scaffold.results.stats.pair_test import run_pair_test
from scaffold.results.stats.power import noise_floor
from scaffold.results.stats.summary import MetricSummary
from scaffold.results.tables.fold import row_label
from scaffold.results.tables.model import ResultRow, ResultTable

# pairs of configurations whose means are held against each other, and those that are tested for their intervals too
MOST_PAIRS, MOST_TESTS = 20_000, 2_000
SLACK = 1e-9
ORDER = (
    "mean",
    "value",
    "difference",
    "sd",
    "interval",
    "half-interval",
    "noise floor",
    "minimum",
    "maximum",
    "parameter",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantity:
    """Something that runs say: a value, or what was computed over runs. `of` names the configuration; `sources` are `path:line`."""

    value: float
    kind: str
    metric: str
    of: str
    runs: tuple[str, ...]
    sources: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Backing:
    """A quantity that rounds to a claim; `scale` is 100 where the claim is in per cent."""

    quantity: Quantity
    scale: float = 1.0


@dataclass(frozen=True)
class Evidence:
    """All quantities of a workspace, to be searched by value."""

    quantities: tuple[Quantity, ...]
    differences: tuple[Quantity, ...] = ()

    @cached_property
    def _sorted(self) -> tuple[list[float], list[Quantity]]:
        return _by_value(self.quantities)

    @cached_property
    def _sorted_differences(self) -> tuple[list[float], list[Quantity]]:
        return _by_value(self.differences)

    def backing(self, claim: Claim) -> tuple[Backing, ...]:
        """What rounds to the claim: means before values before the rest; empty where nothing does."""
        if not math.isfinite(claim.value):  # 1e999: nothing is near to what no float holds
            return ()
        found = []
        for scale in (1.0, 100.0):
            value, half = claim.value / scale, claim.half / scale
            found += [Backing(quantity=q, scale=scale) for q in _near(*self._sorted, value, half)]
            if claim.compares:
                found += [Backing(quantity=q, scale=scale) for q in _near(*self._sorted_differences, value, half)]
        return tuple(sorted(found, key=_order))


def _order(backing: Backing) -> tuple[int, float, str, str]:
    quantity = backing.quantity
    return ORDER.index(quantity.kind), backing.scale, quantity.metric, quantity.of


def _by_value(quantities: Iterable[Quantity]) -> tuple[list[float], list[Quantity]]:
    found = sorted((q for q in quantities if math.isfinite(q.value)), key=lambda q: q.value)
    return [q.value for q in found], found


def _near(values: list[float], found: list[Quantity], value: float, half: float) -> Iterator[Quantity]:
    reach = half + SLACK * max(abs(value), half)
    index = bisect_left(values, value - reach)
    while index < len(values) and values[index] <= value + reach:
        yield found[index]
        index += 1


def evidence(measured: Iterable[MeasuredRun], tables: Sequence[ResultTable]) -> Evidence:
    """What the runs of a workspace say, one by one and by configuration."""
    rows = [(row, table.by) for table in tables for row in table.rows]
    quantities = [*_values(measured), *(q for row, by in rows for q in _of_row(row, by))]
    differences = [q for table in tables for q in _differences(table)]
    return Evidence(quantities=tuple(dict.fromkeys(quantities)), differences=tuple(dict.fromkeys(differences)))


def _values(measured: Iterable[MeasuredRun]) -> Iterator[Quantity]:
    for one in measured:
        for metric, value in one.values.items():
            source = value.path if value.line is None else f"{value.path}:{value.line}"
            yield Quantity(
                value=value.value,
                kind="value",
                metric=metric,
                of=one.run.label,
                runs=(one.run.label,),
                sources=(source,),
            )
        for name, setting in one.run.params.items():
            if (number := finite_number(setting)) is not None:
                yield Quantity(value=number, kind="parameter", metric=name, of="", runs=())


def _of_row(row: ResultRow, by: Sequence[str]) -> Iterator[Quantity]:
    for metric, summary in row.summaries.items():
        if summary is None or summary.n < 2:
            continue
        runs = tuple(one.run.label for one in row.runs if metric in one.values)
        for kind, value in _numbers(summary):
            if value is not None:
                yield Quantity(value=value, kind=kind, metric=metric, of=row_label(row, by), runs=runs)


def _numbers(summary: MetricSummary) -> Iterator[tuple[str, float | None]]:
    yield "mean", summary.mean
    yield "sd", summary.sd
    yield "interval", summary.low
    yield "interval", summary.high
    if summary.low is not None and summary.high is not None:
        yield "half-interval", (summary.high - summary.low) / 2
    yield "minimum", summary.minimum
    yield "maximum", summary.maximum


def _differences(table: ResultTable) -> Iterator[Quantity]:
    """What two configurations of a table differ by, both ways: means, the interval of the difference, the noise floor."""
    labels = [row_label(row, table.by) for row in table.rows]
    for metric in table.metrics:
        known = [
            (row, words, tuple(one.run.label for one in row.runs if metric in one.values))
            for row, words in zip(table.rows, labels, strict=True)
            if (summary := row.summaries.get(metric)) is not None and summary.mean is not None
        ]
        tested = math.comb(len(known), 2) <= MOST_TESTS
        for (a, one, runs_a), (b, other, runs_b) in islice(combinations(known, 2), MOST_PAIRS):
            there, back, runs = f"{other} - {one}", f"{one} - {other}", runs_a + runs_b
            for kind, value in _compared(a, b, metric, tested=tested):
                yield Quantity(value=value, kind=kind, metric=metric, of=there, runs=runs)
                yield Quantity(value=-value, kind=kind, metric=metric, of=back, runs=runs)


def _compared(a: ResultRow, b: ResultRow, metric: str, *, tested: bool) -> Iterator[tuple[str, float]]:
    (of_a, of_b) = (row.summaries[metric] for row in (a, b))
    assert of_a is not None and of_b is not None
    difference = (of_b.mean or 0.0) - (of_a.mean or 0.0)
    yield "difference", difference
    if not tested:
        return
    found = run_pair_test(a.values(metric), b.values(metric))
    if found.test is not None:
        if not math.isclose(found.test.effect, difference, rel_tol=1e-9, abs_tol=1e-12):  # of the pairs alone
            yield "difference", found.test.effect
        yield "interval", found.test.low
        yield "interval", found.test.high
    for row in (a, b):
        repeated = [value for _, value in row.values(metric) if math.isfinite(value)]
        if repeated and found.a and found.b:
            floor = noise_floor(repeated, len(found.a), len(found.b))
            yield from [("noise floor", floor)] if floor is not None else []
