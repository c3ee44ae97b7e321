"""What every backend gives to sweeps: room, and the verbs enlist, start, look and stop.

A backend does as it is told and remembers nothing: what was asked of it, and what it answered, stands in the sweep's ledger. It may be
killed at any point; whoever comes next calls the same verb with the same arguments again. That is safe because a launcher starts its
run only if it can take the try's ticket (one rename of one file), so a second start of the same try ends at once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

from scaffold.workspace import Workspace

State = Literal["enlisted", "waiting", "starting", "running", "ended", "gone", "unknown"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One try of one run, as a backend is given it.

    `launcher` is the absolute path of its script; `gpus` are the devices (indices or UUIDs) that it is pinned to, empty where
    nothing is pinned; `handle` is what the backend itself calls it, None before it was told.
    """

    name: str
    number: int
    launcher: Path
    gpus: tuple[str, ...] = ()
    handle: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """How many runs may be there at once, and how many are: the numbers of the capacity sentence.

    `slots` is g; `busy` is r, everybody's running and launching ones as the backend counts them; `gpus` are the devices that are free
    to be pinned, None where the backend gives devices out by itself; `because` says where g comes from ("2 GPUs on this machine").
    """

    slots: int
    busy: int
    gpus: tuple[str, ...] | None
    because: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What a backend says of one job: its state, and why it ended where it knows (`exit 3`, `time limit`, `out of memory`, `preempted`).

    `ended` means that it is over, however; `gone` that the backend no longer knows it; `unknown` that the backend cannot be asked now.
    """

    state: State
    reason: str | None = None


Told = Callable[[str, str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What every backend is made with: which sweep it works for, what a run needs, and where it may keep notes.

    `folder` holds launchers and tickets, `logs` is for what the backend itself says (`<logs>/sweeps/NAME`); both are there. `notes`
    are what it kept before (a server's sweep id); `keep(key, value)` writes one into the ledger, durably when it returns. `session` is
    the research server's session. `max_parallel` is the user's cap. `warn` shows one line to the user. `handles` are those that the
    ledger has, of all tries, and whose run each is.
    """

    workspace: Workspace
    sweep: str
    goal: str
    experiment: str
    folder: Path
    logs: Path
    gpus_per_run: int | None = None
    cpus_per_run: int | None = None
    timeout_s: float | None = None
    sbatch: tuple[str, ...] = ()
    max_parallel: int | None = None
    session: str | None = None
    notes: Mapping[str, str]
    keep: Callable[[str, str], None]
    warn: Callable[[str], None]
    handles: Mapping[str, str] = field(default_factory=dict)


class Backend(Protocol):
    """Who executes; made from a Context. Handles are texts that mean something to the backend alone and are kept in the ledger.

    `enlists`: it can make runs known before they start (the server). `queues`: it keeps a queue of its own (Slurm): then `start` is given
    all that is to run, with `at_once` as the number of them that may run at the same time, and nothing is left to start later.
    """

    name: str
    enlists: bool
    queues: bool

    def room(self) -> Room:
        """How many runs may be there at once. Raises ScaffoldError where the backend cannot be asked."""

    def enlist(self, jobs: Sequence[Job], told: Told) -> None:
        """Make jobs known without starting them, where the backend can (the server: runs that are `ready`); elsewhere nothing.

        `told(name, handle)` is called as soon as each handle is known. Jobs that it knows already are found again, not made twice.
        """

    def exports(self, job: Job) -> Mapping[str, str]:
        """What the try's ticket is to hold beside its devices (tickets.EXPORTED): the server's ids. Asked after `enlist`."""

    def start(self, jobs: Sequence[Job], told: Told, *, at_once: int | None = None) -> None:
        """Start jobs now. `told(name, handle)` is called as soon as each handle is known. Raises ScaffoldError where it refuses.

        A job that `told` was not called for was not started (there was no room after all) and is offered again. `at_once` is for a
        backend that queues: how many of these may run at the same time (None: as many as it likes).
        """

    def look(self, handles: Sequence[str]) -> Mapping[str, Seen]:
        """What has become of jobs, in as few questions as possible; every handle has an answer. Never raises."""

    def stop(self, handles: Sequence[str]) -> None:
        """End jobs: asked first, killed after a grace period. Those that are over are no error. Raises ScaffoldError."""
