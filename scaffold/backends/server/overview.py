"""What goes on at a server, asked the cheap way: never `GET /runs`, for which it reads every run's metrics.

`GET /cluster` makes the server look at its runs first, so that the sweeps' progress, asked for after it, is true (specs: server API,
section 5, polling cost).
"""

from __future__ import annotations

from dataclasses import dataclass

from scaffold.backends.capacity import Capacity, compute_capacity
from scaffold.backends.interface import BackendLoad
from scaffold.backends.server import server_capacity
from scaffold.backends.server.workspace_runs import WorkspaceRuns
from scaffold.backends.slurm import repository_sbatch_block, sbatch_options
from scaffold.server.client import ServerClient
from scaffold.server.errors import ServerResourceNotFound
from scaffold.server.responses import RunAlert, ServerCluster, ServerSweep
from scaffold.workspace import Workspace

PENDING = "pending"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerOverview:
    """A server at one moment; sweeps newest first, alerts that wait for an answer."""

    server: str
    cluster: ServerCluster
    capacity: Capacity
    sweeps: tuple[ServerSweep, ...]
    alerts: tuple[RunAlert, ...]


def server_cluster_capacity(cluster: ServerCluster, available: BackendLoad) -> Capacity:
    """How many of the runs that wait there may start now."""
    summary = cluster.run_summary
    return compute_capacity(available, queued=summary.ready + summary.queued, own_active=0)


def fetch_overview(server: ServerClient, *, limit: int, workspace: Workspace | None = None) -> ServerOverview:
    """Ask for cluster, the newest `limit` sweeps and alerts. Raises ServerError; a server without alerts has none.

    The room is what a sweep of `workspace` would be told that says nothing of its own needs.
    """
    cluster = server_capacity.fetch_cluster(server)
    runs = None
    if workspace is not None:
        runs = WorkspaceRuns(workspace, server.url, workspace.role_folder("metadata") / "sweeps")
    conventions = workspace.answers.get("slurm") if workspace is not None else None
    block = repository_sbatch_block.read_training_sbatch_block(workspace) if workspace is not None else None
    options = sbatch_options.choose_sbatch_options(conventions, block=block.options if block is not None else ())
    available = server_capacity.measure_server_load(server, cluster, runs, statuses={}, slurm_options=options)
    sweeps = server.sweeps(limit)
    try:
        alerts = tuple(alert for alert in server.alerts() if alert.status == PENDING)
    except ServerResourceNotFound:
        alerts = ()
    capacity = server_cluster_capacity(cluster, available)
    return ServerOverview(server=server.url, cluster=cluster, capacity=capacity, sweeps=sweeps, alerts=alerts)
