"""Rows of a table -> which come first, and which are worth a learning curve."""

from __future__ import annotations

from scaffold.results.tables.model import ResultRow, ResultTable

MOST_LINES = 6


def ranked_rows(table: ResultTable, metric: str) -> list[ResultRow]:
    """The rows that have a mean of a metric: the best first where it is known which way is better, else in the table's order."""
    rows = [row for row in table.rows if (s := row.summaries.get(metric)) is not None and s.mean is not None]
    way = table.directions.get(metric)
    return sorted(rows, key=lambda row: row_mean(row, metric), reverse=way == "maximize") if way else rows


def row_mean(row: ResultRow, metric: str) -> float:
    """A ranked row's mean."""
    summary = row.summaries[metric]
    assert summary is not None and summary.mean is not None
    return summary.mean


def choose_learning_curve_rows(table: ResultTable, metric: str) -> list[ResultRow]:
    """The rows that learning curves show: the 6 best, among them a baseline where there is one."""
    rows = ranked_rows(table, metric)
    best, rest = rows[:MOST_LINES], rows[MOST_LINES:]
    if any(is_baseline_row(row) for row in best):
        return best
    baseline = next((row for row in rest if is_baseline_row(row)), None)
    return [*best[:-1], baseline] if baseline is not None else best


def is_baseline_row(row: ResultRow) -> bool:
    """Whether a configuration calls itself a baseline, by its experiment."""
    return "baseline" in row.experiment.lower()
