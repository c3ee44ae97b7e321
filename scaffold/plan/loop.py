"""What the research server's loop reads in a plan, and the tags and the sentinel of its protocol (specs: server API, section 7)."""

from __future__ import annotations

import re

SENTINEL = "ABORT_EARLY_DOCS_CHECK_FAILED"
STARTED = re.compile(r"^\s*(?:[-*+]|\d+[.)])\s+\[(/)\]\s+(.*)$")
OPEN = re.compile(r"^\s*(?:[-*+]|\d+[.)])\s+\[( )\]\s+(.*)$")


def current(lines: list[str]) -> int | None:
    """The index of the line that the server takes for the current task: the first in progress, else the first open one."""
    for pattern in (STARTED, OPEN):
        for index, line in enumerate(lines):
            match = pattern.match(line)
            if match and match[2].strip():
                return index
    return None
