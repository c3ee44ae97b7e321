"""A table -> what may be said of its configurations against the baseline, in sentences, and the headline of a report."""

from __future__ import annotations

from collections.abc import Sequence

from scaffold.results.metrics.budget_params import configuration_budget_key
from scaffold.results.metrics.configurations import format_value
from scaffold.results.metrics.query import QueryResult
from scaffold.results.plots.row_selection import is_baseline_row, ranked_rows
from scaffold.results.report.model import ReportVerdict
from scaffold.results.report.result_table import mean_text
from scaffold.results.tables.family import ComparisonFamilies
from scaffold.results.tables.fold import row_label
from scaffold.results.tables.model import ResultRow, ResultTable
from scaffold.results.tables.pair_comparisons import ComparisonRules, compare_pairs
from scaffold.results.tables.pairing import RowPair
from scaffold.results.tables.text_format import pluralize
from scaffold.results.tables.verdicts import MetricComparison

MOST_PER_EXPERIMENT = 8
NOT = "not distinguishable: "
# characters of a name in the headline, which has three lines of some 45 on a phone
MOST_SHORT = 36


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
    rules = ComparisonRules(noise_baseline=reference, families=ComparisonFamilies(result, table.rows, "experiment"))
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
    baselines = [row for row in rows if is_baseline_row(row)]
    return max(baselines, key=lambda row: len(row.runs)) if baselines else rows[0]


def _name(row: ResultRow, table: ResultTable, rows: Sequence[ResultRow]) -> str:
    """The experiment alone where it has one configuration only."""
    alone = sum(other.experiment == row.experiment for other in rows) == 1
    return row.experiment if alone else row_label(row, table.by)


def format_report_headline(table: ResultTable, metric: str, verdicts: Sequence[ReportVerdict]) -> str:
    """The best configuration so far of the metric that decides, and whether it is shown to be: at most three lines of a page."""
    rows = ranked_rows(table, metric)
    if not rows:
        return ""
    marked = table.bests.get(metric, ())
    row = table.rows[marked[0]] if marked else rows[0]
    own = [verdict for verdict in verdicts if _is_of(verdict, table, row)]
    text = f"{_short_name(table, row)} with {metric} {_number_text(row, metric)}"
    if table.best.get(metric) is not None:
        return f"{text}: better than all others.{_reservation(own)}"
    if len(rows) < 2 or metric not in table.directions:
        return f"{text}."
    if table.budget:
        budgets = {configuration_budget_key(other.config, table.budget) for other in rows}
        return f"{text}: first of {len(budgets)} budgets, which do not compete."
    if not own:
        return f"{text}: best so far, not shown to beat all others."
    name = own[0].pair.rpartition(" against ")[2]
    reference = name if len(name) <= MOST_SHORT // 2 else "the reference"
    if own[0].distinguishable:
        return f"{text}: better than {reference}, not than all.{_reservation(own)}"
    return f"{text}: best so far, not distinguishable from {reference}."


def _is_of(verdict: ReportVerdict, table: ResultTable, row: ResultRow) -> bool:
    return verdict.pair.startswith((f"{row.experiment} against ", f"{row_label(row, table.by)} against "))


def _reservation(verdicts: Sequence[ReportVerdict]) -> str:
    """The first warning about a difference that is claimed: a headline without it would say more than the verdict does."""
    first = next((v for v in verdicts if v.distinguishable and v.warnings), None)
    if first is None:
        return ""
    return f" But {first.warnings[0].removeprefix(first.pair.rpartition(' against ')[0] + ': ')}."


def _short_name(table: ResultTable, row: ResultRow) -> str:
    """A row's name for a headline: as many of its parameters as fit, those of most values first, and how many more there are."""
    distinct = {name: len({format_value(r.config.get(name)) for r in table.rows}) for name in table.by}
    names = sorted((name for name in table.by if name in row.config), key=lambda name: (-distinct[name], name))
    single = len({other.experiment for other in table.rows}) == 1
    experiment = "" if single and names else row.experiment
    params: list[str] = []
    for name in names:
        param = f"{name.rpartition('.')[2]}={format_value(row.config[name])}"
        if len(" ".join([experiment, *params, param])) > MOST_SHORT:
            break
        params.append(param)
    left_out = len(names) - len(params)
    return " ".join(filter(None, [experiment, *params, f"(+{left_out})" if left_out else ""]))


def _number_text(row: ResultRow, metric: str) -> str:
    """A mean and of how many seeds; its interval stands in the table."""
    summary = row.summaries[metric]
    assert summary is not None
    return f"{mean_text(summary)} over {pluralize(summary.n, 'seed')}"
