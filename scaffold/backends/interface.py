"""What every backend gives to sweeps: how much room there is, and the verbs register, submit, poll and cancel.

A backend does as it is told and remembers nothing: what was asked of it, and what it answered, stands in the sweep's ledger. It may be
killed at any point; whoever comes next calls the same verb with the same arguments again. That is safe because a launcher starts its
run only if it can take the submission's start token (one rename of one file), so a second start of the same submission ends at once.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from scaffold.workspace import Workspace

JobState = Literal["enlisted", "waiting", "starting", "running", "ended", "gone", "unknown"]
# shows one line to the user
Warn = Callable[[str], None]
# (run's name, job id): called as soon as each job id is known, so that a kill between two of them forgets at most one
OnSubmitted = Callable[[str, str], None]
# (key, value): writes a backend's note into the ledger, durably when it returns
KeepNote = Callable[[str, str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One submission of one run, as a backend is given it.

    `launcher` is the absolute path of its script; `gpus` are the devices (indices or UUIDs) that it is pinned to, empty where
    nothing is pinned; `job_id` is what the backend itself calls it, None before it was told.
    """

    name: str
    number: int
    launcher: Path
    gpus: tuple[str, ...] = ()
    job_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BackendLoad:
    """How many runs a backend can take at once, and how many it has.

    `active` counts everybody's running and launching ones, as the backend does; `gpus` are the devices that are free to be pinned,
    None where the backend gives devices out by itself, and `gpus_each` how many of them each run is pinned to; `because` says where
    the limit comes from ("2 GPUs on this machine").
    """

    limit: int
    active: int
    gpus: tuple[str, ...] | None
    gpus_each: int = 1
    because: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JobStatus:
    """What a backend says of one job, and why it ended where it knows (`exit 3`, `time limit`, `out of memory`, `preempted`).

    `child` is the id of its process where this process started it and has not seen its end.

    `enlisted`: registered and not started; `ended`: it is over, however; `gone`: the backend no longer knows it; `unknown`: the backend
    cannot be asked now.
    """

    state: JobState
    reason: str | None = None
    child: int | None = None

    @property
    def is_over(self) -> bool:
        """Whether nothing more will come of the job."""
        return self.state in ("ended", "gone")


@dataclass(frozen=True, slots=True, kw_only=True)
class BackendContext:
    """What every backend is made with: which sweep it works for, and what a run needs.

    `folder` holds launchers and start tokens, `logs` is for what the backend itself says (`<logs>/sweeps/NAME`); both exist. `notes`
    are what it kept before (a server's sweep id). `session` is the research server's session.
    `anyway`: also on a server of another directory. `max_parallel` is the user's cap.
    `job_ids` are those that the ledger has, of all submissions, and whose run each is.
    """

    workspace: Workspace
    sweep: str
    goal: str = ""
    experiment: str = ""
    folder: Path
    logs: Path
    gpus_per_run: int | None = None
    cpus_per_run: int | None = None
    timeout_s: float | None = None
    sbatch: tuple[str, ...] = ()
    max_parallel: int | None = None
    session: str | None = None
    anyway: bool = False
    notes: Mapping[str, str] = field(default_factory=dict)
    warn: Warn
    job_ids: Mapping[str, str] = field(default_factory=dict)


class Backend(ABC):
    """Who executes; made from a BackendContext. Job ids are texts that mean something to the backend alone and are kept in the ledger.

    `registers`: it can make runs known before they start (the server). `queues`: it keeps a queue of its own (Slurm): then `submit` is
    given all that is to run, with `at_once` as the number of them that may run at the same time, and nothing is left to submit later.
    """

    name: str
    registers = False
    queues = False

    @abstractmethod
    def availability(self) -> BackendLoad:
        """How many runs may be there at once. Raises ScaffoldError where the backend cannot be asked."""

    def register(self, jobs: Sequence[Job], on_registered: OnSubmitted, keep_note: KeepNote) -> None:
        """Make jobs known without starting them. Called only where `registers`. Jobs that it knows already are not made twice."""
        raise NotImplementedError

    def token_values(self, job: Job) -> Mapping[str, str]:
        """What the submission's start token is to hold (start_tokens.EXPORTED): devices, the server's ids. Asked after `register`."""
        return {}

    @abstractmethod
    def submit(self, jobs: Sequence[Job], on_submitted: OnSubmitted, *, at_once: int | None = None) -> None:
        """Start jobs now. Raises ScaffoldError where the backend refuses.

        A job that `on_submitted` was not called for was not started (there was no room after all) and is offered again. `at_once` is
        for a backend that queues: how many of these may run at the same time (None: as many as it likes).
        """

    @abstractmethod
    def poll(self, job_ids: Sequence[str]) -> Mapping[str, JobStatus]:
        """What has become of jobs, in as few questions as possible; every id has an answer. Never raises."""

    @abstractmethod
    def cancel(self, job_ids: Sequence[str]) -> None:
        """End jobs: asked first, killed after a grace period. Those that are over are no error. Raises ScaffoldError."""
