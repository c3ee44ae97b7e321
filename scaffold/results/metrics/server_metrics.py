"""What the research server knows of runs that it tracked: their metrics, asked for run by run.

`GET /runs` would make it read the metrics of every run; one run at a time is what it can bear (specs: server API, polling cost).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from scaffold.runs import manifests, model, records
from scaffold.server.client import ServerClient
from scaffold.server.errors import NotFound
from scaffold.workspace import Workspace


def fetch_server_series(
    workspace: Workspace, server: ServerClient, warn: Callable[[str], None]
) -> dict[str, dict[str, Any]]:
    """The series of the finished runs that `server` tracked, by run name, in the shape that `read.Question` takes.

    Runs that it no longer knows (it forgets everything when it restarts) are counted and warned of. Raises ServerError.
    """
    found: dict[str, dict[str, Any]] = {}
    forgotten = 0
    for run in records.select_attempts(records.read_records(workspace).runs)[0]:
        if run.status != "finished" or (run_id := _run_id(workspace, run, server.url)) is None:
            continue
        try:
            known = server.run_metrics(run_id)
        except NotFound:
            forgotten += 1
            continue
        series = {key: [{"step": step, "value": value} for step, value in rows] for key, rows in known.series.items()}
        found[run.name] = {"metricSeries": series}
    if forgotten:
        warn(
            f"the research server no longer knows {forgotten} of the runs that it tracked: it forgets when it restarts"
        )
    return found


def _run_id(workspace: Workspace, run: model.Run, url: str) -> str | None:
    """The server's id of a run that this server tracked."""
    try:
        tracking = manifests.read_manifest(workspace.workdir / run.path)["tracking"]
        ours = str(tracking.get("server_url") or "").rstrip("/") == url.rstrip("/")
    except (ValueError, KeyError, AttributeError):
        return None
    return tracking.get("run_id") if ours else None
