"""How many runs a research server has room for: one answer for launching, `sweep capacity` and `server status`."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import replace

from scaffold.backends.interface import BackendLoad, JobStatus
from scaffold.backends.local import devices
from scaffold.backends.server import job_mapping
from scaffold.backends.server.job_mapping import ServerJobId
from scaffold.backends.server.workspace_runs import WorkspaceRuns, find_free_server_gpus
from scaffold.backends.slurm import slurm_capacity
from scaffold.backends.slurm.sbatch_options import SbatchOption
from scaffold.errors import ScaffoldError
from scaffold.server import address
from scaffold.server.client import ServerClient
from scaffold.server.errors import ServerResourceNotFound
from scaffold.server.responses import ServerCluster


def fetch_cluster(client: ServerClient) -> ServerCluster:
    """The server's cluster, which it is told to look for where it never did, or has forgotten it in a restart. Raises ServerError."""
    cluster = client.cluster()
    return client.detect_cluster() if cluster.source == "unset" else cluster


def measure_server_load(
    client: ServerClient,
    cluster: ServerCluster,
    runs: WorkspaceRuns | None,
    *,
    statuses: Mapping[ServerJobId, JobStatus],
    gpus_per_run: int | None = None,
    cpus_per_run: int | None = None,
    max_parallel: int | None = None,
    slurm_options: Sequence[SbatchOption] = (),
) -> BackendLoad:
    """The limit by the cluster; its running and launching runs, everybody's, and those of the workspace that it does not count; the GPUs
    that no run of the workspace holds.

    `runs` are the workspace's (None: there is none), `statuses` what the server is known to say of jobs. On a cluster the limit is what the
    partition of `slurm_options` can carry, where Slurm can be asked from here. Raises ServerError, and ScaffoldError where a run wants more
    GPUs than there are.
    """
    same_host = address.is_loopback(client.url)
    on_slurm = cluster.type == "slurm"
    available = job_mapping.count_server_slots(
        cluster,
        cores=devices.usable_cores() if same_host and not on_slurm else None,
        gpus_per_run=gpus_per_run,
        cpus_per_run=cpus_per_run,
        max_parallel=max_parallel,
    )
    if on_slurm and same_host:
        with contextlib.suppress(ScaffoldError):  # it cannot be asked from here
            room = slurm_capacity.measure_slurm_load(slurm_options, gpus_per_run, cpus_per_run)
            available = replace(available, limit=room.limit, because=f"the research server: {room.because}")
    if runs is None:
        return available
    # a server that was restarted does not count what goes on in its terminals
    uncounted = sum(not _is_counted(client, job_id, statuses) for job_id in runs.list_live_jobs())
    available = replace(available, active=available.active + uncounted)
    if available.gpus is None:
        return available
    return replace(
        available, gpus=find_free_server_gpus(len(available.gpus), runs.list_held_gpus(), same_host=same_host)
    )


def _is_counted(client: ServerClient, job_id: ServerJobId, statuses: Mapping[ServerJobId, JobStatus]) -> bool:
    """Whether a run that is there is among those that the server calls running or launching."""
    if job_id in statuses:
        return statuses[job_id].state in ("starting", "running")
    try:
        return client.run(job_id.run_id).is_active
    except ServerResourceNotFound:
        return False
