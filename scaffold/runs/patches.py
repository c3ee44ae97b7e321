"""A patch whose secrets were hidden -> one that applies: what it only passes by, or takes away, is known from the commit."""

from __future__ import annotations

import re
from collections.abc import Callable

HUNK = re.compile(r"@@ -(\d+)")
OLD = re.compile(r'--- (?:"a/(?P<quoted>.*)"|a/(?P<plain>.*?))\t?$')


def restore(patch: str, read: Callable[[str], str]) -> str:
    """`patch` with the context and removed lines that hold `***` put back as the file has them; `read` gives a file's text."""
    made = []
    lines: list[str] = []
    path, number, inside = "", 0, False
    for line in patch.split("\n"):
        if line.startswith("diff --git "):
            inside = False
        elif not inside and (old := OLD.match(line)):
            path = old["plain"] or (old["quoted"] or "").encode().decode("unicode_escape")
            lines = []
        elif hunk := HUNK.match(line):
            inside, number = True, int(hunk[1])
        elif inside and line[:1] in (" ", "-"):
            if "***" in line:
                lines = lines or read(path).split("\n")
                line = line[0] + lines[number - 1] if number <= len(lines) else line
            number += 1
        made.append(line)
    return "\n".join(made)
