"""The schemas of what commands answer with --json: one file a command in `answers/`, and the shapes that several share."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click

FOLDER = Path(__file__).parents[1] / "answers"
ENDING = ".schema.json"
SHARED = "shared" + ENDING


def list_commands(group: click.Group, words: Sequence[str] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Every command that does something, with its words (`runs`, `list`), in the order of --help."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if not isinstance(command, click.Group) or command.invoke_without_command:
            yield (*words, name), command
        if isinstance(command, click.Group):
            yield from list_commands(command, (*words, name))


def takes_json(command: click.Command) -> bool:
    """Whether a command takes --json."""
    return any(parameter.name == "json_output" for parameter in command.params)


def schema_path(words: Sequence[str]) -> Path:
    """Where the schema of a command's answer lies."""
    return FOLDER / ("-".join(words) + ENDING)


def answer_schema(words: Sequence[str]) -> dict[str, Any]:
    """The JSON Schema (2020-12) of a command's answer, whole in itself: the shared shapes that it needs stand in its `$defs`."""
    mine, shapes = read_own_schema(words), read_shared_shapes()
    needed: dict[str, Any] = {}
    found = set(_shapes_named_in(mine))
    while missing := sorted(found - set(needed)):
        for name in missing:
            needed[name] = shapes[name]
            found |= set(_shapes_named_in(shapes[name]))
    local = json.loads(json.dumps({**mine, "$defs": needed} if needed else mine).replace(f"{SHARED}#/", "#/"))
    assert isinstance(local, dict)
    return local


def read_own_schema(words: Sequence[str]) -> dict[str, Any]:
    """The schema as its file has it, which points to the shared shapes."""
    return _read(schema_path(words))


def read_shared_shapes() -> dict[str, dict[str, Any]]:
    """The shapes that several answers share, by name."""
    found = _read(FOLDER / SHARED)["$defs"]
    assert isinstance(found, dict)
    return found


def _read(place: Path) -> dict[str, Any]:
    found = json.loads(place.read_text(encoding="utf-8"))
    assert isinstance(found, dict)
    return found


def _shapes_named_in(node: Any) -> Iterator[str]:
    """The names of the shared shapes that a schema points to."""
    if isinstance(node, dict):
        for key, value in node.items():
            if key == "$ref":
                yield str(value).rpartition("/")[2]
            else:
                yield from _shapes_named_in(value)
    elif isinstance(node, list):
        for value in node:
            yield from _shapes_named_in(value)
