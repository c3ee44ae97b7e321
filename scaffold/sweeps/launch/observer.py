"""Where a sweep's files lie, its backends, and how its runs are now: ledger, backends, tickets, processes, manifests, in that order."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from scaffold.backends import choose, start_tokens
from scaffold.backends.model import Backend, Context, Seen
from scaffold.errors import ScaffoldError
from scaffold.runs import liveness
from scaffold.runs.model import Run
from scaffold.runs.records import RecordReader
from scaffold.sweeps.launch import ledger
from scaffold.sweeps.launch.ledger import Ledger, Orders
from scaffold.sweeps.launch.run_scripts import make_folder
from scaffold.sweeps.launch.states import Sight, State, of
from scaffold.sweeps.spec import sweep_file
from scaffold.sweeps.spec.model import PlannedRun, Sweep
from scaffold.workspace import Workspace

Warn = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a sweep's files lie, absolute."""

    ledger: Path
    folder: Path
    logs: Path

    @classmethod
    def of(cls, workspace: Workspace, name: str) -> Place:
        """The place of a sweep, there or not."""
        sweeps = sweep_file.sweeps_folder(workspace).absolute()
        logs = workspace.role("logs").absolute() / "sweeps" / name
        return cls(ledger=sweeps / f"{name}.ledger.json", folder=sweeps / name, logs=logs)


class Observer:
    """Looks at a sweep again and again. `writing` is the ledger that is held locked now, None between steps."""

    def __init__(self, workspace: Workspace, sweep: Sweep, runs: Sequence[PlannedRun], *, warn: Warn) -> None:
        self.workspace = workspace
        self.sweep = sweep
        self.planned = {r.name: r for r in runs}
        self.place = Place.of(workspace, sweep.name)
        self.writing: Ledger | None = None
        self._warn = warn
        self._reader = RecordReader(workspace)
        self._backends: dict[str, tuple[Orders, Backend]] = {}
        self._settled: dict[str, int] = {}
        self._warned: set[str] = set()

    def make_folders(self) -> None:
        """Make the folders that launchers, tickets and backends write to. Raises ScaffoldError where that cannot be done."""
        try:
            self.place.logs.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ScaffoldError(f"{self.place.logs} cannot be made: {error.strerror or error}") from error
        make_folder(self.workspace, self.sweep.name)

    def read(self) -> Ledger:
        """The ledger as it is on disk. Raises ScaffoldError."""
        return ledger.read(self.place.ledger, self.sweep.name)

    def chosen(self, orders: Orders) -> str:
        """The name of the backend that starts runs under these orders. Raises ScaffoldError."""
        return choose.name(self.workspace, orders.backend, self.sweep.backend)

    def gpus_per_run(self, book: Ledger) -> int | None:
        """How many GPUs a run takes, None where nobody said."""
        return first(book.orders.gpus_per_run, self.sweep.resources.gpus)

    def gpus_each(self, book: Ledger) -> int:
        """How many GPUs a run is counted with: one where nobody said."""
        said = self.gpus_per_run(book)
        return 1 if said is None else said

    def backend(self, name: str, book: Ledger) -> Backend:
        """A backend of this sweep, made once for the same orders. Raises ScaffoldError."""
        # other orders may come from another launch
        wishes = replace(book.orders, stopped=False)
        known = self._backends.get(name)
        if known is None or known[0] != wishes:
            known = self._backends[name] = (wishes, choose.make(name, self._context(name, book)))
        return known[1]

    def _context(self, name: str, book: Ledger) -> Context:
        return Context(
            workspace=self.workspace,
            sweep=self.sweep.name,
            goal=self.sweep.goal,
            experiment=self.sweep.experiment,
            folder=self.place.folder,
            logs=self.place.logs,
            gpus_per_run=self.gpus_per_run(book),
            cpus_per_run=first(book.orders.cpus_per_run, self.sweep.resources.cpus),
            timeout_s=self.sweep.resources.timeout_s,
            sbatch=self.sweep.resources.sbatch,
            max_parallel=book.orders.max_parallel,
            session=book.orders.session,
            notes=dict(book.notes.get(name, {})),
            keep=lambda key, value: self._keep(name, key, value),
            warn=self._warn_once,
            handles={h: n for n in book.names for t in book.tries(n) for h in (*t.earlier, t.handle) if h},
        )

    def _keep(self, backend: str, key: str, value: str) -> None:
        if self.writing is not None:
            self.writing.note(backend, key, value)
            self.writing.save()
            return
        with ledger.opened(self.place.ledger, self.sweep.name, doing="a note") as book:
            book.note(backend, key, value)

    def _warn_once(self, text: str) -> None:
        if text not in self._warned:
            self._warned.add(text)
            self._warn(text)

    def states(self, book: Ledger) -> tuple[State, ...]:
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
        found = tuple(of(n, book.newest(n), runs.get(n, ()), sights.get(n, Sight()), here=here, now=now) for n in names)
        found = tuple(s if s.name in self.planned else s._replace(planned=False, startable=False) for s in found)
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
            answers = self.backend(backend, book).look(tuple(handles.values()))
            found.update({name: answers[handle] for name, handle in handles.items() if handle in answers})
        return found

    def _sights(self, book: Ledger, names: Iterable[str], seen: Mapping[str, Seen]) -> Mapping[str, Sight]:
        there = start_tokens.there(self.place.folder)
        here = socket.gethostname()
        found = {}
        for name in names:
            tried = book.newest(name)
            if tried is not None and self._settled.get(name) == tried.number:
                continue
            ticket = start_tokens.read(self.place.folder, name) if name in there else None
            found[name] = Sight(ticket, gone(ticket, here), seen.get(name))
        return found


def first(*values: int | None) -> int | None:
    """The first that is not None."""
    return next((v for v in values if v is not None), None)


def gone(ticket: start_tokens.Ticket | None, here: str) -> bool | None:
    """Whether the process that took a ticket is gone; None where it is not for this host to tell."""
    if ticket is None or not ticket.taken or ticket.host != here or ticket.pid is None:
        return None
    return liveness.is_pid_gone_since(ticket.pid, ticket.taken_at)
