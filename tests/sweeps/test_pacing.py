"""Pacing with a backend that is a list in memory: what it is asked, in which order, and what is remembered of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from scaffold.atomic_write import write_atomic
from scaffold.backends import choose, start_tokens
from scaffold.backends.model import Context, Job, Room, Seen, State, Told
from scaffold.errors import ScaffoldError
from scaffold.sweeps.launch import ledger, locks, loop, states
from scaffold.sweeps.launch.scheduler import Pacer, Picture
from tests.runs.conftest import MakeWorkspace
from tests.sweeps import scenario
from tests.sweeps.scenario import Scenario


class Memory:
    """A backend that can do what each of the real ones can. What it knows is gone with `forget`, as with a server's restart."""

    name = "local"
    enlists = False
    queues = False
    slots = 2
    jobs: dict[str, State]
    asked: list[tuple[str, Any]]
    fails: ScaffoldError | None = None

    def __init__(self, context: Context) -> None:
        self.context = context

    def room(self) -> Room:
        there = sum(s in ("starting", "running") for s in self.jobs.values())
        return Room(slots=self.slots, busy=there, gpus=None, because="memory")

    def enlist(self, jobs: Sequence[Job], told: Told) -> None:
        self.asked.append(("enlist", [j.name for j in jobs]))
        sweep = f"sweep{len(self.asked)}"
        self.context.keep("sweep", sweep)
        for job in jobs:
            handle = f"{sweep}/{job.name}"
            self.jobs[handle] = "enlisted"
            told(job.name, handle)

    def exports(self, job: Job) -> Mapping[str, str]:
        return {"RUN_SERVER_RUN_ID": job.handle} if job.handle else {}

    def start(self, jobs: Sequence[Job], told: Told, *, at_once: int | None = None) -> None:
        self.asked.append(("start", ([j.name for j in jobs], at_once)))
        if self.fails is not None:
            raise self.fails
        for number, job in enumerate(jobs):
            handle = job.handle or f"{len(self.asked)}_{number}"
            self.jobs[handle] = "waiting" if self.queues else "running"
            told(job.name, handle)

    def look(self, handles: Sequence[str]) -> Mapping[str, Seen]:
        return {h: Seen(state=self.jobs.get(h, "gone")) for h in handles}

    def stop(self, handles: Sequence[str]) -> None:
        self.asked.append(("stop", list(handles)))
        for handle in handles:
            self.jobs[handle] = "ended"


@pytest.fixture
def memory(monkeypatch: pytest.MonkeyPatch) -> Callable[..., type[Memory]]:
    """A function that makes sweeps run in memory, with `changes` to the backend."""

    def put(**changes: Any) -> type[Memory]:
        kind = type("Changed", (Memory,), {"jobs": {}, "asked": [], **changes})
        monkeypatch.setattr(choose, "make", lambda name, context: kind(context))
        return kind

    return put


def plain(make_workspace: MakeWorkspace, count: int) -> tuple[Scenario, Pacer]:
    found = scenario.make(make_workspace, configurations=({},), seeds=tuple(range(count)), command=("true",))
    return found, found.pacer()


def counted(picture: Picture) -> dict[str, int]:
    return dict(states.counts(picture.states))


@pytest.mark.parametrize(("slots", "cap"), [(2, None), (8, 2)], ids=["room", "the user's cap"])
def test_what_fits_is_started_and_no_more_whoever_comes_next(
    make_workspace: MakeWorkspace, memory: Callable[..., type[Memory]], slots: int, cap: int | None
) -> None:
    kind = memory(slots=slots)
    found, pacer = plain(make_workspace, 5)
    pacer.want(max_parallel=cap)
    assert pacer.step().started == tuple(r.name for r in found.runs[:2])
    assert pacer.step().started == found.pacer().step().started == ()
    assert counted(pacer.look()) == {"intended": 3, "starting": 2}
    assert [what for what, _ in kind.asked] == ["start"]


def test_a_backend_that_queues_is_given_all_at_once(
    make_workspace: MakeWorkspace, memory: Callable[..., type[Memory]]
) -> None:
    kind = memory(queues=True, slots=4)
    found, pacer = plain(make_workspace, 10)
    pacer.want(max_parallel=3)
    assert len(pacer.step().started) == 10
    assert kind.asked == [("start", ([r.name for r in found.runs], 3))]
    assert counted(pacer.look()) == {"waiting": 10} and pacer.step().started == ()


def test_a_server_knows_all_runs_before_any_starts_and_ids_are_in_the_tickets(
    make_workspace: MakeWorkspace, memory: Callable[..., type[Memory]]
) -> None:
    kind = memory(enlists=True)
    found, pacer = plain(make_workspace, 3)
    pacer.want()
    pacer.step()
    assert [what for what, _ in kind.asked] == ["enlist", "start"]
    assert counted(pacer.look()) == {"waiting": 1, "starting": 2}
    ticket = pacer.place.folder / f"{found.runs[0].name}.ticket"
    assert f"RUN_SERVER_RUN_ID=sweep1/{found.runs[0].name}" in ticket.read_text()
    assert not (pacer.place.folder / f"{found.runs[2].name}.ticket").exists()
    book = ledger.read(pacer.place.ledger, "lr")
    assert book.notes == {"local": {"sweep": "sweep1"}}


def test_what_a_server_forgot_is_told_again_and_both_ids_are_kept(
    make_workspace: MakeWorkspace, memory: Callable[..., type[Memory]]
) -> None:
    kind = memory(enlists=True)
    found, pacer = plain(make_workspace, 3)
    pacer.want()
    pacer.step()
    (pacer.place.folder / f"{found.runs[0].name}.ticket").rename(pacer.place.folder / f"{found.runs[0].name}.taken")
    kind.jobs.clear()
    pacer.step()
    # the first was begun, and whatever the server says of it, it is not begun again
    assert kind.asked[2] == ("enlist", [r.name for r in found.runs[1:]])
    tried = ledger.read(pacer.place.ledger, "lr").newest(found.runs[1].name)
    assert tried is not None and (tried.earlier, tried.handle) == (
        (f"sweep1/{found.runs[1].name}",),
        f"sweep3/{found.runs[1].name}",
    )
    assert (
        found.pacer().eyes._context("local", found.pacer().eyes.read()).handles[tried.earlier[0]] == found.runs[1].name
    )


def test_a_refusal_leaves_everything_to_be_started_again(
    make_workspace: MakeWorkspace, memory: Callable[..., type[Memory]]
) -> None:
    kind = memory(fails=ScaffoldError("sbatch refuses"))
    found, pacer = plain(make_workspace, 3)
    pacer.want()
    with pytest.raises(ScaffoldError, match="refuses"):
        pacer.step()
    kind.fails = None
    assert len(found.pacer().step().started) == 2


def test_stop_takes_back_what_waits_and_ends_what_was_started(
    make_workspace: MakeWorkspace, memory: Callable[..., type[Memory]]
) -> None:
    kind = memory(enlists=True)
    _, pacer = plain(make_workspace, 4)
    pacer.want()
    pacer.step()
    picture = pacer.stop()
    assert counted(picture) == {"missing": 4} and not picture.open
    assert len(kind.asked[-1][1]) == 4 and kind.asked[-1][0] == "stop"
    assert not list(pacer.place.folder.glob("*.ticket"))
    assert pacer.step().started == ()
    assert [s.tried.number for s in pacer.want() if s.tried] == [1, 1, 1, 1]
    tried = ledger.read(pacer.place.ledger, "lr").newest(pacer.sweep.name) or pacer.look().states[0].tried
    assert tried is not None and tried.number == 2


def test_what_the_sheet_no_longer_has_is_shown_and_not_started(
    make_workspace: MakeWorkspace, memory: Callable[..., type[Memory]]
) -> None:
    memory()
    found, pacer = plain(make_workspace, 3)
    pacer.want()
    fewer = Pacer(found.workspace, found.sweep, found.runs[1:], launchers=pacer._launchers, warn=found.warnings.append)
    picture = fewer.look()
    assert [(s.name, s.planned, s.startable) for s in picture.states][-1] == (found.runs[0].name, False, False)
    assert fewer.step().started == tuple(r.name for r in found.runs[1:])
    assert found.runs[0].name in ledger.read(fewer.place.ledger, "lr").names


def test_a_try_that_never_began_follows_the_backend_that_is_chosen_now(
    make_workspace: MakeWorkspace, memory: Callable[..., type[Memory]]
) -> None:
    kind = memory(slots=1)
    found, pacer = plain(make_workspace, 2)
    pacer.want(backend="slurm")
    pacer.step()
    kind.slots = 2
    later = found.pacer()
    later.want(backend="local")
    later.step()
    tries = [s.tried for s in later.look().states]
    assert [t.backend for t in tries if t] == ["slurm", "local"]


def test_a_thousand_runs_are_started_and_watched_cheaply(
    make_workspace: MakeWorkspace, memory: Callable[..., type[Memory]], monkeypatch: pytest.MonkeyPatch
) -> None:
    memory(queues=True)
    _, pacer = plain(make_workspace, 1000)
    writes: list[Path] = []

    def write(path: Path, *args: Any, **options: Any) -> None:
        writes.append(path)
        write_atomic(path, *args, **options)

    monkeypatch.setattr(ledger, "write_atomic", write)
    pacer.want()
    began = time.process_time()
    pacer.step()
    started = time.process_time() - began
    assert len(writes) < 40
    began = time.process_time()
    for _ in range(5):
        pacer.step()
    look = (time.process_time() - began) / 5
    assert (started, look) < (15, 1.5), (started, look)  # a quarter and a twentieth of a second where nothing else runs
    assert len(start_tokens.there(pacer.place.folder)) == 1000


def test_a_second_pacer_only_looks_and_takes_over_when_the_first_is_gone(
    make_workspace: MakeWorkspace, memory: Callable[..., type[Memory]]
) -> None:
    kind = memory()
    found, pacer = plain(make_workspace, 2)
    pacer.want()
    lock = locks.take(pacer.place.ledger.parent, loop.pacer_lock("lr"), doing="watch")
    assert lock is not None
    looks: list[Picture] = []

    class Enough(Exception):
        pass

    def show(picture: Picture) -> None:
        looks.append(picture)
        if len(looks) == 2:
            lock.release()
        if kind.asked or len(looks) > 20:
            raise Enough

    with pytest.raises(Enough):
        loop.pace(found.pacer(), show, doing="watch", warn=found.warnings.append)
    assert [bool(p.started) for p in looks] == [False, False, True]


def test_a_backend_that_does_not_answer_is_met_with_patience_but_not_for_ever(
    make_workspace: MakeWorkspace, memory: Callable[..., type[Memory]], monkeypatch: pytest.MonkeyPatch
) -> None:
    kind = memory(fails=ScaffoldError("the server is down"))
    found, pacer = plain(make_workspace, 1)
    pacer.want()
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    monkeypatch.setattr(loop, "PATIENCE_S", 0.3)
    with pytest.raises(ScaffoldError, match="down"):
        loop.pace(pacer, lambda picture: None, doing="watch", warn=found.warnings.append)
    assert found.warnings == ["the server is down; it is tried again"] and len(kind.asked) > 1
