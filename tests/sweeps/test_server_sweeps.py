"""Sweeps on the research server (the stand-in, which carries runs out for real): its restarts, refusals and half-truths."""

from __future__ import annotations

import dataclasses
import json
import os
import pickle
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from scaffold.backends.server import backend, job_mapping, outcome_from_manifest
from scaffold.errors import ScaffoldError
from scaffold.server.client import make_server_client
from scaffold.server.errors import ServerUnauthorized
from scaffold.server.transport import RequestLimits
from scaffold.sweeps.launch import ledger
from scaffold.sweeps.spec import run_names, sweep_file
from scaffold.sweeps.spec.model import RunResources
from tests.conftest import Run
from tests.runs.conftest import MakeWorkspace, until
from tests.stand_in import StandIn
from tests.sweeps import scenario
from tests.sweeps.conftest import there
from tests.sweeps.scenario import Scenario, pace
from tests.sweeps.test_kills import HERE, RUN, forget
from tests.sweeps.test_local_sweeps import LEAVES_A_WORKER, worker_lives

TOKEN = "t0ken-of-nobody-else"
ONE_AT_A_TIME = RunResources(cpus=os.cpu_count())
ALL_AT_ONCE = RunResources(cpus=1)


@pytest.fixture(autouse=True)
def executing(stand_in: StandIn) -> None:
    stand_in.execute = True


@pytest.fixture
def tracked(make_workspace: MakeWorkspace, stand_in: StandIn) -> Iterator[Scenario]:
    """The twelve runs, in a workspace that has a server."""
    yield of(stand_in, scenario.make(make_workspace, name="project", resources=ALL_AT_ONCE))


def of(stand_in: StandIn, found: Scenario) -> Scenario:
    """The scenario in a workspace that has a server."""
    with (found.made.exp / ".copier-answers.scaffold.yml").open("a") as answers:
        answers.write(f"research_server_url: {stand_in.url}\nresearch_session_id: wild-0a1b2c3d\n")
    stand_in.workdir = stand_in.state.workdir = found.made.root
    return dataclasses.replace(found, workspace=there(found.made))


def two_runs(
    make_workspace: MakeWorkspace,
    stand_in: StandIn,
    *,
    pause: float = 0,
    seeds: int = 2,
    resources: RunResources = ONE_AT_A_TIME,
) -> Scenario:
    """Good runs, one at a time."""
    return of(
        stand_in,
        scenario.make(
            make_workspace,
            name="project",
            command=("python3", "train.py", "--pause", str(pause)),
            configurations=({},),
            seeds=tuple(range(1, seeds + 1)),
            resources=resources,
        ),
    )


def book(found: Scenario) -> ledger.Ledger:
    return ledger.read_ledger(found.scheduler().paths.ledger, found.sweep.name)


def handles(found: Scenario) -> dict[str, str | None]:
    kept = book(found)
    return {name: one.job_id for name in kept.run_names if (one := kept.newest_submission(name))}


def are_as_planned(found: Scenario) -> None:
    """Every run finished, and was started once."""
    assert {name: status for name, (status, _) in found.outcome().items()} == {r.name: "finished" for r in found.runs}
    assert found.started() == dict.fromkeys((r.name for r in found.runs), 1)


@pytest.mark.slow
def test_the_twelve_runs_end_as_on_this_machine_and_only_the_failed_are_tried_again(
    tracked: Scenario, stand_in: StandIn
) -> None:
    scheduler = tracked.scheduler()
    assert len(scheduler.request_runs()) == 12
    pace(scheduler)
    assert tracked.outcome() == tracked.expected() and len(tracked.failing) == 3
    assert set(tracked.started().values()) == {1}
    [sweep] = stand_in.state.sweeps.values()
    assert (sweep["name"], sweep["goal"], sweep["chat_session_id"]) == ("lr", "which lr", "wild-0a1b2c3d")
    assert sorted(run["name"] for run in stand_in.state.runs.values()) == sorted(r.name for r in tracked.runs)
    for manifest in tracked.made.manifests():
        name, told = manifest["run"]["name"], manifest["tracking"]
        assert (told["backend"], told["server_url"], told["sweep_id"]) == ("server", stand_in.url, sweep["id"])
        assert f"{told['sweep_id']}/{told['run_id']}" == handles(tracked)[name]
        on_server = stand_in.state.runs[told["run_id"]]
        assert (on_server["name"], on_server["status"]) == (name, manifest["status"])

    tracked.mend()
    again = tracked.scheduler()
    assert {s.name for s in again.request_runs(retry="failed")} == tracked.failing
    pace(again)
    assert {name for name, count in tracked.started().items() if count == 2} == tracked.failing
    assert all(status == "finished" for status, _ in tracked.outcome().values())
    assert len(stand_in.state.sweeps) == 1 and len(stand_in.state.runs) == 15
    assert tracked.warnings == []


def test_as_many_run_as_the_server_has_gpus_and_each_has_its_own(
    make_workspace: MakeWorkspace, stand_in: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in.gpus = 2
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0, 1, 2, 3})
    found = two_runs(make_workspace, stand_in, pause=0.5, seeds=4, resources=RunResources())
    scheduler = found.scheduler()
    scheduler.request_runs()
    first = scheduler.step()
    assert len(first.started) == 2 and first.capacity is not None
    assert first.capacity.sentence.startswith("limit = 2 (the research server: 2 GPUs), active = 0")
    assert scheduler.step().started == ()
    pace(scheduler)
    are_as_planned(found)
    spans = [
        (m["time"]["started_at"], m["time"]["ended_at"], m["environment"]["variables"]["CUDA_VISIBLE_DEVICES"])
        for m in found.made.manifests()
    ]
    assert {gpu for _, _, gpu in spans} == {"0", "1"}
    for start, end, gpu in spans:
        assert not [one for one in spans if one[2] == gpu and start < one[0] < end]


def test_a_server_that_is_down_in_the_middle_costs_nothing(make_workspace: MakeWorkspace, stand_in: StandIn) -> None:
    found = two_runs(make_workspace, stand_in)
    scheduler = found.scheduler()
    scheduler.request_runs()
    scheduler.step()
    until(lambda: len(found.outcome()) == 1 and "running" not in str(found.outcome()))
    stand_in.down()
    assert scheduler.snapshot().states[0].state == "finished"
    with pytest.raises(ScaffoldError, match="no connection"):
        pace(scheduler)
    stand_in.up()
    pace(found.scheduler())
    are_as_planned(found)
    assert len(stand_in.state.runs) == 2


def test_a_server_that_is_restarted_in_the_middle_runs_nothing_twice(
    make_workspace: MakeWorkspace, stand_in: StandIn
) -> None:
    """What runs goes on in its terminal, and still takes up its place, which the server no longer counts."""
    found = two_runs(make_workspace, stand_in, pause=1, seeds=3)
    scheduler = found.scheduler()
    scheduler.request_runs()
    assert len(scheduler.step().started) == 1
    until(lambda: found.started())
    before = handles(found)
    stand_in.restart()
    after = scheduler.step()
    assert after.started == ()
    [running] = [s for s in after.states if s.state == "running"]
    assert running.disagreement is not None and "does not know" in running.disagreement
    pace(scheduler)
    are_as_planned(found)
    kept = book(found)
    assert len(kept.notes["server"]["server_sweeps"].split()) == 2
    assert kept.notes["server"]["server_url"] == stand_in.url
    for name, handle in before.items():
        one = kept.newest_submission(name)
        assert one is not None and handle in (*one.earlier_job_ids, one.job_id)
    assert any("was it restarted" in text for text in found.warnings)


def start_foreign(stand_in: StandIn) -> None:
    run_id = stand_in.state.create_run({"name": "foreign", "command": "sleep 60"})[1]["id"]
    stand_in.state.start_run(run_id)


@pytest.mark.parametrize("foreign", [0, 1], ids=["alone", "beside-a-foreign-run"])
def test_what_a_restarted_server_forgot_counts_beside_what_it_has(
    make_workspace: MakeWorkspace, stand_in: StandIn, monkeypatch: pytest.MonkeyPatch, foreign: int
) -> None:
    """Room for two: one of ours goes on that the server forgot, and one of somebody else's is there or not."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0, 1})
    found = two_runs(make_workspace, stand_in, pause=20, seeds=3, resources=ALL_AT_ONCE)
    scheduler = found.scheduler()
    scheduler.request_runs(max_parallel=1)
    assert len(scheduler.step().started) == 1
    until(lambda: found.started())
    stand_in.restart()
    for _ in range(foreign):
        start_foreign(stand_in)
    again = found.scheduler()
    again.request_runs(max_parallel=9)
    step = again.step()
    assert step.capacity is not None and (step.capacity.limit, step.capacity.active) == (2, 1 + foreign)
    assert len(step.started) == 1 - foreign
    until(lambda: sum(found.started().values()) == 2 - foreign)
    assert len(again.step().started) == 0
    again.cancel()


def test_runs_of_another_sweep_that_the_server_forgot_take_up_room(
    make_workspace: MakeWorkspace, stand_in: StandIn, run: Run
) -> None:
    found = two_runs(make_workspace, stand_in, pause=20, seeds=1)
    first = found.scheduler()
    first.request_runs()
    first.step()
    until(lambda: found.started())
    stand_in.restart()
    other = dataclasses.replace(found.sweep, name="other", seeds=(7,), code=found.sweep.code)
    sweep_file.write_sweep(found.workspace, other)
    second = dataclasses.replace(found, sweep=other, runs=run_names.planned_runs(found.workspace, other))
    scheduler = second.scheduler()
    scheduler.request_runs()
    step = scheduler.step()
    assert step.started == () and step.capacity is not None and step.capacity.active == 1
    status = json.loads(run("server", "status", "--json", "--workdir", found.made.root).stdout)
    assert (status["capacity"]["active"], status["capacity"]["new"]) == (1, 0)
    first.cancel()
    until(lambda: len(scheduler.step().started) == 1)
    scheduler.cancel()


@pytest.mark.parametrize(
    ("path", "kind"), [("/sweeps/wild", "stored_500"), ("/runs", "stored_500"), ("/runs/*", "stored_500")]
)
def test_a_500_that_did_what_it_was_asked_doubles_nothing(
    make_workspace: MakeWorkspace, stand_in: StandIn, path: str, kind: str
) -> None:
    found = two_runs(make_workspace, stand_in)
    stand_in.fault(path, kind, method="POST", times=1)
    scheduler = found.scheduler()
    scheduler.request_runs()
    pace(scheduler)
    are_as_planned(found)
    assert (len(stand_in.state.sweeps), len(stand_in.state.runs)) == (1, 2)


@pytest.mark.parametrize("path", ["/sweeps/wild", "/runs", "/runs/*"])
def test_a_server_too_slow_to_answer_is_asked_again_by_the_next_launch(
    make_workspace: MakeWorkspace, stand_in: StandIn, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    monkeypatch.setattr(
        backend,
        "make_server_client",
        lambda url, token: make_server_client(url, token, limits=RequestLimits(total_s=0.3)),
    )
    found = two_runs(make_workspace, stand_in)
    stand_in.fault(path, "silent", method="POST", times=1)
    scheduler = found.scheduler()
    scheduler.request_runs()
    with pytest.raises(ScaffoldError, match=r"no whole answer within 0\.3 s"):
        pace(scheduler)
    pace(found.scheduler())
    are_as_planned(found)
    assert (len(stand_in.state.sweeps), len(stand_in.state.runs)) == (1, 2)


def test_a_token_that_is_refused_in_the_middle_is_an_error_and_nothing_is_lost(
    make_workspace: MakeWorkspace, stand_in: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RESEARCH_AGENT_USER_AUTH_TOKEN", TOKEN)
    stand_in.token = TOKEN
    found = two_runs(make_workspace, stand_in)
    scheduler = found.scheduler()
    scheduler.request_runs()
    scheduler.step()
    stand_in.token = "changed"
    with pytest.raises(ServerUnauthorized) as refused:
        pace(scheduler)
    assert refused.value.exit_code == 1
    assert "RESEARCH_AGENT_USER_AUTH_TOKEN" in (refused.value.hint or "") and TOKEN not in str(refused.value)
    stand_in.token = TOKEN
    pace(found.scheduler())
    are_as_planned(found)
    assert TOKEN.encode() not in found.made.all_bytes()
    assert all(TOKEN not in json.dumps([one.target, one.body]) for one in stand_in.requests)


def test_a_wrong_token_is_one_line_and_exit_1_as_it_is_typed(
    run: Run, make_workspace: MakeWorkspace, stand_in: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RESEARCH_AGENT_USER_AUTH_TOKEN", TOKEN)
    stand_in.token = TOKEN
    found = two_runs(make_workspace, stand_in)
    where = ("--workdir", found.made.root, "--yes")
    assert run("sweep", "launch", found.sweep.name, *where).exit_code == 0
    stand_in.token = "changed"
    refused = run("sweep", "launch", found.sweep.name, "--wait", *where)
    assert refused.exit_code == 1
    assert "does not take this token (401)" in refused.stderr and "$RESEARCH_AGENT_USER_AUTH_TOKEN" in refused.stderr
    assert TOKEN not in refused.output
    stand_in.token = TOKEN
    assert run("sweep", "launch", found.sweep.name, "--wait", *where).exit_code == 0
    are_as_planned(found)


def test_a_server_of_another_directory_is_refused_unless_it_is_wanted(
    run: Run, make_workspace: MakeWorkspace, stand_in: StandIn, tmp_path: Path
) -> None:
    found = two_runs(make_workspace, stand_in, seeds=1)
    stand_in.workdir = tmp_path / "elsewhere"
    where = ("--workdir", found.made.root, "--yes")
    refused = run("sweep", "launch", found.sweep.name, *where)
    assert refused.exit_code == 3 and "elsewhere, not in this repository; nothing is started" in refused.stderr
    assert "--anyway" in refused.stderr and stand_in.state.runs == {}
    assert run("sweep", "watch", found.sweep.name, "--workdir", found.made.root).exit_code == 3
    assert run("sweep", "launch", found.sweep.name, "--anyway", "--wait", *where).exit_code == 0
    are_as_planned(found)


def test_a_link_to_the_repository_is_the_repository(
    make_workspace: MakeWorkspace, stand_in: StandIn, tmp_path: Path
) -> None:
    found = two_runs(make_workspace, stand_in, seeds=1)
    (tmp_path / "link").symlink_to(found.made.root)
    stand_in.workdir = tmp_path / "link"
    scheduler = found.scheduler()
    scheduler.request_runs()
    pace(scheduler)
    are_as_planned(found)


def test_a_server_that_is_down_is_said_by_status_which_shows_what_is_known(
    run: Run, make_workspace: MakeWorkspace, stand_in: StandIn
) -> None:
    found = two_runs(make_workspace, stand_in)
    scheduler = found.scheduler()
    scheduler.request_runs()
    scheduler.step()
    until(lambda: "finished" in str(found.outcome()))
    stand_in.down()
    shown = run("sweep", "status", found.sweep.name, "--workdir", found.made.root)
    assert shown.exit_code == 0 and "finished" in shown.stdout
    assert "the research server cannot be asked" in shown.stderr


def test_a_run_that_hangs_in_launching_is_made_anew(make_workspace: MakeWorkspace, stand_in: StandIn) -> None:
    found = two_runs(make_workspace, stand_in, seeds=1)
    stand_in.execute, stand_in.state.launch_s = False, 1e6
    scheduler = found.scheduler()
    scheduler.request_runs()
    scheduler.step()
    assert [s.state for s in scheduler.step().states] == ["starting"]
    [hanging] = stand_in.state.runs.values()
    hanging["launched_at"] -= job_mapping.LAUNCH_S + 1
    stand_in.execute = True
    pace(found.scheduler())
    are_as_planned(found)
    assert hanging["status"] == "stopped" and len(stand_in.state.runs) == 2


def test_a_run_whose_terminal_was_killed_is_over_and_frees_its_place(
    make_workspace: MakeWorkspace, stand_in: StandIn
) -> None:
    """The real server calls it running for ever."""
    found = two_runs(make_workspace, stand_in, pause=60, seeds=1)
    scheduler = found.scheduler()
    scheduler.request_runs()
    scheduler.step()
    until(lambda: found.started())
    [(run_id, process)] = stand_in.state.processes.items()
    stand_in.state.processes.pop(run_id)
    os.killpg(process.pid, 9)
    process.wait()
    until(lambda: scheduler.snapshot().states[0].state == "lost")
    assert stand_in.state.runs[run_id]["status"] == "running"

    def wanted() -> bool:
        return bool(found.scheduler().request_runs(retry="lost"))

    until(wanted)
    again = found.scheduler()
    assert len(again.step().started) == 1
    assert stand_in.state.runs[run_id]["status"] == "stopped"
    until(lambda: sum(found.started().values()) == 2)
    again.cancel()
    assert found.outcome()[found.runs[0].name][0] == "terminated"


def test_a_ready_run_that_somebody_starts_by_hand_runs_in_its_turn(
    make_workspace: MakeWorkspace, stand_in: StandIn
) -> None:
    """It has no ticket yet: it ends at once, and is registered once more."""
    found = two_runs(make_workspace, stand_in, pause=0.5)
    scheduler = found.scheduler()
    scheduler.request_runs()
    [first] = scheduler.step().started
    [waiting] = [run for run in stand_in.state.runs.values() if run["name"] != first]
    stand_in.state.start_run(waiting["id"])
    pace(scheduler)
    are_as_planned(found)
    assert waiting["exit_code"] == 75


def test_stop_kills_a_worker_that_will_not_end(
    make_workspace: MakeWorkspace, stand_in: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = scenario.make(make_workspace, name="project", command=LEAVES_A_WORKER, configurations=({},), seeds=())
    found = of(stand_in, made)
    monkeypatch.setattr(outcome_from_manifest, "KILL_S", 0.3)
    monkeypatch.setattr(outcome_from_manifest.end_recorders, "__defaults__", ((), 0.3))
    scheduler = found.scheduler()
    scheduler.request_runs()
    scheduler.step()
    until(lambda: bool(found.started()) and scheduler.snapshot().states[0].state == "running")
    assert worker_lives(found)
    scheduler.cancel()
    until(lambda: not worker_lives(found))


def test_stop_ends_what_runs_and_launch_goes_on_later(make_workspace: MakeWorkspace, stand_in: StandIn) -> None:
    found = two_runs(make_workspace, stand_in, pause=1)
    scheduler = found.scheduler()
    scheduler.request_runs()
    scheduler.step()
    until(lambda: found.started())
    stopped = scheduler.cancel()
    assert [s.state for s in stopped.states] == ["terminated", "missing"]
    assert any("1 run stays `ready`" in text for text in found.warnings)
    again = found.scheduler()
    again.request_runs(retry="all")
    pace(again)
    assert sum(found.started().values()) == 3
    assert {status for status, _ in found.outcome().values()} == {"finished"}


@pytest.mark.slow
@pytest.mark.long
def test_a_kill_at_any_point_with_the_server_doubles_no_run_and_forgets_none(
    make_workspace: MakeWorkspace, stand_in: StandIn, tmp_path: Path
) -> None:
    found = of(
        stand_in,
        scenario.make(
            make_workspace,
            name="project",
            command=("sh", "train.sh"),
            configurations=({},),
            seeds=(1,),
            files={"train.sh": RUN},
        ),
    )
    given = tmp_path / "scenario"
    given.write_bytes(pickle.dumps(found))
    command = [sys.executable, "-m", "tests.sweeps.killed", str(given)]
    with subprocess.Popen(command, cwd=HERE, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as killer:
        assert killer.stdin is not None and killer.stdout is not None
        point, outcome = 0, "killed"
        while outcome == "killed":
            point += 1
            forget(found)
            stand_in.restart()
            killer.stdin.write(f"{point}\n")
            killer.stdin.flush()
            outcome = killer.stdout.readline().strip()
            again = found.scheduler()
            again.request_runs()
            pace(again)
            assert found.outcome() == {r.name: ("finished", {"loss": 1}) for r in found.runs}, point
            are_as_planned(found)
            # an end that is reported after a restart makes a stub without a name
            made = [run for run in stand_in.state.runs.values() if "name" in run]
            assert (len(stand_in.state.sweeps), len(made)) == (1, 1), point
        killer.stdin.close()
    assert outcome == "done" and point > 30
