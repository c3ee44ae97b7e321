"""A number in prose -> what backs it: values of runs, and what was computed from them, within the rounding of its digits."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations

from scaffold.results.claims import Claim
from scaffold.results.model import Measured, Row, Summary, Table
from scaffold.results.table import label

# differences of means are looked at pair by pair
MOST_PAIRS = 20_000
SLACK = 1e-9
ORDER = ("mean", "value", "difference", "sd", "interval", "half-interval", "minimum", "maximum", "parameter")


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


def evidence(measured: Iterable[Measured], tables: Sequence[Table]) -> Evidence:
    """What the runs of a workspace say, one by one and by configuration."""
    rows = [(row, table.by) for table in tables for row in table.rows]
    quantities = [*_values(measured), *(q for row, by in rows for q in _of_row(row, by))]
    differences = [q for table in tables for q in _differences(table)]
    return Evidence(quantities=tuple(dict.fromkeys(quantities)), differences=tuple(dict.fromkeys(differences)))


def _values(measured: Iterable[Measured]) -> Iterator[Quantity]:
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
            if isinstance(setting, int | float) and not isinstance(setting, bool):
                yield Quantity(value=float(setting), kind="parameter", metric=name, of="", runs=())


def _of_row(row: Row, by: Sequence[str]) -> Iterator[Quantity]:
    for metric, summary in row.summaries.items():
        if summary is None or summary.n < 2:
            continue
        runs = tuple(one.run.label for one in row.runs if metric in one.values)
        for kind, value in _numbers(summary):
            if value is not None:
                yield Quantity(value=value, kind=kind, metric=metric, of=label(row, by), runs=runs)


def _numbers(summary: Summary) -> Iterator[tuple[str, float | None]]:
    yield "mean", summary.mean
    yield "sd", summary.sd
    yield "interval", summary.low
    yield "interval", summary.high
    if summary.low is not None and summary.high is not None:
        yield "half-interval", (summary.high - summary.low) / 2
    yield "minimum", summary.minimum
    yield "maximum", summary.maximum


def _differences(table: Table) -> Iterator[Quantity]:
    """Differences of means between two configurations of a table, both ways."""
    for metric in table.metrics:
        known = [(row, s) for row in table.rows if (s := row.summaries.get(metric)) is not None and s.mean is not None]
        if len(known) * (len(known) - 1) > MOST_PAIRS:
            known = known[:140]
        for (a, of_a), (b, of_b) in combinations(known, 2):
            runs = tuple(m.run.label for row in (a, b) for m in row.runs if metric in m.values)
            difference = (of_b.mean or 0.0) - (of_a.mean or 0.0)
            one, other = label(a, table.by), label(b, table.by)
            for value, words in ((difference, f"{other} - {one}"), (-difference, f"{one} - {other}")):
                yield Quantity(value=value, kind="difference", metric=metric, of=words, runs=runs)
