"""What a run's state is, from manifests, ticket, process and the backend's word."""

from __future__ import annotations

import pytest

from scaffold.backends.interface import BackendLoad, JobStatus
from scaffold.backends.start_tokens import StartToken
from scaffold.runs.model import Run
from scaffold.runs.timestamps import to_epoch_seconds
from scaffold.sweeps.launch.ledger_entries import LaunchOptions, RunSubmission
from scaffold.sweeps.launch.run_states import (
    RunObservation,
    SweepRunStatus,
    SweepSnapshot,
    count_run_states,
    derive_state,
    select_runs_to_submit,
)
from scaffold.sweeps.launch.schedule import LaunchSchedule, choose_runs_to_launch

NOW = to_epoch_seconds("2026-01-01T01:00:00Z") or 0.0
LONG_AGO, JUST_NOW = "2026-01-01T00:00:00Z", "2026-01-01T00:59:59Z"


def run(status: str, attempt: int = 1, host: str = "here") -> Run:
    return Run(
        *("a", attempt, "train", status, 1, {}, {}, None, "lr", None, None, "2026-01-01T00:00:00Z", 1.0, None, None),
        *(host, "exp/outputs/a", f"exp/metadata/a{attempt}.json"),
    )


def tried(number: int = 1, **values: object) -> RunSubmission:
    return RunSubmission(number=number, backend="local", **values)  # type: ignore[arg-type]


def taken(number: int = 1, *, pid: int | None = 7, at: float = NOW) -> StartToken:
    return StartToken(number=number, taken=True, host="here", pid=pid, changed_at=at)


def state(
    one: RunSubmission | None = None,
    *runs: Run,
    ticket: StartToken | None = None,
    gone: bool | None = None,
    seen: JobStatus | None = None,
) -> SweepRunStatus:
    return derive_state("a", one, runs, RunObservation(ticket, gone, seen), hostname="here", now=NOW)


ISSUED = StartToken(number=1, taken=False)
ENDED, GONE, RUNNING, WAITING = (JobStatus(state=s) for s in ("ended", "gone", "running", "waiting"))


@pytest.mark.parametrize("status", ["running", "failed", "terminated", "lost"])
def test_the_manifest_says_it(status: str) -> None:
    found = state(tried(), run(status))
    assert (found.state, found.startable, found.held) == (status, False, False)
    assert state(None, run(status)).state == status  # recorded by hand, or the ledger is gone


def test_nothing_was_asked_for() -> None:
    assert state().state == "missing" and not state().startable


@pytest.mark.parametrize("ticket", [None, ISSUED])
def test_what_is_being_submitted_is_startable(ticket: StartToken | None) -> None:
    found = state(tried(), ticket=ticket)
    assert (found.state, found.startable) == ("submitting", True)


def test_finished_once_is_finished() -> None:
    assert state(tried(2, after=1), run("finished"), run("failed", 2)).state == "finished"
    assert state(tried(2, after=1), run("finished"), ticket=ISSUED).state == "finished"


def test_the_manifest_of_the_try_before_says_nothing_of_this_one() -> None:
    found = state(tried(2, after=1), run("failed"))
    assert (found.state, found.startable) == ("submitting", True)
    assert state(tried(2, after=1), run("failed"), run("failed", 2)).state == "failed"


def test_a_ticket_of_the_try_before_says_nothing_of_this_one() -> None:
    assert state(tried(2), ticket=taken(1), gone=True).state == "submitting"


def test_a_taken_ticket_is_never_startable() -> None:
    for gone in (True, False, None):
        for seen in (None, ENDED, GONE, RUNNING, JobStatus(state="unknown"), JobStatus(state="enlisted")):
            assert not state(tried(job_id="x"), ticket=taken(), gone=gone, seen=seen).startable, (gone, seen)


def test_the_process_on_its_own_host_decides_where_there_is_no_manifest() -> None:
    assert state(tried(), ticket=taken(), gone=False, seen=ENDED).state == "starting"
    lost = state(tried(), ticket=taken(), gone=True, seen=JobStatus(state="ended", reason="exit 1"))
    assert (lost.state, lost.reason) == ("lost", "its launcher ended (exit 1) and left no manifest")


def test_only_what_surely_never_began_is_asked_for_once_more() -> None:
    def again(
        one: RunSubmission | None, *, gone: bool | None = True, seen: JobStatus | None = None, began: bool = False
    ) -> bool:
        found = derive_state("a", one, (), RunObservation(taken(), gone, seen, began), hostname="here", now=NOW)
        assert found.state == "lost" or not found.resubmittable
        return found.resubmittable

    assert again(tried()) and again(tried(), seen=JobStatus(state="ended", reason="exit 9"))
    assert again(tried(over_at=LONG_AGO), gone=None, seen=ENDED)
    assert not again(tried(automatic=True))
    assert not again(tried(), began=True)
    assert not again(tried(), seen=JobStatus(state="ended", reason="exit 0"))  # it ran, and could not be recorded
    assert not again(tried(over_at=LONG_AGO), gone=None, seen=GONE)  # a server forgot it; its host is not asked
    assert not again(None)  # the ledger is gone: nobody knows how often it was tried


@pytest.mark.parametrize("word", [WAITING, RUNNING])
def test_what_slurm_requeues_is_not_lost_meanwhile(word: JobStatus) -> None:
    seen = RunObservation(taken(at=NOW - 1000), True, word)
    found = derive_state("a", RunSubmission(number=1, backend="slurm"), (), seen, hostname="here", now=NOW)
    assert (found.state, found.held, found.resubmittable) == ("starting", True, False)


def test_elsewhere_the_backend_decides_after_a_while() -> None:
    assert state(tried(), ticket=taken(), seen=ENDED).state == "starting"
    assert state(tried(over_at=JUST_NOW), ticket=taken(), seen=ENDED).state == "starting"
    assert state(tried(over_at=LONG_AGO), ticket=taken(), seen=GONE).state == "lost"
    assert state(tried(over_at=LONG_AGO), ticket=taken(), seen=JobStatus(state="unknown")).state == "starting"


def test_a_launcher_that_died_before_it_signed_is_lost_after_a_while() -> None:
    assert state(tried(), ticket=taken(pid=None)).state == "starting"
    assert state(tried(), ticket=taken(pid=None, at=NOW - 100)).state == "lost"


def test_the_ledger_may_be_gone_or_older_than_the_tickets() -> None:
    assert state(None, ticket=taken(3), gone=False).state == "starting"
    assert state(tried(1), ticket=taken(2), gone=False).state == "starting"


def test_a_run_elsewhere_is_lost_when_its_backend_has_long_called_it_over() -> None:
    elsewhere = run("running", host="node7")
    oom = JobStatus(state="ended", reason="out of memory")
    assert state(tried(), elsewhere, seen=oom).state == "running"
    lost = state(tried(over_at=LONG_AGO), elsewhere, seen=oom)
    assert (lost.state, lost.reason) == ("lost", "out of memory")
    assert state(tried(over_at=LONG_AGO), run("running"), seen=oom).state == "running"  # this host can see it itself


def test_disagreement_is_said_and_the_manifest_counts() -> None:
    found = state(tried(), run("running"), seen=ENDED)
    assert found.state == "running" and found.disagreement == "the backend says it is done, its manifest says running"
    found = state(tried(), run("failed"), seen=RUNNING)
    assert found.state == "failed" and found.held
    assert found.disagreement == "the backend says running, its manifest says failed"
    assert state(tried(), run("failed"), seen=ENDED).disagreement is None
    assert state(tried(), run("failed"), seen=JobStatus(state="unknown")).disagreement is None


def test_what_the_backend_starts_again_by_itself_waits() -> None:
    found = state(tried(), run("terminated"), seen=WAITING)
    assert (found.state, found.held, found.startable) == ("waiting", True, False)


@pytest.mark.parametrize(
    ("word", "expected", "startable"),
    [
        ("enlisted", "waiting", True),
        ("waiting", "waiting", False),
        ("starting", "starting", False),
        ("running", "starting", False),
        ("gone", "submitting", True),
        ("ended", "submitting", True),
    ],
)
def test_before_the_ticket_is_taken_the_backend_says_how_far_it_is(word: str, expected: str, startable: bool) -> None:
    found = state(tried(job_id="x", starts=1), ticket=ISSUED, seen=JobStatus(state=word))  # type: ignore[arg-type]
    assert (found.state, found.startable, found.backend_state) == (expected, startable, word)


def test_what_was_started_and_cannot_be_asked_about_is_not_started_again() -> None:
    found = state(tried(job_id="x", starts=1), ticket=ISSUED, seen=JobStatus(state="unknown", reason="another host"))
    assert (found.state, found.startable) == ("starting", False)


def test_a_launcher_that_never_takes_its_ticket_is_given_up() -> None:
    found = state(tried(job_id="x", starts=3), ticket=ISSUED, seen=JobStatus(state="ended", reason="exit 127"))
    assert found.state == "lost" and found.reason is not None and "exit 127" in found.reason


def test_a_withdrawn_try_is_as_if_it_had_not_been() -> None:
    assert state(tried(withdrawn=True)).state == "missing"
    assert state(tried(2, after=1, withdrawn=True), run("failed")).state == "failed"


def named(**found: SweepRunStatus) -> list[SweepRunStatus]:
    return [s._replace(name=name) for name, s in found.items()]


ALL = named(
    missing=SweepRunStatus("", "missing"),
    finished=SweepRunStatus("", "finished", run("finished"), tried()),
    failed=SweepRunStatus("", "failed", run("failed"), tried()),
    terminated=SweepRunStatus("", "terminated", run("terminated"), tried()),
    lost=SweepRunStatus("", "lost", run("lost"), tried()),
    held=SweepRunStatus("", "failed", run("failed"), tried(), held=True),
    running=SweepRunStatus("", "running", run("running"), tried()),
    submitting=SweepRunStatus("", "submitting", None, tried(), startable=True),
    back=SweepRunStatus("", "failed", run("failed"), tried(2, withdrawn=True)),
)


@pytest.mark.parametrize(
    ("retry", "expected", "held"),
    [
        (None, ["missing", "back"], []),
        ("failed", ["missing", "failed", "back"], ["held"]),
        ("lost", ["missing", "lost", "back"], []),
        ("terminated", ["missing", "terminated", "back"], []),
        ("all", ["missing", "failed", "terminated", "lost", "back"], ["held"]),
    ],
)
def test_what_a_launch_asks_for(retry: str | None, expected: list[str], held: list[str]) -> None:
    chosen, not_yet = select_runs_to_submit(ALL, retry)
    assert ([s.name for s in chosen], [s.name for s in not_yet]) == (expected, held)


def test_counts_are_in_the_order_of_a_runs_life() -> None:
    assert list(count_run_states(ALL)) == [
        "missing",
        "submitting",
        "running",
        "finished",
        "failed",
        "terminated",
        "lost",
    ]


def ready(count: int) -> list[SweepRunStatus]:
    return [SweepRunStatus(f"r{n}", "submitting", startable=True) for n in range(count)]


def scheduled(
    states: list[SweepRunStatus], room: BackendLoad, *, cap: int | None = None, queues: bool = False
) -> LaunchSchedule:
    snapshot = SweepSnapshot(states=tuple(states), options=LaunchOptions(max_parallel=cap))
    return choose_runs_to_launch(snapshot, room, queues=queues)


def test_a_step_starts_what_fits_in_the_sweeps_order() -> None:
    room = BackendLoad(limit=3, active=1, gpus=None, because="test")
    step = scheduled([*ready(5), SweepRunStatus("x", "running")], room)
    assert step.start == ("r0", "r1") and step.capacity.max_new == 2 and step.wait == ("r2", "r3", "r4")
    assert scheduled([*ready(5), SweepRunStatus("x", "running")], room, cap=2).start == ("r0",)
    assert scheduled(ready(5), room, queues=True).start == ("r0", "r1", "r2", "r3", "r4")


def test_a_step_never_gives_a_gpu_twice() -> None:
    room = BackendLoad(limit=2, active=0, gpus=("0", "1", "2"), gpus_each=2, because="test")
    assert len(scheduled(ready(5), room).start) == 1
    assert scheduled(ready(5), BackendLoad(limit=2, active=0, gpus=(), because="")).start == ()
