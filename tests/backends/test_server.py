"""The research server as a backend, against the stand-in: each run is registered once, started once, and never believed blindly."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from scaffold.backends.interface import BackendContext, Job
from scaffold.backends.server import job_mapping
from scaffold.backends.server.backend import ServerBackend
from scaffold.errors import ScaffoldError
from scaffold.server.errors import ServerOfOtherProject, ServerUnauthorized
from scaffold.server.responses import ServerCluster, ServerRun
from scaffold.workspace import Workspace
from tests.runs.conftest import copy_recorder
from tests.stand_in import StandIn

TOKEN = "not-to-be-seen-anywhere"
ROLES = {role: role for role in ("scripts", "logs", "outputs", "results", "analysis", "metadata")}


@dataclass
class Ledger:
    """What a launch remembers from one process to the next: notes, handles, and what people were told."""

    workspace: Workspace
    notes: dict[str, str] = field(default_factory=dict)
    handles: dict[str, str] = field(default_factory=dict)
    of: dict[str, str] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def folder(self) -> Path:
        return self.workspace.role_folder("metadata") / "sweeps" / "grid"

    def on_submitted(self, name: str, job_id: str) -> None:
        self.handles[job_id] = name
        self.of[name] = job_id

    def keep_note(self, key: str, value: str) -> None:
        self.notes[key] = value

    def server(self) -> ServerBackend:
        """A backend as another process would make it."""
        self.folder.mkdir(parents=True, exist_ok=True)
        context = BackendContext(
            workspace=self.workspace,
            sweep="grid",
            goal="find out",
            experiment="train",
            folder=self.folder,
            logs=self.folder,
            session="wild-0a1b2c3d",
            notes=dict(self.notes),
            warn=self.warnings.append,
            job_ids=dict(self.handles),
            **self.options,
        )
        return ServerBackend(context)

    def job(self, name: str, number: int = 1, body: str = "exit 0") -> Job:
        launcher = self.folder / f"{name}.sh"
        launcher.parent.mkdir(parents=True, exist_ok=True)
        launcher.write_text(f"{body}\n")
        return Job(name=name, number=number, launcher=launcher, job_id=self.of.get(name))

    def jobs(self, count: int) -> list[Job]:
        return [self.job(f"run-{index}") for index in range(count)]


@pytest.fixture
def ledger(stand_in: StandIn, tmp_path: Path) -> Ledger:
    answers = {
        "experiment_root": "exp",
        "workspace_layout": "flat",
        "role_dirs": ROLES,
        "research_server_url": stand_in.url,
    }
    return Ledger(Workspace(workdir=tmp_path / "repo", root="exp", answers=answers))


def names(stand_in: StandIn) -> list[str]:
    return [run["name"] for run in stand_in.state.runs.values()]


def until(condition: Callable[[], object], timeout_s: float = 10) -> None:
    """Wait for a condition to come true."""
    end = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)


class Killed(BaseException):
    """Stands for kill -9 at one point of a launch."""


# enlisting


def test_runs_are_registered_ready_in_one_sweep_with_session_and_launcher(ledger: Ledger, stand_in: StandIn) -> None:
    jobs = ledger.jobs(3)
    ledger.server().register(jobs, ledger.on_submitted, ledger.keep_note)
    [sweep] = stand_in.state.sweeps.values()
    assert (sweep["name"], sweep["goal"], sweep["chat_session_id"]) == ("grid", "find out", "wild-0a1b2c3d")
    assert names(stand_in) == ["run-0", "run-1", "run-2"]
    for job, run in zip(jobs, stand_in.state.runs.values(), strict=True):
        assert run["status"] == "ready"
        assert run["command"] == f"bash '{job.launcher}'"
        assert run["sweep_id"] == sweep["id"]
        assert run["chat_session_id"] == "wild-0a1b2c3d"
        assert ledger.of[job.name] == f"{sweep['id']}/{run['id']}"
    assert ledger.notes == {
        "server_url": stand_in.url,
        "server_session": "wild-0a1b2c3d",
        "server_sweeps": sweep["id"],
    }
    assert ledger.warnings == []


def test_what_is_known_is_not_registered_again(ledger: Ledger, stand_in: StandIn) -> None:
    ledger.server().register(ledger.jobs(3), ledger.on_submitted, ledger.keep_note)
    before = len(stand_in.requests)
    ledger.server().register(ledger.jobs(4), ledger.on_submitted, ledger.keep_note)
    assert names(stand_in) == ["run-0", "run-1", "run-2", "run-3"]
    asked = [f"{one.method} {one.target.split('/')[1]}" for one in stand_in.requests[before:]]
    assert asked == ["GET sweeps", "GET cluster", "POST runs"]  # what is to be typed hangs on the cluster


@pytest.mark.parametrize("point", range(6))
def test_a_kill_at_any_point_of_registering_makes_no_second_run(ledger: Ledger, stand_in: StandIn, point: int) -> None:
    """The points are the requests and the writing down of their answers, in turn."""
    steps = iter(range(100))

    def told(name: str, handle: str) -> None:
        if next(steps) == point:
            raise Killed
        ledger.on_submitted(name, handle)

    def keep(key: str, value: str) -> None:
        if next(steps) == point:
            raise Killed
        ledger.notes[key] = value

    with pytest.raises(Killed):
        ledger.server().register(ledger.jobs(3), told, keep)
    ledger.server().register(ledger.jobs(3), ledger.on_submitted, ledger.keep_note)
    assert len(stand_in.state.sweeps) == 1
    assert sorted(names(stand_in)) == ["run-0", "run-1", "run-2"]
    assert set(ledger.of) == {"run-0", "run-1", "run-2"}


@pytest.mark.parametrize("kind", ["stored_500", "lost"])
@pytest.mark.parametrize("path", ["/sweeps/wild", "/runs"])
def test_an_outcome_that_is_not_known_makes_nothing_twice(
    ledger: Ledger, stand_in: StandIn, path: str, kind: str
) -> None:
    stand_in.fault(path, kind, method="POST", times=1)
    ledger.server().register(ledger.jobs(3), ledger.on_submitted, ledger.keep_note)
    assert len(stand_in.state.sweeps) == 1
    assert sorted(names(stand_in)) == ["run-0", "run-1", "run-2"]
    assert set(ledger.of) == {"run-0", "run-1", "run-2"}


def test_a_500_that_stored_nothing_is_an_error_and_the_rest_is_kept(ledger: Ledger, stand_in: StandIn) -> None:
    stand_in.fault("/runs", "text_500", method="POST", times=1)
    with pytest.raises(ScaffoldError, match="500"):
        ledger.server().register(ledger.jobs(2), ledger.on_submitted, ledger.keep_note)
    ledger.server().register(ledger.jobs(2), ledger.on_submitted, ledger.keep_note)
    assert names(stand_in) == ["run-0", "run-1"]


def test_another_sweep_of_the_same_name_is_left_alone(ledger: Ledger, stand_in: StandIn) -> None:
    _, other = stand_in.state.create_sweep({"name": "grid", "goal": "find out", "chat_session_id": "wild-0a1b2c3d"})
    stand_in.state.create_run({"name": "run-0", "command": "bash '/elsewhere/run-0.sh'", "sweep_id": other["id"]})
    ledger.server().register(ledger.jobs(1), ledger.on_submitted, ledger.keep_note)
    assert not ledger.of["run-0"].startswith(other["id"])
    assert names(stand_in) == ["run-0", "run-0"]


def test_another_run_of_the_same_name_in_the_sweep_is_not_taken_for_ours(ledger: Ledger, stand_in: StandIn) -> None:
    ledger.server().register(ledger.jobs(1), ledger.on_submitted, ledger.keep_note)
    sweep_id = ledger.notes["server_sweeps"]
    stand_in.state.create_run({"name": "run-1", "command": "rm -rf results", "sweep_id": sweep_id})
    ledger.server().register(ledger.jobs(2), ledger.on_submitted, ledger.keep_note)
    ours = stand_in.state.runs[ledger.of["run-1"].split("/")[1]]
    assert ours["command"] == f"bash '{ledger.folder}/run-1.sh'"


def test_a_retry_is_a_run_of_its_own(ledger: Ledger, stand_in: StandIn) -> None:
    ledger.server().register(ledger.jobs(1), ledger.on_submitted, ledger.keep_note)
    again = Job(name="run-0", number=2, launcher=ledger.folder / "run-0.sh")
    for _ in range(2):  # the first time nobody writes it down
        ledger.server().register([again], lambda name, handle: None, ledger.keep_note)
    assert names(stand_in) == ["run-0", "run-0.2"]


def test_a_restarted_server_gets_a_new_sweep_and_both_ids_are_kept(ledger: Ledger, stand_in: StandIn) -> None:
    ledger.server().register(ledger.jobs(2), ledger.on_submitted, ledger.keep_note)
    first = ledger.notes["server_sweeps"]
    stand_in.restart()
    assert {seen.state for seen in ledger.server().poll(list(ledger.handles)).values()} == {"gone"}
    ledger.server().register(ledger.jobs(2), ledger.on_submitted, ledger.keep_note)
    both = ledger.notes["server_sweeps"].split()
    assert both[0] == first and len(both) == 2
    assert all(ledger.of[name].startswith(both[1]) for name in ("run-0", "run-1"))
    assert names(stand_in) == ["run-0", "run-1"]
    [warning] = ledger.warnings
    assert "was it restarted" in warning and first in warning


def test_a_restart_in_the_middle_of_registering_is_got_over(ledger: Ledger, stand_in: StandIn) -> None:
    def told(name: str, handle: str) -> None:
        ledger.on_submitted(name, handle)
        if len(ledger.handles) == 2:
            stand_in.restart()

    ledger.server().register(ledger.jobs(3), told, ledger.keep_note)
    assert sorted(names(stand_in)) == ["run-0", "run-1", "run-2"]
    assert {ledger.of[name].split("/")[0] for name in ledger.of} == set(stand_in.state.sweeps)


def test_a_server_of_another_project_is_refused(ledger: Ledger, stand_in: StandIn, tmp_path: Path) -> None:
    stand_in.workdir = tmp_path / "elsewhere"
    with pytest.raises(ServerOfOtherProject) as refused:
        ledger.server().register(ledger.jobs(1), ledger.on_submitted, ledger.keep_note)
    assert str(tmp_path / "elsewhere") in refused.value.message and stand_in.state.runs == {}


def test_a_token_that_is_refused_in_the_middle_loses_nothing(
    ledger: Ledger, stand_in: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RESEARCH_AGENT_USER_AUTH_TOKEN", TOKEN)
    stand_in.token = TOKEN

    def told(name: str, handle: str) -> None:
        ledger.on_submitted(name, handle)
        stand_in.token = "another"

    with pytest.raises(ServerUnauthorized) as refused:
        ledger.server().register(ledger.jobs(3), told, ledger.keep_note)
    assert TOKEN not in str(refused.value) and "RESEARCH_AGENT_USER_AUTH_TOKEN" in str(refused.value)
    assert refused.value.exit_code == 1
    assert {seen.state for seen in ledger.server().poll(list(ledger.handles)).values()} == {"unknown"}
    stand_in.token = TOKEN
    ledger.server().register(ledger.jobs(3), ledger.on_submitted, ledger.keep_note)
    assert names(stand_in) == ["run-0", "run-1", "run-2"]
    assert all(TOKEN not in json.dumps([one.body, one.target]) for one in stand_in.requests)


# starting


def test_a_started_run_is_carried_out_and_its_end_is_seen(ledger: Ledger, stand_in: StandIn) -> None:
    stand_in.execute = True
    backend = ledger.server()
    backend.register([ledger.job("good"), ledger.job("bad", body="exit 3")], ledger.on_submitted, ledger.keep_note)
    started: list[str] = []
    backend.submit([ledger.job("good"), ledger.job("bad", body="exit 3")], lambda name, handle: started.append(name))
    assert started == ["good", "bad"]

    def seen(name: str) -> tuple[str, str | None]:
        found = backend.poll([ledger.of[name]])[ledger.of[name]]
        return found.state, found.reason

    until(lambda: seen("good")[0] == "ended" and seen("bad")[0] == "ended")
    assert (seen("good"), seen("bad")) == (("ended", "exit 0"), ("ended", "exit 3"))


@pytest.mark.parametrize("kind", ["stored_500", "lost"])
def test_a_start_whose_answer_was_lost_counts_and_is_not_repeated(ledger: Ledger, stand_in: StandIn, kind: str) -> None:
    backend = ledger.server()
    backend.register(ledger.jobs(1), ledger.on_submitted, ledger.keep_note)
    stand_in.fault("/runs/*", kind, method="POST", times=1)
    started: list[str] = []
    backend.submit(ledger.jobs(1), lambda name, handle: started.append(name))
    ledger.server().submit(ledger.jobs(1), lambda name, handle: started.append(name))
    assert started == ["run-0", "run-0"]
    [run] = stand_in.state.runs.values()
    assert run["status"] in ("launching", "running")


def test_a_server_without_tmux_says_so_and_the_run_can_be_started_later(ledger: Ledger, stand_in: StandIn) -> None:
    backend = ledger.server()
    backend.register(ledger.jobs(1), ledger.on_submitted, ledger.keep_note)
    stand_in.tmux = False
    with pytest.raises(ScaffoldError, match="Start tmux first"):
        backend.submit(ledger.jobs(1), ledger.on_submitted)
    assert backend.poll([ledger.of["run-0"]])[ledger.of["run-0"]].state == "enlisted"
    stand_in.tmux = True
    backend.submit(ledger.jobs(1), ledger.on_submitted)
    assert len(stand_in.state.runs) == 1


def test_a_run_that_somebody_started_without_a_ticket_is_registered_once_more(
    ledger: Ledger, stand_in: StandIn
) -> None:
    backend = ledger.server()
    backend.register(ledger.jobs(1), ledger.on_submitted, ledger.keep_note)
    first = ledger.of["run-0"]
    run_id = first.split("/")[1]
    stand_in.state.start_run(run_id)
    stand_in.finish(run_id, 75)
    started: list[str] = []
    backend.submit(ledger.jobs(1), lambda name, handle: started.append(name))
    assert started == []
    backend.register(ledger.jobs(1), ledger.on_submitted, ledger.keep_note)
    assert ledger.of["run-0"] != first
    backend.submit(ledger.jobs(1), lambda name, handle: started.append(name))
    assert started == ["run-0"]


def test_the_launcher_is_told_whose_run_it_is(ledger: Ledger, stand_in: StandIn) -> None:
    backend = ledger.server()
    assert backend.token_values(ledger.job("run-0")) == {}
    backend.register(ledger.jobs(1), ledger.on_submitted, ledger.keep_note)
    sweep_id, run_id = ledger.of["run-0"].split("/")
    assert backend.token_values(ledger.job("run-0")) == {
        "RUN_SERVER_URL": stand_in.url,
        "RUN_SERVER_SWEEP_ID": sweep_id,
        "RUN_SERVER_RUN_ID": run_id,
    }


# looking


def test_runs_that_wait_are_not_asked_about_one_by_one(ledger: Ledger, stand_in: StandIn) -> None:
    backend = ledger.server()
    backend.register(ledger.jobs(20), ledger.on_submitted, ledger.keep_note)
    backend.submit(ledger.jobs(2), ledger.on_submitted)
    before = len(stand_in.requests)
    for _ in range(3):
        states = [seen.state for seen in backend.poll(list(ledger.of.values())).values()]
        assert states == ["running"] * 2 + ["enlisted"] * 18
    asked = [one.target for one in stand_in.requests[before:]]
    assert len(asked) == 3 * (2 + 2)
    assert not any(target.startswith("/runs?") for target in asked)


def test_a_new_process_asks_about_what_runs_only(ledger: Ledger, stand_in: StandIn) -> None:
    """Ten runs are over by their manifests, two run, the others wait."""
    backend = ledger.server()
    backend.register(ledger.jobs(40), ledger.on_submitted, ledger.keep_note)
    backend.submit(ledger.jobs(12), ledger.on_submitted)
    for index in range(10):
        stand_in.finish(ledger.of[f"run-{index}"].split("/")[1], 0)
        record(ledger, f"run-{index}", status="finished", time={"ended_at": "2026-01-01T00:00:00Z"})
    before = len(stand_in.requests)
    seen = ledger.server().poll(list(ledger.of.values()))
    assert [one.state for one in seen.values()] == ["ended"] * 10 + ["running"] * 2 + ["enlisted"] * 28
    assert len(stand_in.requests) - before == 2 + 2


def test_a_run_that_somebody_else_started_is_noticed(ledger: Ledger, stand_in: StandIn) -> None:
    backend = ledger.server()
    backend.register(ledger.jobs(3), ledger.on_submitted, ledger.keep_note)
    stand_in.state.start_run(ledger.of["run-1"].split("/")[1])
    assert [seen.state for seen in backend.poll(list(ledger.of.values())).values()] == [
        "enlisted",
        "running",
        "enlisted",
    ]


def test_a_server_that_is_down_makes_nothing_gone(ledger: Ledger, stand_in: StandIn) -> None:
    backend = ledger.server()
    backend.register(ledger.jobs(1), ledger.on_submitted, ledger.keep_note)
    stand_in.down()
    seen = backend.poll(list(ledger.of.values()))[ledger.of["run-0"]]
    assert seen.state == "unknown" and seen.reason is not None and stand_in.url in seen.reason
    with pytest.raises(ScaffoldError, match="no connection"):
        backend.availability()
    stand_in.up()
    assert backend.poll(list(ledger.of.values()))[ledger.of["run-0"]].state == "enlisted"


def test_a_run_that_hangs_in_launching_is_given_up_stopped_and_made_anew(ledger: Ledger, stand_in: StandIn) -> None:
    stand_in.state.launch_s = 1e6
    backend = ledger.server()
    backend.register(ledger.jobs(1), ledger.on_submitted, ledger.keep_note)
    backend.submit(ledger.jobs(1), ledger.on_submitted)
    first = ledger.of["run-0"]
    assert backend.poll([first])[first].state == "starting"
    hanging = stand_in.state.runs[first.split("/")[1]]
    hanging["launched_at"] -= job_mapping.LAUNCH_S + 1
    seen = backend.poll([first])[first]
    assert seen.state == "gone" and "launching" in (seen.reason or "")
    backend.register(ledger.jobs(1), ledger.on_submitted, ledger.keep_note)
    assert ledger.of["run-0"] != first
    assert hanging["status"] == "stopped"


def test_a_run_whose_terminal_waits_for_something_is_given_up_too(ledger: Ledger, stand_in: StandIn) -> None:
    """The server calls it running as soon as its terminal is there; what was typed into it may not have been carried out."""
    backend = ledger.server()
    backend.register(ledger.jobs(1), ledger.on_submitted, ledger.keep_note)
    handle = ledger.of["run-0"]
    (ledger.folder / "run-0.ticket").write_text("number=1\n")
    backend.submit(ledger.jobs(1), ledger.on_submitted)
    assert backend.poll([handle])[handle].state == "running"
    stand_in.state.runs[handle.split("/")[1]]["launched_at"] -= job_mapping.LAUNCH_S + 1
    assert backend.poll([handle])[handle].state == "gone"
    (ledger.folder / "run-0.ticket").rename(ledger.folder / "run-0.taken")
    assert backend.poll([handle])[handle].state == "running"


def test_a_status_that_is_new_to_us_is_no_end(ledger: Ledger, stand_in: StandIn) -> None:
    backend = ledger.server()
    backend.register(ledger.jobs(1), ledger.on_submitted, ledger.keep_note)
    backend.submit(ledger.jobs(1), ledger.on_submitted)
    stand_in.state.runs[ledger.of["run-0"].split("/")[1]]["status"] = "hibernating"
    seen = backend.poll([ledger.of["run-0"]])[ledger.of["run-0"]]
    assert seen.state == "unknown" and "hibernating" in (seen.reason or "")


def record(ledger: Ledger, name: str, **changes: Any) -> Path:
    """A manifest as far as backends read it."""
    path = ledger.workspace.role_folder("metadata") / f"{name}.json"
    run_id = ledger.of[name].split("/")[1]
    manifest = {
        "schema_version": 1,
        "status": "running",
        "tracking": {"run_id": run_id},
        "time": {"ended_at": None},
        "host": {"hostname": os.uname().nodename},
        **changes,
    }
    path.write_text(json.dumps(manifest))
    return path


def test_a_run_that_is_over_and_called_running_for_ever_frees_its_room(ledger: Ledger, stand_in: StandIn) -> None:
    """As after the server's terminal was killed: nobody tells it."""
    backend = ledger.server()
    backend.register(ledger.jobs(3), ledger.on_submitted, ledger.keep_note)
    backend.submit(ledger.jobs(3), ledger.on_submitted)
    record(ledger, "run-0")  # says running, and has no recorder
    record(ledger, "run-1", status="failed", time={"ended_at": "2026-01-01T00:00:00Z"})
    assert backend.availability().active == 3
    seen = list(backend.poll(list(ledger.of.values())).values())
    assert [one.state for one in seen] == ["ended", "ended", "running"]
    assert "its recorder is gone, and the server still calls it running" in (seen[0].reason or "")
    assert backend.availability().active == 1


def test_a_run_that_has_just_ended_is_not_taken_for_dead(ledger: Ledger, stand_in: StandIn) -> None:
    backend = ledger.server()
    backend.register(ledger.jobs(1), ledger.on_submitted, ledger.keep_note)
    backend.submit(ledger.jobs(1), ledger.on_submitted)
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    record(ledger, "run-0", status="finished", time={"ended_at": now})
    assert backend.poll([ledger.of["run-0"]])[ledger.of["run-0"]].state == "running"


# stopping


def test_stop_ends_what_runs_and_says_what_it_cannot(ledger: Ledger, stand_in: StandIn) -> None:
    stand_in.execute = True
    backend = ledger.server()
    jobs = [ledger.job("sleeps", body="exec sleep 60"), ledger.job("waits"), ledger.job("over")]
    backend.register(jobs, ledger.on_submitted, ledger.keep_note)
    backend.submit([ledger.job("sleeps", body="exec sleep 60"), ledger.job("over")], ledger.on_submitted)
    until(lambda: backend.poll([ledger.of["over"]])[ledger.of["over"]].state == "ended")
    backend.cancel(list(ledger.of.values()))
    statuses = {run["name"]: run["status"] for run in stand_in.state.runs.values()}
    assert statuses == {"sleeps": "stopped", "waits": "ready", "over": "finished"}
    [warning] = ledger.warnings
    assert "1 run stays `ready`" in warning
    backend.cancel(list(ledger.of.values()))  # those that are over are no error


def test_stop_reaches_a_recorder_that_the_server_does_not(ledger: Ledger, stand_in: StandIn) -> None:
    """After a restart the server knows nothing of what still runs in its terminals; and nohup shuts its hang-up out."""
    backend = ledger.server()
    backend.register(ledger.jobs(1), ledger.on_submitted, ledger.keep_note)
    backend.submit(ledger.jobs(1), ledger.on_submitted)
    stand_in.restart()
    scripts = ledger.workspace.role_folder("scripts")
    scripts.mkdir(parents=True)
    copy_recorder(scripts)
    settings = {
        "version": 1,
        "experiment_root": "exp",
        "layout": "flat",
        "role_dirs": ROLES,
        "tasks_path": "exp/tasks.md",
        "environment_manager": "uv",
        "run_prefix": "",
        "research_server_url": "",
    }
    (scripts / "workspace.json").write_text(json.dumps(settings))
    command = [sys.executable, "-IS", str(scripts / "record_run.py"), "--quiet", "--", "sleep", "60"]
    process = subprocess.Popen(command, cwd=ledger.workspace.workdir, stdin=subprocess.DEVNULL)
    try:
        manifests = ledger.workspace.role_folder("metadata")
        until(lambda: list(manifests.glob("*.json")))
        name = next(manifests.glob("*.json")).stem
        ledger.handles[ledger.of["run-0"]] = name
        ledger.server().cancel([ledger.of["run-0"]])
        assert process.wait(10) == 128 + signal.SIGTERM
        assert json.loads((manifests / f"{name}.json").read_text())["status"] == "terminated"
    finally:
        process.kill()
        process.wait()


# room


def cluster(type: str = "unknown", gpus: int | None = None, running: int = 0, launching: int = 0) -> ServerCluster:
    summary = {"total": 9, "running": running, "launching": launching, "queued": 5, "ready": 4}
    return ServerCluster.from_json({"cluster": {"type": type, "gpu_count": gpus}, "run_summary": summary})


@pytest.mark.parametrize(
    ("given", "slots"),
    [
        ({}, 1),
        ({"cores": 16}, 1),
        ({"cores": 16, "cpus_per_run": 4}, 4),
        ({"cores": None, "cpus_per_run": 4}, 1),
        ({"cores": 2, "max_parallel": 8}, 2),
        ({"cores": None, "max_parallel": 8}, 8),
        ({"type": "local_gpu", "gpus": 4}, 4),
        ({"type": "local_gpu", "gpus": 4, "gpus_per_run": 2}, 2),
        ({"type": "local_gpu", "gpus": 4, "gpus_per_run": 0, "cores": 8, "cpus_per_run": 1}, 8),
        ({"type": "slurm"}, 4),
        ({"type": "slurm", "cores": 2}, 2),
        ({"type": "slurm", "gpus": 8}, 8),
        ({"type": "a new one"}, 1),
    ],
)
def test_room_follows_the_protocol(given: dict[str, Any], slots: int) -> None:
    of = cluster(given.pop("type", "unknown"), given.pop("gpus", None), running=1, launching=1)
    options = {"cores": None, "gpus_per_run": None, "cpus_per_run": None, "max_parallel": None, **given}
    found = job_mapping.count_server_slots(of, **options)
    assert (found.limit, found.active) == (slots, 2)
    assert found.because


def test_more_gpus_for_a_run_than_there_are_is_said() -> None:
    with pytest.raises(ScaffoldError, match="needs 3 GPUs"):
        job_mapping.count_server_slots(
            cluster("local_gpu", 2), cores=4, gpus_per_run=3, cpus_per_run=None, max_parallel=None
        )


def ticket(ledger: Ledger, stand_in: StandIn, name: str, gpus: str, run_id: str, *, sweep: str = "grid") -> Path:
    """A ticket as a launcher has taken it."""
    path = ledger.workspace.role_folder("metadata") / "sweeps" / sweep / f"{name}.taken"
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [
        "number=1",
        f"CUDA_VISIBLE_DEVICES={gpus}",
        f"RUN_SERVER_URL={stand_in.url}",
        f"RUN_SERVER_RUN_ID={run_id}",
    ]
    path.write_text("\n".join(lines) + "\n")
    return path


def test_two_runs_never_get_one_gpu_whatever_sweep_they_are_of(ledger: Ledger, stand_in: StandIn) -> None:
    stand_in.gpus = 4
    backend = ledger.server()
    assert backend.availability().gpus == ("0", "1", "2", "3")
    backend.register(ledger.jobs(2), ledger.on_submitted, ledger.keep_note)
    ticket(ledger, stand_in, "run-0", "1", ledger.of["run-0"].split("/")[1])  # about to write its manifest
    ticket(ledger, stand_in, "run-1", "2", ledger.of["run-1"].split("/")[1], sweep="another")
    assert backend.availability().gpus == ("0", "3")
    record(ledger, "run-1", status="finished", time={"ended_at": "2026-01-01T00:00:00Z"})
    assert backend.availability().gpus == ("0", "2", "3")
    left_behind = ledger.folder / "run-0.taken"
    os.utime(left_behind, (time.time() - 1000, time.time() - 1000))
    assert backend.availability().gpus == ("0", "1", "2", "3")


def test_devices_of_this_user_s_choice_only(ledger: Ledger, stand_in: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3,1")
    stand_in.gpus = 4
    assert ledger.server().availability().gpus == ("3", "1")


def test_a_run_is_pinned_to_its_devices_by_the_ticket(ledger: Ledger, stand_in: StandIn) -> None:
    backend = ledger.server()
    pinned = Job(name="run-0", number=1, launcher=ledger.folder / "run-0.sh", gpus=("2", "3"))
    assert backend.token_values(pinned) == {"CUDA_VISIBLE_DEVICES": "2,3", "CUDA_DEVICE_ORDER": "PCI_BUS_ID"}
    ledger.options["gpus_per_run"] = 0
    assert ledger.server().token_values(ledger.job("run-0")) == {"CUDA_VISIBLE_DEVICES": ""}


def test_a_server_that_never_looked_for_gpus_is_asked_to_once(ledger: Ledger, stand_in: StandIn) -> None:
    _, answer = stand_in.state.cluster()
    answer["cluster"]["source"] = "unset"
    stand_in.fault("/cluster", "body", method="GET", body=json.dumps(answer).encode())
    stand_in.gpus = 2
    backend = ledger.server()
    assert backend.availability().limit == 2
    backend.availability()
    assert len(stand_in.asked("POST", "/cluster/detect")) == 1


# what is typed


@pytest.mark.parametrize(
    "folder",
    [
        "plain",
        "with space",
        "it's",
        'a "quote"',
        "wow!",
        "a!!b",
        "$HOME `id`",
        "größe-日本",
        "a;b&c",
        "a #b",
        "a\\b",
        "(a)",
        "a\nb",
        "a\tb",
        "a\x03\x1bb'!",
        "a\udcffb",
    ],
)
def test_any_path_can_be_typed_into_an_interactive_shell(tmp_path: Path, folder: str) -> None:
    place = tmp_path / folder
    place.mkdir()
    launcher = place / "run.sh"
    launcher.write_text("exit 6\n")
    command = job_mapping.format_launcher_command(launcher)
    assert all(one.isprintable() for one in command)
    json.dumps(command).encode()
    # -i has history expansion, as a terminal has; completion of Tabs cannot happen: there are none
    done = subprocess.run(
        ["bash", "--norc", "-i"],
        input=f"({command}); echo code=$?\nexit\n".encode(),
        capture_output=True,
        timeout=20,
        start_new_session=True,
    )
    assert b"code=6" in done.stdout
    assert job_mapping.starts_launcher_in(command, place)
    assert not job_mapping.starts_launcher_in(command, tmp_path / "other")


def test_a_directory_that_an_unquoted_cd_would_miss_is_not_given() -> None:
    assert job_mapping.to_shell_safe_workdir(Path("/home/me/repo-1.2")) == "/home/me/repo-1.2"
    assert job_mapping.to_shell_safe_workdir(Path("/home/me/my repo")) is None


def test_a_stub_that_a_late_report_leaves_is_an_end() -> None:
    stub = ServerRun.from_json({"id": "abc", "status": "failed", "exit_code": 3, "created_at": 1.0})
    assert job_mapping.to_job_status(stub, 2.0).state == "ended"
