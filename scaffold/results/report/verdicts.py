"""A table -> what may be said of its configurations against the baseline, in sentences."""

from __future__ import annotations

from collections.abc import Sequence

from scaffold.results.plots.ranking import is_baseline, ranked
from scaffold.results.report.model import VerdictPart
from scaffold.results.tables import compare, fold
from scaffold.results.tables.model import MetricComparison, ResultRow, ResultTable

MOST = 8
NOT = "not distinguishable: "


def part(folded: ResultTable, metric: str) -> tuple[VerdictPart, ...]:
    """Each configuration against the reference in one metric; of an experiment at most the 8 best.

    The configurations of one experiment answer one question: p-values are corrected for all of these together. Experiments with
    the fewest configurations come first.
    """
    rows = ranked(folded, metric)
    if len(rows) < 2:
        return ()
    against = reference(rows)
    questions: dict[str, list[ResultRow]] = {}
    for row in rows:
        if row is not against:
            questions.setdefault(row.experiment, []).append(row)
    found: list[MetricComparison] = []
    for _, group in sorted(questions.items(), key=lambda pair: (len(pair[1]), pair[0])):
        pairs = [
            compare.RowPair(a=against, b=row, name_a=_name(against, folded, rows), name_b=_name(row, folded, rows))
            for row in group[:MOST]
        ]
        found += compare.compare_pairs(pairs, [metric], folded.directions, against)
    return tuple(_told(c) for c in found)


def _told(c: MetricComparison) -> VerdictPart:
    return VerdictPart(
        pair=f"{c.b} against {c.a}",
        text=c.verdict.removeprefix(NOT),
        distinguishable=c.distinguishable,
        warnings=c.warnings,
    )


def reference(rows: Sequence[ResultRow]) -> ResultRow:
    """The baseline with most seeds, by its experiment's name; where none is called so, the best configuration."""
    baselines = [row for row in rows if is_baseline(row)]
    return max(baselines, key=lambda row: len(row.runs)) if baselines else rows[0]


def _name(row: ResultRow, folded: ResultTable, rows: Sequence[ResultRow]) -> str:
    """The experiment alone where it has one configuration only."""
    alone = sum(other.experiment == row.experiment for other in rows) == 1
    return row.experiment if alone else fold.row_label(row, folded.by)
