"""A table -> what may be said of its configurations against the baseline, in sentences."""

from __future__ import annotations

from collections.abc import Sequence

from scaffold.results import compare, table
from scaffold.results.model import Row, Table
from scaffold.results.plots.choose import is_baseline, ranked
from scaffold.results.report.model import VerdictPart

MOST = 12


def part(folded: Table, metric: str) -> tuple[VerdictPart, ...]:
    """The reference against each other configuration in one metric: against at most the 12 best, corrected for all of these."""
    rows = ranked(folded, metric)
    if len(rows) < 2:
        return ()
    against = reference(rows)
    pairs = [
        compare.Pair(a=against, b=row, name_a=_name(against, folded, rows), name_b=_name(row, folded, rows))
        for row in rows
        if row is not against
    ]
    found = compare.compare(pairs[:MOST], [metric], folded.directions, against)
    return tuple(VerdictPart(text=c.verdict, distinguishable=c.distinguishable, warnings=c.warnings) for c in found)


def reference(rows: Sequence[Row]) -> Row:
    """The baseline with most seeds, by its experiment's name; where none is called so, the best configuration."""
    baselines = [row for row in rows if is_baseline(row)]
    return max(baselines, key=lambda row: len(row.runs)) if baselines else rows[0]


def _name(row: Row, folded: Table, rows: Sequence[Row]) -> str:
    """The experiment alone where it has one configuration only."""
    alone = sum(other.experiment == row.experiment for other in rows) == 1
    return row.experiment if alone else table.label(row, folded.by)
