"""Guides for coding agents: AGENTS.md and its like."""

from __future__ import annotations

import re

from scaffold.conventions.detected import DetectedValue, Occurrence, merge_occurrences
from scaffold.facts import Facts, paths

_GUIDE = re.compile(
    r"(^|/)(AGENTS?\.md|AGENTS\.override\.md|CLAUDE(\.local)?\.md|GEMINI\.md|QWEN\.md|WARP\.md|\.cursorrules|\.windsurfrules|\.clinerules|\.goosehints|\.roorules)$"
    r"|(^|/)\.github/(copilot-instructions\.md|instructions/[^/]+\.md)$|(^|/)\.cursor/rules/[^/]+\.mdc?$|(^|/)\.junie/guidelines\.md$|(^|/)\.clinerules/[^/]+$",
    re.IGNORECASE,
)


def agent_guides(facts: Facts) -> DetectedValue[tuple[str, ...]]:
    """AGENTS.md, CLAUDE.md and their like, at any depth, links included."""
    named = (p for p in facts.notable if ("." in p and _GUIDE.search(p)))
    return merge_occurrences(
        Occurrence(p, p, None, p.rpartition("/")[2]) for p in named if not paths.is_vendored(p.rpartition("/")[0])
    )
