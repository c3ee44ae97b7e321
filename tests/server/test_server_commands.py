"""`scaffold server`: what goes on, without asking the server for more than it costs."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pexpect
import pytest
from click.testing import Result

from scaffold.backends.server.job_mapping import count_server_slots
from scaffold.backends.server.overview import server_cluster_capacity
from scaffold.runs.log_excerpts import strip_terminal_codes
from scaffold.server.responses import ServerCluster
from tests.conftest import Run
from tests.stand_in import StandIn

Server = Callable[..., Result]


@pytest.fixture
def server(run: Run, stand_in: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Server:
    """Call a command for the stand-in, where there is no workspace."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RESEARCH_AGENT_SERVER_URL", stand_in.url)
    return lambda *args: run("server", *args)


def busy(stand_in: StandIn) -> list[str]:
    """A sweep with a finished, a failed, a running and a waiting run, and an alert; the runs' ids."""
    state = stand_in.state
    sweep = state.create_sweep({"name": "grid\x1b[31m"})[1]["id"]
    body = {"command": "true", "sweep_id": sweep}
    runs = [state.create_run({**body, "name": f"r{number}"})[1]["id"] for number in range(4)]
    for one in runs[:3]:
        state.start_run(one)
    stand_in.finish(runs[0], 0)
    stand_in.finish(runs[1], 2)
    state.alert(runs[2], "loss is NaN")
    stand_in.gpus = 2
    return runs


def test_status(server: Server, stand_in: StandIn) -> None:
    busy(stand_in)
    text = server("status").stdout
    assert (
        "local_gpu, healthy, 2 GPUs" in text
        and "1 running, 0 launching, 0 queued, 1 ready, 1 finished, 1 failed" in text
    )
    assert "may start now  1 (room for 2: the research server: 2 GPUs; 1 active, 1 waiting)" in text
    assert re.search(r"^[0-9a-f]{12}  grid \[31m  running  1/4 finished, 1 failed, 1 active$", text, re.MULTILINE)
    assert "alerts that wait for an answer\nwarning  " in text and "loss is NaN" in text and "\x1b" not in text
    answer = json.loads(server("status", "--json").stdout)
    assert answer["capacity"]["new"] == 1 and answer["sweeps"][0]["progress"]["failed"] == 1
    assert answer["alerts"][0]["message"] == "loss is NaN" and answer["cluster"]["gpu_count"] == 2
    assert stand_in.asked("GET", "/runs") == []


def test_status_says_how_many_gpus_there_are_in_one_place(server: Server, stand_in: StandIn) -> None:
    """A server that does not know it says nothing of it: the last row has what was measured, and from where."""
    stand_in.gpus = None
    [cluster] = [line for line in server("status").stdout.splitlines() if line.startswith("cluster")]
    assert "GPU" not in cluster


def test_status_of_an_older_server(server: Server, stand_in: StandIn) -> None:
    stand_in.fault("/alerts", "status", code=404)
    assert server("status").exit_code == 0
    stand_in.fault("/cluster", "text_500")
    result = server("status")
    assert result.exit_code == 1 and "500: Internal Server Error" in result.stderr


@pytest.mark.parametrize(
    ("kind", "gpus", "counts", "room"),
    [
        ("local_gpu", 4, {"running": 1, "launching": 1, "ready": 3, "queued": 1}, (4, 2, 4, 2)),
        ("local_gpu", None, {"ready": 3}, (1, 0, 3, 1)),
        ("slurm", None, {"ready": 9}, (4, 0, 9, 4)),
        ("slurm", 2, {"ready": 9, "running": 5}, (2, 5, 9, 0)),
        ("unknown", None, {"queued": 2}, (1, 0, 2, 1)),
        ("ray", 8, {"queued": 2}, (8, 0, 2, 2)),
    ],
)
def test_capacity(kind: str, gpus: int | None, counts: dict[str, int], room: tuple[int, ...]) -> None:
    cluster = ServerCluster.from_json({"cluster": {"type": kind, "gpu_count": gpus}, "run_summary": counts})
    available = count_server_slots(cluster, cores=None, gpus_per_run=None, cpus_per_run=None, max_parallel=None)
    found = server_cluster_capacity(cluster, available)
    assert (found.limit, found.active, found.queued, found.max_new) == room


def test_events(server: Server, stand_in: StandIn) -> None:
    runs = busy(stand_in)
    assert "loss is NaN" in server("events").stdout
    found = json.loads(server("events", "--json", "--session", "wild-1").stdout)["events"]
    assert {one["run_id"] for one in found} == set(runs[:3]) and {one["type"] for one in found} == {
        "alert",
        "run_complete",
    }
    assert [one.target for one in stand_in.requests] == ["/wild/v2/events/any", "/wild/v2/events/wild-1"]


def test_logs(server: Server, stand_in: StandIn) -> None:
    stand_in.execute = True
    command = r"printf '\033[?2004hone\r\n\033]0;title\007two\n'; seq 5"
    run_id = stand_in.state.create_run({"name": "r", "command": command})[1]["id"]
    assert server("logs", run_id).stdout == ""
    stand_in.state.start_run(run_id)
    stand_in.state.processes[run_id].wait()
    for name in (run_id, "r"):
        assert server("logs", name).stdout == "one\ntwo\n1\n2\n3\n4\n5\n"
    assert json.loads(server("logs", "r", "--lines", "2", "--json").stdout)["lines"] == ["4", "5"]
    result = server("logs", "no such run")
    assert result.exit_code == 1 and "knows no run 'no such run'" in result.stderr


def test_terminal() -> None:
    assert (
        strip_terminal_codes("\x1b[1;31mred\x1b[0m\x1b(B \x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\ \x9b31m\x00!\x1b")
        == "red link  31m !"
    )
    assert strip_terminal_codes("one\r\n10%\r20%\r\ntwo") == "one\n20%\ntwo"
    assert strip_terminal_codes("\x1b]0;never closed\nnext") == "\nnext"


def scaffold(*args: str) -> list[str]:
    return [sys.executable, "-m", "scaffold", *args]


def test_watching_on_a_terminal(server: Server, stand_in: StandIn) -> None:
    runs = busy(stand_in)
    command = scaffold("server", "status", "--watch", "--interval", "0.05")
    child = pexpect.spawn(command[0], command[1:], timeout=20, dimensions=(40, 160), encoding="utf-8")
    child.expect("1/4 finished, 1 failed, 1 active")
    stand_in.finish(runs[2], 0)
    child.expect("2/4 finished, 1 failed")
    stand_in.down()
    child.expect("no connection")
    stand_in.up()
    child.sendintr()
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0 and child.signalstatus is None
    assert stand_in.asked("GET", "/runs") == []


def test_watching_into_a_file(server: Server, stand_in: StandIn) -> None:
    runs = busy(stand_in)
    command = scaffold("server", "status", "--watch", "--interval", "0.05")
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None and child.stderr is not None
        lines = iter(child.stdout.readline, "")
        assert any("1/4 finished" in line for line in lines)
        stand_in.finish(runs[2], 0)
        assert any("2/4 finished" in line for line in lines), "it is written again when it changed"
        child.send_signal(signal.SIGINT)
        try:
            child.communicate(timeout=20)
        finally:
            child.kill()
    assert child.returncode == 0
    assert server("status", "--watch", "--json").exit_code == 2


def test_nobody_named_a_server(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RESEARCH_AGENT_SERVER_URL")
    for command in (["status"], ["events"], ["logs", "x"]):
        result = server(*command)
        assert result.exit_code == 1 and "no research server is named" in result.stderr


def test_a_token_is_never_shown(server: Server, stand_in: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in.token = "t0psecret"
    monkeypatch.setenv("RESEARCH_AGENT_USER_AUTH_TOKEN", "wr0ng-t0ken")
    result = server("status")
    assert result.exit_code == 1 and "does not take this token (401)" in result.stderr and "wr0ng" not in result.output
    monkeypatch.setenv("RESEARCH_AGENT_USER_AUTH_TOKEN", "t0psecret")
    assert server("status").exit_code == 0
