"""What has become of runs on the research server, asked the cheap way; and of those that it forgot, as far as manifests and Slurm tell."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import cast

from scaffold.backends.interface import BackendContext, JobState, JobStatus
from scaffold.backends.server import job_mapping, outcome_from_manifest, slurm_allocation
from scaffold.backends.server.job_mapping import STARTABLE, ServerJobId
from scaffold.server.client import ServerClient
from scaffold.server.errors import ServerResourceNotFound
from scaffold.server.responses import ServerRun

# so many runs are asked about one by one rather than by what must be left
FEW = 20


class ServerStatuses:
    """The statuses of a sweep's jobs. `last_seen` is what was last seen of each; whoever changes a run at the server notes it there."""

    def __init__(self, client: ServerClient, context: BackendContext, names: Mapping[str, str]) -> None:
        """`names` are the runs of job ids, as the ledger has them."""
        self._client = client
        self._context = context
        self._names = names
        self.last_seen: dict[ServerJobId, JobStatus] = {}
        # runs that are over and that the server will call active for ever
        self._undead: set[ServerJobId] = set()
        self._queue: Mapping[str, slurm_allocation.QueuedJob] | None = None
        self._forgotten_ids: set[ServerJobId] = set()

    @property
    def told_by_server(self) -> Mapping[ServerJobId, JobStatus]:
        """The statuses of the jobs that the server itself knows."""
        return {job_id: status for job_id, status in self.last_seen.items() if job_id not in self._forgotten_ids}

    def poll(self, job_ids: Iterable[str], *, on_slurm: bool) -> None:
        """Ask about jobs: one request for each sweep, and one for each run that may have changed. Raises ServerError."""
        self._queue = slurm_allocation.list_slurm_queue() if on_slurm else None
        for sweep_id, group in _group_by_sweep(job_ids).items():
            self._poll_sweep(sweep_id, group)

    def take_undead(self) -> set[ServerJobId]:
        """The runs that were seen to be over by their manifests while the server called them active, each once."""
        undead, self._undead = self._undead, set()
        return undead

    def state(self, job_id: ServerJobId) -> str | None:
        """The state that a job was last seen in."""
        status = self.last_seen.get(job_id)
        return status.state if status else None

    def _poll_sweep(self, sweep_id: str, job_ids: Sequence[ServerJobId]) -> None:
        try:
            sweep = self._client.sweep(sweep_id)
        except ServerResourceNotFound:
            self.last_seen |= self._forgotten(job_ids, "the server does not know its sweep any more")
            return
        listed = frozenset(sweep.run_ids)
        unlisted = [job_id for job_id in job_ids if job_id.run_id not in listed]
        self.last_seen |= self._forgotten(unlisted, "the server does not know it any more")
        progress = sweep.progress
        ready, active = progress.ready + progress.queued, progress.running + progress.launching
        believed = sum(j.sweep_id == sweep_id and s.state == "enlisted" for j, s in self.last_seen.items())
        # fewer are ready than we believe: somebody else started one, and any of ours may be it
        settled = ("ended",) if ready < believed else ("ended", "enlisted")
        unsettled = [j for j in job_ids if j.run_id in listed and self.state(j) not in settled]
        over = {job_id: reason for job_id in unsettled if (reason := self._end_reason(job_id)) is not None}
        active -= self._poll_runs([j for j in unsettled if j not in over], ready - believed * (len(settled) - 1))
        self._poll_ended(over, active)

    def _forgotten(self, job_ids: Sequence[ServerJobId], reason: str) -> Mapping[ServerJobId, JobStatus]:
        """Jobs that the server does not know: `gone`, but for those that Slurm has, whatever the server knows of them."""
        states = {"PENDING": "waiting", "CONFIGURING": "starting"}
        self._forgotten_ids.update(job_ids)
        statuses = {}
        for job_id in job_ids:
            job = self._queued_job(job_id)
            if job is None:
                statuses[job_id] = JobStatus(state="gone", reason=reason)
            else:
                state = cast(JobState, states.get(job.state, "running"))
                statuses[job_id] = JobStatus(
                    state=state, reason=f"{reason}; Slurm calls its job {job.number} {job.state}"
                )
        return statuses

    def _queued_job(self, job_id: ServerJobId) -> slurm_allocation.QueuedJob | None:
        name = self._names.get(str(job_id))
        job = (
            slurm_allocation.read_slurm_job_name(self._context.folder, name)
            if self._queue and name is not None
            else None
        )
        return None if job is None or self._queue is None else self._queue.get(job)

    def _poll_runs(self, job_ids: Sequence[ServerJobId], ready: int) -> int:
        """Ask about runs one by one, how many of them are active. `ready` of them, or of others, wait to be started."""
        active, now = 0, time.time()
        for index, job_id in enumerate(job_ids):
            if len(job_ids) - index == ready > FEW:  # so the rest are these
                self.last_seen |= dict.fromkeys(job_ids[index:], JobStatus(state="enlisted"))
                break
            run = self._client.run(job_id.run_id)
            has_token = run.is_active and job_mapping.has_untaken_token(self._context.folder, run)
            self.last_seen[job_id] = self._run_status(job_id, run, now, has_token=has_token)
            ready -= run.status in STARTABLE
            active += run.is_active
        return active

    def _run_status(self, job_id: ServerJobId, run: ServerRun, now: float, *, has_token: bool) -> JobStatus:
        status = job_mapping.to_job_status(run, now, has_token=has_token)
        waited = now - (run.launched_at or now) > job_mapping.LAUNCH_S
        if status.reason == job_mapping.QUEUED and waited and self._queue is not None and not self._queued_job(job_id):
            return JobStatus(state="gone", reason="it has not begun, and Slurm has no job of it")
        return status

    def _poll_ended(self, over: Mapping[ServerJobId, str], active: int) -> None:
        """Runs whose manifest has an end, and which: the server is asked only if it has `active` runs more than are known.

        It never notices that a terminal was killed, and goes on calling such a run active.
        """
        for job_id, reason in over.items():
            if active > 0 and (run := self._client.run(job_id.run_id)).is_active:
                self._undead.add(job_id)
                reason = f"{reason}, and the server still calls it {run.status}"
                active -= 1
            self.last_seen[job_id] = JobStatus(state="ended", reason=reason)

    def _end_reason(self, job_id: ServerJobId) -> str | None:
        name = self._names.get(str(job_id))
        return (
            outcome_from_manifest.end_reason(self._context.workspace, name, job_id.run_id) if name is not None else None
        )


def _group_by_sweep(job_ids: Iterable[str]) -> Mapping[str, list[ServerJobId]]:
    groups: dict[str, list[ServerJobId]] = defaultdict(list)
    for job_id in map(ServerJobId.parse, job_ids):
        groups[job_id.sweep_id].append(job_id)
    return groups
