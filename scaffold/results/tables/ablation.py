"""A table -> what each factor does: every configuration that differs from the reference in one factor, held against it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from scaffold.errors import ScaffoldError
from scaffold.results.metrics.configurations import (
    configuration_key,
    configuration_sort_key,
    format_value,
    varying_params,
)
from scaffold.results.tables.compare import find_single_row
from scaffold.results.tables.fold import fold_seeds, row_label
from scaffold.results.tables.pair_comparisons import compare_pairs
from scaffold.results.tables.pairing import RowPair

if TYPE_CHECKING:
    from scaffold.results.metrics.query import QueryResult
    from scaffold.results.tables.model import ResultRow
    from scaffold.results.tables.verdicts import MetricComparison

UNSET = "(not set)"


@dataclass(frozen=True, slots=True, kw_only=True)
class FactorChange:
    """One factor that was changed against the reference, alone: its value in the reference, and in `row`."""

    factor: str
    before: str
    after: str
    row: ResultRow


@dataclass(frozen=True, slots=True, kw_only=True)
class Ablation:
    """Each factor against the reference: changes, and a comparison for each metric and change (metrics outermost).

    `others` is how many configurations differ in more than one factor and are left out.
    """

    reference: str
    changes: tuple[FactorChange, ...]
    comparisons: Sequence[MetricComparison]
    others: int


def find_single_changed_factor(reference: ResultRow, row: ResultRow) -> tuple[str, str, str] | None:
    """The one factor in which a row differs from the reference, with both values; None for none or several.

    An experiment's name is a factor only where nothing else differs: ablations are often experiments of their own.
    """
    names = varying_params([reference.config, row.config])
    if len(names) > 1 or (not names and reference.experiment == row.experiment):
        return None
    if not names:
        return "experiment", reference.experiment, row.experiment
    (name,) = names
    before, after = (format_value(r.config[name]) if name in r.config else UNSET for r in (reference, row))
    return name, before, after


def find_ablation_reference(rows: Sequence[ResultRow]) -> ResultRow | None:
    """The row that most others differ from in one factor only (as `single_change` has it); None where several could be it."""
    neighbours = _count_neighbours(rows)
    most = max(neighbours, default=0)
    return rows[neighbours.index(most)] if most > 1 and neighbours.count(most) == 1 else None


def _count_neighbours(rows: Sequence[ResultRow]) -> list[int]:
    """Of each row how many others differ in one factor: counted by what is left without it, since pairs of 2,000 rows take a minute."""
    names = varying_params([row.config for row in rows])
    keys = [configuration_key(row.config, only=names) for row in rows]
    # of each row and parameter: its key without that parameter
    rests = [[tuple(pair for pair in key if pair[0] != name) for name in names] for key in keys]
    with_key, with_rest = Counter(keys), [Counter(column) for column in zip(*rests, strict=True)]
    same_experiment = Counter((row.experiment, key) for row, key in zip(rows, keys, strict=True))
    return [
        sum(counts[rest] - with_key[key] for counts, rest in zip(with_rest, row_rests, strict=True))
        + with_key[key]
        - same_experiment[row.experiment, key]
        for row, key, row_rests in zip(rows, keys, rests, strict=True)
    ]


def compare_ablations(result: QueryResult, reference_name: str | None = None) -> Ablation:
    """Compare every configuration that differs from the reference in one factor with it; p-values are corrected for all of them.

    Without a name the reference is the configuration that most others are near to. Raises ScaffoldError where it cannot be told,
    and where nothing differs from it in one factor.
    """
    metrics, table = result.metrics_to_compare(), fold_seeds(result, mark_best=False)
    row = find_single_row(result, reference_name) if reference_name else find_ablation_reference(table.rows)
    if row is None:
        raise ScaffoldError(
            "which configuration is the reference cannot be told", hint="name it: --reference 'lr=0.1 and depth=2'"
        )
    # as it is in this table: a selection's own row may have other runs
    reference = next((r for r in table.rows if (r.experiment, r.config) == (row.experiment, row.config)), row)
    name = row_label(reference, table.by)
    changes = [
        FactorChange(factor=change[0], before=change[1], after=change[2], row=row)
        for row in table.rows
        if (change := find_single_changed_factor(reference, row))
    ]
    if not changes:
        raise ScaffoldError(f"no configuration differs in one factor from {name}", hint="scaffold results shows them")
    changes.sort(key=lambda c: (c.factor, configuration_sort_key({"": c.after}), c.row.experiment))
    pairs = [RowPair(a=reference, b=c.row, name_a=name, name_b=_change_name(c, reference)) for c in changes]
    return Ablation(
        reference=name,
        changes=tuple(changes),
        comparisons=compare_pairs(pairs, metrics, table.directions),
        others=len(table.rows) - len(changes) - 1,
    )


def _change_name(change: FactorChange, reference: ResultRow) -> str:
    name = f"{change.factor} {change.before} -> {change.after}"
    moved = change.factor != "experiment" and change.row.experiment != reference.experiment
    return f"{name} ({change.row.experiment})" if moved else name
