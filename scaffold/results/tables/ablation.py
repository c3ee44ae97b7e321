"""A table -> what each factor does: every configuration that differs from the reference in one factor, held against it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from scaffold.results.metrics import configurations
from scaffold.results.tables import compare
from scaffold.results.tables.compare import RowPair
from scaffold.results.tables.fold import row_label
from scaffold.results.tables.model import MetricComparison, ResultRow, ResultTable

UNSET = "(not set)"


@dataclass(frozen=True, slots=True, kw_only=True)
class FactorChange:
    """One factor that was changed against the reference, alone: its value there and here; `row` is its row in the table."""

    factor: str
    before: str
    after: str
    row: ResultRow


@dataclass(frozen=True, slots=True, kw_only=True)
class Ablation:
    """Each factor against the reference: changes, and a comparison for each metric and change (metrics outermost)."""

    reference: str
    changes: tuple[FactorChange, ...]
    comparisons: tuple[MetricComparison, ...]
    others: int


def single_change(reference: ResultRow, row: ResultRow) -> tuple[str, str, str] | None:
    """The one factor in which a row differs from the reference, with both values; None for none or several.

    An experiment's name is a factor only where nothing else differs: ablations are often experiments of their own.
    """
    names = configurations.varying_params([reference.config, row.config])
    if len(names) > 1 or (not names and reference.experiment == row.experiment):
        return None
    if not names:
        return "experiment", reference.experiment, row.experiment
    before, after = (
        configurations.format_value(r.config[names[0]]) if names[0] in r.config else UNSET for r in (reference, row)
    )
    return names[0], before, after


def find_reference(rows: Sequence[ResultRow]) -> ResultRow | None:
    """The row that most others differ from in one factor only (as `changed` has it); None where several could be it."""
    near = _count_neighbours(rows)
    most = max(near, default=0)
    return rows[near.index(most)] if most > 1 and near.count(most) == 1 else None


def _count_neighbours(rows: Sequence[ResultRow]) -> list[int]:
    """Of each row how many others differ in one factor: counted by what is left without it, since pairs of 2,000 rows take a minute."""
    names = configurations.varying_params([row.config for row in rows])
    keys = [configurations.configuration_key(row.config, only=names) for row in rows]
    rests = [[tuple(pair for pair in key if pair[0] != name) for name in names] for key in keys]
    alike, twins = Counter(keys), Counter((row.experiment, key) for row, key in zip(rows, keys, strict=True))
    rest_alike = [Counter(column) for column in zip(*rests, strict=True)]
    return [
        sum(counts[rest] - alike[key] for counts, rest in zip(rest_alike, own, strict=True))
        + alike[key]
        - twins[row.experiment, key]
        for row, key, own in zip(rows, keys, rests, strict=True)
    ]


def compare_ablations(whole: ResultTable, reference: ResultRow, metrics: Sequence[str]) -> Ablation:
    """Compare every row that differs from the reference in one factor with it; p-values are corrected for all of them."""
    changes = [
        FactorChange(factor=f[0], before=f[1], after=f[2], row=r)
        for r in whole.rows
        if (f := single_change(reference, r))
    ]
    changes.sort(key=lambda c: (c.factor, configurations.sort_key({"": c.after}), c.row.experiment))
    name = row_label(reference, whole.by)
    pairs = [RowPair(a=reference, b=c.row, name_a=name, name_b=_change(c, reference)) for c in changes]
    return Ablation(
        reference=name,
        changes=tuple(changes),
        comparisons=tuple(compare.compare_pairs(pairs, metrics, whole.directions)),
        others=len(whole.rows) - len(changes) - 1,
    )


def _change(change: FactorChange, reference: ResultRow) -> str:
    elsewhere = change.factor != "experiment" and change.row.experiment != reference.experiment
    said = f"{change.factor} {change.before} -> {change.after}"
    return f"{said} ({change.row.experiment})" if elsewhere else said
