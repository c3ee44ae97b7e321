"""The operations of the research server, as a brief lists them.

Where a server answers, its openapi.json says which of those that we know it has, with which fields, and what else there is to read;
where none does, the list is `server.operations` as it stands.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import zip_longest
from typing import Any

from scaffold.server import openapi
from scaffold.server.operations import DOCS, OPERATIONS, PROTOCOL_SKILL, SKILLS, SYSTEM_HEALTH, ServerOperation

AUTH_HEADER = '-H "X-Auth-Token: $RESEARCH_AGENT_USER_AUTH_TOKEN"'
JSON_HEADER = '-H "Content-Type: application/json"'
# what else is worth listing of a server that has more than we know, and how much of it
FAMILIES = ("/sweeps", "/runs", "/cluster", "/wild/v2", "/alerts", "/prompt-skills")
PLAIN_PATH = re.compile(r"(?:/[A-Za-z0-9_.{}-]{1,60}){1,8}")
MOST_OTHERS = 60
OWN_ID = re.compile(r"\{(?:sweep|run|alert|skill)_id\}")
FIELD_VALUES = {"auto_start": "false", "event_ids": "[...]"}

LISTED = tuple(operation for operation in OPERATIONS if operation.group)


def operations_of_server(document: Mapping[str, Any]) -> tuple[ServerOperation, ...]:
    """The operations that a server's openapi.json has: ours, with the fields that it knows, then what else can be read there."""
    described = list(openapi.described_operations(document))
    ours, matched = [], set()
    for operation in LISTED:
        theirs = next(
            (each for each in described if each[0] == operation.method and _is_same_path(operation.path, each[1])), None
        )
        if theirs is not None:
            fields = openapi.request_body_fields(document, theirs[2])
            ours.append(replace(operation, fields=tuple(name for name in operation.fields if name in fields)))
            matched.add(theirs[:2])
        elif operation is DOCS:
            ours.append(operation)
    others = sorted(path for method, path, _ in described if method == "GET" and (method, path) not in matched)
    families = [path for path in others if PLAIN_PATH.fullmatch(path) and path.startswith(FAMILIES)]
    return (*ours, *(ServerOperation("GET", path, "Others", core=False) for path in families[:MOST_OTHERS]))


def _is_same_path(ours: str, theirs: str) -> bool:
    """Whether a path of ours is one of theirs, whose parameters may have other names or stand for a part that we name."""
    pairs = list(zip_longest(ours.split("/"), theirs.split("/"), fillvalue=""))
    return all(a == b or (b.startswith("{") and b.endswith("}") and a) for a, b in pairs)


def operation_list(server: str, *, full: bool, operations: Sequence[ServerOperation] = LISTED) -> str:
    """The operations as a list by group, with the server's address before each path; only the core ones where not `full`."""
    return "\n".join(_operation_lines(server, [each for each in operations if each.core or full]))


def _operation_lines(server: str, operations: Sequence[ServerOperation]) -> Iterator[str]:
    for group in dict.fromkeys(operation.group for operation in operations):
        yield f"{group}:"
        for operation in operations:
            if operation.group == group:
                body = f" body `{_body_text(operation)}`" if operation.fields else ""
                note = f" - {operation.note}" if operation.note else ""
                yield f"- `{operation.method} {server}{shorten_endpoint(operation)}`{body}{note}"


def shorten_endpoint(operation: ServerOperation) -> str:
    """The path with `{id}` for the id of what stands before it: a brief pays for every letter."""
    return OWN_ID.sub("{id}", operation.path)


def _body_text(operation: ServerOperation) -> str:
    values = (f'"{name}": {FIELD_VALUES[name]}' if name in FIELD_VALUES else f'"{name}"' for name in operation.fields)
    return f"{{{', '.join(values)}}}"


def format_preflight_requests(server: str) -> str:
    """The requests that have to succeed before anything else."""
    paths = (DOCS.path, "/openapi.json", SKILLS.path, PROTOCOL_SKILL.path, SYSTEM_HEALTH.path)
    return "\n".join(f"curl -sf {AUTH_HEADER} {server}{path} >/dev/null" for path in paths)
