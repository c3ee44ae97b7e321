"""A workspace, opened in Python: the tables that `scaffold runs list`, `results` and `results compare` print, and recorded blocks of code.

It calls what these commands call, so that a number is the same wherever it is looked at.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scaffold import workspace as workspaces
from scaffold.observations.value_query import ValueChoice
from scaffold.python.row_table import DataTable
from scaffold.results.tables.model import IntervalKind, ResultTable
from scaffold.results.tables.verdicts import MetricComparison

if TYPE_CHECKING:
    from _record_run.inside import Run as RecordedBlock

    from scaffold.results.metrics.query import QueryResult
    from scaffold.results.tables.family import FamilyKind

SUMMARY_COLUMNS = ("n", "mean", "sd", "low", "high", "minimum", "maximum", "not_finite", "missing", "best")


class OpenWorkspace:
    """An experiment workspace. Everything is read anew at each call, and nothing is changed.

    Errors that you can mend are `scaffold.errors.ScaffoldError` (its `message` and `hint` say what to do).
    """

    def __init__(self, workdir: str | Path = ".", root: str | None = None) -> None:
        """The workspace in `workdir` or above it; `root` names one of several. Raises ScaffoldError where there is none."""
        self.workspace = workspaces.find_workspace(Path(workdir), root)

    @property
    def path(self) -> Path:
        """The experiment root, absolute."""
        return self.workspace.path

    def runs(
        self,
        *,
        experiment: str | None = None,
        status: str | Iterable[str] = (),
        task: str | None = None,
        sweep: str | None = None,
        params: Mapping[str, object] | None = None,
        since: str | None = None,
    ) -> DataTable:
        """The recorded runs, newest first, as `scaffold runs list` has them: of each attempt a row.

        `status` is one or several of running, finished, failed, terminated, lost; `params` the values that they must have; `since` a
        span (`2h`, `3d`) or a date. Columns are
        `run`, `experiment`, `status`, `seed` and so on (`duration_s` in seconds, `started_at` as RFC 3339 in UTC, `outputs` and `manifest`
        as paths below the work directory), then `param.NAME` and `metric.NAME`: final values, whichever file they came from.
        """
        from scaffold.observations import run_values
        from scaffold.results.exports.run_rows import build_run_rows
        from scaffold.runs import lookup, records, timestamps

        criteria = lookup.RunCriteria(
            experiment=experiment,
            statuses=frozenset([status] if isinstance(status, str) else status),
            task=task,
            sweep=sweep,
            params=lookup.parse_params([f"{key}={value}" for key, value in (params or {}).items()]),
            since=lookup.parse_since(since, timestamps.utc_now(), "since") if since else None,
        )
        stored = records.read_records(self.workspace)
        runs = run_values.attach_final_metrics(
            self.workspace, [r for r in stored.runs if criteria.admits(r)], names=("*",)
        )
        columns, rows = build_run_rows(runs)
        warnings = [f"{damaged.path} cannot be read: {damaged.reason}" for damaged in stored.damaged]
        return DataTable(columns, rows, warnings=warnings, source=tuple(runs))

    def results(
        self,
        *,
        by: str | Sequence[str] | None = None,
        metric: str | Sequence[str] = (),
        where: str | None = None,
        sweep: str | None = None,
        value: ValueChoice = "final",
        step: float | None = None,
        interval: IntervalKind = "t",
        ignore: Sequence[str] = (),
        minimize: Sequence[str] = (),
        maximize: Sequence[str] = (),
    ) -> DataTable:
        """The table of `scaffold results`: of each configuration and metric a row, its seeds folded.

        `by` are the parameters that make a row (default: each configuration is one); `metric` names or patterns (`val*`); `where` a
        condition (`lr<0.01 and status=finished`); `value` which value of a run counts: final, last, best, or `at` the given `step`;
        `interval` how the 95 % interval is made, `t` or `bootstrap`; `minimize`, `maximize` say which way metrics are better.

        Columns: experiment, the parameters, metric, direction, then SUMMARY_COLUMNS in the metric's own unit: `sd` is the sample
        standard deviation, `low` and `high` the 95 % interval of the mean, both None of a single run; `missing` counts runs without a
        value, `best` is True where the row is distinguishably better than every other of its budget. Raises ScaffoldError.
        """
        from scaffold.results.tables import fold

        names = [by] if isinstance(by, str) else list(by) if by is not None else None
        result = self._query(
            metric, where, sweep, value, step, ignore=ignore, minimize=minimize, maximize=maximize, params=names or ()
        )
        table = fold.fold_seeds(result, by=names, interval=interval)
        warnings = [*_query_warnings(result), *table.warnings, *(w for row in table.rows for w in row.warnings)]
        columns = ("experiment", *table.by, "metric", "direction", *SUMMARY_COLUMNS)
        return DataTable(columns, _result_rows(table), warnings=list(dict.fromkeys(warnings)), source=table)

    def compare(
        self,
        a: str,
        *others: str,
        metric: str | Sequence[str] = (),
        where: str | None = None,
        sweep: str | None = None,
        noise_from: str | None = None,
        family: FamilyKind = "experiment",
        ignore: Sequence[str] = (),
        minimize: Sequence[str] = (),
        maximize: Sequence[str] = (),
    ) -> DataTable:
        """Each of `others` held against `a`, as `scaffold results compare` does it: a row for each metric and pair.

        A side is an experiment, a sweep, a task, a run, a run's name without its seed, or a condition such as `lr=0.1`. Columns are the
        fields of a comparison: `effect` is mean(b) - mean(a) in the metric's unit, `low` and `high` its 95 % interval, `p` and `p_holm`
        the p-value before and after Holm's correction for the `family` of what was run (`sweep`, `experiment`, `all`; `asked`: only what is
        asked here), `verdict` a sentence. Raises ScaffoldError where a name means nothing.
        """
        from scaffold.results.metrics.planned_comparisons import PlannedComparisonReader
        from scaffold.results.tables.compare import ComparisonRequest, compare_selections

        result = records = self._query(metric, where, sweep, ignore=ignore, minimize=minimize, maximize=maximize)
        if where or sweep:  # what was run does not depend on which of it is asked for
            records = self._query(metric, None, None, ignore=ignore, minimize=minimize, maximize=maximize)
        planned = PlannedComparisonReader(self.workspace)
        request = ComparisonRequest(
            names=[a, *others], records=records, family=family, noise_from=noise_from, planned=planned
        )
        report = compare_selections(result, request)
        columns = [field.name for field in fields(MetricComparison) if field.name != "warnings"]
        of_rows = [warning for comparison in report.comparisons for warning in comparison.warnings]
        warnings = list(dict.fromkeys([*_query_warnings(result), *report.unmatched, *of_rows]))
        return DataTable(columns, [_comparison_row(c) for c in report.comparisons], warnings=warnings, source=report)

    def record(
        self,
        experiment: str,
        *,
        seed: int | None = None,
        params: object = None,
        task: str | None = None,
        command: str | None = None,
    ) -> RecordedBlock:
        """A block of Python as a run of this workspace: `with ws.record("baseline", seed=1, params=cfg) as run: ...`.

        In the block `run.seed`, `run.output_dir`, `run.log(step=1, loss=0.3)` (a row of `metrics.jsonl`) and `run.summary(acc=0.9)` (final
        values) are there, and what is printed is kept. `params` may be nested, or anything that `vars` takes. `command` is the Python text
        that the block stands for, where that tells it from others (a notebook's cell); else the script is. No trouble of the recorder stops
        the block: it is said on stderr.
        """
        from scaffold.runs import recorder

        block: RecordedBlock = recorder.inside.record(experiment, seed=seed, params=params, task=task)
        # there since its module `inside` is
        importlib.import_module(recorder.PACKAGE).scripts = str(self.workspace.role_folder("scripts"))  # type: ignore[attr-defined]
        if command is not None:
            block.request.argv = ["python", "-c", command]
        return block

    def __repr__(self) -> str:
        return f"scaffold.open({str(self.workspace.workdir)!r}, root={self.workspace.root!r})"

    def _query(
        self,
        metric: str | Sequence[str],
        where: str | None,
        sweep: str | None,
        value: ValueChoice = "final",
        step: float | None = None,
        *,
        ignore: Sequence[str],
        minimize: Sequence[str],
        maximize: Sequence[str],
        params: Sequence[str] = (),
    ) -> QueryResult:
        from scaffold.observations.directions import MetricDirections
        from scaffold.results.metrics import run_filter, run_metrics
        from scaffold.results.metrics.query import MetricQuery
        from scaffold.results.metrics.sweep_runs import SweepFileReader

        directions, sheets = MetricDirections(self.workspace, minimize, maximize), SweepFileReader(self.workspace)
        query = MetricQuery(
            directions=directions,
            metrics=(metric,) if isinstance(metric, str) else tuple(metric),
            value_choice=value,
            step=step,
            sweep=sweep,
            where=run_filter.parse_run_filter(where, sheets) if where else None,
            params=params,
            ignored_params=ignore,
            primary_metric=directions.primary,
        )
        return run_metrics.run_metric_query(self.workspace, query, sheets)


def _comparison_row(comparison: MetricComparison) -> dict[str, Any]:
    return {**asdict(comparison), "noise_runs": list(comparison.noise_runs)}


def _query_warnings(result: QueryResult) -> list[str]:
    from scaffold.results.metrics.query import query_warnings

    return [*result.notes, *query_warnings(result)]


def _result_rows(table: ResultTable) -> list[dict[str, Any]]:
    """Of each metric and configuration a row."""
    rows = []
    for metric in table.metrics:
        for index, row in enumerate(table.rows):
            summary = row.summaries.get(metric)
            numbers = summary._asdict() if summary is not None else {"n": 0, "not_finite": 0}
            config = {name: row.config.get(name) for name in table.by}
            head = {"metric": metric, "direction": table.directions.get(metric)}
            tail = {"missing": row.count_missing(metric), "best": bool(table.best_mark(metric, index))}
            rows.append({"experiment": row.experiment, **config, **head, **numbers, **tail})
    return rows
