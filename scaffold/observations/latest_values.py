"""A run as it is now -> the metrics to show beside its state: of a live one what it has logged so far and said last."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from scaffold.observations.run_values import attach_final_metrics
from scaffold.runs import live_progress

if TYPE_CHECKING:
    from scaffold.runs.model import Run, Scalar
    from scaffold.workspace import Workspace

_ended: dict[tuple[str, str, str], Mapping[str, Scalar]] = {}


def latest_metrics(workspace: Workspace, run: Run) -> tuple[Mapping[str, Scalar], str]:
    """The last metrics of a run; of a live one all that it logged last, its step too, and the last line that it printed.

    Those of a run that is over are read once in a process, since a table of live runs is drawn again and again.
    """
    if run.status == "running":
        return live_progress.latest_output(workspace, run)
    key = (str(workspace.workdir), run.path, run.status)
    if key not in _ended:
        _ended[key] = attach_final_metrics(workspace, [run])[0].metrics
    return _ended[key], ""
