"""A sweep's runs, ledger and backend -> what to start now, and starting it: one step, done again as room frees.

`plan_step` is pure. A `Pacer` takes looks and steps; between them it holds nothing but what it may forget. Whoever kills it at any
point loses no run and doubles none: docs/sweeps.md says why.
"""

from __future__ import annotations

import dataclasses
import datetime
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scaffold.backends import start_tokens
from scaffold.backends.capacity import Capacity, capacity
from scaffold.backends.local.backend import wait
from scaffold.backends.model import Backend, Job, Room
from scaffold.sweeps.launch import cancel, ledger, states
from scaffold.sweeps.launch.ledger import Ledger, Orders, Try
from scaffold.sweeps.launch.observer import Observer, Warn
from scaffold.sweeps.launch.states import State
from scaffold.sweeps.spec.model import PlannedRun, Sweep
from scaffold.workspace import Workspace

# launchers of runs, written where they are missing or not what they should be
Launchers = Callable[[Sequence[PlannedRun]], Mapping[str, Path]]


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
    # a server that was restarted does not count what it started before
    room = dataclasses.replace(room, busy=max(room.busy, mine))
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
    def planned(self) -> tuple[State, ...]:
        """The runs that the sweep's sheet has."""
        return tuple(s for s in self.states if s.planned)

    @property
    def open(self) -> tuple[State, ...]:
        """What is asked for and not over."""
        there = ("waiting", "starting", "running")
        return tuple(s for s in self.states if s.held or s.startable or s.state in there)


class Pacer:
    """Looks at a sweep and starts what there is room for."""

    def __init__(
        self,
        workspace: Workspace,
        sweep: Sweep,
        runs: Sequence[PlannedRun],
        *,
        launchers: Launchers,
        warn: Warn,
        check: Callable[[], None] = lambda: None,
    ) -> None:
        """`launchers` writes launchers; `check` raises where runs must not start now, as `launchers` does then."""
        self.sweep = sweep
        self.check = check
        self.eyes = Observer(workspace, sweep, runs, warn=warn)
        self.place = self.eyes.place
        self._launchers = launchers
        self._warn = warn
        self._book: Ledger | None = None

    def look(self) -> Picture:
        """The sweep as it is, without a lock and without changing anything."""
        book = self.eyes.read()
        return Picture(states=self.eyes.states(book), orders=book.orders)

    def want(self, *, retry: str | None = None, **orders: object) -> tuple[State, ...]:
        """Write down a new try for every run that is missing or asked for again; those are returned. Starts nothing.

        `orders` are fields of Orders to be changed. Raises ScaffoldError.
        """
        self.eyes.make_folders()
        with ledger.opened(self.place.ledger, self.sweep.name, doing="launch") as book:
            wishes: dict[str, Any] = {k: v for k, v in orders.items() if v is not None}
            # an order that cannot be followed is not kept: whoever comes next would fail by it
            backend = self.eyes.chosen(dataclasses.replace(book.orders, **wishes))
            book.order(**wishes, stopped=False)
            found = self.eyes.states(book)
            chosen, held = states.wanted((s for s in found if s.planned), retry)
            for state in chosen:
                book.put(state.name, _intended(state, backend))
            for state in held:
                self._warn(f"{state.name} is not tried again yet: the backend still has its last try")
            return tuple(chosen)

    def step(self, *, doing: str = "launch") -> Picture:
        """Start what there is room for, and see how things are.

        Raises ScaffoldError where the backend refuses; what it took by then is noted.
        """
        self.eyes.make_folders()
        with ledger.opened(self.place.ledger, self.sweep.name, doing=doing, before=self._book) as book:
            self._book = self.eyes.writing = book
            try:
                found = self.eyes.states(book)
                self._mark_over(book, found)
                if book.orders.stopped or not any(s.startable for s in found):
                    return Picture(states=found, orders=book.orders)
                return self._start(book, found)
            finally:
                self.eyes.writing = None

    def stop(self) -> Picture:
        """Start nothing more, take back what has not begun, end what runs; the sweep as it is then. Raises ScaffoldError."""
        with ledger.opened(self.place.ledger, self.sweep.name, doing="stop") as book:
            found = self.eyes.states(book)
            # what was never launched is not made launched by this: it may still be planned anew
            if any(s.tried for s in found):
                book.order(stopped=True)
            handles: dict[str, list[str]] = {}
            for state in found:
                tried = state.tried
                if tried is None or tried.withdrawn or (state.over and not state.held):
                    continue
                if cancel.take_back(self.place.folder, state, tried):
                    book.put(state.name, dataclasses.replace(tried, withdrawn=True))
                handles.setdefault(tried.backend, []).extend(
                    cancel.handles(self.eyes.workspace, self.place.folder, state, tried)
                )
        for name, known in handles.items():
            if known:
                self.eyes.backend(name, book).stop(known)
        return self.look()

    def wait(self, picture: Picture, seconds: float) -> None:
        """Pause until a run of this machine ends, at most so many seconds."""
        handles = [s.tried.handle for s in picture.open if s.tried and s.tried.backend == "local" and s.tried.handle]
        if handles:
            wait(handles, seconds)
        else:
            time.sleep(seconds)

    def would_start(self, ready: Iterable[State], orders: Orders) -> Step:
        """What a step would start if `ready` were written down under `orders`. Raises ScaffoldError where the backend cannot be asked."""
        book = self.eyes.read()
        book.orders = orders
        backend = self.eyes.backend(self.eyes.chosen(book.orders), book)
        names = {s.name for s in ready}
        found = [s._replace(startable=s.name in names) for s in self.eyes.states(book)]
        per = self.eyes.gpus_each(book)
        return plan_step(found, backend.room(), cap=orders.max_parallel, per_run=per, queues=backend.queues)

    def _mark_over(self, book: Ledger, found: Sequence[State]) -> None:
        """Note when a backend first called a try over that has not said so itself: some time later that counts."""
        for state in found:
            tried = book.newest(state.name)
            if tried is not None and tried.over_at is None and state.word in ("ended", "gone") and not state.over:
                book.change(state.name, over_at=_now(), reason=state.disagreement or state.reason)

    def _start(self, book: Ledger, found: tuple[State, ...]) -> Picture:
        name = self.eyes.chosen(book.orders)
        backend = self.eyes.backend(name, book)
        self._adopt(book, found, name)
        if backend.enlists:
            self._enlist(book, found, backend)
        per = self.eyes.gpus_each(book)
        room = backend.room()
        step = plan_step(found, room, cap=book.orders.max_parallel, per_run=per, queues=backend.queues)
        jobs = self._jobs(book, step.start, room, per)
        jobs = [j for j in jobs if self._issue(book, j, backend)]
        book.save()
        started: list[str] = []

        def told(run: str, known: str) -> None:
            tried = book.newest(run)
            assert tried is not None
            book.change(run, handle=known, starts=tried.starts + 1, started_at=_now(), over_at=None, reason=None)
            started.append(run)
            book.save(batch=True)

        if jobs and backend.queues:
            cap = step.capacity.g if step.capacity.cap is None else min(step.capacity.g, step.capacity.cap)
            backend.start(jobs, told, at_once=max(1, cap - step.capacity.mine))
        elif jobs:
            backend.start(jobs, told)
        begun, word = set(started), "waiting" if backend.queues else "starting"
        now = tuple(
            s._replace(state=word, startable=False, held=True, tried=book.newest(s.name)) if s.name in begun else s
            for s in found
        )
        return Picture(states=now, orders=book.orders, started=tuple(started), capacity=step.capacity)

    def _adopt(self, book: Ledger, found: Sequence[State], backend: str) -> None:
        """Tries that never began belong to the backend that is chosen now; a handle that it does not know is put aside."""
        for state in found:
            tried = book.newest(state.name)
            if tried is None or not state.startable:
                continue
            if tried.backend != backend or state.word in ("ended", "gone"):
                earlier = (*tried.earlier, tried.handle) if tried.handle is not None else tried.earlier
                book.change(state.name, backend=backend, handle=None, earlier=earlier)

    def _enlist(self, book: Ledger, found: Sequence[State], backend: Backend) -> None:
        unknown = [s.name for s in found if s.startable]
        unknown = [n for n in unknown if (t := book.newest(n)) is not None and t.handle is None]
        if not unknown:
            return
        paths = self._launchers([self.eyes.planned[n] for n in unknown])
        book.save()

        def told(run: str, known: str) -> None:
            book.change(run, handle=known)
            book.save(batch=True)

        try:
            backend.enlist([self._job(book, n, paths[n], ()) for n in unknown], told)
        finally:
            book.save()

    def _jobs(self, book: Ledger, names: Sequence[str], room: Room, per: int) -> list[Job]:
        paths = self._launchers([self.eyes.planned[n] for n in names]) if names else {}
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
        return start_tokens.issue(self.place.folder, job.name, job.number, backend.exports(job))


def _intended(state: State, backend: str) -> Try:
    number = 1 if state.tried is None else state.tried.number + 1
    return Try(number=number, backend=backend, after=state.run.attempt if state.run else 0, intended_at=_now())


def _now() -> str:
    return datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
