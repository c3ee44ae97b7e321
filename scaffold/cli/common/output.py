"""How answers are printed: one JSON object for agents, plain lines for people; warnings to stderr."""

from __future__ import annotations

import functools
import itertools
import json
import math
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TextIO, TypeVar

import click

from scaffold import visible_text

if TYPE_CHECKING:
    from scaffold import git
    from scaffold.lifecycle.file_kinds import FileAction
    from scaffold.runs.records_home import RecordHomeSummary

# how many entries of a list are shown where nothing else is asked for: what an agent can read and still think
DEFAULT_LIMIT = 20
MAX_LINE = 160
# an answer beyond these is for programs: so many entries, so many letters
LONG_LIST, LONG_TEXT = 1000, 100_000
T = TypeVar("T")


class LimitedLists:
    """Lists cut to their first `limit` entries (0: all); `left_out` is how many entries that cost, over all of them."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.left_out = 0

    def __call__(self, entries: Iterable[T]) -> list[T]:
        # a sequence is cut before it is gone through: records are parsed when they are looked at
        whole = entries if isinstance(entries, Sequence) else list(entries)
        shown = list(whole[: self.limit] if self.limit else whole)
        self.left_out += len(whole) - len(shown)
        return shown

    def report_left_out(self) -> None:
        """For people: how many entries are not shown, on stderr."""
        if self.left_out:
            click.echo(f"{self.left_out} more left out: --limit 0 shows all", err=True)


def print_json(answer: dict[str, Any], limited: LimitedLists | None = None) -> None:
    """Print one object with `"version": 1` first, and last how many entries of its lists are left out, where some may be.

    Every answer has a schema in `scaffold/cli/answers/`, which the tests hold it against.
    """
    click.echo(format_json(answer, limited))


def format_json(answer: dict[str, Any], limited: LimitedLists | None) -> str:
    """What `print_json` prints."""
    whole = {"version": 1, **answer, **({"left_out": limited.left_out} if limited is not None else {})}
    try:
        text = _format_object(whole)
    except ValueError:
        text = _format_object({key: _spell_non_finite(value) for key, value in whole.items()})
    # bytes of a file name that are no UTF-8 come out as `\udcXX`, which JSON reads back
    return text.encode("utf-8", "backslashreplace").decode()


def _format_object(whole: Mapping[str, Any]) -> str:
    """An object, a key a line. Raises ValueError for a number that JSON has not."""
    return "{\n" + ",\n".join(f" {json.dumps(key)}: {_fold_json(value, 1)}" for key, value in whole.items()) + "\n}"


def _spell_non_finite(value: Any) -> Any:
    """The same, with texts for the numbers that JSON has not: `"NaN"`, `"Infinity"`, `"-Infinity"`; losses do diverge."""
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, Mapping):
        return {key: _spell_non_finite(inner) for key, inner in value.items()}
    return [_spell_non_finite(inner) for inner in value] if isinstance(value, (list, tuple)) else value


def _fold_json(value: Any, depth: int) -> str:
    """JSON on one line where it fits, else an entry a line: as long as it has to be, for whoever pays for every letter.

    Entries of what is too long for any reader are not folded themselves: that would take longer than all the rest.
    """
    if not isinstance(value, (dict, list, tuple)):
        return _json_line(value)
    is_long = len(value) > LONG_LIST
    if not is_long:
        line = _json_line(value)
        if len(line) + depth <= MAX_LINE or not value:
            return line
        is_long = len(line) > LONG_TEXT
    entry = _json_line if is_long else functools.partial(_fold_json, depth=depth + 1)
    if isinstance(value, dict):
        # a key that is no text, as json.dumps spells it
        entries = [f"{json.dumps({key: 0})[1:-4]}: {entry(inner)}" for key, inner in value.items()]
    else:
        entries = [entry(inner) for inner in value]
    start, end = "{}" if isinstance(value, dict) else "[]"
    indent = "\n" + " " * depth
    return start + ",".join(f"{indent} {text}" for text in entries) + indent + end


def _json_line(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, default=str)


def print_verbatim(text: str) -> None:
    """Print what is meant for a file or a program as it is; on a terminal what nobody would see is written out.

    Bytes of the user's that are no UTF-8 stay what they were.
    """
    if sys.stdout.isatty():
        click.echo(text.encode("utf-8", "backslashreplace").decode(), nl=False)
    else:
        click.echo(text.encode("utf-8", "surrogateescape"), nl=False)


def terminal_stream() -> TextIO:
    """Stdout as it is, for who draws on a terminal, and sees to it that what is drawn is visible."""
    stream = sys.stdout
    return stream.plain if isinstance(stream, visible_text.EscapingStream) else stream


def print_aligned_rows(table: Iterable[Sequence[str]]) -> None:
    """Print lines of words in columns."""
    for line in align_columns(table):
        click.echo(line)


def align_columns(table: Iterable[Sequence[str]]) -> list[str]:
    """Lines of words in columns."""
    lines = [[visible_text.escape_to_one_line(cell) for cell in row] for row in table]
    widths = [
        max((len(row[i]) for row in lines if i < len(row) - 1), default=0)
        for i in range(max(map(len, lines), default=0))
    ]
    pairs = ((row, [cell.ljust(width) for cell, width in zip(row[:-1], widths, strict=False)]) for row in lines)
    return ["  ".join([*cells, row[-1]]).rstrip() for row, cells in pairs]


def pluralize(count: int, noun: str) -> str:
    """`1 file`, `2 files`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def warn(text: str) -> None:
    """A warning, on stderr."""
    click.echo(f"warning: {text}", err=True)


def print_limited_warnings(texts: Sequence[str], most: int = 10) -> None:
    """Warnings of a kind: the first ones, and how many more there are."""
    for text in texts[:most]:
        warn(text)
    if len(texts) > most:
        warn(f"... and {len(texts) - most} more of these")


def print_file_actions(actions: Iterable[FileAction], *, mark: str = "") -> None:
    """What is done about files, a line each, with `mark` before it."""
    print_files((f"{mark}{action.what}", action.path, f"({action.note})" if action.note else "") for action in actions)


def print_files(files: Iterable[tuple[str, str, str]]) -> None:
    """A line a file: what is said of it, its path, a note. The recorder's modules are one line where the same is said of all."""
    rows = []
    for (what, path, note), alike in itertools.groupby(
        files, key=lambda row: (row[0], _without_module(row[1]), row[2])
    ):
        count = len(list(alike))
        rows.append([what, f"{path} ({count} files)" if path.endswith("/") else path, note])
    print_aligned_rows(rows)


def _without_module(path: str) -> str:
    folder, package, _ = path.partition("/_record_run/")
    return folder + package


def file_actions_json(actions: Iterable[FileAction]) -> list[dict[str, Any]]:
    """What is done about files."""
    return [{"path": action.path, "action": action.what, "note": action.note} for action in actions]


def ignored_json(ignored: Iterable[git.IgnoredPath]) -> list[dict[str, Any]]:
    """Ignored paths with the rule's place."""
    return [{"path": i.path, "source": i.source, "line": i.line, "pattern": i.pattern} for i in ignored]


def warn_of_ignored_workspace(root: str, ignored: Sequence[git.IgnoredPath]) -> None:
    """Say which rule hides the workspace from git, and what mends it."""
    rules = sorted({(i.source, i.line, i.pattern) for i in ignored})
    for source, line, pattern in rules:
        hidden = [i.path for i in ignored if (i.source, i.line, i.pattern) == (source, line, pattern)]
        paths = hidden[0].removesuffix("/anything") + (f" and {len(hidden) - 1} more" if len(hidden) > 1 else "")
        warn(f"git ignores {paths}: {source}:{line} says {pattern}; nothing of it will be committed")
    if rules:
        warn(f"to keep it in git all the same: git add -f '{root}' (again for new files), or take that rule out")


def may_prompt(*, yes: bool, json_output: bool) -> bool:
    """Whether a question may be asked: only on a terminal, and not when told otherwise."""
    terminals = all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stdout))
    return terminals and not yes and not json_output


def record_homes_json(homes: Iterable[RecordHomeSummary]) -> list[dict[str, Any]]:
    """The folders of a second home of records for --json."""
    return [{"path": str(home.folder), "records": home.records} for home in homes]


def describe_record_homes(homes: Iterable[RecordHomeSummary], refs: int) -> Iterator[str]:
    """Where records and code are kept outside of the workspace, a line each."""
    for home in homes:
        yield f"records are kept in {home.folder} too: {pluralize(home.records, 'attempt')}"
    if refs:
        yield f"code of runs is pinned by {pluralize(refs, 'ref')} below refs/scaffold/"
