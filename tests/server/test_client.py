"""The client: what it sends, what it makes of answers, and what each fault turns into."""

from __future__ import annotations

import gc
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from scaffold.errors import ScaffoldError, WrongUsage
from scaffold.server import address, responses
from scaffold.server.client import ServerClient, make_server_client
from scaffold.server.errors import (
    InvalidResponse,
    RequestRefused,
    ServerError,
    ServerResourceNotFound,
    ServerUnauthorized,
    ServerUnreachable,
)
from scaffold.server.operations import CALLED
from scaffold.server.transport import RequestLimits
from tests.stand_in import StandIn

QUICK = RequestLimits(connect_s=0.5, total_s=0.4, retries=2, backoff_s=0.001, max_bytes=10_000_000)
PATIENT = RequestLimits(connect_s=5, total_s=10, retries=2, backoff_s=0.001)
RECORDINGS = Path(__file__).parent / "recordings"


@pytest.fixture
def server(stand_in: StandIn) -> Iterator[ServerClient]:
    with make_server_client(stand_in.url, limits=PATIENT) as client:
        yield client


def no_such_name(*_: object, **__: object) -> None:
    """What a resolver says of a name that there is not, without asking one."""
    raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")


def recorded(number: str) -> Any:
    every = [one for name in ("session", "answers") for one in json.loads((RECORDINGS / f"{name}.json").read_text())]
    return next(one["answer"] for one in every if one["name"].startswith(number))


def test_a_sweep_from_its_beginning_to_its_end(stand_in: StandIn, server: ServerClient) -> None:
    stand_in.execute, stand_in.gpus = True, 2
    assert server.health().workdir == str(stand_in.workdir)
    assert (server.cluster().type, server.cluster().gpu_count) == ("local_gpu", 2)
    sweep = server.create_sweep("grid", goal="does it matter", session_id="wild-1")
    assert (sweep.name, sweep.goal, sweep.session_id, sweep.status) == ("grid", "does it matter", "wild-1", "pending")
    good = server.create_run("good", "echo said", sweep_id=sweep.id, session_id="wild-1", workdir=str(stand_in.workdir))
    bad = server.create_run("bad", "exit 3", sweep_id=sweep.id)
    assert good.status == "ready" and not good.has_ended
    assert server.sweep(sweep.id).run_ids == (good.id, bad.id)
    assert server.sweep(sweep.id).progress.ready == 2 == server.cluster().run_summary.ready
    for run in (good, bad):
        server.start_run(run.id)
    while not all(server.run(run.id).has_ended for run in (good, bad)):
        time.sleep(0.01)
    assert server.run(good.id).exit_code == 0 and server.run(bad.id).exit_code == 3
    assert server.run(bad.id).error == "Process exited with code 3"
    assert server.sweep(sweep.id).progress.completed == server.sweep(sweep.id).progress.failed == 1
    assert "said" in server.logs(good.id).content
    assert {event.run_id for event in server.events("wild-1")} == {good.id, bad.id}
    assert [one.id for one in server.sweeps()] == [sweep.id] and len(server.runs()) == 2
    with pytest.raises(RequestRefused, match=r"400: Run cannot be started \(status: finished\)"):
        server.start_run(good.id)
    with pytest.raises(RequestRefused, match="not active"):
        server.stop_run(good.id)


def test_stopping(stand_in: StandIn, server: ServerClient) -> None:
    stand_in.execute = True
    run = server.create_run("long", "sleep 60")
    server.start_run(run.id)
    assert server.cluster().run_summary.active == 1
    server.stop_run(run.id)
    assert server.run(run.id).status == "stopped" and server.cluster().run_summary.active == 0


def test_every_operation_is_in_the_list_with_all_that_it_sends(stand_in: StandIn, server: ServerClient) -> None:
    sweep = server.create_sweep("s")
    run = server.create_run("r", "true", sweep_id=sweep.id, workdir=str(stand_in.workdir))
    calls: list[Callable[[], object]] = [
        *(server.health, server.cluster, server.detect_cluster, server.system_health, server.sweeps, server.runs),
        *(server.alerts, server.skills, lambda: server.events("wild-1"), lambda: server.search_skills("gpu")),
        *(lambda: server.sweep(sweep.id), lambda: server.run(run.id), lambda: server.logs(run.id)),
        *(lambda: server.run_metrics(run.id), lambda: server.skill("alert_handler")),
        *(lambda: server.start_run(run.id), lambda: server.stop_run(run.id)),
    ]
    for call in calls:
        call()
    sent = set()
    for one in stand_in.requests:
        path, _, query = one.target.partition("?")
        for value, name in (
            (sweep.id, "sweep_id"),
            (run.id, "run_id"),
            ("alert_handler", "skill_id"),
            ("wild-1", "session_id"),
        ):
            path = path.replace(value, f"{{{name}}}")
        keys = tuple(part.partition("=")[0] for part in query.split("&") if part)
        sent.add((one.method, path, tuple(one.body or ()), keys))
        assert one.body is None or one.headers["Content-Type"] == "application/json"
    assert sent == {(one.method, one.path, one.fields, one.query) for one in CALLED}


def test_answers_as_they_were_recorded() -> None:
    run = responses.ServerRun.from_json(recorded("208"))
    assert (run.name, run.status, run.exit_code, run.has_ended) == ("lr0.1-seed1", "finished", 0, True)
    assert run.run_dir == "/workdir/.agents/runs/a9cdeb0a544b" and run.started_at and run.launched_at
    stub = responses.ServerRun.from_json(recorded("415"))
    assert (stub.status, stub.name, stub.command, stub.sweep_id) == ("finished", "", "", None)
    assert responses.ServerRun.from_json(recorded("811")).status == "banana"
    assert responses.ServerCluster.from_json(recorded("802")).gpu_count == 2
    assert responses.ServerCluster.from_json(recorded("022")).gpu_count is None
    assert responses.ServerSweep.from_json(recorded("229")).progress.failed == 1
    assert responses.RunAlert.from_json(recorded("315")[0]).choices == ("Acknowledge",)
    assert set(responses.RunMetricSeries.from_json(recorded("216")).series) == {"accuracy", "epoch", "train/loss"}
    assert responses.RunMetricSeries.from_json(recorded("221")).series == {}


@pytest.mark.parametrize(
    "value", [None, [], "x", 3, {"id": 3, "run_ids": {}, "cluster": [], "exit_code": "6"}, {"exit_code": 1e400}]
)
def test_answers_of_any_shape_are_read(value: object) -> None:
    kinds = (
        responses.ServerRun,
        responses.ServerSweep,
        responses.ServerCluster,
        responses.ServerHealth,
        responses.SystemHealthRunCounts,
        responses.RunLogChunk,
    )
    for kind in (*kinds, responses.RunMetricSeries, responses.ServerEvent, responses.RunAlert, responses.PromptSkill):
        assert kind.from_json(value) == kind.from_json(value)
    assert (
        responses.ServerRun.from_json(value).status == "unknown"
        and responses.ServerRun.from_json(value).exit_code is None
    )
    assert responses.ServerCluster.from_json({"cluster": {"gpu_count": -1}}).gpu_count is None


# faults

CASES = {
    "silent": (ServerUnreachable, "no whole answer within 0.4 s"),
    "slow_headers": (ServerUnreachable, "no whole answer within 0.4 s"),
    "slow_body": (ServerUnreachable, "no whole answer within 0.4 s"),
    "cut": (ServerUnreachable, "cut off"),
    "reset": (ServerUnreachable, "cut off"),
    "text_500": (InvalidResponse, "500: Internal Server Error"),
    "html": (InvalidResponse, "the answer is HTML, not JSON"),
    "bad_utf8": (InvalidResponse, "no JSON"),
    "deep": (InvalidResponse, "no JSON"),
    "packed": (InvalidResponse, "is packed"),
}


@pytest.fixture
def fitting(stand_in: StandIn, kind: str) -> Iterator[ServerClient]:
    """In a hurry where the fault is that it takes for ever; else patient, so that a busy machine changes nothing."""
    slow = kind in ("silent", "slow_headers", "slow_body")
    with make_server_client(stand_in.url, limits=QUICK if slow else PATIENT) as client:
        yield client


@pytest.mark.parametrize("kind", CASES)
def test_a_fault_is_said_in_words(stand_in: StandIn, fitting: ServerClient, kind: str) -> None:
    stand_in.fault("/health", kind)
    error, words = CASES[kind]
    with pytest.raises(error) as found:
        fitting.health()
    assert words in str(found.value) and stand_in.url in str(found.value)
    assert not found.value.maybe_done


@pytest.mark.parametrize("kind", CASES)
def test_what_creates_is_sent_once_and_says_whether_it_may_be_done(
    stand_in: StandIn, fitting: ServerClient, kind: str
) -> None:
    stand_in.fault("/runs", kind)
    with pytest.raises(CASES[kind][0]) as found:
        fitting.create_run("r", "true")
    assert found.value.maybe_done and len(stand_in.asked("POST", "/runs")) == 1


def test_a_lost_answer_and_a_500_leave_the_run_behind(stand_in: StandIn, server: ServerClient) -> None:
    for kind in ("lost", "stored_500"):
        stand_in.fault("/runs", kind, method="POST", times=1)
        with pytest.raises(ServerError) as found:
            server.create_run(kind, "true")
        assert found.value.maybe_done
    assert sorted(run.name for run in server.runs()) == ["lost", "stored_500"]


def test_without_tmux_a_start_is_broken_and_the_run_still_queued(stand_in: StandIn, server: ServerClient) -> None:
    run = server.create_run("r", "true")
    stand_in.tmux = False
    with pytest.raises(InvalidResponse, match="Tmux session not available"):
        server.start_run(run.id)
    assert server.run(run.id).status == "queued"


@pytest.mark.parametrize("kind", ["text_500", "cut", "reset"])
def test_a_get_is_tried_again(stand_in: StandIn, server: ServerClient, kind: str) -> None:
    stand_in.fault("/health", kind, times=2)
    assert server.health().status == "ok"
    assert len(stand_in.asked("GET", "/health")) == 3


@pytest.mark.parametrize("code", [429, 502, 503, 504])
def test_a_get_is_tried_again_after_a_status(stand_in: StandIn, server: ServerClient, code: int) -> None:
    stand_in.fault("/health", "status", times=1, code=code, headers={"Retry-After": "0"})
    assert server.health().status == "ok"
    stand_in.fault("/runs", "status", code=code)
    with pytest.raises((InvalidResponse, RequestRefused)):
        server.create_run("r", "true")
    assert len(stand_in.asked("POST", "/runs")) == 1


def test_retry_after_is_no_way_to_hold_us(stand_in: StandIn, server: ServerClient) -> None:
    stand_in.fault("/health", "status", code=503, headers={"Retry-After": "3600"})
    with pytest.raises(InvalidResponse, match="503: said so"):
        server.health()
    assert len(stand_in.asked("GET", "/health")) == 3, "and an hour was not waited, or this test would not be over"


def test_200_mb_are_not_read(stand_in: StandIn, server: ServerClient) -> None:
    stand_in.fault("/prompt-skills", "huge")
    with pytest.raises(InvalidResponse, match="longer than 10,000,000 bytes"):
        server.skills()
    assert stand_in.sent < 60_000_000


def test_refused(stand_in: StandIn, server: ServerClient) -> None:
    stand_in.down()
    with pytest.raises(ServerUnreachable, match="no connection") as found:
        server.create_run("r", "true")
    assert not found.value.maybe_done
    assert "--server-url" in str(found.value)


def test_no_such_host(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("socket.getaddrinfo", no_such_name)
    with (
        make_server_client("http://no-such-host.invalid:1", limits=QUICK) as client,
        pytest.raises(ServerUnreachable, match="no connection"),
    ):
        client.health()


def test_a_name_that_takes_for_ever_to_look_up(monkeypatch: pytest.MonkeyPatch) -> None:
    answered = threading.Event()
    monkeypatch.setattr("socket.getaddrinfo", lambda *_, **__: answered.wait(30))
    limits = RequestLimits(connect_s=0.1, total_s=5, retries=0)
    begun = time.monotonic()
    with (
        make_server_client("http://research.invalid:1", limits=limits) as client,
        pytest.raises(ServerUnreachable, match="in time") as found,
    ):
        client.create_run("r", "true")
    answered.set()
    assert time.monotonic() - begun < 3 and not found.value.maybe_done


def test_after_a_restart_known_ids_are_unknown(stand_in: StandIn, server: ServerClient) -> None:
    sweep, run = server.create_sweep("s"), server.create_run("r", "true")
    stand_in.restart()
    for call in (lambda: server.sweep(sweep.id), lambda: server.run(run.id), lambda: server.start_run(run.id)):
        with pytest.raises(ServerResourceNotFound, match="not found") as found:
            call()
        assert "restarted" in str(found.value.hint)
    with pytest.raises(ServerResourceNotFound, match="Sweep not found: "):
        server.create_run("r", "true", sweep_id=sweep.id)


@pytest.mark.parametrize("wrong", ["../../x", "..", "", "a/b", "a?b", "a b", "a\n", "x" * 300])
def test_an_id_that_cannot_be_one_is_not_sent(stand_in: StandIn, server: ServerClient, wrong: str) -> None:
    with pytest.raises(RequestRefused, match="cannot be an id"):
        server.skill(wrong)
    assert stand_in.requests == []


def test_a_query_that_is_no_utf_8_is_sent_as_it_is(stand_in: StandIn, server: ServerClient) -> None:
    server.search_skills("\udcff \N{SNOWMAN}")
    assert stand_in.requests[-1].target.startswith("/prompt-skills/search?q=%FF+%E2%98%83&")


def test_a_created_thing_without_an_id_is_an_error(stand_in: StandIn, server: ServerClient) -> None:
    for said in (b"{}", b'{"id": "../x"}', b"[]", b"null"):
        stand_in.fault("/runs", "body", method="POST", times=1, body=said)
        with pytest.raises(InvalidResponse) as found:
            server.create_run("r", "true")
        assert found.value.maybe_done


def test_422_says_what_is_wrong(stand_in: StandIn, server: ServerClient) -> None:
    with pytest.raises(RequestRefused, match=r"422: body\.name: "):
        server.create_run(None, "true")  # type: ignore[arg-type]


def test_the_words_of_a_server_are_one_printable_line(stand_in: StandIn, server: ServerClient) -> None:
    said = "no\x1b[31m\r\nError: you lost\x00 \N{RIGHT-TO-LEFT OVERRIDE}" + "x" * 5_000
    stand_in.fault("/runs/x", "status", code=400, detail=said)
    stand_in.fault("/runs/y", "status", code=422, detail=[{"loc": 3, "msg": said}, {"loc": ["a", 1], "msg": None}, 7])
    for run_id in ("x", "y"):
        with pytest.raises(RequestRefused) as found:
            server.run(run_id)
        assert found.value.message.isprintable() and "[31m Error: you lost" in found.value.message
        assert len(found.value.message) < 500


# the token

TOKEN = "t0psecret-0123456789"


def test_the_token_goes_into_its_header_and_nowhere_else(stand_in: StandIn) -> None:
    stand_in.token = TOKEN
    with make_server_client(stand_in.url, TOKEN, limits=PATIENT) as client:
        assert client.system_health().total == 0
        assert TOKEN not in repr(client)
    (seen,) = stand_in.requests
    assert seen.headers["X-Auth-Token"] == TOKEN and TOKEN not in seen.target


def test_401_is_not_down(stand_in: StandIn) -> None:
    stand_in.token = TOKEN
    for mine, words in ((None, "wants a token"), ("wrong", "does not take this token")):
        with make_server_client(stand_in.url, mine, limits=PATIENT) as client:
            assert client.health().status == "ok"
            with pytest.raises(ServerUnauthorized, match=words):
                client.system_health()


def test_a_token_follows_no_redirect(stand_in: StandIn, tmp_path: Path) -> None:
    other = StandIn(tmp_path)
    try:
        stand_in.fault("/health", "redirect", to=other.url + "/health")
        stand_in.fault("/runs", "redirect", to=other.url + "/runs")
        with make_server_client(stand_in.url, TOKEN, limits=PATIENT) as client:
            for call in (client.health, lambda: client.create_run("r", "true")):
                with pytest.raises(InvalidResponse, match=r"redirects to http://127\.0\.0\.1"):
                    call()
        assert other.requests == []
    finally:
        other.close()


def test_a_server_that_says_the_token_back_is_not_quoted(stand_in: StandIn) -> None:
    stand_in.fault("/health", "redirect", to=f"http://x/?t={TOKEN}")
    with make_server_client(stand_in.url, TOKEN, limits=PATIENT) as client, pytest.raises(InvalidResponse) as found:
        client.health()
    assert TOKEN not in str(found.value) and "***" in str(found.value)


def test_tokens(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("abc\n")
    assert (
        address.read_auth_token(None, {}) is None
        and address.read_auth_token(None, {address.TOKEN_VARIABLE: ""}) is None
    )
    assert address.read_auth_token(file, {address.TOKEN_VARIABLE: "other"}) == "abc"
    assert address.read_auth_token(None, {address.TOKEN_VARIABLE: " abc\n"}) == "abc"
    for bad in ("a\nb", "a\rX-Evil: 1", "a b", "\N{SNOWMAN}", "x" * 9_000):
        with pytest.raises(ScaffoldError, match="holds no token") as found:
            address.read_auth_token(None, {address.TOKEN_VARIABLE: bad})
        assert bad not in str(found.value)
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(ScaffoldError, match="holds no token"):
        address.read_auth_token(file, {})
    file.write_text("")
    with pytest.raises(ScaffoldError, match="is empty"):
        address.read_auth_token(file, {})
    with pytest.raises(ScaffoldError, match="No such file"):
        address.read_auth_token(tmp_path / "none", {})


def test_whose_url_counts() -> None:
    env, known = {address.URL_VARIABLE: "http://b:1/"}, {"research_server_url": "http://c:1"}
    assert address.resolve_url("http://a:1/", known, env) == "http://a:1"
    assert address.resolve_url(None, known, env) == "http://b:1"
    assert address.resolve_url(None, known, {}) == "http://c:1"
    assert address.resolve_url(None, {}, {address.URL_VARIABLE: ""}) is None
    assert address.resolve_url("", known, env) is None
    with pytest.raises(WrongUsage, match=r"\$RESEARCH_AGENT_SERVER_URL is not an http URL"):
        address.resolve_url(None, {}, {address.URL_VARIABLE: "ftp://x"})
    with pytest.raises(WrongUsage, match="carries a user"):
        address.resolve_url("http://me:pw@x", {}, {})
    for host in ("a" * 64 + ".example", "a..example", "\udcff", "a.example/\udcff"):  # what could not even be looked up
        with pytest.raises(WrongUsage, match="is not an http URL"):
            address.resolve_url(f"http://{host}", {}, {})


def test_loopback_and_the_clear() -> None:
    near = (
        "http://127.0.0.1:1",
        "http://localhost",
        "http://[::1]:3",
        "http://127.3.2.1",
        "http://LOCALHOST.:1",
        "http://0.0.0.0:1",
    )
    assert all(address.is_loopback(url) for url in near)
    assert not any(
        address.is_loopback(url)
        for url in ("http://10.0.0.1", "http://localhost.example.org", "http://127.example.org")
    )
    assert address.is_unencrypted("http://10.0.0.1") and not address.is_unencrypted("https://10.0.0.1")


@pytest.mark.parametrize("name", ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"])
def test_loopback_goes_through_no_proxy(
    stand_in: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    trap = StandIn(tmp_path)
    try:
        monkeypatch.setenv(name, trap.url)
        with make_server_client(stand_in.url, TOKEN, limits=PATIENT) as client:
            assert client.health().workdir == str(stand_in.workdir)
        assert trap.requests == []
    finally:
        trap.close()


def test_other_hosts_go_through_the_proxy_that_is_set(stand_in: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", stand_in.url)
    with make_server_client("http://research.invalid:9", limits=PATIENT) as client:
        assert client.health().workdir == str(stand_in.workdir)
    assert stand_in.requests[0].target == "http://research.invalid:9/health"
    monkeypatch.setenv("no_proxy", "research.invalid")
    assert address.find_proxy_url("http://research.invalid:9") is None


@pytest.mark.parametrize(
    ("url", "name", "value"),
    [
        ("http://10.0.0.1", "http_proxy", "socks9://me:pw@x"),
        ("http://10.0.0.1", "http_proxy", "http://[::"),
        ("https://10.0.0.1", "SSL_CERT_FILE", "/nowhere.pem"),
        ("HTTPS://10.0.0.1", "SSL_CERT_FILE", "/nowhere.pem"),
    ],
)
def test_an_environment_that_cannot_be_used(monkeypatch: pytest.MonkeyPatch, url: str, name: str, value: str) -> None:
    """Certificates are looked for with https, however it is spelled."""
    monkeypatch.setenv(name, value)
    with pytest.raises(ScaffoldError, match="cannot be used") as found:
        make_server_client(url, TOKEN)
    assert "pw" not in str(found.value)


def test_many_threads_share_a_client(stand_in: StandIn, server: ServerClient) -> None:
    found: list[str] = []
    threads = [threading.Thread(target=lambda: found.append(server.health().status)) for _ in range(8)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert found == ["ok"] * 8
    gc.collect()  # a connection left open would warn here
