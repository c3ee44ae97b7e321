"""The stand-in answers as the real server was recorded to: the same status, the same fields, each of the same kind."""

from __future__ import annotations

import json
import re
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from tests.stand_in import StandIn

RECORDINGS = Path(__file__).parent / "recordings"
# what the stand-in leaves open: words of the real server, and values that depend on its machine
FREE = {"msg", "ctx", "type", "input", "loc", "_score", "variables"}


def recorded(name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((RECORDINGS / name).read_text(encoding="utf-8"))
    return found


class Unredirected(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        return None


OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}), Unredirected)


def ask(url: str, one: dict[str, Any], headers: dict[str, str] | None = None) -> tuple[int, Any, str]:
    """Send a recorded request; status, answer and location."""
    raw = json.dumps(one["body"]).encode() if "body" in one else one["raw"].encode() if "raw" in one else None
    target = url + one["path"] + (f"?{one['query']}" if one.get("query") else "")
    kind = {"Content-Type": one.get("content_type", "application/json")} if raw is not None else {}
    request = urllib.request.Request(target, data=raw, method=one["method"], headers={**kind, **(headers or {})})
    try:
        with OPENER.open(request, timeout=5) as response:
            status, body, location = response.status, response.read(), ""
    except urllib.error.HTTPError as error:
        with error:
            status, body, location = error.code, error.read(), error.headers.get("Location", "")
    try:
        return status, json.loads(body), location
    except ValueError:
        return status, body.decode(), location


def shape(value: Any) -> Any:
    """Kinds in the place of values; of a list, which fields its objects have."""
    if isinstance(value, dict):
        return {key: shape(one) for key, one in sorted(value.items()) if key not in FREE}
    if isinstance(value, list):
        return sorted({str(sorted(set(one) - FREE) if isinstance(one, dict) else shape(one)) for one in value})
    return "number" if isinstance(value, (int, float)) and not isinstance(value, bool) else type(value).__name__


def settled(value: Any) -> Any:
    """What must be equal and not only of the same kind: states, details, counts."""
    if isinstance(value, dict):
        kept = {key: one for key, one in value.items() if key in ("status", "detail", "message", "progress", "name")}
        return {key: one for key, one in kept.items() if not isinstance(one, list)}
    return None


@pytest.fixture
def plain(tmp_path: Path) -> Any:
    """A stand-in that may be sent anything."""
    server = StandIn(tmp_path)
    yield server
    server.close()


def test_a_session_of_the_real_server(plain: StandIn) -> None:
    by_id = {one["id"]: one for one in recorded("session.json")[1]["answer"]}
    plain.skills = list(by_id.values())
    known: dict[str, str] = {}
    for one in recorded("session.json"):
        text = re.sub(r"\b[0-9a-f]{12}\b", lambda found: known.get(found[0], found[0]), json.dumps(one))
        status, answer, location = ask(plain.url, json.loads(text))
        want = json.loads(text)
        assert status == want["status"], want["name"]
        assert location.removeprefix(plain.url) == want.get("location", ""), want["name"]
        if isinstance(want["answer"], dict) and isinstance(answer, dict) and "id" in answer:
            known[one["answer"]["id"]] = answer["id"]
        ours, theirs = shape(answer), shape(want["answer"])
        if theirs and isinstance(theirs, list):  # of long lists only the beginning was kept
            assert set(theirs) <= set(ours), want["name"]
        else:
            assert ours == theirs, want["name"]
        assert settled(answer) == settled(want["answer"]), want["name"]


def test_the_table_of_who_may_ask_what(plain: StandIn) -> None:
    plain.token = "s3cret"
    paths = {re.sub(r"\{\w+\}", "x", path) for path in json.loads((RECORDINGS / "openapi.json").read_text())["paths"]}
    rows = [row for row in recorded("auth.json") if row["path"] in paths | {"/docs", "/openapi.json"}]
    assert len(rows) > 15
    for row in rows:
        one = {"method": row["method"], "path": row["path"]}
        seen = [ask(plain.url, one, h)[0] for h in ({}, {"X-Auth-Token": "wrong"}, {"X-Auth-Token": "s3cret"})]
        assert [code == 401 for code in seen] == [row[k] == 401 for k in ("no_token", "wrong_token", "right_token")], (
            row
        )


def test_runs_go_as_they_went(plain: StandIn) -> None:
    want = {one["name"][:3]: one["answer"] for one in recorded("answers.json")}
    plain.execute = True

    def post(path: str, body: dict[str, Any] | None = None) -> Any:
        return ask(plain.url, {"method": "POST", "path": path, **({"body": body} if body else {})})[1]

    def get(path: str) -> Any:
        return ask(plain.url, {"method": "GET", "path": path})[1]

    def ended(run_id: str) -> Any:
        while (run := get(f"/runs/{run_id}"))["status"] in ("launching", "running"):
            time.sleep(0.01)
        return run

    sweep = post("/sweeps/wild", {"name": "s"})["id"]
    good = post("/runs", {"name": "good", "command": "echo hi", "sweep_id": sweep, "auto_start": True})
    assert good["status"] == "launching" and set(good) == set(want["202"])
    assert set(ended(good["id"])) == set(want["208"]) - {"metricSeries", "metrics", "metricKeys", "lossHistory"}
    bad = post("/runs", {"name": "bad", "command": "exit 6", "sweep_id": sweep})
    assert get(f"/sweeps/{sweep}")["status"] == "pending"
    assert set(post(f"/runs/{bad['id']}/start")) == set(want["321"])
    assert (ended(bad["id"])["exit_code"], ended(bad["id"])["error"]) == (6, "Process exited with code 6")
    assert post(f"/runs/{bad['id']}/start")["detail"] == "Run cannot be started (status: failed)"
    assert get(f"/sweeps/{sweep}")["status"] == "failed" and get(f"/sweeps/{sweep}")["progress"]["completed"] == 1
    assert "hi" in get(f"/runs/{good['id']}/logs")["content"]

    long = post("/runs", {"name": "long", "command": "sleep 60", "auto_start": True})
    assert get(f"/runs/{long['id']}")["status"] == "running"
    assert post(f"/runs/{long['id']}/stop") == want["306"]
    assert get(f"/runs/{long['id']}")["status"] == "stopped"
    assert {one["id"] for one in get("/wild/v2/events/any")} == {
        f"run-{good['id']}-finished",
        f"run-{bad['id']}-failed",
        f"run-{long['id']}-stopped",
    }


def test_a_restart_forgets_and_leaves_stubs(plain: StandIn, tmp_path: Path) -> None:
    want = {one["name"][:3]: one["answer"] for one in recorded("answers.json")}
    plain.execute = True
    go = tmp_path / "go"
    body = {"name": "r", "command": f"while [ ! -e {go} ]; do sleep 0.01; done", "auto_start": True}
    run = ask(plain.url, {"method": "POST", "path": "/runs", "body": body})[1]["id"]
    plain.restart()
    assert ask(plain.url, {"method": "GET", "path": f"/runs/{run}"})[:2] == (404, want["405"])
    go.touch()
    while not (runs := ask(plain.url, {"method": "GET", "path": "/runs"})[1]):
        time.sleep(0.01)
    assert set(runs[0]) == set(want["415"]) and runs[0]["status"] == "finished"


def test_without_tmux_a_start_fails_and_the_run_is_stored(plain: StandIn) -> None:
    want = {one["name"][:3]: one for one in recorded("answers.json")}
    plain.tmux = False
    status, said, _ = ask(
        plain.url, {"method": "POST", "path": "/runs", "body": {**want["822"]["body"], "sweep_id": None}}
    )
    assert (status, said) == (500, want["822"]["answer"])
    assert ask(plain.url, {"method": "GET", "path": "/runs"})[1][0]["status"] == "queued"


def test_it_comes_back_on_the_same_port(plain: StandIn) -> None:
    url = plain.url
    plain.down()
    with pytest.raises(urllib.error.URLError):
        ask(url, {"method": "GET", "path": "/health"})
    plain.up()
    assert ask(url, {"method": "GET", "path": "/health"})[0] == 200
