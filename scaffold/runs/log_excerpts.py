"""Log files -> what of them is worth showing."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

CHUNK = 1 << 16
# CSI, then OSC and its kin up to their end, then two-character ones
ESCAPES = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b[\]PX^_][^\x07\x1b\n]*(?:\x07|\x1b\\)?|\x1b[ -/]*[0-~]?")


@dataclass(frozen=True, slots=True, kw_only=True)
class LogExcerpt:
    """The beginning and the end of a log. `tail` is empty where `head` holds everything; `size` is None for no file."""

    size: int | None
    head: str
    tail: str
    skipped: int


def read_excerpt(path: Path, lines: int, *, full: bool = False) -> LogExcerpt:
    """The first and last `lines` lines of a log (at most 64 KiB each), or all of it."""
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            if full or size <= CHUNK:
                text = file.read()
                rows = text.splitlines(keepends=True)
                if full or len(rows) <= 2 * lines:
                    return LogExcerpt(size=size, head=_decode_utf8(text), tail="", skipped=0)
                head, tail = b"".join(rows[:lines]), b"".join(rows[-lines:] if lines else [])
            else:
                head = b"".join(file.read(CHUNK).splitlines(keepends=True)[:lines])
                file.seek(max(len(head), size - CHUNK))
                tail = b"".join(file.read().splitlines(keepends=True)[-lines:] if lines else [])
    except OSError:
        return LogExcerpt(size=None, head="", tail="", skipped=0)
    return LogExcerpt(size=size, head=_decode_utf8(head), tail=_decode_utf8(tail), skipped=size - len(head) - len(tail))


def read_last_line(path: Path) -> str:
    """What a log said last, as a progress bar would leave it on the screen; empty where it said nothing."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - 4096))
            text = _decode_utf8(file.read())
    except OSError:
        return ""
    rows = [row.strip() for row in strip_terminal_codes(text).split("\n")]
    return next((row for row in reversed(rows) if row), "")


def strip_terminal_codes(text: str) -> str:
    """What a terminal was sent, as plain lines: no escape sequences, of a line that was drawn over only what was seen last."""
    rows = [row.rstrip("\r").rpartition("\r")[2] for row in ESCAPES.sub("", text).split("\n")]
    return "\n".join(_replace_unprintable(row).rstrip() for row in rows)


def _replace_unprintable(row: str) -> str:
    return "".join(letter if letter.isprintable() else " " for letter in row.expandtabs(4))


def _decode_utf8(data: bytes) -> str:
    return data.decode("utf-8", "replace")
