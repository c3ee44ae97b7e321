"""The research server: runs that are made `ready`, found again, started one by one, and looked at cheaply.

It has no scheduler, nothing there is idempotent, and a restart makes it forget everything (docs/backends.md, "The research server").
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from scaffold.backends import manifest_status
from scaffold.backends.local import devices
from scaffold.backends.model import Context, Job, Room, Seen, Told
from scaffold.backends.server import devices as server_devices
from scaffold.backends.server import text as server_text
from scaffold.backends.server.registry import Registry
from scaffold.backends.server.text import STARTABLE, Handle
from scaffold.server import address
from scaffold.server.client import ServerClient, connect
from scaffold.server.errors import NotFound, RequestRefused, ServerError

# so many runs are asked about one by one rather than by what must be left
FEW = 20


class Server:
    """See `model.Backend`. A handle is `<sweep id>/<run id>`; the token stays in this process."""

    name = "server"
    enlists = True
    queues = False

    def __init__(self, context: Context) -> None:
        url = address.require_url(context.workspace.answers)
        session = context.session or str(context.workspace.answers.get("research_session_id") or "") or None
        self._context = context = replace(context, session=session)
        self._client: ServerClient = connect(url, address.read_token(None))
        self._registry = Registry(self._client, context)
        self._holdings = server_devices.Holdings(context.workspace, url, context.folder.parent)
        self._names = dict(context.handles)
        self._seen: dict[Handle, Seen] = {}
        # runs that are over and that the server will call active for ever
        self._undead: set[Handle] = set()
        self._detected = False

    def room(self) -> Room:
        """g by the server's cluster, r by its running and launching runs, everybody's; the GPUs that no run of this workspace holds.

        Runs of ours that the server would call running for ever are stopped there first, so that they take up no room.
        """
        found = self._room()
        if found.slots <= found.busy and self._bury():
            found = self._room()
        if found.gpus is None:
            return found
        here = address.is_loopback(self._client.url)
        there = server_devices.there(len(found.gpus), here=here)
        return replace(found, gpus=server_devices.free(there, self._holdings.held(), here=here))

    def _room(self) -> Room:
        cluster = self._client.cluster()
        if cluster.source == "unset" and not self._detected:
            self._detected = True
            cluster = self._client.detect_cluster()
        context = self._context
        return server_text.room(
            cluster,
            cores=devices.cores() if address.is_loopback(self._client.url) else None,
            gpus_per_run=context.gpus_per_run,
            cpus_per_run=context.cpus_per_run,
            max_parallel=context.max_parallel,
        )

    def _bury(self) -> bool:
        """Stop what is over by its manifest and still called active by the server, earlier tries too; whether there was any."""
        for sweep_id, group in _by_sweep(text for text in self._names if Handle.read(text) not in self._seen).items():
            self._look_at(sweep_id, group)
        dead, self._undead = self._undead, set()
        for handle in dead:
            self._stop(handle)
        return bool(dead)

    def enlist(self, jobs: Sequence[Job], told: Told) -> None:
        """Register the runs, `ready`, each once. A job that has a handle keeps it unless its run is over or hangs.

        Where the server forgets everything on the way, it begins again, once.
        """
        try:
            self._enlist(jobs, told)
        except NotFound:
            self._registry.forget()
            self._enlist(jobs, told)

    def _enlist(self, jobs: Sequence[Job], told: Told) -> None:
        sweep_id = self._registry.sweep()
        for job in jobs:
            handle = Handle.read(job.handle) if job.handle else None
            if handle is not None and handle.sweep_id == sweep_id and not self._is_spent(handle):
                continue
            made = self._registry.register(job)
            self._seen[made] = Seen(state="enlisted")
            self._names[str(made)] = job.name
            told(job.name, str(made))

    def _is_spent(self, handle: Handle) -> bool:
        """Whether a run on the server can lead to nothing any more, as far as is known."""
        return self._state(handle) in ("ended", "gone")

    def exports(self, job: Job) -> Mapping[str, str]:
        """The server's address and ids, for the manifest; and the devices, which the server does not pin: none where a run wants none."""
        values: dict[str, str] = {}
        if job.gpus or self._context.gpus_per_run == 0:
            values |= devices.pinned([devices.Device(spelled=gpu, uuid=None) for gpu in job.gpus])
        if job.handle is None:
            return values
        sweep_id, run_id = Handle.read(job.handle)
        return {
            **values,
            "RUN_SERVER_URL": self._client.url,
            "RUN_SERVER_SWEEP_ID": sweep_id,
            "RUN_SERVER_RUN_ID": run_id,
        }

    def start(self, jobs: Sequence[Job], told: Told, *, at_once: int | None = None) -> None:
        """Start the runs, which `enlist` made known. One that was started before, though its answer was lost, is no error.

        One that is over (somebody started it by hand before it had a ticket) is not `told`: it needs to be enlisted again.
        """
        for job in jobs:
            if job.handle is not None and self._start(Handle.read(job.handle)):
                told(job.name, job.handle)

    def _start(self, handle: Handle) -> bool:
        try:
            self._client.start_run(handle.run_id)
        except ServerError as error:
            if not isinstance(error, RequestRefused) and not error.maybe_done:
                raise
            run = self._client.run(handle.run_id)
            if run.status in STARTABLE:
                raise
            if run.has_ended:
                self._seen[handle] = server_text.seen(run, time.time())
                return False
        self._seen[handle] = Seen(state="starting")
        return True

    def look(self, handles: Sequence[str]) -> Mapping[str, Seen]:
        """One request for all, one for each sweep, and one for each run that may have changed."""
        try:
            if handles:
                self._client.cluster()  # it looks at its runs first; the answers below do not
            for sweep_id, group in _by_sweep(handles).items():
                self._look_at(sweep_id, group)
        except ServerError as error:
            self._context.warn(f"the research server cannot be asked: {error.message}")
            return dict.fromkeys(handles, Seen(state="unknown", reason=error.message))
        return {text: self._seen[Handle.read(text)] for text in handles}

    def _look_at(self, sweep_id: str, handles: Sequence[Handle]) -> None:
        try:
            sweep = self._client.sweep(sweep_id)
        except NotFound:
            self._seen |= dict.fromkeys(
                handles, Seen(state="gone", reason="the server does not know its sweep any more")
            )
            return
        there = frozenset(sweep.run_ids)
        self._seen |= {
            h: Seen(state="gone", reason="the server does not know it any more")
            for h in handles
            if h.run_id not in there
        }
        progress = sweep.progress
        ready, active = progress.ready + progress.queued, progress.running + progress.launching
        believed = sum(one.sweep_id == sweep_id and seen.state == "enlisted" for one, seen in self._seen.items())
        settled = (
            ("ended",) if ready < believed else ("ended", "enlisted")
        )  # fewer than we believe: somebody else started one
        open_ = [h for h in handles if h.run_id in there and self._state(h) not in settled]
        over = {h: word for h in open_ if (word := self._over(h)) is not None}
        active -= self._ask([h for h in open_ if h not in over], ready - believed * (len(settled) - 1))
        self._look_at_over(over, active)

    def _ask(self, handles: Sequence[Handle], ready: int) -> int:
        """Ask about runs one by one, how many of them are active. `ready` of them, or of others, wait to be started."""
        active, now = 0, time.time()
        for index, handle in enumerate(handles):
            if len(handles) - index == ready > FEW:  # so the rest are these
                self._seen |= dict.fromkeys(handles[index:], Seen(state="enlisted"))
                break
            run = self._client.run(handle.run_id)
            waits = run.is_active and server_text.has_ticket(self._context.folder, run)
            self._seen[handle] = server_text.seen(run, now, has_ticket=waits)
            ready -= run.status in STARTABLE
            active += run.is_active
        return active

    def _look_at_over(self, over: Mapping[Handle, str], active: int) -> None:
        """Runs whose manifest has an end: the server is asked only if it has `active` runs more than are known.

        It never notices that a terminal was killed, and goes on calling such a run active.
        """
        for handle, word in over.items():
            seen = Seen(state="ended", reason=word)
            if active > 0 and (run := self._client.run(handle.run_id)).is_active:
                self._undead.add(handle)
                seen = Seen(state="ended", reason=f"{word}, and the server still calls it {run.status}")
                active -= 1
            self._seen[handle] = seen

    def _state(self, handle: Handle) -> str | None:
        seen = self._seen.get(handle)
        return seen.state if seen else None

    def _over(self, handle: Handle) -> str | None:
        name = self._names.get(str(handle))
        return manifest_status.over(self._context.workspace, name, handle.run_id) if name is not None else None

    def stop(self, handles: Sequence[str]) -> None:
        """End runs: the server hangs up on those it has started, and the recorder of each that is on this host is told to end.

        The server cannot stop a run that is `ready`: it stays so, and is not started.
        """
        waiting = sum([self._stop(Handle.read(text)) for text in handles])
        if waiting:
            stay = "1 run stays" if waiting == 1 else f"{waiting} runs stay"
            self._context.warn(
                f"{stay} `ready` on the research server, which can stop only what runs; without a ticket none begins"
            )
        names = sorted({self._names[text] for text in handles if text in self._names})
        manifest_status.end_recorders(self._context.workspace, names)

    def _stop(self, handle: Handle) -> bool:
        """Stop a run; whether it was none that can be stopped, because nobody had started it."""
        try:
            self._client.stop_run(handle.run_id)
        except NotFound:
            return False
        except RequestRefused:
            return self._client.run(handle.run_id).status in STARTABLE
        return False


def _by_sweep(handles: Iterable[str]) -> Mapping[str, list[Handle]]:
    groups: dict[str, list[Handle]] = defaultdict(list)
    for handle in map(Handle.read, handles):
        groups[handle.sweep_id].append(handle)
    return groups
