"""A live run -> how far it is."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING

from scaffold.runs import log_excerpts, recorder, records_home, timestamps

if TYPE_CHECKING:
    from scaffold.runs.model import Run, Scalar
    from scaffold.workspace import Workspace


def elapsed_seconds(run: Run, now: datetime.datetime) -> float:
    """Seconds since a run started, or that it took."""
    if run.duration_s is not None:
        return run.duration_s
    started = timestamps.parse_timestamp(run.started_at)
    return max(0.0, (now - started).total_seconds())


def latest_output(workspace: Workspace, run: Run) -> tuple[dict[str, Scalar], str]:
    """The last value of each name that a live run has logged, and the last line that it has said."""
    values = recorder.manifest.last_values(str(workspace.locate(f"{run.outputs}/metrics.jsonl")))
    experiment = records_home.experiment_folder(workspace, run)
    logs = workspace.role_folder("logs", experiment)
    line = log_excerpts.read_last_line(workspace.locate(logs / f"{run.label}.err")) or log_excerpts.read_last_line(
        workspace.locate(logs / f"{run.label}.out")
    )
    return recorder.redaction.redact_metrics(values), line
