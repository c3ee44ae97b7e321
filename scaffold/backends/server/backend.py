"""The research server: runs that are made `ready`, found again, started one by one, and polled cheaply.

It has no scheduler, nothing there is idempotent, and a restart makes it forget everything (docs/backends.md, "The research server").
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace

from scaffold.backends.interface import (
    Backend,
    BackendContext,
    BackendLoad,
    Job,
    JobStatus,
    KeepNote,
    OnSubmitted,
)
from scaffold.backends.local import devices
from scaffold.backends.server import job_mapping, outcome_from_manifest, server_capacity, slurm_allocation
from scaffold.backends.server.job_mapping import STARTABLE, ServerJobId
from scaffold.backends.server.registered_runs import ServerRunRegistry
from scaffold.backends.server.statuses import ServerStatuses
from scaffold.backends.server.workspace_runs import WorkspaceRuns
from scaffold.server import address, trusted_servers
from scaffold.server.client import ServerClient, make_server_client
from scaffold.server.errors import RequestRefused, ServerError, ServerResourceNotFound
from scaffold.server.responses import ServerCluster


class ServerBackend(Backend):
    """The backend `server`. A job id is `<sweep id>/<run id>`; the token stays in this process."""

    name = "server"
    registers = True

    def __init__(self, context: BackendContext) -> None:
        url = address.require_url(context.workspace.answers)
        session = context.session or str(context.workspace.answers.get("research_session_id") or "") or None
        self._context = context = replace(context, session=session)
        self._client: ServerClient = make_server_client(url, trusted_servers.token_for_confirmed_server(url))
        self._registry = ServerRunRegistry(self._client, context)
        self._runs = WorkspaceRuns(context.workspace, url, context.workspace.role_folder("metadata") / "sweeps")
        self._names = dict(context.job_ids)
        self._statuses = ServerStatuses(self._client, context, self._names)
        self._cluster_type: str | None = None
        self._has_asked_to_detect = False

    def availability(self) -> BackendLoad:
        """What the server has room for (server_room.py).

        Runs of ours that the server would call running for ever are stopped there first, so that they take up no room.
        """
        available = self._availability()
        if available.limit <= available.active and self._stop_undead():
            available = self._availability()
        return available

    def _availability(self) -> BackendLoad:
        context = self._context
        cluster = self._fetch_cluster()
        return server_capacity.measure_server_load(
            self._client,
            cluster,
            self._runs,
            statuses=self._statuses.told_by_server,
            gpus_per_run=context.gpus_per_run,
            cpus_per_run=context.cpus_per_run,
            max_parallel=context.max_parallel,
            slurm_options=slurm_allocation.build_allocation_options(context) if self._is_on_slurm else (),
        )

    def _fetch_cluster(self) -> ServerCluster:
        """The server's cluster, which it is told to look for where it never did; again after a restart, in which it forgets that too."""
        cluster = self._client.cluster()
        if cluster.source != "unset":
            self._has_asked_to_detect = False
        elif not self._has_asked_to_detect:
            self._has_asked_to_detect = True
            cluster = self._client.detect_cluster()
        self._cluster_type = cluster.type
        return cluster

    def _stop_undead(self) -> bool:
        """Stop what is over by its manifest and still called active by the server, earlier submissions too; whether there was any."""
        unknown = [text for text in self._names if ServerJobId.parse(text) not in self._statuses.last_seen]
        self._statuses.poll(unknown, on_slurm=self._is_on_slurm)
        undead = self._statuses.take_undead()
        for job_id in undead:
            self._stop_run(job_id)
        return bool(undead)

    def register(self, jobs: Sequence[Job], on_registered: OnSubmitted, keep_note: KeepNote) -> None:
        """Register the runs, `ready`, each once. A job that has an id keeps it unless its run is over or hangs.

        Where the server forgets everything on the way, it begins again, once.
        """
        try:
            self._register(jobs, on_registered, keep_note)
        except ServerResourceNotFound:
            self._registry.forget_server_state()
            self._register(jobs, on_registered, keep_note)

    def _register(self, jobs: Sequence[Job], on_registered: OnSubmitted, keep_note: KeepNote) -> None:
        sweep_id = self._registry.ensure_sweep(keep_note)
        if self._cluster_type is None:
            self._fetch_cluster()
        for job in jobs:
            before = ServerJobId.parse(job.job_id) if job.job_id else None
            if (
                before is not None
                and before.sweep_id == sweep_id
                and self._statuses.state(before) not in ("ended", "gone")
            ):
                continue
            script = slurm_allocation.write_allocation_script(self._context, job) if self._is_on_slurm else job.launcher
            job_id = self._registry.register(replace(job, launcher=script), sweep_id)
            self._statuses.last_seen[job_id] = JobStatus(state="enlisted")
            self._names[str(job_id)] = job.name
            on_registered(job.name, str(job_id))

    @property
    def _is_on_slurm(self) -> bool:
        return self._cluster_type == "slurm"

    def token_values(self, job: Job) -> Mapping[str, str]:
        """The server's address and ids, for the manifest; and the devices, which the server does not pin: none where a run wants none."""
        pins = devices.build_pinning_variables(job.gpus) if job.gpus or self._context.gpus_per_run == 0 else {}
        if job.job_id is None:
            return pins
        sweep_id, run_id = ServerJobId.parse(job.job_id)
        ids = {"RUN_SERVER_SWEEP_ID": sweep_id, "RUN_SERVER_RUN_ID": run_id}
        return {**pins, "RUN_SERVER_URL": self._client.url, **ids}

    def submit(self, jobs: Sequence[Job], on_submitted: OnSubmitted, *, at_once: int | None = None) -> None:
        """Start the runs, which `register` made known. One that was started before, though its answer was lost, is no error.

        For one that is over (somebody started it by hand before it had a start token) `on_submitted` is not called: it needs to be
        registered again.
        """
        for job in jobs:
            if self._is_on_slurm:
                slurm_allocation.write_allocation_script(self._context, job)
            if job.job_id is not None and self._start_run(ServerJobId.parse(job.job_id)):
                on_submitted(job.name, job.job_id)

    def _start_run(self, job_id: ServerJobId) -> bool:
        try:
            self._client.start_run(job_id.run_id)
        except ServerError as error:
            if not isinstance(error, RequestRefused) and not error.maybe_done:
                raise
            run = self._client.run(job_id.run_id)
            if run.status in STARTABLE:
                raise
            if run.has_ended:
                self._statuses.last_seen[job_id] = job_mapping.to_job_status(run, time.time())
                return False
        self._statuses.last_seen[job_id] = JobStatus(state="starting")
        return True

    def poll(self, job_ids: Sequence[str]) -> Mapping[str, JobStatus]:
        """One request for all, one for each sweep, and one for each run that may have changed."""
        try:
            if job_ids:
                # it looks at its runs first; the answers below do not
                self._fetch_cluster()
                self._statuses.poll(job_ids, on_slurm=self._is_on_slurm)
        except ServerError as error:
            self._context.warn(f"the research server cannot be asked: {error.message}")
            return dict.fromkeys(job_ids, JobStatus(state="unknown", reason=error.message))
        return {text: self._statuses.last_seen[ServerJobId.parse(text)] for text in job_ids}

    def cancel(self, job_ids: Sequence[str]) -> None:
        """End runs: the server hangs up on those it has started, and the recorder of each that is on this host is told to end.

        The server cannot stop a run that is `ready`: it stays so, and is not started.
        """
        names = sorted({self._names[text] for text in job_ids if text in self._names})
        workers = outcome_from_manifest.list_recorder_child_processes(self._context.workspace, names)
        waiting = sum([self._stop_run(ServerJobId.parse(text)) for text in job_ids])
        slurm_allocation.cancel_allocations(self._context.folder, names)
        if waiting:
            stay = "1 run stays" if waiting == 1 else f"{waiting} runs stay"
            self._context.warn(
                f"{stay} `ready` on the research server, which can stop only what runs; without a ticket none begins"
            )
        outcome_from_manifest.end_recorders(self._context.workspace, names, workers)

    def _stop_run(self, job_id: ServerJobId) -> bool:
        """Stop a run; whether it was none that can be stopped, because nobody had started it."""
        try:
            self._client.stop_run(job_id.run_id)
        except ServerResourceNotFound:
            return False
        except RequestRefused:
            return self._client.run(job_id.run_id).status in STARTABLE
        return False
