"""Which sweep and which runs on the research server are ours: found again before anything is made, because nothing is idempotent there."""

from __future__ import annotations

from pathlib import Path

from scaffold.backends import server_text
from scaffold.backends.model import Context, Job
from scaffold.backends.server_text import Handle
from scaffold.server.answers import Run, Sweep
from scaffold.server.client import Client
from scaffold.server.errors import NotFound, ServerError

SWEEPS = "server_sweeps"
URL = "server_url"
SESSION = "server_session"
# sweeps to look through for one that was made and not written down
LATEST = 200


class Registry:
    """One sweep's place on the server. The ledger's notes keep its ids there, all of them, the newest last."""

    def __init__(self, client: Client, context: Context) -> None:
        self._client = client
        self._context = context
        self._ids = context.notes.get(SWEEPS, "").split()
        self._current: str | None = None
        self._known = {Handle.read(text) for text in context.handles}
        # by label: runs that the server has and the ledger does not know
        self._unnoted: dict[str, Run] = {}

    def forget(self) -> None:
        """What is known may be no more: the server was restarted."""
        self._current = None
        self._unnoted = {}

    def sweep(self) -> str:
        """The id of the sweep, which is there when this returns: known, found again, or made. Raises ServerError."""
        if self._current is None:
            sweep = self._noted() or self._found() or self._made()
            self._look_through(sweep)
            self._current = sweep.id
        return self._current

    def register(self, job: Job) -> Handle:
        """The run of a try on the server, `ready` or further: found by its name in the sweep, or made. Raises ServerError."""
        sweep_id, named = self.sweep(), server_text.label(job)
        found = self._unnoted.pop(named, None) or self._posted(job, sweep_id, named)
        handle = Handle(sweep_id, found.id)
        self._known.add(handle)
        return handle

    # the sweep

    def _noted(self) -> Sweep | None:
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

    def _found(self) -> Sweep | None:
        """A sweep that was made before and not written down: of our name, goal and session, with no runs but ours."""
        wanted = (self._context.sweep, self._context.goal, self._context.session)
        for sweep in self._client.sweeps(LATEST):
            if (sweep.name, sweep.goal, sweep.session_id) == wanted and self._is_ours(sweep):
                return self._note(sweep)
        return None

    def _is_ours(self, sweep: Sweep) -> bool:
        if not sweep.run_ids:
            return True
        first = self._client.run(sweep.run_ids[0])
        return server_text.belongs(first.command, self._context.folder)

    def _made(self) -> Sweep:
        self._introduce()
        context = self._context
        try:
            return self._note(self._client.create_sweep(context.sweep, context.goal, context.session))
        except ServerError as error:
            found = self._found() if error.maybe_done else None
            if found is None:
                raise
            return found

    def _note(self, sweep: Sweep) -> Sweep:
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
            self._context.warn(f"the research server works in {said}, not in this repository: is it the right one?")
        if self._client.cluster().type == "slurm":
            self._context.warn(
                "the research server runs commands on its own machine, past Slurm: --backend slurm submits to Slurm"
            )

    # its runs

    def _look_through(self, sweep: Sweep) -> None:
        """Look at the runs that the ledger does not know: made, and then something came between."""
        for run_id in sweep.run_ids:
            handle = Handle(sweep.id, run_id)
            if handle in self._known:
                continue
            self._known.add(handle)
            run = self._client.run(run_id)
            if run.has_ended or not server_text.belongs(run.command, self._context.folder):
                continue
            # of two with one name, the one that somebody has started
            if run.name not in self._unnoted or run.is_active:
                self._unnoted[run.name] = run

    def _posted(self, job: Job, sweep_id: str, named: str) -> Run:
        context = self._context
        try:
            return self._client.create_run(
                named,
                server_text.command(job.launcher),
                workdir=server_text.workdir(context.workspace.workdir),
                sweep_id=sweep_id,
                session_id=context.session,
            )
        except ServerError as error:
            if not error.maybe_done:
                raise
            self._look_through(self._client.sweep(sweep_id))
            found = self._unnoted.pop(named, None)
            if found is None:
                raise
            return found
