"""`scaffold preflight`: what it asks, what it makes of the answers, and what it writes where a loop may not begin."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import Result

from scaffold.plan.document import server_loop_protocol
from scaffold.server import openapi, operations
from scaffold.server.operations import CALLED
from tests.conftest import MakeRepo, Run, commit_all
from tests.server.test_client import no_such_name
from tests.stand_in import StandIn

OPENAPI = json.loads((Path(__file__).parent / "recordings/openapi.json").read_text())
TOKEN = "t0psecret"
Preflight = Callable[..., Result]
SEED = "# Tasks\n\n## Goal\nwin\n\n## Tasks\n- [ ] (Agent will decompose the goal into tasks on iteration 1)\n"


@pytest.fixture
def repo(make_repo: MakeRepo, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The stand-in's work directory, a repository without a workspace; the working directory."""
    root = make_repo()
    monkeypatch.chdir(root)
    return root


@pytest.fixture
def preflight(run: Run, stand_in: StandIn, repo: Path) -> Preflight:
    """Call the command for the stand-in."""
    return lambda *args: run("preflight", "--server-url", stand_in.url, "--timeout", "20", *args)


def outcomes(result: Result) -> dict[str, str]:
    return {check["name"]: check["outcome"] for check in json.loads(result.stdout)["checks"]}


def test_all_is_well(preflight: Preflight, stand_in: StandIn) -> None:
    result = preflight("--json")
    answer = json.loads(result.stdout)
    assert result.exit_code == 0 and answer["ready"] and answer["verdict"] == "ready" and answer["version"] == 1
    assert set(outcomes(result)) == {
        *("docs", "openapi", "skills", "protocol", "system-health"),
        *("token", "operations", "workdir"),
    }
    assert set(outcomes(result).values()) == {"ok"}
    assert {one.target for one in stand_in.requests} == {
        "/docs",
        "/openapi.json",
        "/prompt-skills",
        f"/prompt-skills/{operations.PROTOCOL}",
        "/wild/v2/system-health",
        "/health",
    }
    table = preflight()
    assert table.exit_code == 0 and " ms  GET /docs" in table.stdout and "ready (" in table.stdout


def test_all_are_asked_at_once(preflight: Preflight, stand_in: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    """No answer is given before every question has come."""
    together = threading.Barrier(6, timeout=5)
    answer = stand_in.state.system_health
    from tests.stand_in import http

    plain = http.Handler._answer

    def waits(handler: http.Handler) -> None:
        together.wait()
        plain(handler)

    monkeypatch.setattr(http.Handler, "do_GET", waits)
    assert preflight("--timeout", "5").exit_code == 0
    assert answer()[0] == 200


def test_the_token_is_asked_about_apart(
    preflight: Preflight, stand_in: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in.token = TOKEN
    for mine, words in ((None, "and wants one"), ("wr0ng", "does not take this token")):
        if mine:
            monkeypatch.setenv("RESEARCH_AGENT_USER_AUTH_TOKEN", mine)
        result = preflight("--json")
        answer = json.loads(result.stdout)
        assert result.exit_code == 3 and answer["verdict"] == "wrong token"
        assert outcomes(result)["docs"] == "ok" and outcomes(result)["system-health"] == "unauthorized"
        assert outcomes(result)["token"] == "failed" and words in preflight().stdout
        assert "wr0ng" not in result.output
    monkeypatch.setenv("RESEARCH_AGENT_USER_AUTH_TOKEN", TOKEN)
    result = preflight()
    assert result.exit_code == 0 and "accepted" in result.stdout and TOKEN not in result.output


def test_a_token_from_a_file(preflight: Preflight, stand_in: StandIn, tmp_path: Path) -> None:
    stand_in.token = TOKEN
    (tmp_path / "token").write_text(f"{TOKEN}\n")
    assert preflight("--auth-token-file", str(tmp_path / "token")).exit_code == 0
    (tmp_path / "token").write_text("a\nb")
    result = preflight("--auth-token-file", str(tmp_path / "token"))
    assert result.exit_code == 1 and "line break" in result.stderr


def test_down(preflight: Preflight, stand_in: StandIn, repo: Path) -> None:
    stand_in.down()
    result = preflight("--json")
    assert result.exit_code == 3 and json.loads(result.stdout)["verdict"] == "down"
    assert outcomes(result)["token"] == outcomes(result)["operations"] == "unknown"
    assert list(repo.glob("**/*tasks*")) == []


ONE = {
    "docs": ("/docs", "text_500"),
    "openapi": ("/openapi.json", "html"),
    "skills": ("/prompt-skills", "deep"),
    "protocol": (f"/prompt-skills/{operations.PROTOCOL}", "cut"),
    "system-health": ("/wild/v2/system-health", "silent"),
    "workdir": ("/health", "bad_utf8"),
}


@pytest.mark.parametrize("name", ONE)
def test_one_bad_answer_stops_it(preflight: Preflight, stand_in: StandIn, name: str) -> None:
    path, kind = ONE[name]
    stand_in.fault(path, kind)
    result = preflight("--json", *(["--timeout", "2"] if kind == "silent" else []))
    assert result.exit_code == 3 and outcomes(result)[name] in ("failed", "down")
    hanging = {"openapi": "operations", "system-health": "token"}
    others = {key: one for key, one in outcomes(result).items() if key not in (name, hanging.get(name))}
    assert set(others.values()) == {"ok"}


def test_a_missing_protocol_stops_it(preflight: Preflight, stand_in: StandIn) -> None:
    stand_in.skills = [one for one in stand_in.skills if one["id"] != operations.PROTOCOL]
    result = preflight()
    assert result.exit_code == 3 and f"404: Prompt skill '{operations.PROTOCOL}' not found" in result.stdout


def test_a_server_of_another_repository_stops_it(preflight: Preflight, stand_in: StandIn, tmp_path: Path) -> None:
    stand_in.workdir = tmp_path / "other"
    result = preflight()
    assert result.exit_code == 3 and f"it works in {tmp_path / 'other'}, and not in" in result.stdout
    link = tmp_path / "link"
    link.symlink_to(Path.cwd())
    stand_in.workdir = link
    assert preflight().exit_code == 0
    for said, shown in (("/x\x1b[31m\n/y", "/x [31m /y"), ("/\ud800x", "/ x"), ("/" + "a" * 9_000, "/aaa")):
        stand_in.heal()
        stand_in.fault("/health", "body", body=json.dumps({"status": "ok", "workdir": said}).encode())
        result = preflight()
        assert result.exit_code == 3 and f"it works in {shown}" in result.stdout
        assert len(result.stdout) < 4_000


def older(*missing: str, field: str | None = None) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(json.dumps(OPENAPI))
    for name in missing:
        method, path = name.split()
        del document["paths"][path][method.lower()]
    if field:
        del document["components"]["schemas"]["RunCreate"]["properties"][field]
    return document


def test_an_older_server_is_told_by_its_openapi(preflight: Preflight, stand_in: StandIn) -> None:
    stand_in.openapi = older("POST /runs/{run_id}/start", field="auto_start")
    result = preflight()
    assert result.exit_code == 3
    assert "POST /runs does not know field auto_start; POST /runs/{run_id}/start is not there" in result.stdout
    stand_in.openapi = older("GET /alerts", "GET /runs/{run_id}/metrics")
    result = preflight()
    assert result.exit_code == 0 and "GET /alerts is not there; done without" in result.stdout
    assert result.stdout.count("warn") == 1


def test_openapi_gaps() -> None:
    assert openapi.find_missing_operations(OPENAPI, CALLED) == []
    renamed = json.loads(json.dumps(OPENAPI).replace("{run_id}", "{id}"))
    assert openapi.find_missing_operations(renamed, CALLED) == []
    assert [gap.lacks for gap in openapi.find_missing_operations({}, CALLED)] == ["is not there"] * len(CALLED)
    strange: tuple[dict[str, Any], ...] = ({"paths": []}, {"paths": {"/runs": 3}})
    for broken in (*strange, {"paths": {"/runs": {"post": {"requestBody": [1]}}}}):
        assert len(openapi.find_missing_operations(broken, CALLED)) == len(CALLED)
    loops = {"components": {"schemas": {"A": {"allOf": [{"$ref": "#/components/schemas/A"}], "properties": {"x": {}}}}}}
    described = {"requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/A"}}}}}
    assert openapi.request_body_fields(loops, described) == ("x",)


def test_openapi_that_leads_in_circles() -> None:
    circle = {"anyOf": [{"$ref": f"#/components/schemas/{n}"} for n in range(60)], "properties": {"name": {}}}
    body = {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/0"}}}}
    document = {
        "paths": {"/runs": {"post": {"requestBody": body}}},
        "components": {"schemas": {str(n): circle for n in range(60)}},
    }
    (gap,) = openapi.find_missing_operations(document, [operations.CREATE_RUN])
    assert "field name" not in gap.lacks and "field command" in gap.lacks


def test_waiting_until_it_is_up(preflight: Preflight, stand_in: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in.fault("/docs", "status", code=404)
    clock = SimpleNamespace(monotonic=time.monotonic, sleep=lambda _: stand_in.heal())
    monkeypatch.setattr("scaffold.cli.plan.preflight.time", clock)
    result = preflight("--wait", "20")
    assert result.exit_code == 0 and "not ready; asking again for 20 s" in result.stderr


def test_waiting_ends(preflight: Preflight, stand_in: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scaffold.cli.plan.preflight.POLL_S", 0.01)
    stand_in.workdir = Path("/elsewhere")
    assert preflight("--wait", "0.05").exit_code == 3
    stand_in.token = TOKEN
    stand_in.heal()
    before = len(stand_in.asked("GET", "/docs"))
    assert preflight("--wait", "60").exit_code == 3
    assert len(stand_in.asked("GET", "/docs")) == before + 1, "a wrong token does not get better"


def test_nobody_named_a_server(run: Run, repo: Path) -> None:
    result = run("preflight")
    assert result.exit_code == 1 and "no research server is named" in result.stderr and "--server-url" in result.stderr


def test_the_environment_and_the_workspace_name_one(
    run: Run, stand_in: StandIn, repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run("init", "--yes", "--server-url", stand_in.url).exit_code == 0
    assert run("preflight").exit_code == 0
    monkeypatch.setenv("RESEARCH_AGENT_SERVER_URL", "http://127.0.0.1:9")
    assert run("preflight").exit_code == 3
    assert run("preflight", "--server-url", stand_in.url).exit_code == 0


def test_a_token_in_the_clear_is_warned_of(run: Run, repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RESEARCH_AGENT_USER_AUTH_TOKEN", TOKEN)
    monkeypatch.setattr("socket.getaddrinfo", no_such_name)
    result = run("preflight", "--server-url", "http://research.invalid", "--timeout", "0.2")
    assert result.exit_code == 3 and "unencrypted" in result.stderr and TOKEN not in result.output
    assert "unencrypted" not in run("preflight", "--server-url", "https://research.invalid", "--timeout", "0.2").stderr


# --abort

LINES = "<summary>Server docs/API preflight failed; planning aborted.</summary>\n<promise>DONE</promise>\n"


def test_abort_writes_the_checklist_where_there_is_no_plan(preflight: Preflight, stand_in: StandIn, repo: Path) -> None:
    stand_in.down()
    result = preflight("--abort", "--tasks-path", ".agents/wild/wild-1/tasks.md")
    assert result.exit_code == 3 and result.stdout.endswith(LINES)
    text = (repo / ".agents/wild/wild-1/tasks.md").read_text()
    assert f"- [x] {server_loop_protocol.SENTINEL}\n" in text and "- [ ]" not in text
    assert text.count("Connection refused") == 1 and stand_in.url in text
    assert preflight("--abort", "--tasks-path", ".agents/wild/wild-1/tasks.md").exit_code == 3
    assert [path.name for path in (repo / ".agents/wild/wild-1").iterdir()] == ["tasks.md"]


def test_abort_takes_the_place_of_the_servers_placeholder(preflight: Preflight, stand_in: StandIn, repo: Path) -> None:
    (repo / "tasks.md").write_text(SEED)
    stand_in.fault("/docs", "status", code=404)
    answer = json.loads(preflight("--abort", "--tasks-path", "tasks.md", "--json").stdout)
    assert (
        server_loop_protocol.SENTINEL in (repo / "tasks.md").read_text()
        and "docs: 404: said so" in (repo / "tasks.md").read_text()
    )
    assert answer["aborted"]["plan"].endswith("tasks.md") and "\n".join(answer["aborted"]["lines"]) + "\n" == LINES


def test_abort_never_writes_over_a_plan(preflight: Preflight, stand_in: StandIn, repo: Path) -> None:
    (repo / "tasks.md").write_text("# Tasks\n- [ ] mine\n")
    stand_in.down()
    result = preflight("--abort", "--tasks-path", "tasks.md")
    assert (repo / "tasks.md").read_text() == "# Tasks\n- [ ] mine\n"
    assert "holds somebody's work" in result.stderr and result.stdout.endswith(LINES) and result.exit_code == 3
    assert server_loop_protocol.SENTINEL in (repo / "tasks.aborted.md").read_text()
    (repo / "tasks.aborted.md").write_text("mine too")
    preflight("--abort", "--tasks-path", "tasks.md")
    assert (repo / "tasks.aborted.md").read_text() == "mine too" and (repo / "tasks.aborted-2.md").is_file()


def test_abort_in_a_workspace(run: Run, stand_in: StandIn, repo: Path) -> None:
    assert run("init", "--yes", "--server-url", stand_in.url, "--goal", "win").exit_code == 0
    commit_all(repo)
    plan = next(repo.glob("**/tasks.md"))
    seed = plan.read_text()
    stand_in.down()
    result = run("preflight", "--abort")
    assert result.exit_code == 3 and server_loop_protocol.SENTINEL in plan.read_text(), (
        "what init wrote is nobody's work"
    )
    assert plan.with_name("tasks.before-abort.md").read_text() == seed
    plan.write_text(seed.replace("- [ ] [P1-T1]", "- [x] [P1-T1]"))
    run("preflight", "--abort")
    assert "- [x] [P1-T1]" in plan.read_text() and plan.with_name("tasks.aborted.md").is_file()


def test_abort_ends_the_loop_even_where_nothing_can_be_written(
    preflight: Preflight, stand_in: StandIn, repo: Path
) -> None:
    stand_in.down()
    result = preflight("--abort", "--tasks-path", "train.py/tasks.md")
    assert result.exit_code == 3 and result.stdout.endswith(LINES) and "is not written" in result.stderr


def test_abort_leaves_all_alone_where_it_is_ready(preflight: Preflight, repo: Path) -> None:
    result = preflight("--abort", "--tasks-path", "tasks.md")
    assert result.exit_code == 0 and not (repo / "tasks.md").exists() and "promise" not in result.stdout
    assert preflight("--abort").exit_code == 2
