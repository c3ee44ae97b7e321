"""Which sweep and which runs on the research server are ours: found again before anything is made, because nothing is idempotent there."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence
from pathlib import Path

from scaffold.backends.model import Context, Job
from scaffold.backends.server import text
from scaffold.backends.server.text import Handle
from scaffold.server.client import ServerClient
from scaffold.server.errors import NotFound, RequestRefused, ServerError
from scaffold.server.responses import ServerRun, ServerSweep
from scaffold.server.sanitize import one_line

SWEEPS = "server_sweeps"
URL = "server_url"
SESSION = "server_session"
# sweeps to look through for one that was made and not written down
LATEST = 200
# runs at a sweep's end among which one is that was made a moment ago, whoever else adds to it
LATEST_RUNS = 5


class Registry:
    """One sweep's place on the server. The ledger's notes keep its ids there, all of them, the newest last."""

    def __init__(self, client: ServerClient, context: Context) -> None:
        self._client = client
        self._context = context
        self._ids = context.notes.get(SWEEPS, "").split()
        self._current: str | None = None
        # runs of ours in the sweep that could be a try's: by label those that were looked at, by run those that were not
        self._candidates: dict[str, ServerRun] = {}
        self._unread: dict[str | None, list[str]] = {}

    def forget(self) -> None:
        """What is known may be no more: the server was restarted."""
        self._current = None
        self._candidates, self._unread = {}, {}

    def sweep(self) -> str:
        """The id of the sweep, which is there when this returns: known, found again, or made. Raises ServerError."""
        if self._current is None:
            sweep = self._noted() or self._found() or self._made()
            self._sort(sweep.run_ids, sweep.id)
            self._current = sweep.id
        return self._current

    def register(self, job: Job) -> Handle:
        """The run of a try on the server, `ready` or further: found by its name in the sweep, or made. Raises ServerError."""
        sweep_id = self.sweep()
        found = self._found_run(job) or self._posted(job, sweep_id)
        self._unread.setdefault(job.name, []).append(found.id)
        return Handle(sweep_id, found.id)

    # the sweep

    def _noted(self) -> ServerSweep | None:
        """The sweep that the ledger's notes name, where the server still knows it."""
        if not self._ids:
            return None
        try:
            return self._client.sweep(self._ids[-1])
        except NotFound:
            before = self._context.notes.get(URL, self._client.url)
            moved = "" if before == self._client.url else f", or is it another one? It was at {before}"
            self._context.warn(
                f"the research server does not know sweep {self._ids[-1]} any more (was it restarted{moved}?): "
                "what has not run yet is registered again, in a new sweep"
            )
            return None

    def _found(self) -> ServerSweep | None:
        """A sweep that was made before and not written down: of our name, goal and session, with no runs but ours."""
        wanted = (self._context.sweep, self._context.goal, self._context.session)
        for sweep in self._client.sweeps(LATEST):
            if (sweep.name, sweep.goal, sweep.session_id) == wanted and self._is_ours(sweep):
                return self._note(sweep)
        return None

    def _is_ours(self, sweep: ServerSweep) -> bool:
        if not sweep.run_ids:
            return True
        first = self._client.run(sweep.run_ids[0])
        return text.belongs(first.command, self._context.folder)

    def _made(self) -> ServerSweep:
        self._introduce()
        context = self._context
        try:
            return self._note(self._client.create_sweep(context.sweep, context.goal, context.session))
        except ServerError as error:
            found = self._found() if error.maybe_done else None
            if found is None:
                raise
            return found

    def _note(self, sweep: ServerSweep) -> ServerSweep:
        self._ids.append(sweep.id)
        notes = {URL: self._client.url, SESSION: self._context.session or "", SWEEPS: " ".join(self._ids)}
        for key, value in notes.items():
            if self._context.notes.get(key, "") != value:
                self._context.keep(key, value)
        return sweep

    def _introduce(self) -> None:
        """Say where the server looks like another project's, or its runs would not go where they should."""
        said, ours = self._client.health().workdir, self._context.workspace.workdir
        theirs = Path(said)
        if said and not (theirs == ours or theirs in ours.parents or ours in theirs.parents):
            self._context.warn(
                f"the research server works in {one_line(said, 200)}, not in this repository: is it the right one?"
            )
        if self._client.cluster().type == "slurm":
            self._context.warn(
                "the research server runs commands on its own machine, past Slurm: --backend slurm submits to Slurm"
            )

    # its runs

    def _sort(self, run_ids: Sequence[str], sweep_id: str) -> None:
        """Keep the ids of runs to be looked at when a job of their name comes; of those that the ledger has not, that is any job."""
        self._unread = {}
        for run_id in run_ids:
            name = self._context.handles.get(str(Handle(sweep_id, run_id)))
            self._unread.setdefault(name, []).append(run_id)

    def _found_run(self, job: Job) -> ServerRun | None:
        for name in (None, job.name):
            for run_id in self._unread.pop(name, []):
                self._consider(self._client.run(run_id))
        return self._candidates.pop(text.label(job), None)

    def _consider(self, run: ServerRun) -> None:
        """Whether a run could be a try that is not over. One that hangs is stopped, so that it takes up no room."""
        if not text.belongs(run.command, self._context.folder):
            return
        waits = text.has_ticket(self._context.folder, run)
        state = text.seen(run, time.time(), has_ticket=waits).state
        if state == "gone":
            with contextlib.suppress(NotFound, RequestRefused):
                self._client.stop_run(run.id)
        elif state != "ended" and (run.name not in self._candidates or run.is_active):
            # of two with one name, the one that somebody has started
            self._candidates[run.name] = run

    def _posted(self, job: Job, sweep_id: str) -> ServerRun:
        context = self._context
        try:
            return self._client.create_run(
                text.label(job),
                text.command(job.launcher),
                workdir=text.workdir(context.workspace.workdir),
                sweep_id=sweep_id,
                session_id=context.session,
            )
        except ServerError as error:
            if not error.maybe_done:
                raise
            # it was stored, if at all, behind the others
            for run_id in self._client.sweep(sweep_id).run_ids[-LATEST_RUNS:]:
                self._consider(self._client.run(run_id))
            found = self._candidates.pop(text.label(job), None)
            if found is None:
                raise
            return found
