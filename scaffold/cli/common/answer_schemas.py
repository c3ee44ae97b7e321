"""The schemas of what commands answer with --json: one file a command in `answers/`, and the shapes that several share."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click

FOLDER = Path(__file__).parents[1] / "answers"
SUFFIX = ".schema.json"
SHARED_FILE = "shared" + SUFFIX


def list_cli_commands(group: click.Group, path: Sequence[str] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Every command that does something, with its words (`runs`, `list`), in the order of --help."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if not isinstance(command, click.Group) or command.invoke_without_command:
            yield (*path, name), command
        if isinstance(command, click.Group):
            yield from list_cli_commands(command, (*path, name))


def takes_json_option(command: click.Command) -> bool:
    """Whether a command takes --json."""
    return any(parameter.name == "json_output" for parameter in command.params)


def schema_path(command: Sequence[str]) -> Path:
    """Where the schema of a command's answer lies."""
    return FOLDER / ("-".join(command) + SUFFIX)


def build_command_answer_schema(command: Sequence[str]) -> dict[str, Any]:
    """The JSON Schema (2020-12) of a command's answer, whole in itself: the shared shapes that it needs stand in its `$defs`."""
    schema, shapes = read_own_schema(command), read_shared_shapes()
    needed: dict[str, Any] = {}
    names = set(_shapes_named_in(schema))
    while missing := sorted(names - set(needed)):
        for name in missing:
            needed[name] = shapes[name]
            names |= set(_shapes_named_in(shapes[name]))
    text = json.dumps({**schema, "$defs": needed} if needed else schema)
    whole = json.loads(text.replace(f"{SHARED_FILE}#/", "#/"))
    assert isinstance(whole, dict)
    return whole


def read_own_schema(command: Sequence[str]) -> dict[str, Any]:
    """The schema as its file has it, which points to the shared shapes."""
    return _read_object(schema_path(command))


def read_shared_shapes() -> dict[str, dict[str, Any]]:
    """The shapes that several answers share, by name."""
    shapes = _read_object(FOLDER / SHARED_FILE)["$defs"]
    assert isinstance(shapes, dict)
    return shapes


def _read_object(path: Path) -> dict[str, Any]:
    content = json.loads(path.read_text(encoding="utf-8"))
    assert isinstance(content, dict)
    return content


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
