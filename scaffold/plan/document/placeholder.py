"""The plan that the research server writes before anybody has planned."""

from __future__ import annotations

import re

# The research server writes this before anybody has planned (server API, section 7).
PLACEHOLDER_PLAN = re.compile(
    r"# Tasks\s+## Goal\s+(?P<goal>.*?)\s+## Tasks\s+- \[ \] \(Agent will decompose the goal into tasks on iteration 1\)\s*",
    re.DOTALL,
)


def placeholder_goal(plan: str) -> str | None:
    """The goal in the research server's placeholder plan; None where `plan` is anything else, and so somebody's work."""
    match = PLACEHOLDER_PLAN.fullmatch(plan.strip().replace("\r\n", "\n"))
    return match["goal"].strip() if match else None
