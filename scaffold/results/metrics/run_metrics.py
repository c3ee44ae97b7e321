"""A workspace's runs -> what they measured, for a query: of each run the attempt that counts, and of what has no result why."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import TYPE_CHECKING

from scaffold.observations.model import MeasuredRun, MetricValue, RunWithoutResult
from scaffold.observations.run_values import RunValueReader
from scaffold.observations.spelling import unify_spellings
from scaffold.results.configuration.equivalent_code import find_equivalent_code
from scaffold.results.configuration.run_arguments import complete_run_arguments
from scaffold.results.metrics.query import MetricQuery, QueryResult
from scaffold.results.metrics.sweep_runs import SweepFileReader
from scaffold.runs import recorder
from scaffold.runs.attempt_selection import select_attempts
from scaffold.runs.model import SMOKE_SUFFIX, Run
from scaffold.runs.records import RunRecords, read_records

if TYPE_CHECKING:
    from scaffold.workspace import Workspace

_START_AND_NAME = operator.attrgetter("run.started_at", "run.name")


def run_metric_query(
    workspace: Workspace,
    query: MetricQuery,
    sheets: SweepFileReader | None = None,
    run_records: RunRecords | None = None,
) -> QueryResult:
    """Answer a query from all of a workspace's records (`run_records`, where they were just read); `sheets` say which runs a sweep means.

    Raises ScaffoldError (TensorBoard files without the extra).
    """
    sheets = sheets or SweepFileReader(workspace)
    records = read_records(workspace) if run_records is None else run_records
    skipped = [RunWithoutResult(label=d.path, path=d.path, reason=f"damaged: {d.reason}") for d in records.damaged]
    selection = select_attempts(
        complete_run_arguments(workspace, records.runs), smoke=bool(query.sweep and query.sweep.endswith(SMOKE_SUFFIX))
    )
    params = [*query.params, *(query.where.names if query.where else ())]
    # before the condition is held against them: it may be about a parameter that only a wandb config has
    runs = [_add_wandb_params(workspace, run, params) for run in selection.counted] if params else selection.counted
    if query.where:
        query.where.check(runs)
    if query.sweep or query.where:
        runs = [run for run in runs if _is_asked_for(run, query, sheets)]
    skipped += [_skip(run, reason) for run, reason in selection.set_aside if _is_asked_for(run, query, sheets)]
    missing = [(run, _skip(run, describe_missing_result(run))) for run in runs if run.status != "finished"]
    reader = RunValueReader(workspace, query)
    finished = [run for run in runs if run.status == "finished"]
    repeated = [run for run in finished if run.name in selection.repeats] if selection.repeats else []
    again = [run for first in repeated for run in selection.repeats[first.name]]
    to_read = [*finished, *again]
    as_spelled = [*map(MeasuredRun, to_read, reader.read(to_read))]
    measured, spelling_notes = unify_spellings(as_spelled, None if query.metrics else reader.metric_names)
    counted, repeats = _first_values(measured[: len(finished)], measured[len(finished) :])
    at_step = query.value_choice == "at" and query.step is not None
    reason = f"no value at step {query.step:g}" if at_step else "no metrics"
    with_values = [m for m in counted if m.values]
    without = [m.run for m in counted if not m.values] if len(with_values) < len(counted) else []
    missing += [(run, _skip(run, reason)) for run in without]
    notes = [*spelling_notes, *reader.notes]
    if without and len(without) == len(counted):
        from scaffold.observations.log_hints import suggest_log_pattern

        notes += filter(None, [suggest_log_pattern(workspace, without)])
    return QueryResult(
        query=query,
        measured=tuple(sorted(with_values, key=_START_AND_NAME)),
        missing=tuple(sorted(missing, key=lambda pair: (pair[0].started_at, pair[0].name))),
        skipped=tuple(skipped),
        metric_names=tuple(sorted(reader.metric_names)),
        notes=tuple(notes),
        repeats=repeats,
        code_states=find_equivalent_code(workspace, [m.run for m in with_values] + [run for run, _ in missing]),
        sheets=sheets,
    )


def _is_asked_for(run: Run, query: MetricQuery, sheets: SweepFileReader) -> bool:
    return (not query.sweep or sheets.holds(query.sweep, run)) and (not query.where or query.where.admits(run))


def _first_values(
    counted: Sequence[MeasuredRun], again: Sequence[MeasuredRun]
) -> tuple[list[MeasuredRun], dict[str, tuple[MeasuredRun, ...]]]:
    """The runs with, of each metric, the value of the first attempt that has it; and the further attempts, by name.

    A rerun gives no value: it is a check.
    """
    if not again:
        return list(counted), {}
    by_name: dict[str, list[MeasuredRun]] = {}
    for m in again:
        by_name.setdefault(m.run.name, []).append(m)
    firsts = []
    for first in counted:
        later = [
            m
            for m in by_name.get(first.run.name, ())
            if m.run.purpose == "run" and m.values.keys() - first.values.keys()
        ]
        values: dict[str, MetricValue] = {}
        for m in (first, *later):
            values = {**m.values, **values}
        # where the first has no value at all, what it is missing was measured by another attempt
        run = first.run if first.values or not later else later[0].run
        firsts.append(MeasuredRun(run=run, values=values) if later else first)
    return firsts, {name: tuple(runs) for name, runs in by_name.items()}


def describe_missing_result(run: Run) -> str:
    """Why a run that did not finish has no result: `failed, exit 3`, `terminated by SIGTERM`, `running`, `lost`."""
    if run.status == "failed" and run.exit_code is not None:
        return f"failed, exit {run.exit_code}"
    return f"{run.status} by {run.signal}" if run.status == "terminated" and run.signal else run.status


def _skip(run: Run, reason: str) -> RunWithoutResult:
    return RunWithoutResult(label=run.label, path=run.path, reason=reason)


def _add_wandb_params(workspace: Workspace, run: Run, names: Sequence[str]) -> Run:
    """The run with those of the named parameters that only its wandb config has; the manifest's are never replaced."""
    if all(name in run.params for name in names):
        return run
    from scaffold.observations.output_files import read_wandb_params

    wandb_params = recorder.values.flatten(read_wandb_params(workspace.workdir, run.outputs))
    params = recorder.redaction.redact_params(wandb_params)
    added = {name: params[name] for name in names if name in params and name not in run.params}
    return run._replace(params={**run.params, **added}) if added else run
