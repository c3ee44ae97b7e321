"""The operations of the research server that a loop needs, as text (specs: server API).

OPERATIONS is what a planner has to know where no server answers; where one does, its openapi.json says which of them it has, with
which fields, and what else there is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest
from typing import Any

from scaffold.server import openapi

AUTH = '-H "X-Auth-Token: $RESEARCH_AGENT_USER_AUTH_TOKEN"'
FAMILIES = ("/sweeps", "/runs", "/cluster", "/wild/v2", "/alerts", "/prompt-skills")
PATH = re.compile(r"(?:/[A-Za-z0-9_.{}-]{1,60}){1,8}")
MOST = 60
JSON = '-H "Content-Type: application/json"'


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One operation: `body` is what it takes, `note` what to know of it. `core` is in every brief, the rest with --full."""

    group: str
    method: str
    path: str
    body: str = ""
    note: str = ""
    core: bool = True


OPERATIONS = (
    Operation(
        group="Sweeps",
        method="POST",
        path="/sweeps/wild",
        body='{"name", "goal", "chat_session_id"}',
        note="a tracking sweep; answers its `id`",
    ),
    Operation(
        group="Sweeps",
        method="GET",
        path="/sweeps/{id}",
        note="`progress` and `run_ids`; one failed run makes its status failed",
    ),
    Operation(group="Sweeps", method="GET", path="/sweeps", note="newest first, `?limit=50`", core=False),
    Operation(
        group="Sweeps",
        method="POST",
        path="/sweeps",
        body='{"name", "base_command", "parameters", "max_runs", "chat_session_id"}',
        note="a grid; `max_runs` (10) cuts it silently, and nothing is started",
        core=False,
    ),
    Operation(
        group="Sweeps",
        method="POST",
        path="/sweeps/{id}/start",
        note="`?parallel=1`; starts that many once",
        core=False,
    ),
    Operation(
        group="Runs",
        method="POST",
        path="/runs",
        body='{"name", "command", "workdir", "sweep_id", "chat_session_id", "auto_start": false}',
        note="names are not unique: look before you post again",
    ),
    Operation(
        group="Runs", method="POST", path="/runs/{id}/start", note="launches now; there is no scheduler behind a queue"
    ),
    Operation(
        group="Runs",
        method="GET",
        path="/runs/{id}",
        note="status: ready, queued, launching, running, finished, failed, stopped",
    ),
    Operation(
        group="Runs", method="GET", path="/runs", note="`?limit=100`; reads every run's metrics, so do not poll it"
    ),
    Operation(group="Runs", method="POST", path="/runs/{id}/stop", note="launching or running ones only"),
    Operation(group="Runs", method="POST", path="/runs/{id}/rerun", note="a new run", core=False),
    Operation(group="Runs", method="GET", path="/runs/{id}/logs", note="`?offset=-10000&limit=10000`", core=False),
    Operation(group="Runs", method="GET", path="/runs/{id}/metrics", note="series of what the run logged", core=False),
    Operation(
        group="Cluster",
        method="POST",
        path="/cluster/detect",
        note="no body; `cluster.type`, `cluster.gpu_count` (may be null)",
    ),
    Operation(group="Cluster", method="GET", path="/cluster", note="`run_summary` counts running and launching runs"),
    Operation(
        group="Cluster",
        method="GET",
        path="/wild/v2/system-health",
        note="checks the token; does not count launching runs",
    ),
    Operation(group="Events", method="GET", path="/wild/v2/events/{session}", note="alerts and ended runs"),
    Operation(
        group="Events", method="POST", path="/wild/v2/events/{session}/resolve", body='{"event_ids": [...]}', core=False
    ),
    Operation(
        group="Events",
        method="POST",
        path="/alerts/{id}/respond",
        body='{"choice"}',
        note="a run may wait for it",
        core=False,
    ),
    Operation(group="Skills", method="GET", path="/prompt-skills", note="all; `/prompt-skills/search?q=` for some"),
    Operation(
        group="Skills", method="GET", path="/prompt-skills/wild_v2_execution_ops_protocol", note="mandatory reading"
    ),
    Operation(
        group="Skills", method="GET", path="/prompt-skills/{id}/files/{path}", note="a file of a skill", core=False
    ),
    Operation(group="Preflight", method="GET", path="/docs", note="with /openapi.json: is the server up"),
    Operation(
        group="Preflight", method="GET", path="/health", note="its `workdir` tells whose server it is", core=False
    ),
)


def of(document: Mapping[str, Any]) -> tuple[Operation, ...]:
    """The operations that a server's openapi.json has: ours, with the fields that it knows, then what else can be read there."""
    described = list(openapi.described_operations(document))
    ours, taken = [], set()
    for one in OPERATIONS:
        found = next((each for each in described if each[0] == one.method and _is(one.path, each[1])), None)
        if found is not None:
            ours.append(replace(one, body=_body(one, document, found[2])))
            taken.add(found[:2])
        elif one.path == "/docs":  # a page that openapi.json does not name
            ours.append(one)
    others = sorted(path for method, path, _ in described if method == "GET" and (method, path) not in taken)
    families = [path for path in others if PATH.fullmatch(path) and path.startswith(FAMILIES)]
    return (*ours, *(Operation(group="Others", method="GET", path=path, core=False) for path in families[:MOST]))


def _is(ours: str, theirs: str) -> bool:
    """Whether a path of ours is one of theirs, whose parameters may have other names or stand for a part that we name."""
    pairs = list(zip_longest(ours.split("/"), theirs.split("/"), fillvalue=""))
    return all(a == b or (b.startswith("{") and b.endswith("}") and a) for a, b in pairs)


def _body(one: Operation, document: Mapping[str, Any], described: Mapping[str, Any]) -> str:
    """Our body where the server knows all its fields; else the fields that it does know."""
    known = openapi.body_fields(document, described)
    named = re.findall(r'"(\w+)"', one.body)
    if set(named) <= set(known):
        return one.body
    kept = ", ".join(f'"{name}"' for name in named if name in known)
    return f"{{{kept}}}" if kept else ""


def text(server: str, *, full: bool, operations: Sequence[Operation] = OPERATIONS) -> str:
    """The catalogue as a list, with the server's address before each path."""
    return "\n".join(_lines(server, [one for one in operations if one.core or full]))


def _lines(server: str, operations: Sequence[Operation]) -> Iterator[str]:
    for group in dict.fromkeys(one.group for one in operations):
        yield f"{group}:"
        for one in operations:
            if one.group == group:
                body = f" body `{one.body}`" if one.body else ""
                yield f"- `{one.method} {server}{one.path}`{body}{' - ' + one.note if one.note else ''}"


def preflight(server: str) -> str:
    """The requests that have to succeed before anything else."""
    paths = (
        "/docs",
        "/openapi.json",
        "/prompt-skills",
        "/prompt-skills/wild_v2_execution_ops_protocol",
        "/wild/v2/system-health",
    )
    return "\n".join(f"curl -sf {AUTH} {server}{path} >/dev/null" for path in paths)
