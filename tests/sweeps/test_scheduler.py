"""Scheduling with a backend that is a list in memory: what it is asked, in which order, and what is remembered of it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from scaffold.atomic_write import write_atomic
from scaffold.backends import choose, start_tokens
from scaffold.backends.interface import (
    BackendContext,
    BackendLoad,
    Job,
    JobState,
    JobStatus,
    KeepNote,
    OnSubmitted,
)
from scaffold.errors import ScaffoldError
from scaffold.sweeps.launch import ledger, run_loop, sweep_locks
from scaffold.sweeps.launch.run_states import SweepSnapshot, count_run_states
from scaffold.sweeps.launch.scheduler import Scheduler
from tests.runs.conftest import MakeWorkspace
from tests.sweeps import scenario
from tests.sweeps.scenario import Scenario


class Memory:
    """A backend that can do what each of the real ones can. What it knows is gone with `forget`, as with a server's restart."""

    name = "local"
    registers = False
    queues = False
    slots = 2
    jobs: dict[str, JobState]
    asked: list[tuple[str, Any]]
    fails: ScaffoldError | None = None

    def __init__(self, context: BackendContext) -> None:
        self.context = context

    def availability(self) -> BackendLoad:
        there = sum(s in ("starting", "running") for s in self.jobs.values())
        return BackendLoad(limit=self.slots, active=there, gpus=None, because="memory")

    def register(self, jobs: Sequence[Job], on_registered: OnSubmitted, keep_note: KeepNote) -> None:
        self.asked.append(("register", [j.name for j in jobs]))
        sweep = f"sweep{len(self.asked)}"
        keep_note("sweep", sweep)
        for job in jobs:
            handle = f"{sweep}/{job.name}"
            self.jobs[handle] = "enlisted"
            on_registered(job.name, handle)

    def token_values(self, job: Job) -> Mapping[str, str]:
        return {"RUN_SERVER_RUN_ID": job.job_id} if job.job_id else {}

    def submit(self, jobs: Sequence[Job], on_submitted: OnSubmitted, *, at_once: int | None = None) -> None:
        self.asked.append(("submit", ([j.name for j in jobs], at_once)))
        if self.fails is not None:
            raise self.fails
        for number, job in enumerate(jobs):
            handle = job.job_id or f"{len(self.asked)}_{number}"
            self.jobs[handle] = "waiting" if self.queues else "running"
            on_submitted(job.name, handle)

    def poll(self, handles: Sequence[str]) -> Mapping[str, JobStatus]:
        return {h: JobStatus(state=self.jobs.get(h, "gone")) for h in handles}

    def cancel(self, handles: Sequence[str]) -> None:
        self.asked.append(("cancel", list(handles)))
        for handle in handles:
            self.jobs[handle] = "ended"


@pytest.fixture
def memory(monkeypatch: pytest.MonkeyPatch) -> Callable[..., type[Memory]]:
    """A function that makes sweeps run in memory, with `changes` to the backend."""

    def put(**changes: Any) -> type[Memory]:
        kind = type("Changed", (Memory,), {"jobs": {}, "asked": [], **changes})
        monkeypatch.setattr(choose, "make_backend", lambda name, context: kind(context))
        return kind

    return put


def plain(make_workspace: MakeWorkspace, count: int) -> tuple[Scenario, Scheduler]:
    found = scenario.make(make_workspace, configurations=({},), seeds=tuple(range(count)), command=("true",))
    return found, found.scheduler()


def counted(snapshot: SweepSnapshot) -> dict[str, int]:
    return dict(count_run_states(snapshot.states))


@pytest.mark.parametrize(("slots", "cap"), [(2, None), (8, 2)], ids=["room", "the user's cap"])
def test_what_fits_is_started_and_no_more_whoever_comes_next(
    make_workspace: MakeWorkspace, memory: Callable[..., type[Memory]], slots: int, cap: int | None
) -> None:
    kind = memory(slots=slots)
    found, scheduler = plain(make_workspace, 5)
    scheduler.request_runs(max_parallel=cap)
    assert scheduler.step().started == tuple(r.name for r in found.runs[:2])
    assert scheduler.step().started == found.scheduler().step().started == ()
    assert counted(scheduler.snapshot()) == {"submitting": 3, "starting": 2}
    assert [what for what, _ in kind.asked] == ["submit"]


def test_a_backend_that_queues_is_given_all_at_once(
    make_workspace: MakeWorkspace, memory: Callable[..., type[Memory]]
) -> None:
    kind = memory(queues=True, slots=4)
    found, scheduler = plain(make_workspace, 10)
    scheduler.request_runs(max_parallel=3)
    assert len(scheduler.step().started) == 10
    assert kind.asked == [("submit", ([r.name for r in found.runs], 3))]
    assert counted(scheduler.snapshot()) == {"waiting": 10} and scheduler.step().started == ()


def test_a_server_knows_all_runs_before_any_starts_and_ids_are_in_the_tickets(
    make_workspace: MakeWorkspace, memory: Callable[..., type[Memory]]
) -> None:
    kind = memory(registers=True)
    found, scheduler = plain(make_workspace, 3)
    scheduler.request_runs()
    scheduler.step()
    assert [what for what, _ in kind.asked] == ["register", "submit"]
    assert counted(scheduler.snapshot()) == {"waiting": 1, "starting": 2}
    ticket = scheduler.paths.folder / f"{found.runs[0].name}.ticket"
    assert f"RUN_SERVER_RUN_ID=sweep1/{found.runs[0].name}" in ticket.read_text()
    assert not (scheduler.paths.folder / f"{found.runs[2].name}.ticket").exists()
    book = ledger.read_ledger(scheduler.paths.ledger, "lr")
    assert book.notes == {"local": {"sweep": "sweep1"}}


def test_what_a_server_forgot_is_told_again_and_both_ids_are_kept(
    make_workspace: MakeWorkspace, memory: Callable[..., type[Memory]]
) -> None:
    kind = memory(registers=True)
    found, scheduler = plain(make_workspace, 3)
    scheduler.request_runs()
    scheduler.step()
    (scheduler.paths.folder / f"{found.runs[0].name}.ticket").rename(
        scheduler.paths.folder / f"{found.runs[0].name}.taken"
    )
    kind.jobs.clear()
    scheduler.step()
    # the first was begun, and whatever the server says of it, it is not begun again
    assert kind.asked[2] == ("register", [r.name for r in found.runs[1:]])
    tried = ledger.read_ledger(scheduler.paths.ledger, "lr").newest_submission(found.runs[1].name)
    assert tried is not None and (tried.earlier_job_ids, tried.job_id) == (
        (f"sweep1/{found.runs[1].name}",),
        f"sweep3/{found.runs[1].name}",
    )
    context = found.scheduler()._backends._backend_context("local", ledger.read_ledger(scheduler.paths.ledger, "lr"))
    assert context.job_ids[tried.earlier_job_ids[0]] == found.runs[1].name


def test_a_refusal_leaves_everything_to_be_started_again(
    make_workspace: MakeWorkspace, memory: Callable[..., type[Memory]]
) -> None:
    kind = memory(fails=ScaffoldError("sbatch refuses"))
    found, scheduler = plain(make_workspace, 3)
    scheduler.request_runs()
    with pytest.raises(ScaffoldError, match="refuses"):
        scheduler.step()
    kind.fails = None
    assert len(found.scheduler().step().started) == 2


def test_stop_takes_back_what_waits_and_ends_what_was_started(
    make_workspace: MakeWorkspace, memory: Callable[..., type[Memory]]
) -> None:
    kind = memory(registers=True)
    _, scheduler = plain(make_workspace, 4)
    scheduler.request_runs()
    scheduler.step()
    snapshot = scheduler.cancel()
    assert counted(snapshot) == {"missing": 4} and not snapshot.outstanding
    assert len(kind.asked[-1][1]) == 4 and kind.asked[-1][0] == "cancel"
    assert not list(scheduler.paths.folder.glob("*.ticket"))
    assert scheduler.step().started == ()
    assert [s.submission.number for s in scheduler.request_runs() if s.submission] == [1, 1, 1, 1]
    tried = (
        ledger.read_ledger(scheduler.paths.ledger, "lr").newest_submission(scheduler.sweep.name)
        or scheduler.snapshot().states[0].submission
    )
    assert tried is not None and tried.number == 2


def test_what_the_sheet_no_longer_has_is_shown_and_not_started(
    make_workspace: MakeWorkspace, memory: Callable[..., type[Memory]]
) -> None:
    memory()
    found, scheduler = plain(make_workspace, 3)
    scheduler.request_runs()
    fewer = Scheduler(
        found.workspace, found.sweep, found.runs[1:], write_scripts=found.write, warn=found.warnings.append
    )
    snapshot = fewer.snapshot()
    assert [(s.name, s.planned, s.startable) for s in snapshot.states][-1] == (found.runs[0].name, False, False)
    assert fewer.step().started == tuple(r.name for r in found.runs[1:])
    assert found.runs[0].name in ledger.read_ledger(fewer.paths.ledger, "lr").run_names


def test_a_try_that_never_began_follows_the_backend_that_is_chosen_now(
    make_workspace: MakeWorkspace, memory: Callable[..., type[Memory]]
) -> None:
    kind = memory(slots=1)
    found, scheduler = plain(make_workspace, 2)
    scheduler.request_runs(backend="slurm")
    scheduler.step()
    kind.slots = 2
    later = found.scheduler()
    later.request_runs(backend="local")
    later.step()
    tries = [s.submission for s in later.snapshot().states]
    assert [t.backend for t in tries if t] == ["slurm", "local"]


def test_a_thousand_runs_are_started_and_watched_cheaply(
    make_workspace: MakeWorkspace, memory: Callable[..., type[Memory]], monkeypatch: pytest.MonkeyPatch
) -> None:
    memory(queues=True)
    _, scheduler = plain(make_workspace, 1000)
    writes: list[Path] = []

    def write(path: Path, *args: Any, **options: Any) -> None:
        writes.append(path)
        write_atomic(path, *args, **options)

    monkeypatch.setattr(ledger, "write_atomic", write)
    scheduler.request_runs()
    began = time.process_time()
    scheduler.step()
    started = time.process_time() - began
    assert len(writes) < 40
    began = time.process_time()
    for _ in range(5):
        scheduler.step()
    look = (time.process_time() - began) / 5
    assert (started, look) < (15, 1.5), (started, look)  # a quarter and a twentieth of a second where nothing else runs
    assert len(start_tokens.list_start_tokens(scheduler.paths.folder)) == 1000


def test_a_second_pacer_only_looks_and_takes_over_when_the_first_is_gone(
    make_workspace: MakeWorkspace, memory: Callable[..., type[Memory]]
) -> None:
    kind = memory()
    found, scheduler = plain(make_workspace, 2)
    scheduler.request_runs()
    lock = sweep_locks.take_sweep_lock(
        scheduler.paths.ledger.parent, sweep_locks.scheduler_lock_name("lr"), doing="watch"
    )
    assert lock is not None
    looks: list[SweepSnapshot] = []

    class Enough(Exception):
        pass

    def show(snapshot: SweepSnapshot) -> None:
        looks.append(snapshot)
        if len(looks) == 2:
            os.close(lock)
        if kind.asked or len(looks) > 20:
            raise Enough

    with pytest.raises(Enough):
        run_loop.run_until_done(found.scheduler(), show, doing="watch", warn=found.warnings.append)
    assert [bool(p.started) for p in looks] == [False, False, True]


def test_a_backend_that_does_not_answer_is_met_with_patience_but_not_for_ever(
    make_workspace: MakeWorkspace, memory: Callable[..., type[Memory]], monkeypatch: pytest.MonkeyPatch
) -> None:
    kind = memory(fails=ScaffoldError("the server is down"))
    found, scheduler = plain(make_workspace, 1)
    scheduler.request_runs()
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    monkeypatch.setattr(run_loop, "PATIENCE_S", 0.3)
    with pytest.raises(ScaffoldError, match="down"):
        run_loop.run_until_done(scheduler, lambda snapshot: None, doing="watch", warn=found.warnings.append)
    assert found.warnings == ["the server is down; it is tried again"] and len(kind.asked) > 1
