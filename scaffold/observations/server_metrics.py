"""Metrics of runs that the research server tracked, fetched run by run, in the form that metric files are read in.

`GET /runs` would make the server read the metrics of every run; one run at a time is what it can bear (specs: server API, polling
cost).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

from scaffold.observations.file_formats import LoggedStep
from scaffold.runs import manifests
from scaffold.runs.attempt_selection import select_attempts
from scaffold.runs.records import read_records

if TYPE_CHECKING:
    from scaffold.runs.model import Run
    from scaffold.server.client import ServerClient
    from scaffold.workspace import Workspace

# of each metric (step, value), as the server has them: at most 400 a metric, rounded to 6 digits
ServerSeries = Mapping[str, tuple[tuple[float, float], ...]]


def describe_server_source(run: Run) -> str:
    """What is named as the source of a value that the research server gave."""
    return f"server:{run.name}/metrics"


def to_logged_steps(series: ServerSeries) -> Iterator[LoggedStep]:
    """What the server has of a run, as a metric file would say it."""
    for metric, points in series.items():
        for step, value in points:
            yield LoggedStep(None, step, None, {metric: value})


def fetch_server_series(
    workspace: Workspace, server: ServerClient, warn: Callable[[str], None]
) -> dict[str, ServerSeries]:
    """The series of the finished runs that `server` tracked, by run name.

    Runs that it no longer knows (it forgets everything when it restarts) are counted and warned of. Raises ServerError.
    """
    from scaffold.server.errors import ServerResourceNotFound

    series: dict[str, ServerSeries] = {}
    forgotten = 0
    for run in select_attempts(read_records(workspace).runs).counted:
        if run.status != "finished" or (run_id := _server_run_id(workspace, run, server.url)) is None:
            continue
        try:
            series[run.name] = server.run_metrics(run_id).series
        except ServerResourceNotFound:
            forgotten += 1
    if forgotten:
        warn(
            f"the research server no longer knows {forgotten} of the runs that it tracked: it forgets when it restarts"
        )
    return series


def _server_run_id(workspace: Workspace, run: Run, url: str) -> str | None:
    """The server's id of a run that this server tracked."""
    try:
        tracking = manifests.read_manifest(workspace.workdir / run.path)["tracking"]
        is_same_server = str(tracking.get("server_url") or "").rstrip("/") == url.rstrip("/")
    except (ValueError, KeyError, AttributeError):
        return None
    return tracking.get("run_id") if is_same_server else None
