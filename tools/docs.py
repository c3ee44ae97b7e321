"""The generated parts of README.md and docs/: run `PYTHONPATH=. cog -P -r README.md`; `cog -P --check` in the gate keeps them true."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import click

from scaffold.cli import group, schemas

EXIT_CODES = {
    0: "done",
    1: "could not: the message says why and what to do next",
    2: "wrong usage",
    3: "it worked, and the answer is no: findings, conflicts, a newer version, a check that failed",
}


def commands() -> None:
    """A table of every command with the first sentence of its help, subcommands beside it."""
    print("| command | does |\n|---|---|")
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        verbs = ""
        if isinstance(command, click.Group):
            verbs = " " + " \\| ".join(sorted(command.list_commands(context)))
        print(f"| `scaffold {name}`{f' `{verbs.strip()}`' if verbs else ''} | {command.get_short_help_str(200)} |")


def exit_codes() -> None:
    """A table of the exit codes."""
    print("| code | means |\n|---|---|")
    for code, meaning in EXIT_CODES.items():
        print(f"| {code} | {meaning} |")


def answers() -> None:
    """Every command's answer: its fields, and an example of each form that it takes; then the shapes that several share."""
    for words, command in schemas.commands(group):
        if schemas.answers(command):
            schema = schemas.own(words)
            print(f"### `scaffold {' '.join(words)}`\n\n{schema['description']}\n")
            forms = schema.get("oneOf", [schema])
            for form, example in zip(forms, schema["examples"], strict=True):
                _form(form)
                rows = ",\n".join(f" {json.dumps(key)}: {json.dumps(value)}" for key, value in example.items())
                print(f"```json\n{{\n{rows}\n}}\n```\n")
    print("## Shared shapes\n")
    for name, shape in schemas.shared().items():
        print(f'<a id="shape-{name}"></a>\n### {name}\n')
        if "properties" in shape:
            _form(shape)
        else:
            print(f"{shape['description']}\n")


def _form(schema: dict[str, Any]) -> None:
    """A table of the fields of an object, but for the version."""
    print("| field | type | what it is |\n|---|---|---|")
    for name, kind, meaning in _fields(schema, ""):
        print(f"| `{name}` | {kind} | {meaning} |")
    print()


def _fields(schema: dict[str, Any], before: str) -> Iterator[tuple[str, str, str]]:
    """Name, type and meaning of every field, those of inner objects behind the object's."""
    for name, field in schema["properties"].items():
        if name == "version":
            continue
        rare = "" if name in schema["required"] else "; not always there"
        yield before + name, _kind(field) + rare, field["description"].replace("|", "\\|")
        inner, mark = field, ""
        while inner.get("type") == "array" or isinstance(inner.get("additionalProperties"), dict):
            inner, mark = (
                (inner["items"], mark + "[]") if "items" in inner else (inner["additionalProperties"], mark + ".*")
            )
        if "properties" in inner:
            yield from _fields(inner, f"{before}{name}{mark}.")


def _kind(field: dict[str, Any]) -> str:
    """A type in words."""
    if "$ref" in field:
        name = field["$ref"].rpartition("/")[2]
        return f"[{name}](#shape-{name})"
    if "const" in field:
        return f"`{json.dumps(field['const'])}`"
    if "enum" in field:
        return ", ".join(f"`{value}`" for value in field["enum"])
    if "anyOf" in field:
        return " or ".join(map(_kind, field["anyOf"]))
    kinds = field.get("type", "any value")
    words = " or ".join([kinds] if isinstance(kinds, str) else kinds)
    if "items" in field:
        return f"list of {_kind(field['items'])}"
    if isinstance(field.get("additionalProperties"), dict):
        return f"object of {_kind(field['additionalProperties'])}"
    return words
