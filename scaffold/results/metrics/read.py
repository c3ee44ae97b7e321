"""A workspace's runs -> what they measured, for a query: of each run the attempt that counts, and of what has no result why."""

from __future__ import annotations

from collections.abc import Sequence

from scaffold.observations.log_hints import suggest_log_pattern
from scaffold.observations.model import MeasuredRun, SkippedRun
from scaffold.observations.output_files import read_wandb_params
from scaffold.observations.run_values import RunValueReader
from scaffold.observations.spelling import unify_spellings
from scaffold.results.metrics.query import MetricQuery, QueryResult
from scaffold.runs import recorder
from scaffold.runs.model import Run
from scaffold.runs.records import read_records, select_attempts
from scaffold.workspace import Workspace


def run_metric_query(workspace: Workspace, query: MetricQuery) -> QueryResult:
    """Answer a query from all of a workspace's records. Raises ScaffoldError (TensorBoard files without the extra)."""
    records = read_records(workspace)
    skipped = [SkippedRun(label=d.path, path=d.path, reason=f"damaged: {d.reason}") for d in records.damaged]
    runs, other_attempts = select_attempts(records.runs)
    params = [*query.params, *(query.where.names if query.where else ())]
    # before the condition is held against them: it may be about a parameter that only a wandb config has
    runs = [_add_wandb_params(workspace, run, params) for run in runs]
    if query.where:
        query.where.check(runs)
    runs = [run for run in runs if not query.sweep or run.sweep == query.sweep]
    runs = [run for run in runs if not query.where or query.where.admits(run)]
    runs, smoke_runs = _set_smoke_runs_aside(runs)
    skipped += [_skip(run, "a smoke run") for run in smoke_runs]
    names = {run.name for run in runs}
    skipped += [_skip(run, f"another attempt counts: {label}") for run, label in other_attempts if run.name in names]
    missing = [(run, _skip(run, describe_missing_result(run))) for run in runs if run.status != "finished"]
    reader = RunValueReader(workspace, query)
    finished = [run for run in runs if run.status == "finished"]
    pairs = zip(finished, reader.read(finished), strict=True)
    measured, spelling_notes = unify_spellings([MeasuredRun(run=run, values=values) for run, values in pairs])
    at_step = query.value_choice == "at" and query.step is not None
    reason = f"no value at step {query.step:g}" if at_step else "no metrics"
    missing += [(m.run, _skip(m.run, reason)) for m in measured if not m.values]
    notes = [*spelling_notes, *reader.notes]
    without = [m.run for m in measured if not m.values]
    if without and len(without) == len(measured) and (hint := suggest_log_pattern(workspace, without)):
        notes.append(hint)
    return QueryResult(
        query=query,
        measured=tuple(sorted((m for m in measured if m.values), key=lambda m: (m.run.started_at, m.run.name))),
        missing=tuple(sorted(missing, key=lambda pair: (pair[0].started_at, pair[0].name))),
        skipped=tuple(skipped),
        metric_names=tuple(sorted(reader.metric_names)),
        notes=tuple(notes),
    )


def _set_smoke_runs_aside(runs: list[Run]) -> tuple[list[Run], list[Run]]:
    """The runs that count, and the quick tries of smoke sweeps; where there are only tries, they were asked for and count."""
    if not any(run.sweep for run in runs):
        return runs, []
    full = [run for run in runs if not run.is_smoke_test]
    return (full, [run for run in runs if run.is_smoke_test]) if full else (runs, [])


def describe_missing_result(run: Run) -> str:
    """Why a run that did not finish has no result: `failed, exit 3`, `terminated by SIGTERM`, `running`, `lost`."""
    if run.status == "failed" and run.exit_code is not None:
        return f"failed, exit {run.exit_code}"
    return f"{run.status} by {run.signal}" if run.status == "terminated" and run.signal else run.status


def _skip(run: Run, reason: str) -> SkippedRun:
    return SkippedRun(label=run.label, path=run.path, reason=reason)


def _add_wandb_params(workspace: Workspace, run: Run, names: Sequence[str]) -> Run:
    """The run with those of the named parameters that only its wandb config has; the manifest's are never replaced."""
    if all(name in run.params for name in names):
        return run
    wandb_params = recorder.values.flatten(read_wandb_params(workspace.workdir, run.outputs))
    params = recorder.redaction.redact_params(wandb_params)
    added = {name: params[name] for name in names if name in params and name not in run.params}
    return run._replace(params={**run.params, **added}) if added else run
