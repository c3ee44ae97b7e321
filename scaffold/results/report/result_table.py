"""A table -> its part of the report, and for each number what backs it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from scaffold.results.metrics.configurations import format_value
from scaffold.results.plots.row_selection import ranked_rows
from scaffold.results.report.links import PageLinks
from scaffold.results.report.model import ReportTable, ReportTableRow, TableCell
from scaffold.results.stats.summary import MetricSummary
from scaffold.results.tables import text_format
from scaffold.results.tables.fold import row_label
from scaffold.results.tables.model import ResultRow, ResultTable
from scaffold.results.tables.text_format import pluralize

MOST_METRICS, MOST_ROWS, MOST_NOTES = 6, 200, 5
BETTER = {"maximize": "higher", "minimize": "lower"}


@dataclass(frozen=True, slots=True)
class TableWithProvenance:
    """The page's table, and by the key of a cell what backs its number, as the page's script reads it."""

    part: ReportTable
    cells: dict[str, Any]


def build_report_table(
    table: ResultTable, metrics: Sequence[str], index_of: Callable[[str], int], links: PageLinks
) -> TableWithProvenance:
    """The rows of a table (at most 200) with some of its metrics; `index_of` is the place of a run, by label, in the page's data."""
    provenance: dict[str, Any] = {}
    rows = []
    for row_number, row in enumerate(table.rows[:MOST_ROWS]):
        cells = []
        for column, metric in enumerate(metrics):
            summary = row.summaries.get(metric)
            if summary is None:
                cells.append(TableCell())
                continue
            key = f"r{row_number}m{column}"
            title = f"{metric} of {row_label(row, table.by)}"
            provenance[key] = _provenance(row, title, metric, summary, index_of, links)
            best = bool(table.best_mark(metric, row_number))
            text, below = mean_text(summary) or "not finite", _below(summary, len(row.runs))
            cells.append(TableCell(text=text, below=below, key=key, best=best))
        rows.append(
            ReportTableRow(
                experiment=row.experiment,
                config_text=" ".join(
                    f"{name}={format_value(row.config[name])}" for name in table.by if name in row.config
                ),
                config_values=tuple(format_value(row.config[name]) if name in row.config else "" for name in table.by),
                seeds=len(row.runs),
                cells=tuple(cells),
                missing=len(row.missing),
                warnings=row.warnings,
            )
        )
    headers = tuple((metric, BETTER.get(table.directions.get(metric, ""), "")) for metric in metrics)
    constants = tuple(f"{name}={format_value(value)}" for name, value in table.constants.items())
    part = ReportTable(
        by=table.by, metrics=headers, rows=tuple(rows), notes=_notes(table, metrics), constants=constants
    )
    return TableWithProvenance(part, provenance)


def mean_text(summary: MetricSummary) -> str:
    """The mean of a summary, rounded by its interval; empty where there is none."""
    return "" if summary.mean is None else text_format.format_number(summary.mean, _half_interval(summary))


def interval_text(summary: MetricSummary) -> str:
    """`[0.91, 0.93]`; empty at one seed."""
    if summary.low is None or summary.high is None:
        return ""
    return text_format.format_interval(summary.low, summary.high, _half_interval(summary))


def _half_interval(summary: MetricSummary) -> float | None:
    return None if summary.low is None or summary.high is None else (summary.high - summary.low) / 2


def _below(summary: MetricSummary, runs: int) -> str:
    """The interval, and where a mean is not of all runs how many it is of: what diverged flatters the rest."""
    parts = [interval_text(summary)]
    if summary.n < runs:
        parts.append(f"n = {text_format.format_run_count(summary, runs - summary.n - summary.not_finite)}")
    return ", ".join(filter(None, parts))


def _provenance(
    row: ResultRow, title: str, metric: str, summary: MetricSummary, index_of: Callable[[str], int], links: PageLinks
) -> dict[str, Any]:
    facts = [["what", f"mean of {metric} over {pluralize(summary.n, 'seed')}"]]
    if summary.mean is not None:
        facts.append(["mean", repr(summary.mean)])
    if summary.sd is not None:
        facts.append(["standard deviation", f"{summary.sd:.6g} (n - 1)"])
    if summary.low is not None:
        facts.append(["95 % interval", f"{interval_text(summary)} (Student's t)"])
    if summary.not_finite:
        facts.append(["left out", f"{summary.not_finite} NaN or infinite"])
    runs = [
        [index_of(measured.run.label), repr(value.value), [value.path, links.exists(value.path)]]
        for measured in row.runs
        if (value := measured.values.get(metric)) is not None
    ]
    return {"title": title, "facts": facts, "runs": runs}


def _notes(table: ResultTable, metrics: Sequence[str]) -> tuple[str, ...]:
    notes = [*table.warnings, *table.notes[:MOST_NOTES]]
    if len(table.rows) > MOST_ROWS:
        notes.append(f"{MOST_ROWS} of {len(table.rows)} configurations are shown; all: scaffold results")
    if len(table.metrics) > len(metrics):
        notes.append(f"{len(metrics)} of {len(table.metrics)} metrics are shown; all: scaffold results")
    return tuple(notes)


def shown_metrics(table: ResultTable) -> list[str]:
    """The metrics that a page shows: the table's first, then those that are known to be better one way, at most 6."""
    return sorted(table.metrics, key=lambda name: (name != table.metrics[0], name not in table.directions))[
        :MOST_METRICS
    ]


def main_metric(table: ResultTable, primary: str | None) -> str | None:
    """The metric that decides: the `primary` one where runs report it, else the one that most rows have; None without metrics."""
    if primary is not None:
        return primary
    ranks = [(-len(ranked_rows(table, name)), name not in table.directions, name) for name in table.metrics]
    return min(ranks)[2] if ranks else None
