"""The research server: runs that are made `ready`, found again, started one by one, and looked at cheaply.

It has no scheduler, nothing there is idempotent, and a restart makes it forget everything (docs/sweeps.md, "The research server").
"""

from __future__ import annotations

import os
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace

from scaffold.backends import devices, endings, server_devices, server_text
from scaffold.backends.model import Context, Job, Room, Seen, Told
from scaffold.backends.server_registry import Registry
from scaffold.backends.server_text import STARTABLE, Handle
from scaffold.errors import ScaffoldError
from scaffold.server import address
from scaffold.server.answers import Progress
from scaffold.server.client import Client, connect
from scaffold.server.errors import NotFound, Refused, ServerError


class Server:
    """See `model.Backend`. A handle is `<sweep id>/<run id>`; the token stays in this process."""

    name = "server"
    enlists = True
    queues = False

    def __init__(self, context: Context) -> None:
        url = address.url(None, context.workspace.answers)
        if url is None:
            raise ScaffoldError(
                "this workspace knows no research server", hint=f"scaffold init --server-url URL, or ${address.URL}"
            )
        self._context = context
        self._client: Client = connect(url, address.token(None))
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
        for handle in sorted(self._undead):
            self._stop(handle)
            self._undead.discard(handle)
        context, here = self._context, address.is_loopback(self._client.url)
        cluster = self._client.cluster()
        if cluster.source == "unset" and not self._detected:
            self._detected = True
            cluster = self._client.detect_cluster()
        found = server_text.room(
            cluster,
            cores=len(os.sched_getaffinity(0)) if here else None,
            gpus_per_run=context.gpus_per_run,
            cpus_per_run=context.cpus_per_run,
            max_parallel=context.max_parallel,
        )
        if found.gpus is None:
            return found
        there = server_devices.there(len(found.gpus), here=here)
        return replace(found, gpus=server_devices.free(there, self._holdings.held(), here=here))

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
        seen = self._seen.get(handle)
        return seen is not None and seen.state in ("ended", "gone")

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
            if not isinstance(error, Refused) and not error.maybe_done:
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
        groups: dict[str, list[Handle]] = defaultdict(list)
        for handle in map(Handle.read, handles):
            groups[handle.sweep_id].append(handle)
        try:
            if groups:
                self._client.cluster()  # it looks at its runs first; the answers below do not
            for sweep_id, group in groups.items():
                self._look_at(sweep_id, group)
        except ServerError as error:
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
        there = set(sweep.run_ids)
        changed = self._may_have_started(sweep_id, sweep.progress)
        now = time.time()
        for handle in handles:
            before = self._seen.get(handle)
            if handle.run_id not in there:
                self._seen[handle] = Seen(state="gone", reason="the server does not know it any more")
            elif before is None and sweep.progress.ready == len(there):
                self._seen[handle] = Seen(state="enlisted")
            elif (
                before is None or before.state not in ("ended", "enlisted") or (changed and before.state == "enlisted")
            ):
                self._seen[handle] = self._told_by_manifest(
                    handle, server_text.seen(self._client.run(handle.run_id), now)
                )

    def _told_by_manifest(self, handle: Handle, seen: Seen) -> Seen:
        """What the server says, unless it goes on calling a run active that is over: it never notices that a terminal was killed."""
        name = self._names.get(str(handle))
        if name is None or seen.state not in ("starting", "running"):
            return seen
        over = endings.over(self._context.workspace, name, handle.run_id)
        if over is None:
            return seen
        self._undead.add(handle)
        return Seen(state="ended", reason=f"{over}, and the server still calls it {seen.state}")

    def _may_have_started(self, sweep_id: str, progress: Progress) -> bool:
        """Whether fewer runs of the sweep are ready than we believe: somebody else started one."""
        believed = sum(one.sweep_id == sweep_id and seen.state == "enlisted" for one, seen in self._seen.items())
        return progress.ready + progress.queued < believed

    def stop(self, handles: Sequence[str]) -> None:
        """End runs: the server hangs up on those it has started, and the recorder of each that is on this host is told to end.

        The server cannot stop a run that is `ready`: it stays so, and is not started.
        """
        waiting = sum([self._stop(Handle.read(text)) for text in handles])
        if waiting:
            stay = "1 run stays" if waiting == 1 else f"{waiting} runs stay"
            self._context.warn(f"{stay} `ready` on the research server, which cannot stop such; nothing starts it")
        names = sorted({self._names[text] for text in handles if text in self._names})
        endings.end_recorders(self._context.workspace, names)

    def _stop(self, handle: Handle) -> bool:
        """Stop a run; whether it was none that can be stopped, because nobody had started it."""
        try:
            self._client.stop_run(handle.run_id)
        except NotFound:
            return False
        except Refused:
            return self._client.run(handle.run_id).status in STARTABLE
        return False
