"""Rows of a table -> which come first, and the words and scales that figures share."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from scaffold.results.plots.figures import Scale
from scaffold.results.tables.model import ResultRow, ResultTable

MOST_LINES = 6
INTERVAL = "95 % t-interval over seeds"


def ranked(table: ResultTable, metric: str) -> list[ResultRow]:
    """The rows that have a mean of a metric: the best first where it is known which way is better, else in the table's order."""
    rows = [row for row in table.rows if (s := row.summaries.get(metric)) is not None and s.mean is not None]
    way = table.directions.get(metric)
    return sorted(rows, key=lambda row: mean_of(row, metric), reverse=way == "maximize") if way else rows


def mean_of(row: ResultRow, metric: str) -> float:
    """A ranked row's mean."""
    summary = row.summaries[metric]
    assert summary is not None and summary.mean is not None
    return summary.mean


def better(table: ResultTable, metric: str) -> str:
    """Which way a metric is better, in words; empty where that is not known."""
    way = table.directions.get(metric)
    return {"maximize": "higher is better", "minimize": "lower is better"}[way] if way else ""


def featured(table: ResultTable, metric: str) -> list[ResultRow]:
    """The rows that learning curves show: the 6 best, among them a baseline where there is one."""
    rows = ranked(table, metric)
    best, rest = rows[:MOST_LINES], rows[MOST_LINES:]
    if any(is_baseline(row) for row in best):
        return best
    baseline = next((row for row in rest if is_baseline(row)), None)
    return [*best[:-1], baseline] if baseline is not None else best


def is_baseline(row: ResultRow) -> bool:
    """Whether a configuration calls itself a baseline, by its experiment."""
    return "baseline" in row.experiment.lower()


def some_of(shown: Sequence[object], everything: Sequence[object]) -> str:
    """`6 of 20 configurations`; empty where all are shown."""
    return f"{len(shown)} of {len(everything)} configurations" if len(shown) < len(everything) else ""


def sentence(*parts: str) -> str:
    """The parts that say something, as a sentence."""
    return "; ".join(part for part in parts if part) + "."


def scale_of(values: Iterable[float], *, many: float) -> Scale:
    """A log axis where positive values span more than a factor of `many`."""
    found = [v for v in values if math.isfinite(v)]
    return "log" if found and min(found) > 0 and max(found) / min(found) > many else "linear"
