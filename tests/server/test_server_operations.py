"""The brief's list of operations comes from the server where one answers at once, and from the built-in list where none does."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from scaffold.plan.brief import server_api
from tests.conftest import Run
from tests.plan.conftest import ANSWERS
from tests.server.test_preflight import OPENAPI, older
from tests.stand_in import StandIn


@pytest.fixture
def repo(stand_in: StandIn, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The stand-in's work directory, with a workspace that names no server; the working directory."""
    root = stand_in.workdir
    (root / "exp").mkdir()
    (root / "exp/.copier-answers.scaffold.yml").write_text(ANSWERS.format(server="", layout="flat"))
    monkeypatch.chdir(root)
    return root


def test_all_of_the_built_in_ones_are_in_the_recorded_document() -> None:
    found = server_api.operations_of_server(OPENAPI)
    assert set(server_api.LISTED) <= set(found), "the same bodies, the same notes"
    assert {one.method for one in found if one not in server_api.LISTED} == {"GET"}


def test_an_older_server_and_a_strange_one() -> None:
    found = server_api.operations_of_server(older("POST /runs/{run_id}/start", field="auto_start"))
    paths = [(one.method, one.path) for one in found]
    assert ("POST", "/runs/{run_id}/start") not in paths and ("GET", "/runs/{run_id}") in paths
    run = next(one for one in found if (one.method, one.path) == ("POST", "/runs"))
    assert run.fields == ("name", "command", "workdir", "sweep_id", "chat_session_id")
    strange: dict[str, Any] = {
        "paths": {"/runs/x`\n# Evil": {"get": {}}, "/runs/" + "x" * 900: {"get": {}}, "/runs/fine": {"get": {}}}
    }
    assert [one.path for one in server_api.operations_of_server(strange)] == ["/docs", "/runs/fine"]
    assert [one.path for one in server_api.operations_of_server({"paths": 3})] == ["/docs"]


def test_the_servers_own_list(run: Run, stand_in: StandIn, repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RESEARCH_AGENT_SERVER_URL", stand_in.url)
    monkeypatch.setenv("RESEARCH_AGENT_USER_AUTH_TOKEN", "t0psecret")
    monkeypatch.setattr("scaffold.cli.plan.brief.PATIENCE_S", 20.0)
    stand_in.openapi = older("POST /runs/{run_id}/stop")
    result = run("brief", "--full")
    assert result.exit_code == 0 and result.stderr == ""
    assert f"`POST {stand_in.url}/runs/{{id}}/start`" in result.stdout
    assert f"`POST {stand_in.url}/runs/{{id}}/stop`" not in result.stdout
    assert [one.target for one in stand_in.requests] == ["/openapi.json"]
    assert "X-Auth-Token" not in stand_in.requests[0].headers, "that page wants no token"
    stand_in.requests.clear()
    assert run("brief", "--for", "execution").exit_code == 0 and stand_in.requests == []


@pytest.mark.parametrize("kind", ["html", "silent", "text_500", "deep"])
def test_the_built_in_list_with_one_warning(
    run: Run, stand_in: StandIn, repo: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setenv("RESEARCH_AGENT_SERVER_URL", stand_in.url)
    monkeypatch.setattr("scaffold.cli.plan.brief.PATIENCE_S", 0.2 if kind == "silent" else 20.0)
    stand_in.fault("/openapi.json", kind)
    result = run("brief")
    assert result.exit_code == 0 and len(result.stderr.splitlines()) == 1 and "built-in" in result.stderr
    assert f"`POST {stand_in.url}/runs/{{id}}/start`" in result.stdout


def test_a_document_without_operations(
    run: Run, stand_in: StandIn, repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RESEARCH_AGENT_SERVER_URL", stand_in.url)
    monkeypatch.setattr("scaffold.cli.plan.brief.PATIENCE_S", 20.0)
    stand_in.fault("/openapi.json", "body", body=b'{"paths": {}}')
    result = run("brief")
    assert "names none of the operations" in result.stderr and "/sweeps/wild`" in result.stdout


def test_without_a_server_nothing_is_asked_and_nothing_imported(run: Run, repo: Path, stand_in: StandIn) -> None:
    import subprocess

    code = (
        "import json, sys\nfrom click.testing import CliRunner\nfrom scaffold.cli.main import group\n"
        "assert CliRunner().invoke(group, ['brief']).exit_code == 0\nprint(json.dumps(sorted(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"httpx", "ssl", "rich"} & set(json.loads(done.stdout)) and stand_in.requests == []
