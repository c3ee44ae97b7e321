"""A workspace -> what its runs measured, folded: the result table, the metric that decides, and the figures worth showing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from scaffold.errors import ScaffoldError
from scaffold.observations import series, spelling
from scaffold.observations.directions import MetricDirections
from scaffold.observations.model import MetricSeries
from scaffold.results.metrics.query import MetricQuery, QueryResult
from scaffold.results.metrics.run_metrics import run_metric_query
from scaffold.results.plots import row_selection
from scaffold.results.plots.build_figures import build_figures, build_figures_of_others
from scaffold.results.plots.figures import Figure
from scaffold.results.report import result_table
from scaffold.results.tables import fold
from scaffold.results.tables.model import ResultTable
from scaffold.runs import records
from scaffold.runs.model import Run
from scaffold.workspace import Workspace

MOST_POINTS = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class FoldedResults:
    """What was read, the table, its metrics that a page shows (the main one first), the metric that decides (None without results), the
    figures."""

    result: QueryResult
    table: ResultTable
    metrics: tuple[str, ...]
    main_metric: str | None
    figures: tuple[Figure, ...]
    figures_of_others: tuple[Figure, ...]


def fold_report_results(
    workspace: Workspace, runs: Sequence[Run], only: Sequence[str] = (), run_records: records.RunRecords | None = None
) -> FoldedResults:
    """Read and fold all metrics of a workspace, or `only` some (names or patterns), and build its figures.

    `run_records` are those that were just read, if they were.
    """
    directions = MetricDirections(workspace)
    result = run_metric_query(workspace, MetricQuery(directions=directions, metrics=only), run_records=run_records)
    folded = fold.fold_seeds(result)
    main = result_table.main_metric(folded, directions.find_primary(folded.metrics))
    if main is not None:
        folded = fold.select_metrics(folded, [main, *(name for name in folded.metrics if name != main)])
    metrics = tuple(result_table.shown_metrics(folded)) if folded.metrics else ()
    curves, unread = _read_curves(workspace, folded, metrics)
    folded = folded._replace(notes=(*folded.notes, *unread))
    figures = build_figures(folded, curves, runs, metrics)
    return FoldedResults(
        result=result,
        table=folded,
        metrics=metrics,
        main_metric=main,
        figures=figures,
        figures_of_others=build_figures_of_others(folded, metrics),
    )


def build_workspace_figures(workspace: Workspace, only: Sequence[str]) -> tuple[Figure, ...]:
    """The figures of a workspace; of `only` some metrics where they are named. Raises ScaffoldError where no run has one of these."""
    run_records = records.read_records(workspace)
    results = fold_report_results(workspace, run_records.runs, only, run_records)
    if only and results.main_metric is None:
        raise ScaffoldError(f"no finished run has {', '.join(only)}", hint="see what they have: scaffold results")
    return results.figures


def _read_curves(
    workspace: Workspace, folded: ResultTable, metrics: Sequence[str]
) -> tuple[dict[str, dict[str, MetricSeries]], list[str]]:
    """The series of the runs that learning curves show, by label and metric; and why some cannot be read.

    Only of the few rows that are drawn: reading the files of every run of a big sweep would take minutes.
    """
    spellings = {spelling.normalize_name(metric): metric for metric in metrics}
    curves: dict[str, dict[str, MetricSeries]] = {}
    reasons: list[str] = []
    rows = row_selection.choose_learning_curve_rows(folded, metrics[0]) if metrics else []
    for run in (measured.run for row in rows for measured in row.runs):
        try:
            by_name = series.read_series(workspace, run, max_points=MOST_POINTS)
        except ScaffoldError as error:
            reasons.append(f"no learning curves: {error.message}")
            continue
        curves[run.label] = {
            spellings[key]: course
            for name, course in by_name.items()
            if (key := spelling.normalize_name(name)) in spellings
        }
    return curves, list(dict.fromkeys(reasons))[:1]
