"""Runs -> an MLflow tracking store or server, written by MLflow's own client: each of our experiments is one there."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

from scaffold.errors import ScaffoldError
from scaffold.results.exports.tracked_run import ExportedRun, read_tracked_runs
from scaffold.runs.model import Run
from scaffold.workspace import Workspace

if TYPE_CHECKING:
    from mlflow import MlflowClient

# what MLflow takes in one request, and how long a parameter's and a tag's value may be
MOST_METRICS, MOST_PARAMS, MOST_LETTERS = 1000, 100, 5000
STATUSES = {"finished": "FINISHED", "failed": "FAILED", "lost": "FAILED", "terminated": "KILLED", "running": "RUNNING"}
# other letters are in no name of MLflow's
_NO_NAME = re.compile(r"[^\w\-./: ]")


def export_to_mlflow(workspace: Workspace, runs: Sequence[Run], uri: str) -> tuple[int, list[str]]:
    """Write runs to the store at `uri`: how many were written, and the labels of those that were there already.

    What a run was written as is known by its uuid, so that a second export adds what is new. Raises ScaffoldError where MLflow is not
    installed or refuses.
    """
    try:
        os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")  # nothing goes to anybody but `uri`
        from mlflow import MlflowClient
        from mlflow.exceptions import MlflowException
    except ImportError as error:
        raise ScaffoldError("MLflow is not installed in this Python", hint="pip install mlflow-skinny") from error
    written, present, experiments = 0, list[str](), dict[str, tuple[str, set[str]]]()
    try:
        client = MlflowClient(tracking_uri=uri)
        for tracked in read_tracked_runs(workspace, runs):
            experiment = tracked.run.experiment
            if experiment not in experiments:
                experiments[experiment] = _open_experiment(client, experiment)
            experiment_id, uuids = experiments[experiment]
            if tracked.uuid in uuids:
                present.append(tracked.run.label)
                continue
            _write_run(client, experiment_id, tracked)
            written += 1
    except (MlflowException, OSError) as error:
        message = " ".join(str(error).split())
        raise ScaffoldError(
            f"MLflow at {uri} refuses: {message[:300]}", hint="what was written so far is kept there"
        ) from error
    return written, present


def _open_experiment(client: MlflowClient, name: str) -> tuple[str, set[str]]:
    """The id of an experiment, made where it is missing, and the uuids of our runs in it."""
    existing = client.get_experiment_by_name(name)
    if existing is None:
        return str(client.create_experiment(name)), set()
    uuids, token = set(), None
    while True:
        page = client.search_runs([existing.experiment_id], max_results=1000, page_token=token)
        uuids |= {run.data.tags["scaffold.uuid"] for run in page if "scaffold.uuid" in run.data.tags}
        token = page.token
        if not token:
            return str(existing.experiment_id), uuids


def _write_run(client: MlflowClient, experiment_id: str, tracked: ExportedRun) -> None:
    from mlflow.entities import Metric, Param

    run = tracked.run
    commit = {"mlflow.source.git.commit": run.commit} if run.commit else {}
    tags = {"mlflow.runName": run.label, **commit, **{k: v[:MOST_LETTERS] for k, v in tracked.tags.items()}}
    run_id = client.create_run(experiment_id, start_time=tracked.started_ms, tags=tags).info.run_id
    params = [Param(_name(key), str(value)[:MOST_LETTERS]) for key, value in run.params.items()]
    last_step = max((point.step for point in tracked.course), default=0)
    metrics = [Metric(_name(point.metric), point.value, point.time_ms, point.step) for point in tracked.course]
    ended_ms = tracked.ended_ms or tracked.started_ms
    metrics += [Metric(_name(name), value, ended_ms, last_step) for name, value in tracked.final.items()]
    for batch in _batches(params, MOST_PARAMS):
        client.log_batch(run_id, params=batch)
    for batch in _batches(metrics, MOST_METRICS):
        client.log_batch(run_id, metrics=batch)
    if run.status != "running":
        client.set_terminated(run_id, status=STATUSES[run.status], end_time=ended_ms)


def _name(text: str) -> str:
    return _NO_NAME.sub("_", text)


def _batches(entries: Sequence[Any], size: int) -> Iterator[list[Any]]:
    rest = iter(entries)
    while batch := list(islice(rest, size)):
        yield batch
