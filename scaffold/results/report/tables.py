"""A table -> its part of the report, and for each number what backs it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from scaffold.results.metrics.configurations import format_value
from scaffold.results.metrics.model import MetricValue
from scaffold.results.plots.ranking import ranked
from scaffold.results.report import wording
from scaffold.results.report.model import Cell, RowPart, TablePart, VerdictPart
from scaffold.results.stats.summary import MetricSummary
from scaffold.results.tables import text_format
from scaffold.results.tables.fold import row_label
from scaffold.results.tables.model import ResultRow, ResultTable
from scaffold.results.tables.text_format import count_noun

MOST_METRICS, MOST_ROWS = 6, 200
WAYS = {"maximize": "higher", "minimize": "lower"}


@dataclass(frozen=True, slots=True)
class Numbers:
    """The page's table, and the provenance of its cells by key."""

    part: TablePart
    cells: dict[str, Any]


def part(
    table: ResultTable, metrics: Sequence[str], index_of: Callable[[str], int], is_there: Callable[[str], bool]
) -> Numbers:
    """The rows of a table (at most 200) with some of its metrics; `index_of` is the place of a run, by label, in the page's data."""
    cells: dict[str, Any] = {}
    rows = []
    for number, row in enumerate(table.rows[:MOST_ROWS]):
        made = []
        for place, metric in enumerate(metrics):
            summary = row.summaries.get(metric)
            if summary is None:
                made.append(Cell())
                continue
            key = f"r{number}m{place}"
            cells[key] = _provenance(row, row_label(row, table.by), metric, summary, index_of, is_there)
            best = table.best.get(metric) == number
            made.append(Cell(text=_text(summary), below=_below(summary, len(row.runs)), key=key, best=best))
        rows.append(
            RowPart(
                experiment=row.experiment,
                words=" ".join(f"{name}={format_value(row.config[name])}" for name in table.by if name in row.config),
                config=tuple(format_value(row.config[name]) if name in row.config else "" for name in table.by),
                n=len(row.runs),
                cells=tuple(made),
                missing=len(row.missing),
                warnings=row.warnings,
            )
        )
    ways = tuple((metric, WAYS.get(table.directions.get(metric, ""), "")) for metric in metrics)
    return Numbers(TablePart(by=table.by, metrics=ways, rows=tuple(rows), notes=_notes(table, metrics)), cells)


def _text(summary: MetricSummary) -> str:
    return wording.mean_of(summary) or "not finite"


def _below(summary: MetricSummary, runs: int) -> str:
    """The interval, and where a mean is not of all runs how many it is of: what diverged flatters the rest."""
    said = [wording.interval_of(summary)]
    if summary.n < runs:
        said.append(f"n = {text_format.format_run_count(summary, runs - summary.n - summary.not_finite)}")
    return ", ".join(filter(None, said))


def _provenance(
    row: ResultRow,
    of: str,
    metric: str,
    summary: MetricSummary,
    index_of: Callable[[str], int],
    is_there: Callable[[str], bool],
) -> dict[str, Any]:
    facts = [["what", f"mean of {metric} over {count_noun(summary.n, 'seed')}"]]
    if summary.mean is not None:
        facts.append(["mean", repr(summary.mean)])
    if summary.sd is not None:
        facts.append(["standard deviation", f"{summary.sd:.6g} (n - 1)"])
    if summary.low is not None:
        facts.append(["95 % interval", f"{wording.interval_of(summary)} (Student's t)"])
    if summary.not_finite:
        facts.append(["left out", f"{summary.not_finite} NaN or infinite"])
    runs = [
        [index_of(one.run.label), repr(value.value), _source(value, is_there)]
        for one in row.runs
        if (value := one.values.get(metric)) is not None
    ]
    return {"title": f"{metric} of {of}", "facts": facts, "runs": runs}


def _source(value: MetricValue, is_there: Callable[[str], bool]) -> list[Any]:
    return [value.path, is_there(value.path)]


def _notes(table: ResultTable, metrics: Sequence[str]) -> tuple[str, ...]:
    notes = [*table.warnings, *table.notes[:5]]
    if len(table.rows) > MOST_ROWS:
        notes.append(f"{MOST_ROWS} of {len(table.rows)} configurations are shown; all: scaffold results")
    if len(table.metrics) > len(metrics):
        notes.append(f"{len(metrics)} of {len(table.metrics)} metrics are shown; all: scaffold results")
    return tuple(notes)


def chosen_metrics(table: ResultTable) -> list[str]:
    """The metrics that a page shows: the primary one first, then those that are known to be better one way, at most 6."""
    known = sorted(table.metrics, key=lambda name: (name != table.metrics[0], name not in table.directions))
    return known[:MOST_METRICS]


def main_metric(table: ResultTable, primary: str | None) -> str | None:
    """The metric that decides: the `primary` one where runs report it, else the one that most rows have."""
    if primary is not None:
        return primary
    counted = [(-len(ranked(table, name)), name not in table.directions, name) for name in table.metrics]
    return min(counted)[2] if counted else None


def headline(table: ResultTable, metric: str, verdicts: Sequence[VerdictPart]) -> str:
    """What the table says of the metric that decides: the best configuration, or the first verdict and that nothing is best."""
    rows = ranked(table, metric)
    best = table.best.get(metric)
    if best is not None:
        row = table.rows[best]
        its = [
            v
            for v in verdicts
            if v.pair.startswith((f"{row.experiment} against ", f"{row_label(row, table.by)} against "))
        ]
        better = "better than every other configuration, beyond what seeds explain"
        return f"{_said(table, row, metric)}: {better}.{_but(its)}"
    if verdicts:
        first = verdicts[0]
        claim = first.text if first.distinguishable else f"{first.pair}: not distinguishable, {first.text}"
        nothing = " No configuration is distinguishable from all others as the best." if len(rows) > 2 else ""
        return f"In {metric}, {claim}.{_but(verdicts[:1])}{nothing}"
    return f"{_said(table, rows[0], metric)}." if rows else ""


def _but(verdicts: Sequence[VerdictPart]) -> str:
    """The first reservation about a difference that is claimed."""
    return next((f" But {v.warnings[0]}." for v in verdicts if v.distinguishable and v.warnings), "")


def _said(table: ResultTable, row: ResultRow, metric: str) -> str:
    summary = row.summaries[metric]
    assert summary is not None
    number = f"{wording.mean_of(summary)} {wording.interval_of(summary)}".strip()
    return f"{row_label(row, table.by)} with {metric} {number} over {count_noun(summary.n, 'seed')}"
