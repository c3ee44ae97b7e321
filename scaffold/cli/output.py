"""How answers are printed: one JSON object for agents, plain lines for people; warnings to stderr."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from typing import Any

import click

from scaffold import git


def as_json(answer: dict[str, Any], *, indent: int | None = 2) -> None:
    """Print one object with `"version": 1` first."""
    click.echo(json.dumps({"version": 1, **answer}, indent=indent, ensure_ascii=False, default=str))


def rows(table: Iterable[Sequence[str]]) -> None:
    """Print lines of words in columns."""
    for line in columns(table):
        click.echo(line)


def columns(table: Iterable[Sequence[str]]) -> list[str]:
    """Lines of words in columns."""
    lines = [list(row) for row in table]
    widths = [
        max((len(row[i]) for row in lines if i < len(row) - 1), default=0)
        for i in range(max(map(len, lines), default=0))
    ]
    pairs = ((row, [cell.ljust(width) for cell, width in zip(row[:-1], widths, strict=False)]) for row in lines)
    return ["  ".join([*cells, row[-1]]).rstrip() for row, cells in pairs]


def warn(text: str) -> None:
    """A warning, on stderr."""
    click.echo(f"warning: {text}", err=True)


def warn_some(texts: Sequence[str], most: int = 10) -> None:
    """Warnings of a kind: the first ones, and how many more there are."""
    for text in texts[:most]:
        warn(text)
    if len(texts) > most:
        warn(f"... and {len(texts) - most} more of these")


def ignored_json(found: Iterable[git.Ignored]) -> list[dict[str, Any]]:
    """Ignored paths with the rule's place."""
    return [{"path": i.path, "source": i.source, "line": i.line, "pattern": i.pattern} for i in found]


def warn_ignored(root: str, found: Sequence[git.Ignored]) -> None:
    """Say which rule hides the workspace from git, and what mends it."""
    rules = sorted({(i.source, i.line, i.pattern) for i in found})
    for source, line, pattern in rules:
        hidden = [i.path for i in found if (i.source, i.line, i.pattern) == (source, line, pattern)]
        some = hidden[0].removesuffix("/anything") + (f" and {len(hidden) - 1} more" if len(hidden) > 1 else "")
        warn(f"git ignores {some}: {source}:{line} says {pattern}; nothing of it will be committed")
    if rules:
        warn(f"to keep it in git all the same: git add -f '{root}' (again for new files), or take that rule out")


def interactive(*, yes: bool, json_output: bool) -> bool:
    """Whether a question may be asked: only on a terminal, and not when told otherwise."""
    terminals = all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stdout))
    return terminals and not yes and not json_output
