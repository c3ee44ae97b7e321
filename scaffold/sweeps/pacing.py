"""A sweep's runs, ledger and backend -> what to start now, and starting it: one step, done again as room frees.

`plan_step` is pure. A `Pacer` takes looks and steps; between them it holds nothing but what it may forget. Whoever kills it at any
point loses no run and doubles none: docs/sweeps.md says why.
"""

from __future__ import annotations

import dataclasses
import datetime
import socket
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from scaffold.backends import choose
from scaffold.backends.capacity import Capacity, capacity
from scaffold.backends.model import Backend, Context, Job, Room, Seen
from scaffold.errors import ScaffoldError
from scaffold.runs import liveness
from scaffold.runs.manifests import Reader, Run
from scaffold.sweeps import ledger, states, tickets
from scaffold.sweeps.ledger import Ledger, Orders, Try
from scaffold.sweeps.model import PlannedRun, Sweep
from scaffold.sweeps.states import State
from scaffold.workspace import Workspace

# launchers of runs, written where they are missing or not what they should be
Launchers = Callable[[Sequence[PlannedRun]], Mapping[str, Path]]
Warn = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What a step may start, in the sweep's order, and the numbers behind it."""

    start: tuple[str, ...]
    capacity: Capacity


def plan_step(found: Iterable[State], room: Room, *, cap: int | None, per_run: int, queues: bool) -> Step:
    """What may start now. A backend that queues is given everything; it holds the cap itself."""
    there = list(found)
    ready = [s.name for s in there if s.startable]
    mine = sum(s.state in ("starting", "running") or (s.held and not s.over) for s in there)
    now = capacity(room, queued=len(ready), mine=mine, cap=cap, per_run=per_run)
    return Step(start=tuple(ready if queues else ready[: now.max_new]), capacity=now)


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A sweep as it is seen now: the state of each run, in the sweep's order and then those that the sheet no longer has; what the last
    step started, and its numbers (None: nothing was ready to start)."""

    states: tuple[State, ...]
    orders: Orders
    started: tuple[str, ...] = ()
    capacity: Capacity | None = None

    @property
    def open(self) -> tuple[State, ...]:
        """What is asked for and not over."""
        return tuple(s for s in self.states if s.held or (s.tried is not None and not s.over and s.state != "missing"))


class Pacer:
    """Looks at a sweep and starts what there is room for."""

    def __init__(
        self, workspace: Workspace, sweep: Sweep, runs: Sequence[PlannedRun], *, launchers: Launchers, warn: Warn
    ) -> None:
        self.workspace = workspace
        self.sweep = sweep
        self.planned = {r.name: r for r in runs}
        self.place = Place.of(workspace, sweep.name, sweep.experiment)
        self._launchers = launchers
        self._warn = warn
        self._reader = Reader(workspace)
        self._backends: dict[str, Backend] = {}
        self._settled: dict[str, int] = {}
        self._open_ledger: Ledger | None = None
        self._warned: set[str] = set()

    def look(self) -> Picture:
        """The sweep as it is, without a lock and without changing anything."""
        book = self._read()
        return Picture(states=self._states(book), orders=book.orders)

    def want(self, *, retry: str | None = None, **orders: object) -> tuple[State, ...]:
        """Write down a new try for every run that is missing or asked for again; those are returned. Starts nothing.

        `orders` are fields of Orders to be changed. Raises ScaffoldError.
        """
        with ledger.opened(self.place.ledger, self.sweep.name, doing="launch") as book:
            book.order(**{k: v for k, v in orders.items() if v is not None}, stopped=False)
            backend = self._name(book)
            found = self._states(book)
            chosen, held = states.wanted((s for s in found if s.name in self.planned), retry)
            for state in chosen:
                book.put(state.name, _intended(state, backend))
            for state in held:
                self._warn(f"{state.name} is not tried again yet: the backend still has its last try")
            return tuple(chosen)

    def step(self, *, doing: str = "launch") -> Picture:
        """Start what there is room for, and see how things are. Raises ScaffoldError where the backend refuses, after noting what it took."""
        with ledger.opened(self.place.ledger, self.sweep.name, doing=doing) as book:
            self._open_ledger = book
            try:
                found = self._states(book)
                self._mark_over(book, found)
                ready = [] if book.orders.stopped else [s for s in found if s.startable and s.name in self.planned]
                if not ready:
                    return Picture(states=found, orders=book.orders)
                return self._start(book, found)
            finally:
                self._open_ledger = None

    def stop(self) -> Picture:
        """Start nothing more, take back what has not begun, end what runs; the sweep as it is then. Raises ScaffoldError."""
        with ledger.opened(self.place.ledger, self.sweep.name, doing="stop") as book:
            book.order(stopped=True)
            handles: dict[str, list[str]] = {}
            for state in self._states(book):
                tried = book.newest(state.name)
                if tried is None or tried.withdrawn or (state.over and not state.held):
                    continue
                if not state.held and state.state != "running" and not _is_taken(self.place.folder, state.name, tried):
                    book.change(state.name, withdrawn=True)
                    tickets.withdraw(self.place.folder, state.name)
                elif state.state == "waiting" and tickets.withdraw(self.place.folder, state.name):
                    book.change(state.name, withdrawn=True)
                handles.setdefault(tried.backend, []).extend(self._handles(state, tried))
        for name, known in handles.items():
            if known:
                self._backend(name, book).stop(known)
        return self.look()

    def wait(self, picture: Picture, seconds: float) -> None:
        """Pause until a run of this machine ends, at most so many seconds."""
        handles = [s.tried.handle for s in picture.open if s.tried and s.tried.backend == "local" and s.tried.handle]
        backend = self._backends.get("local")
        wait = getattr(backend, "wait", None)
        if wait is not None and handles:
            wait(handles, seconds)
        else:
            time.sleep(seconds)

    def room(self, orders: Orders | None = None) -> Room:
        """The room of the backend that the next step would use. Raises ScaffoldError where it cannot be asked."""
        book = self._read()
        if orders is not None:
            book.orders = orders
        return self._backend(self._name(book), book).room()

    def _read(self) -> Ledger:
        return ledger.read(self.place.ledger, self.sweep.name)

    def _name(self, book: Ledger) -> str:
        return choose.name(self.workspace, book.orders.backend, self.sweep.backend)

    def _backend(self, name: str, book: Ledger) -> Backend:
        if name not in self._backends:
            context = Context(
                workspace=self.workspace,
                sweep=self.sweep.name,
                goal=self.sweep.goal,
                experiment=self.sweep.experiment,
                folder=self.place.folder,
                logs=self.place.logs,
                gpus_per_run=_first(book.orders.gpus_per_run, self.sweep.resources.gpus),
                cpus_per_run=_first(book.orders.cpus_per_run, self.sweep.resources.cpus),
                timeout_s=self.sweep.resources.timeout_s,
                sbatch=self.sweep.resources.sbatch,
                max_parallel=book.orders.max_parallel,
                session=book.orders.session,
                notes=book.notes.get(name, {}),
                keep=lambda key, value: self._keep(name, key, value),
                warn=self._warn_once,
            )
            self.place.make()
            self._backends[name] = choose.make(name, context)
        return self._backends[name]

    def _keep(self, backend: str, key: str, value: str) -> None:
        if self._open_ledger is None:
            raise RuntimeError("a backend may keep notes in enlist and start only")
        self._open_ledger.note(backend, key, value)
        self._open_ledger.save()

    def _warn_once(self, text: str) -> None:
        if text not in self._warned:
            self._warned.add(text)
            self._warn(text)

    def _states(self, book: Ledger) -> tuple[State, ...]:
        """All runs. The order of looking matters: backend, then processes, then manifests, each later than what it is believed over."""
        names = [*self.planned, *(n for n in book.names if n not in self.planned)]
        seen = self._seen(book, names)
        sights = self._sights(book, names, seen)
        runs: dict[str, list[Run]] = {}
        for run in self._reader.runs():
            runs.setdefault(run.name, []).append(run)
        for bad in self._reader.damaged:
            self._warn_once(f"{bad.path} cannot be read: {bad.reason}")
        here, now = socket.gethostname(), time.time()
        found = tuple(
            states.of(n, book.newest(n), runs.get(n, ()), sights.get(n, states.Sight()), here=here, now=now)
            for n in names
        )
        for state in found:
            if state.over and not state.held and state.tried is not None:
                self._settled[state.name] = state.tried.number
        return found

    def _seen(self, book: Ledger, names: Iterable[str]) -> Mapping[str, Seen]:
        """What the backends say of tries that were not over the last time, by run."""
        asked: dict[str, dict[str, str]] = {}
        for name in names:
            tried = book.newest(name)
            if tried and tried.handle and not tried.withdrawn and self._settled.get(name) != tried.number:
                asked.setdefault(tried.backend, {})[name] = tried.handle
        found = {}
        for backend, handles in asked.items():
            answers = self._backend(backend, book).look(tuple(handles.values()))
            found.update({name: answers[handle] for name, handle in handles.items() if handle in answers})
        return found

    def _sights(self, book: Ledger, names: Iterable[str], seen: Mapping[str, Seen]) -> Mapping[str, states.Sight]:
        there = tickets.there(self.place.folder)
        here = socket.gethostname()
        found = {}
        for name in names:
            tried = book.newest(name)
            if tried is not None and self._settled.get(name) == tried.number:
                continue
            ticket = tickets.read(self.place.folder, name) if name in there else None
            found[name] = states.Sight(ticket, _gone(ticket, tried, here), seen.get(name))
        return found

    def _mark_over(self, book: Ledger, found: Sequence[State]) -> None:
        """Note when a backend first called a try over that has not said so itself: some time later that counts."""
        for state in found:
            tried = book.newest(state.name)
            if tried is None or state.over:
                continue
            says_over = state.disagreement is not None and state.state == "running"
            if (says_over or (state.state == "starting" and state.reason)) and tried.over_at is None:
                book.change(state.name, over_at=_now(), reason=state.disagreement or state.reason)

    def _start(self, book: Ledger, found: tuple[State, ...]) -> Picture:
        name = self._name(book)
        backend = self._backend(name, book)
        self._adopt(book, found, name)
        if backend.enlists:
            self._enlist(book, found, backend)
        per = _first(book.orders.gpus_per_run, self.sweep.resources.gpus)
        room = backend.room()
        mine = [s for s in found if s.name in self.planned]
        step = plan_step(
            mine, room, cap=book.orders.max_parallel, per_run=1 if per is None else per, queues=backend.queues
        )
        jobs = self._jobs(book, step.start, room, 1 if per is None else per)
        jobs = [j for j in jobs if self._issue(book, j, backend)]
        book.save()
        started: list[str] = []

        def told(run: str, handle: str) -> None:
            tried = book.newest(run)
            assert tried is not None
            book.change(run, handle=handle, starts=tried.starts + 1, started_at=_now(), reason=None)
            started.append(run)
            book.save(batch=True)

        if jobs:
            backend.start(jobs, told)
        return Picture(states=found, orders=book.orders, started=tuple(started), capacity=step.capacity)

    def _adopt(self, book: Ledger, found: Sequence[State], backend: str) -> None:
        """Tries that never began belong to the backend that is chosen now; a handle that it does not know is put aside."""
        for state in found:
            tried = book.newest(state.name)
            if tried is None or not state.startable:
                continue
            forgotten = tried.handle is not None and (
                tried.backend != backend or state.reason is not None or state.state == "intended"
            )
            changes: dict[str, object] = {"backend": backend}
            if forgotten and tried.handle is not None:
                changes |= {"handle": None, "earlier": (*tried.earlier, tried.handle)}
            book.change(state.name, **changes)

    def _enlist(self, book: Ledger, found: Sequence[State], backend: Backend) -> None:
        unknown = [s.name for s in found if s.startable and s.name in self.planned]
        unknown = [n for n in unknown if (t := book.newest(n)) is not None and t.handle is None]
        if not unknown:
            return
        paths = self._launchers([self.planned[n] for n in unknown])
        book.save()

        def told(run: str, handle: str) -> None:
            book.change(run, handle=handle)
            book.save(batch=True)

        try:
            backend.enlist([self._job(book, n, paths[n], ()) for n in unknown], told)
        finally:
            book.save()

    def _jobs(self, book: Ledger, names: Sequence[str], room: Room, per: int) -> list[Job]:
        paths = self._launchers([self.planned[n] for n in names]) if names else {}
        free = list(room.gpus or ())
        jobs = []
        for name in names:
            gpus, free = tuple(free[:per]), free[per:]
            jobs.append(self._job(book, name, paths[name], gpus))
        return jobs

    def _job(self, book: Ledger, name: str, launcher: Path, gpus: tuple[str, ...]) -> Job:
        tried = book.newest(name)
        assert tried is not None
        return Job(name=name, number=tried.number, launcher=launcher, gpus=gpus, handle=tried.handle)

    def _issue(self, book: Ledger, job: Job, backend: Backend) -> bool:
        """Write a job's ticket; False where a launcher that was started before has taken it meanwhile."""
        book.change(job.name, gpus=job.gpus)
        return tickets.issue(self.place.folder, job.name, job.number, backend.exports(job))

    def _handles(self, state: State, tried: Try) -> list[str]:
        """What a backend can end a run by; on this machine also its recorder, where the launcher is not known or gone."""
        found = [tried.handle] if tried.handle else []
        if tried.backend == "local" and state.run is not None and state.state == "running":
            from scaffold.backends.local import handle

            mark = liveness.mark(self.workspace.workdir / state.run.path)
            found += [handle(mark)] if mark else []
        return found


def _intended(state: State, backend: str) -> Try:
    number = 1 if state.tried is None else state.tried.number + 1
    return Try(number=number, backend=backend, after=state.run.attempt if state.run else 0, intended_at=_now())


def _gone(ticket: tickets.Ticket | None, tried: Try | None, here: str) -> bool | None:
    """Whether the process that took a ticket is gone; None where it is not for this host to tell."""
    if ticket is None or not ticket.taken or ticket.host != here or ticket.pid is None:
        return None
    mark = {"pid": ticket.pid, "start": ticket.start, "boot": ticket.boot}
    return liveness.is_gone_since(mark, ticket.taken_at)


def _is_taken(folder: Path, name: str, tried: Try) -> bool:
    ticket = tickets.read(folder, name)
    return ticket is not None and ticket.taken and ticket.number >= tried.number


def _first(*values: int | None) -> int | None:
    return next((v for v in values if v is not None), None)


def _now() -> str:
    return datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
