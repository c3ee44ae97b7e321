"""Runs -> rows of named values: what `runs export --csv`, `--parquet` and the tables of Python hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from scaffold.runs.model import Run

# before `param.NAME` and `metric.NAME`
RUN_COLUMNS = (
    *("run", "experiment", "status", "seed", "started_at", "duration_s", "sweep", "task", "commit", "purpose"),
    *("withdrawn", "exit_code", "outputs", "manifest"),
)


class RunRows(NamedTuple):
    """Columns, and of each run a row; a value that a run does not have is missing in its row."""

    columns: tuple[str, ...]
    rows: list[dict[str, Any]]


def build_run_rows(runs: Sequence[Run]) -> RunRows:
    """Runs, observed before, as rows: RUN_COLUMNS, then parameters and metrics by name."""
    rows = [_run_row(run) for run in runs]
    others = {name for row in rows for name in row} - set(RUN_COLUMNS)
    in_order = sorted(others, key=lambda name: (not name.startswith("param."), name))
    return RunRows((*RUN_COLUMNS, *in_order), rows)


def unify_column_types(columns: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    """The columns; where one holds values of several kinds (a parameter that was a number and a word), all of it as text."""
    columns_by_name: dict[str, list[Any]] = {}
    for name in columns:
        values = [row.get(name) for row in rows]
        kinds = {type(value) for value in values if value is not None}
        if kinds == {int, float}:
            values = [None if value is None else float(value) for value in values]
        elif len(kinds) > 1:
            values = [None if value is None else str(value) for value in values]
        columns_by_name[name] = values
    return columns_by_name


def _run_row(run: Run) -> dict[str, Any]:
    columns = {name: getattr(run, name) for name in RUN_COLUMNS if name not in ("run", "manifest")}
    params = {f"param.{name}": value for name, value in run.params.items()}
    metrics = {f"metric.{name}": value for name, value in run.metrics.items()}
    return {"run": run.label, **columns, "manifest": run.path, **params, **metrics}
