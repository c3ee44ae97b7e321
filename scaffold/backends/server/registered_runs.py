"""Which sweep and which runs on the research server are ours: found again before anything is made, because nothing is idempotent there."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Sequence
from pathlib import Path

from scaffold.backends.interface import BackendContext, Job, KeepNote
from scaffold.backends.server import job_mapping
from scaffold.backends.server.job_mapping import ServerJobId
from scaffold.server import address
from scaffold.server.client import ServerClient
from scaffold.server.errors import RequestRefused, ServerError, ServerOfOtherProject, ServerResourceNotFound
from scaffold.server.responses import ServerRun, ServerSweep
from scaffold.server.sanitize import sanitize_line

SWEEPS = "server_sweeps"
URL = "server_url"
SESSION = "server_session"
# sweeps to look through for one that was made and not written down
LATEST = 200
# runs at a sweep's end among which one is that was made a moment ago, whoever else adds to it
LATEST_RUNS = 5


class ServerRunRegistry:
    """One sweep on the server. The ledger's notes keep its ids there, all of them, the newest last."""

    def __init__(self, client: ServerClient, context: BackendContext) -> None:
        self._client = client
        self._context = context
        self._sweep_ids = context.notes.get(SWEEPS, "").split()
        self._current: str | None = None
        # runs of ours in the sweep that could be a submission's: by label those that were read, by run's name those that were not
        self._candidates: dict[str, ServerRun] = {}
        self._unread: dict[str | None, list[str]] = {}

    def forget_server_state(self) -> None:
        """What is known may be no more: the server was restarted."""
        self._current = None
        self._candidates, self._unread = {}, {}

    def ensure_sweep(self, keep_note: KeepNote) -> str:
        """The id of the sweep, which is there when this returns: known, found again, or made. Raises ServerError."""
        if self._current is None:
            sweep = self._sweep_in_notes() or self._find_sweep(keep_note) or self._create_sweep(keep_note)
            self._sort_runs(sweep.run_ids, sweep.id)
            self._current = sweep.id
        return self._current

    def register(self, job: Job, sweep_id: str) -> ServerJobId:
        """The run of a submission on the server, `ready` or further: found by its name in the sweep, or made. Raises ServerError."""
        run = self._find_run(job) or self._create_run(job, sweep_id)
        self._unread.setdefault(job.name, []).append(run.id)
        return ServerJobId(sweep_id, run.id)

    # the sweep

    def _sweep_in_notes(self) -> ServerSweep | None:
        """The sweep that the ledger's notes name, where the server still knows it."""
        if not self._sweep_ids:
            return None
        try:
            return self._client.sweep(self._sweep_ids[-1])
        except ServerResourceNotFound:
            before = self._context.notes.get(URL, self._client.url)
            moved = "" if before == self._client.url else f", or is it another one? It was at {before}"
            self._context.warn(
                f"the research server does not know sweep {self._sweep_ids[-1]} any more (was it restarted{moved}?): "
                "what has not run yet is registered again, in a new sweep"
            )
            return None

    def _find_sweep(self, keep_note: KeepNote) -> ServerSweep | None:
        """A sweep that was made before and not written down: of our name, goal and session, with no runs but ours."""
        ours = (self._context.sweep, self._context.goal, self._context.session)
        for sweep in self._client.sweeps(LATEST):
            if (sweep.name, sweep.goal, sweep.session_id) == ours and self._has_our_runs(sweep):
                return self._note_sweep(sweep, keep_note)
        return None

    def _has_our_runs(self, sweep: ServerSweep) -> bool:
        if not sweep.run_ids:
            return True
        first = self._client.run(sweep.run_ids[0])
        return job_mapping.starts_launcher_in(first.command, self._context.folder)

    def _create_sweep(self, keep_note: KeepNote) -> ServerSweep:
        self._check_project()
        context = self._context
        try:
            return self._note_sweep(self._client.create_sweep(context.sweep, context.goal, context.session), keep_note)
        except ServerError as error:
            # the answer was lost, not necessarily the sweep
            sweep = self._find_sweep(keep_note) if error.maybe_done else None
            if sweep is None:
                raise
            return sweep

    def _note_sweep(self, sweep: ServerSweep, keep_note: KeepNote) -> ServerSweep:
        self._sweep_ids.append(sweep.id)
        notes = {URL: self._client.url, SESSION: self._context.session or "", SWEEPS: " ".join(self._sweep_ids)}
        for key, value in notes.items():
            if self._context.notes.get(key, "") != value:
                keep_note(key, value)
        return sweep

    def _check_project(self) -> None:
        """Raise ServerOfOtherProject where the server works elsewhere: its agents, commits and runs are another project's."""
        workdir, ours = self._client.health().workdir, self._context.workspace.workdir
        if not workdir or self._context.anyway:
            return
        theirs = Path(workdir)
        if address.is_loopback(self._client.url):
            theirs, ours = Path(os.path.realpath(theirs)), Path(os.path.realpath(ours))
        if not (theirs == ours or theirs in ours.parents or ours in theirs.parents):
            raise ServerOfOtherProject(
                f"the research server {self._client.url} works in {sanitize_line(workdir, 200)}, not in this repository; "
                "nothing is started",
                hint="name this repository's own ($RESEARCH_AGENT_SERVER_URL, or for good: scaffold update --set research_server_url=URL), "
                "or launch there all the same: scaffold sweep launch NAME --anyway",
            )

    # its runs

    def _sort_runs(self, run_ids: Sequence[str], sweep_id: str) -> None:
        """Keep the ids of runs to be read when a job of their name comes; of those that the ledger has not, that is any job."""
        self._unread = {}
        for run_id in run_ids:
            name = self._context.job_ids.get(str(ServerJobId(sweep_id, run_id)))
            self._unread.setdefault(name, []).append(run_id)

    def _find_run(self, job: Job) -> ServerRun | None:
        for name in (None, job.name):
            for run_id in self._unread.pop(name, []):
                self._consider_candidate(self._client.run(run_id))
        return self._candidates.pop(job_mapping.format_submission_label(job), None)

    def _consider_candidate(self, run: ServerRun) -> None:
        """Keep a run that could be a submission that is not over. One that hangs is stopped, so that it takes up no room."""
        if not job_mapping.starts_launcher_in(run.command, self._context.folder):
            return
        has_token = job_mapping.has_untaken_token(self._context.folder, run)
        state = job_mapping.to_job_status(run, time.time(), has_token=has_token).state
        if state == "gone":
            with contextlib.suppress(ServerResourceNotFound, RequestRefused):
                self._client.stop_run(run.id)
        elif state != "ended" and (run.name not in self._candidates or run.is_active):
            # of two with one name, the one that somebody has started
            self._candidates[run.name] = run

    def _create_run(self, job: Job, sweep_id: str) -> ServerRun:
        context = self._context
        try:
            return self._client.create_run(
                job_mapping.format_submission_label(job),
                job_mapping.format_launcher_command(job.launcher),
                workdir=job_mapping.to_shell_safe_workdir(context.workspace.workdir),
                sweep_id=sweep_id,
                session_id=context.session,
            )
        except ServerError as error:
            if not error.maybe_done:
                raise
            # it was stored, if at all, behind the others
            for run_id in self._client.sweep(sweep_id).run_ids[-LATEST_RUNS:]:
                self._consider_candidate(self._client.run(run_id))
            run = self._candidates.pop(job_mapping.format_submission_label(job), None)
            if run is None:
                raise
            return run
