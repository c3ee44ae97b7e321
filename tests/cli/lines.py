"""Command lines in texts, held against the command line as it is."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator

import click

from scaffold.cli.common import answer_schemas
from scaffold.cli.main import group


def parsed(line: str) -> tuple[str, ...]:
    """The command that a line `scaffold ...` calls. Raises UsageError or WrongUsage where an option or argument of it is wrong."""
    name, *args = shlex.split(line, comments=True)
    assert name == "scaffold", line
    words: list[str] = []
    context, command = click.Context(group, info_name=name), group
    while isinstance(command, click.Group) and args and not args[0].startswith("-"):
        _, found, rest = command.resolve_command(context, args)
        assert found is not None
        words.append(args[0])
        context = found.make_context(args[0], list(rest), parent=context)
        command, args = found, rest  # type: ignore[assignment]
    return tuple(words)


def of(text: str) -> Iterator[str]:
    """The lines `scaffold ...` of a Markdown text: in back-ticks, and indented ones; those that name COMMAND stand for any."""
    named = {("scaffold", *words) for words, _ in answer_schemas.list_cli_commands(group)}
    typed = [line for line in re.findall(r"`(scaffold [^`]+)`", text) if tuple(line.split()) not in named]
    typed += re.findall(r"^ {4,}(scaffold .+)$", text, re.MULTILINE)
    yield from (line for line in typed if "COMMAND" not in line and " | " not in line)
