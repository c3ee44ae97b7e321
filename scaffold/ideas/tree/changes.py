"""What an idea changes, read from git's own difference: hunks with their lines, and what two changes are known to be alike by."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from scaffold import git

_HUNK = re.compile(r"@@ -(\d+)(?:,(\d+))? \+\d+(?:,\d+)? @@")
_COMMENT = re.compile(r"(?:(?<=\s)|^)(?:#|//).*$")
_NUMBER = re.compile(r"(?<![\w.])[-+]?(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Hunk:
    """Lines of one place of a file that are replaced: `first` is the number of the first old line, or of the one before what is added."""

    path: str
    first: int
    removed: tuple[str, ...]
    added: tuple[str, ...]

    @property
    def place(self) -> str:
        """Where, as `path:line`."""
        return f"{self.path}:{self.first}"


def read_hunks(top: Path, base: str, commit: str) -> list[Hunk]:
    """What turns one commit into another, in order. Binary files have no hunks. Raises ScaffoldError where git does not answer."""
    options = (
        "-U0",
        "--no-renames",
        "--no-color",
        "--no-ext-diff",
        "--no-textconv",
        "--src-prefix=a/",
        "--dst-prefix=b/",
    )
    text = os.fsdecode(git.run_git_checked(top, "diff-tree", "-p", "-r", *options, base, commit).stdout)
    return parse_hunks(text)


def parse_hunks(text: str) -> list[Hunk]:
    """The hunks of a difference without context."""
    hunks: list[Hunk] = []
    path, first = "", 0
    removed: list[str] = []
    added: list[str] = []

    def close() -> None:
        if removed or added:
            hunks.append(Hunk(path=path, first=first, removed=tuple(removed), added=tuple(added)))
        removed.clear()
        added.clear()

    in_hunk = False
    for line in text.split("\n"):
        if match := _HUNK.match(line):
            close()
            first, in_hunk = int(match[1]), True
        elif line.startswith("diff --git "):
            close()
            in_hunk = False
        elif not in_hunk:
            if line.startswith(("--- a/", "+++ b/")):
                path = line[6:].removesuffix("\t")
        elif line.startswith("-"):
            removed.append(line[1:])
        elif line.startswith("+"):
            added.append(line[1:])
    close()
    return hunks


def fingerprint_changed_lines(hunks: Iterable[Hunk]) -> tuple[str, ...]:
    """What a change is known by: a hash of each line that it takes or adds, without white space and comments; sorted, each once."""
    return _prints((hunk.path, sign, _plain(line)) for hunk in hunks for sign, line in _signed(hunk))


def fingerprint_without_numbers(hunks: Iterable[Hunk]) -> tuple[str, ...]:
    """The same for lines of which only numbers change, without the numbers: what says that the same constants are turned again."""
    prints = []
    for hunk in hunks:
        old, new = ([_NUMBER.sub("0", _plain(line)) for line in lines] for lines in (hunk.removed, hunk.added))
        if old != new:
            return ()
        prints += [(hunk.path, "=", line) for line in new if line]
    return _prints(prints)


def _signed(hunk: Hunk) -> list[tuple[str, str]]:
    return [("-", line) for line in hunk.removed] + [("+", line) for line in hunk.added]


def _plain(line: str) -> str:
    return "".join(_COMMENT.sub("", line).split())


def _prints(rows: Iterable[tuple[str, str, str]]) -> tuple[str, ...]:
    texts = {"\0".join(row) for row in rows if row[2]}
    return tuple(sorted(hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:16] for text in texts))


def is_code_line(line: str) -> bool:
    """Whether a line says anything beside white space and a comment."""
    return bool(_plain(line))


def format_hunk_excerpt(hunk: Hunk, most: int = 3) -> list[str]:
    """The first lines of a hunk, for people."""
    lines = [f"{sign}{line}" for sign, line in _signed(hunk)]
    return lines[:most] + ([f"... {len(lines) - most} more"] if len(lines) > most else [])
