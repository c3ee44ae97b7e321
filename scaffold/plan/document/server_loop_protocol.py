"""The protocol of the research server's loop: the plan that it begins with, which line of a plan it reads, its tags, its sentinel.

Source: specs, server API, section 7.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from scaffold.errors import ScaffoldError

SENTINEL = "ABORT_EARLY_DOCS_CHECK_FAILED"
STARTED = re.compile(r"^\s*(?:[-*+]|\d+[.)])\s+\[(/)\]\s+(.*)$")
OPEN = re.compile(r"^\s*(?:[-*+]|\d+[.)])\s+\[( )\]\s+(.*)$")
# the plan that the server writes before anybody has planned
PLACEHOLDER_PLAN = re.compile(
    r"# Tasks\s+## Goal\s+(?P<goal>.*?)\s+## Tasks\s+- \[ \] \(Agent will decompose the goal into tasks on iteration 1\)\s*",
    re.DOTALL,
)
CHECKLIST = """\
# Tasks

## Aborted

- [x] {sentinel}
- [x] Preflight of the research server's documents failed: {reason}
- [x] No plan was written, no sweep and no run was created
"""
ABORT_SUMMARY = "Server docs/API preflight failed; planning aborted."
LOG_NAME = "iteration_log.md"


def current_task_index(lines: Sequence[str]) -> int | None:
    """The index of the line that the server takes for the current task: the first in progress, else the first open."""
    for pattern in (STARTED, OPEN):
        for index, line in enumerate(lines):
            match = pattern.match(line)
            if match and match[2].strip():
                return index
    return None


def wrap_in_tag(tag: str, text: str) -> str:
    """`<tag>text</tag>`; the server reads up to the first closing tag, so a text that holds one raises ScaffoldError."""
    if f"</{tag}>" in text:
        hint = f"take `</{tag}>` out of it; back-ticks do not help"
        raise ScaffoldError(f"the {tag} holds `</{tag}>`, and the server would cut it there", hint=hint)
    return f"<{tag}>{text}</{tag}>"


def format_plan_block(text: str) -> str:
    """The block that hands a plan to the server, which strips white space at both ends."""
    return wrap_in_tag("plan", f"\n{text.strip()}\n")


def format_abort_checklist(reason: str) -> str:
    """The plan of a loop that must not begin: every box checked, with the sentinel that the loop's prompts look for."""
    flat = " ".join(reason.split()).replace("</plan", "< /plan")
    return CHECKLIST.format(sentinel=SENTINEL, reason=flat)


def is_abort_checklist(text: str) -> bool:
    """Whether a plan is the checklist that `format_abort_checklist` writes, and nothing more."""
    before, after = CHECKLIST.format(sentinel=SENTINEL, reason="\0").split("\0")
    reason = text.removeprefix(before).removesuffix(after)
    return text == f"{before}{reason}{after}" and "\n" not in reason


def format_aborted_loop_tags() -> str:
    """What an aborted loop prints."""
    return "\n".join((wrap_in_tag("summary", ABORT_SUMMARY), wrap_in_tag("promise", "DONE")))


def format_log_entry(when: str, text: str, *, task: str | None = None) -> str:
    """One entry of the iteration log."""
    about = f" {task}" if task else ""
    return f"## {when}{about}\n\n{text.strip()}\n\n---\n\n"


def read_placeholder_plan_goal(plan: str) -> str | None:
    """The goal in the research server's placeholder plan; None where `plan` is anything else, and so somebody's work."""
    match = PLACEHOLDER_PLAN.fullmatch(plan.strip().replace("\r\n", "\n"))
    return match["goal"].strip() if match else None
