"""Tables, comparisons and curves -> what `--json` prints; the printer writes NaN and infinities as texts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # a table has no need of them, and they load the plan
    from scaffold.observations.model import MeasuredRun
    from scaffold.results.tables.ablation import Ablation
    from scaffold.results.tables.compare import ComparisonReport
    from scaffold.results.tables.model import ResultTable
    from scaffold.results.tables.sensitivity import SensitivityCurve
    from scaffold.results.tables.verdicts import MetricComparison

# of a list, the entries that are to be shown
Limit = Callable[[Sequence[Any]], Sequence[Any]]


def choose_shown_rows(table: ResultTable, limit: Limit) -> list[int]:
    """The indices of the rows that are shown: the best of each metric, and the first ones."""
    best = [index for metric in table.metrics for index in table.bests.get(metric, ())]
    return sorted(limit(list(dict.fromkeys([*best, *range(len(table.rows))]))))


def result_table_json(table: ResultTable, limit: Limit) -> dict[str, Any]:
    """Everything, with the runs and where each value was read."""
    return {
        "by": list(table.by),
        "constants": dict(table.constants),
        "budget": list(table.budget),
        "metrics": [
            {
                "name": m,
                "direction": table.directions.get(m),
                "best": table.best.get(m),
                "best_of_budgets": list(table.bests.get(m, ())),
            }
            for m in table.metrics
        ],
        "rows": [_row_json(table, index, limit) for index in choose_shown_rows(table, limit)],
        "skipped": [s._asdict() for s in limit(table.skipped)],
        "warnings": list(limit(table.warnings)),
        "notes": list(limit(table.notes)),
    }


def _row_json(table: ResultTable, index: int, limit: Limit) -> dict[str, Any]:
    row = table.rows[index]
    return {
        "index": index,
        "experiment": row.experiment,
        "config": dict(row.config),
        "summaries": {m: s._asdict() if (s := row.summaries.get(m)) else None for m in table.metrics},
        "runs": [_run_json(m) for m in limit(row.runs)],
        "missing": [s._asdict() for s in limit(row.missing)],
        "warnings": list(limit(row.warnings)),
    }


def _run_json(measured: MeasuredRun) -> dict[str, Any]:
    """A run's values; `sources` says where a value was read that is not the manifest's."""
    run, values = measured.run, sorted(measured.values.items())
    return {
        "name": run.name,
        "attempt": run.attempt,
        "seed": run.seed,
        "path": run.path,
        "values": {name: value.value for name, value in values},
        "sources": {
            name: {"path": value.path, "line": value.line, "step": value.step}
            for name, value in values
            if value.path != run.path
        },
    }


def comparison_json(report: ComparisonReport, limit: Limit) -> dict[str, Any]:
    """Comparisons with a reference."""
    return {
        "reference": report.reference,
        "comparisons": _comparisons(report.comparisons, limit),
        "warnings": limit(report.unmatched),
    }


def ablation_json(ablation: Ablation, limit: Limit) -> dict[str, Any]:
    """What was changed against the reference, and what came of it."""
    comparisons = _comparisons(ablation.comparisons, limit)
    changes = [
        {"factor": c.factor, "before": c.before, "after": c.after, "experiment": c.row.experiment}
        for c in limit(ablation.changes)
    ]
    return {"reference": ablation.reference, "changes": changes, "comparisons": comparisons, "others": ablation.others}


def _comparisons(comparisons: Sequence[MetricComparison], limit: Limit) -> list[dict[str, Any]]:
    return [asdict(c) for c in limit(comparisons)]


def sensitivity_json(parameter: str, curves: Sequence[SensitivityCurve], limit: Limit) -> dict[str, Any]:
    """A metric over one parameter."""
    return {"parameter": parameter, "curves": [_curve_json(curve, limit) for curve in limit(curves)]}


def _curve_json(curve: SensitivityCurve, limit: Limit) -> dict[str, Any]:
    spots = [
        {"value": s.value, "missing": s.missing, "summary": s.summary._asdict() if s.summary else None}
        for s in limit(curve.spots)
    ]
    return {**asdict(curve), "spots": spots}
