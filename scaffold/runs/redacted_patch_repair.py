"""A patch whose secrets were hidden -> one that applies: what it only passes by, or takes away, is known from the commit."""

from __future__ import annotations

import os
import re
from collections.abc import Callable

ESCAPED = re.compile(rb"\\([0-7]{3}|.)")
LETTERS = dict(zip(b"abtnvfr", b"\a\b\t\n\v\f\r", strict=True))
HUNK = re.compile(r"@@ -(\d+)")
OLD_FILE = re.compile(r'--- (?:"a/(?P<quoted>.*)"|a/(?P<plain>.*?))\t?$')


def restore_redacted_lines(patch: str, read: Callable[[str], str]) -> str:
    """`patch` with the context and removed lines that hold `***` put back as the file has them; `read` gives a file's text."""
    restored = []
    lines: list[str] = []
    path, number, in_hunk = "", 0, False
    for line in patch.split("\n"):
        if line.startswith("diff --git "):
            in_hunk = False
        elif not in_hunk and (old := OLD_FILE.match(line)):
            path = old["plain"] or _unquote_path(old["quoted"] or "")
            lines = []
        elif hunk := HUNK.match(line):
            in_hunk, number = True, int(hunk[1])
        elif in_hunk and line[:1] in (" ", "-"):
            if "***" in line:
                lines = lines or read(path).split("\n")
                line = line[0] + lines[number - 1] if number <= len(lines) else line
            number += 1
        restored.append(line)
    return "\n".join(restored)


def _unquote_path(path: str) -> str:
    """A path that git put in quotes, as C writes it, for a letter that needs it."""

    def byte(match: re.Match[bytes]) -> bytes:
        code = match[1]
        return bytes([int(code, 8) if len(code) == 3 else LETTERS.get(code[0], code[0])])

    return os.fsdecode(ESCAPED.sub(byte, os.fsencode(path)))
