"""A table -> what may be said of its configurations against the baseline, in sentences, and the headline of a report."""

from __future__ import annotations

from collections.abc import Sequence

from scaffold.results.metrics.query import QueryResult
from scaffold.results.plots.ranking import is_baseline, ranked_rows
from scaffold.results.report.model import ReportVerdict
from scaffold.results.report.result_table import interval_text, mean_text
from scaffold.results.tables.family import Families
from scaffold.results.tables.fold import row_label
from scaffold.results.tables.model import MetricComparison, ResultRow, ResultTable
from scaffold.results.tables.pair_comparisons import ComparisonRules, compare_pairs
from scaffold.results.tables.pairing import RowPair
from scaffold.results.tables.text_format import pluralize

MOST_PER_EXPERIMENT = 8
NOT = "not distinguishable: "


def compare_with_reference(table: ResultTable, metric: str, result: QueryResult) -> tuple[ReportVerdict, ...]:
    """Each configuration against the reference in one metric; of an experiment at most the 8 best.

    p-values are corrected as `results compare` corrects them: for all that was run against the reference. Experiments with the fewest
    configurations come first.
    """
    rows = ranked_rows(table, metric)
    if len(rows) < 2:
        return ()
    reference = reference_row(rows)
    questions: dict[str, list[ResultRow]] = {}
    for row in rows:
        if row is not reference:
            questions.setdefault(row.experiment, []).append(row)
    rules = ComparisonRules(noise_baseline=reference, families=Families(result, table.rows, "experiment"))
    comparisons: list[MetricComparison] = []
    for _, group in sorted(questions.items(), key=lambda pair: (len(pair[1]), pair[0])):
        pairs = [
            RowPair(a=reference, b=row, name_a=_name(reference, table, rows), name_b=_name(row, table, rows))
            for row in group[:MOST_PER_EXPERIMENT]
        ]
        comparisons += compare_pairs(pairs, [metric], table.directions, rules)
    return tuple(
        ReportVerdict(
            pair=f"{c.b} against {c.a}",
            text=c.verdict.removeprefix(NOT),
            distinguishable=c.distinguishable,
            warnings=c.warnings,
        )
        for c in comparisons
    )


def reference_row(rows: Sequence[ResultRow]) -> ResultRow:
    """The baseline with most seeds, by its experiment's name; where none is called so, the best configuration."""
    baselines = [row for row in rows if is_baseline(row)]
    return max(baselines, key=lambda row: len(row.runs)) if baselines else rows[0]


def _name(row: ResultRow, table: ResultTable, rows: Sequence[ResultRow]) -> str:
    """The experiment alone where it has one configuration only."""
    alone = sum(other.experiment == row.experiment for other in rows) == 1
    return row.experiment if alone else row_label(row, table.by)


def write_report_headline(table: ResultTable, metric: str, verdicts: Sequence[ReportVerdict]) -> str:
    """What the table says of the metric that decides: the best configuration, or the first verdict and that nothing is best."""
    rows = ranked_rows(table, metric)
    best = table.best.get(metric)
    if best is not None:
        row = table.rows[best]
        starts = (f"{row.experiment} against ", f"{row_label(row, table.by)} against ")
        of_best = [verdict for verdict in verdicts if verdict.pair.startswith(starts)]
        better = "better than every other configuration, beyond what seeds explain"
        return f"{_row_text(table, row, metric)}: {better}.{_reservation(of_best)}"
    if verdicts:
        first = verdicts[0]
        claim = first.text if first.distinguishable else f"{first.pair}: not distinguishable, {first.text}"
        nothing = " No configuration is distinguishable from all others as the best." if len(rows) > 2 else ""
        return f"In {metric}, {claim}.{_reservation(verdicts[:1])}{nothing}"
    return f"{_row_text(table, rows[0], metric)}." if rows else ""


def _reservation(verdicts: Sequence[ReportVerdict]) -> str:
    """The first warning about a difference that is claimed: a headline without it would say more than the verdict does."""
    return next((f" But {v.warnings[0]}." for v in verdicts if v.distinguishable and v.warnings), "")


def _row_text(table: ResultTable, row: ResultRow, metric: str) -> str:
    summary = row.summaries[metric]
    assert summary is not None
    number = f"{mean_text(summary)} {interval_text(summary)}".strip()
    return f"{row_label(row, table.by)} with {metric} {number} over {pluralize(summary.n, 'seed')}"
