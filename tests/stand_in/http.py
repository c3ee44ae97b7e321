"""HTTP for the stand-in: routes, the checks that the real framework makes, and faults."""

from __future__ import annotations

import contextlib
import json
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote, urlsplit

from tests.stand_in import skills
from tests.stand_in.faults import KINDS, Fault
from tests.stand_in.model import Answer, missing

if TYPE_CHECKING:
    from tests.stand_in import StandIn

OPENAPI = Path(__file__).parent.parent / "server" / "recordings" / "openapi.json"
PROTECTED = [
    "/sessions",
    "/models",
    "/chat",
    "/runs",
    "/alerts",
    "/wild",
    "/sweeps",
    "/cluster",
    "/git",
    "/plans",
    "/integrations",
    "/journey",
]
UNAUTHORIZED = {"detail": "Unauthorized - invalid or missing X-Auth-Token"}
HEALTH = {"status": "ok", "service": "research-agent-server"}
DOCS = b"<!DOCTYPE html>\n<html><head><title>Research Agent Server - Swagger UI</title></head></html>"
_DOCUMENT = json.loads(OPENAPI.read_text(encoding="utf-8"))


@dataclass(frozen=True)
class Seen:
    """A request as it came."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: Any


class Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True

    def __init__(self, place: tuple[str, int], handler: type[Handler], stand_in: StandIn) -> None:
        self.stand_in = stand_in
        super().__init__(place, handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no error here."""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server
    fault_met: Fault

    @property
    def closing(self) -> threading.Event:
        return self.server.stand_in.closing

    def log_message(self, format: str, *args: object) -> None:
        """Not on stderr."""

    def do_GET(self) -> None:
        self._answer()

    do_POST = do_PUT = do_DELETE = do_HEAD = do_GET

    def _answer(self) -> None:
        stand_in = self.server.stand_in
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        with contextlib.suppress(ValueError):
            stand_in.requests.append(Seen(self.command, self.path, dict(self.headers.items()), _json(raw)))
        path = unquote(urlsplit(self.path).path)
        fault = next((one for one in stand_in.faults if one.meets(self.command, path)), None)

        def answer() -> Answer:
            with stand_in.state.lock:
                return Routes(stand_in, self.command, self.path, self.headers, raw).answer()

        if fault is not None:
            if fault.left is not None:
                fault.left -= 1
            self.fault_met, self.close_connection = fault, True
            with contextlib.suppress(OSError, ValueError):
                KINDS[fault.kind](self, answer)
            return
        if path == "/docs":
            self.say(200, DOCS, "text/html")
            return
        status, said = answer()
        if status == 307:
            self.say(307, b"", "text/plain", {"Location": said})
        else:
            self.say(status, json.dumps(said).encode(), "application/json")

    def head(self, status: int, kind: str, length: int, headers: Mapping[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": kind, "Content-Length": str(length), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()

    def say(self, status: int, body: bytes, kind: str, headers: Mapping[str, str] | None = None) -> None:
        with contextlib.suppress(OSError):
            self.head(status, kind, len(body), headers)
            if self.command != "HEAD":
                self.wfile.write(body)

    def drip(self, data: bytes, pause_s: float) -> None:
        for byte in data:
            self.wfile.write(bytes([byte]))
            self.wfile.flush()
            if self.closing.wait(pause_s):
                return


class Routes:
    """One request -> its answer."""

    def __init__(self, stand_in: StandIn, method: str, target: str, headers: Message, raw: bytes) -> None:
        self.stand_in, self.state = stand_in, stand_in.state
        self.method, self.headers, self.raw = method, headers, raw
        parts = urlsplit(target)
        self.path = unquote(parts.path)
        self.query = {name: values[-1] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}

    def answer(self) -> Answer:
        token = self.stand_in.token
        if token and self.path.startswith(tuple(PROTECTED)) and self.headers.get("X-Auth-Token") != token:
            return 401, UNAUTHORIZED
        if self.path in ("/runs/", "/sweeps/", "/prompt-skills/"):
            return 307, f"{self.stand_in.url}{self.path.rstrip('/')}"
        if self.path == "/openapi.json":
            return 200, self.document
        matching = list(self._templates())
        if not matching:
            return 404, {"detail": "Not Found"}
        described, template, ids = next((one for one in matching if one[0] is not None), (None, "", []))
        if described is None:
            return 405, {"detail": "Method Not Allowed"}
        unknown = set(self.query) - {one["name"] for one in described.get("parameters", []) if one["in"] == "query"}
        if unknown:
            self.stand_in.complaints.append(f"{self.method} {template}: unknown query parameters {sorted(unknown)}")
        refusal, body = self._body(described, template)
        return refusal or self._call(f"{self.method} {template}", ids, body)

    @property
    def document(self) -> dict[str, Any]:
        return self.stand_in.openapi or _DOCUMENT

    def _templates(self) -> Iterator[tuple[dict[str, Any] | None, str, list[str]]]:
        """The paths of openapi.json that this one could be, those without parameters first: operation, template, parameters."""
        for template in sorted(self.document["paths"], key=lambda one: one.count("{")):
            found = re.fullmatch(re.sub(r"\{\w+\}", "([^/]+)", template), self.path)
            if found:
                yield self.document["paths"][template].get(self.method.lower()), template, list(found.groups())

    def _body(self, described: dict[str, Any], template: str) -> tuple[Answer | None, dict[str, Any]]:
        """A refusal, or the body; checked against openapi.json as far as its schemas go."""
        asked = described.get("requestBody")
        if asked is None or not asked.get("required"):
            return None, {}
        if self.headers.get("Content-Type", "").split(";")[0] != "application/json":
            return (422, _invalid("dict_type", [], "Input should be a valid dictionary")), {}
        try:
            body = json.loads(self.raw)
        except ValueError:
            return (422, _invalid("json_invalid", [len(self.raw)], "JSON decode error")), {}
        schema = _resolved(asked["content"]["application/json"]["schema"], self.document)
        for name in schema.get("required", []):
            if name not in body:
                return (422, _invalid("missing", [name], "Field required")), {}
        for name, value in body.items():
            one = schema["properties"].get(name)
            if one is None:
                self.stand_in.complaints.append(f"{self.method} {template}: unknown field {name}")
            elif not _fits(value, one):
                return (422, _invalid("type", [name], "Input should be valid")), {}
        return None, body

    def _call(self, what: str, ids: list[str], body: dict[str, Any]) -> Answer:
        state, query = self.state, self.query
        try:
            limit = int(query.get("limit", {"GET /sweeps": 50, "GET /runs": 100}.get(what, 20)))
        except ValueError:
            return 422, _invalid("int_parsing", ["limit"], "Input should be a valid integer", "query")
        plain: dict[str, Callable[[], Answer]] = {
            "GET /health": lambda: (200, {**HEALTH, "workdir": str(self.stand_in.workdir)}),
            "POST /sweeps/wild": lambda: state.create_sweep(body),
            "GET /sweeps": lambda: state.list_sweeps(limit),
            "POST /runs": lambda: state.create_run(body),
            "GET /runs": lambda: state.list_runs(query.get("archived") == "true", limit),
            "GET /cluster": state.cluster,
            "POST /cluster/detect": state.detect_cluster,
            "GET /wild/v2/system-health": state.system_health,
            "GET /alerts": lambda: (200, list(state.alerts)),
            "GET /prompt-skills": lambda: (200, self.stand_in.skills),
            "GET /prompt-skills/search": lambda: (200, skills.found(self.stand_in.skills, query.get("q", ""), limit)),
        }
        if what in plain:
            return plain[what]()
        return self._call_one(what, *ids)

    def _call_one(self, what: str, one: str, *_: str) -> Answer:
        state, query = self.state, self.query
        match what:
            case "GET /sweeps/{sweep_id}":
                return state.get_sweep(one)
            case "GET /runs/{run_id}":
                return state.get_run(one)
            case "POST /runs/{run_id}/start":
                return state.start_run(one)
            case "POST /runs/{run_id}/stop":
                return state.stop_run(one)
            case "POST /runs/{run_id}/queue":
                return state.queue_run(one)
            case "GET /runs/{run_id}/logs":
                return state.get_logs(one, int(query.get("offset", -10_000)), int(query.get("limit", 10_000)))
            case "GET /runs/{run_id}/metrics":
                return state.get_metrics(one)
            case "GET /wild/v2/events/{session_id}":
                return state.events()
            case "GET /prompt-skills/{skill_id}":
                found = next((skill for skill in self.stand_in.skills if skill["id"] == one), None)
                return (200, found) if found else missing(f"Prompt skill '{one}'")
        return 404, {"detail": "Not Found"}


def _json(raw: bytes) -> Any:
    try:
        return json.loads(raw) if raw else None
    except ValueError:
        return raw.decode("utf-8", "replace")


def _invalid(kind: str, place: list[Any], text: str, where: str = "body") -> dict[str, Any]:
    return {"detail": [{"type": kind, "loc": [where, *place], "msg": text, "input": None}]}


def _resolved(schema: dict[str, Any], document: dict[str, Any]) -> dict[str, Any]:
    name = schema.get("$ref", "").rpartition("/")[2]
    return document["components"]["schemas"][name] if name else schema


def _fits(value: Any, schema: dict[str, Any]) -> bool:
    if "anyOf" in schema:
        return any(_fits(value, one) for one in schema["anyOf"])
    kinds = {"string": str, "boolean": bool, "null": type(None), "integer": int, "object": dict, "array": list}
    if schema.get("type") == "boolean" and value in ("true", "false"):
        return True  # lax, as the real one
    return "$ref" in schema or isinstance(value, kinds.get(schema.get("type", ""), object))
