"""What goes on at a server, asked the cheap way: never `GET /runs`, for which it reads every run's metrics.

`GET /cluster` makes the server look at its runs first, so that the sweeps' progress, asked for after it, is true (specs: server API,
section 5, polling cost).
"""

from __future__ import annotations

from dataclasses import dataclass

from scaffold.server.answers import Alert, Cluster, Sweep
from scaffold.server.client import Client
from scaffold.server.errors import NotFound

SLURM_GUESS = 4
PENDING = "pending"


@dataclass(frozen=True, slots=True, kw_only=True)
class Capacity:
    """How many runs may start now: room for `slots` at once, `active` take it up, `waiting` want it (the protocol's g, r, q)."""

    slots: int
    active: int
    waiting: int
    because: str

    @property
    def new(self) -> int:
        """max(0, min(q, g - r))."""
        return max(0, min(self.waiting, self.slots - self.active))


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """A server at one moment; sweeps newest first, alerts that wait for an answer."""

    server: str
    cluster: Cluster
    capacity: Capacity
    sweeps: tuple[Sweep, ...]
    alerts: tuple[Alert, ...]


def capacity(cluster: Cluster) -> Capacity:
    """The protocol's formula, with launching runs counted as running, which its own count leaves out."""
    known, counted = cluster.gpu_count, cluster.run_summary
    if cluster.type == "local_gpu":
        slots, why = max(1, known or 1), f"{known if known is not None else 'unknown'} GPUs"
    elif cluster.type == "slurm":
        slots, why = (
            max(1, known or SLURM_GUESS),
            f"Slurm, {known} GPUs" if known else f"Slurm, GPUs unknown: {SLURM_GUESS}",
        )
    else:
        slots, why = 1, f"cluster type {cluster.type}"
    return Capacity(slots=slots, active=counted.active, waiting=counted.ready + counted.queued, because=why)


def overview(server: Client, *, limit: int) -> Overview:
    """Ask for cluster, the newest `limit` sweeps and alerts. Raises ServerError; a server without alerts has none."""
    cluster = server.cluster()
    sweeps = server.sweeps(limit)
    try:
        alerts = tuple(alert for alert in server.alerts() if alert.status == PENDING)
    except NotFound:
        alerts = ()
    return Overview(server=server.url, cluster=cluster, capacity=capacity(cluster), sweeps=sweeps, alerts=alerts)
