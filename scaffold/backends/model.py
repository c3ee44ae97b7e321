"""What every backend gives to sweeps: room, and the verbs enlist, start, look and stop.

A backend does as it is told and remembers nothing: what was asked of it, and what it answered, stands in the sweep's ledger. It may be
killed at any point; whoever comes next calls the same verb with the same arguments again. That is safe because a launcher starts its
run only if it can take the try's ticket (one rename of one file), so a second start of the same try ends at once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

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


class Backend(Protocol):
    """Who executes. Handles are texts that mean something to the backend alone and are kept in the ledger.

    `queues` says whether it keeps a queue of its own (Slurm): then `start` is given all that is to run, with `at_once` as the number
    of them that may run at the same time, and nothing is left to start later. Without a queue, `start` is given what there is room for.
    `notes` are sentences that whoever launches should see (the server was restarted; an option was left out), in order, each once.
    """

    name: str
    queues: bool
    notes: list[str]

    def room(self) -> Room:
        """How many runs may be there at once. Raises ScaffoldError where the backend cannot be asked."""

    def enlist(self, jobs: Sequence[Job], told: Told) -> None:
        """Make jobs known without starting them, where the backend can (the server: runs that are `ready`); elsewhere nothing.

        `told(name, handle)` is called as soon as each handle is known. Jobs that it knows already are found again, not made twice.
        """

    def start(self, jobs: Sequence[Job], told: Told, *, at_once: int | None = None) -> None:
        """Start jobs now. `told(name, handle)` is called as soon as each handle is known. Raises ScaffoldError where it refuses.

        `at_once` is for a backend that queues: how many of these may run at the same time (None: as many as it likes).
        """

    def exports(self, handle: str) -> Mapping[str, str]:
        """What the launcher exports for this job beside its devices (the server: `RUN_SERVER_URL`, ... of its own run).

        Known without asking anybody, once the job is enlisted; it goes into the ticket, which is written after `enlist` and before `start`.
        """

    def look(self, handles: Sequence[str]) -> Mapping[str, Seen]:
        """What has become of jobs, in as few questions as possible; every handle has an answer. Never raises."""

    def stop(self, handles: Sequence[str]) -> None:
        """End jobs: asked first, killed after a grace period. Those that are over are no error. Raises ScaffoldError."""
