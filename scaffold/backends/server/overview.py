"""What goes on at a server, asked the cheap way: never `GET /runs`, for which it reads every run's metrics.

`GET /cluster` makes the server look at its runs first, so that the sweeps' progress, asked for after it, is true (specs: server API,
section 5, polling cost).
"""

from __future__ import annotations

from dataclasses import dataclass

from scaffold.backends.capacity import Capacity, compute_capacity
from scaffold.backends.server import conversions
from scaffold.server.client import ServerClient
from scaffold.server.errors import NotFound
from scaffold.server.responses import Cluster, RunAlert, ServerSweep

PENDING = "pending"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerOverview:
    """A server at one moment; sweeps newest first, alerts that wait for an answer."""

    server: str
    cluster: Cluster
    capacity: Capacity
    sweeps: tuple[ServerSweep, ...]
    alerts: tuple[RunAlert, ...]


def cluster_capacity(cluster: Cluster) -> Capacity:
    """How many of the runs that wait there may start now: what a sweep would be told that says nothing of its own needs."""
    available = conversions.cluster_availability(
        cluster, cores=None, gpus_per_run=None, cpus_per_run=None, max_parallel=None
    )
    summary = cluster.run_summary
    return compute_capacity(available, queued=summary.ready + summary.queued, own_active=0)


def fetch_overview(server: ServerClient, *, limit: int) -> ServerOverview:
    """Ask for cluster, the newest `limit` sweeps and alerts. Raises ServerError; a server without alerts has none."""
    cluster = server.cluster()
    sweeps = server.sweeps(limit)
    try:
        alerts = tuple(alert for alert in server.alerts() if alert.status == PENDING)
    except NotFound:
        alerts = ()
    return ServerOverview(
        server=server.url, cluster=cluster, capacity=cluster_capacity(cluster), sweeps=sweeps, alerts=alerts
    )
