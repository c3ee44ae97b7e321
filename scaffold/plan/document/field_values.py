"""What the values of a task's fields mean: `deliverable` -> paths, `depends` -> task ids."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from scaffold.plan.document import phrase_patterns
from scaffold.plan.document.markdown_inline import split_plain_markdown, strip_backticks
from scaffold.plan.document.model import Task

SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:(?://|\\|/)")
PATH_PLACEHOLDER = re.compile(r"<[^<>]*>|\{[^{}]*\}|\$\w|\$\(|^path/to\b")
# words behind a file's name: two files that no comma parts, or a remark
REMARK = re.compile(r"`|\.\w{1,8}\s+(?:and|or|plus|with)\s|(?<!\s)\s+\([^()]*\)$")
TASK_ID = re.compile(r"\[?\s*P\s*(\d{1,9})\s*-\s*T\s*(\d{1,9})\s*\]?", re.IGNORECASE)
BETWEEN_IDS = re.compile(r"[,;]|\s+and\s+|\s+(?=\[?[Pp]\d)")
WORDS_FOR_NOTHING = ("none", "nothing", "-", "n/a", "\u2014", "\u2013")


def deliverable_paths(task: Task) -> list[str]:
    """The paths of a task's deliverable, without the back-ticks around them."""
    return [path for _, piece in split_plain_markdown(task.get("deliverable"), ",") if (path := strip_backticks(piece))]


def explain_bad_path(path: str) -> str | None:
    """Why `path` is no relative path inside the work directory; None where it is one."""
    if phrase_patterns.is_placeholder_text(path) or PATH_PLACEHOLDER.search(path):
        return "is a placeholder"
    if SCHEME.match(path) or path.startswith(("/", "~", "\\")):
        return "is not relative to the work directory"
    if ".." in PurePosixPath(path.replace("\\", "/")).parts:
        return "leaves the work directory"
    if REMARK.search(path) or (any(map(str.isspace, path)) and "/" not in path and "." not in path):
        return "is prose, not a path"
    return None


def dependency_ids(task: Task) -> list[str]:
    """What a task depends on, as written, `[p1-t2]` as `P1-T2`; a word for nothing is nothing."""
    words = [piece.strip().strip("`*").strip() for piece in BETWEEN_IDS.split(" ".join(task.get("depends").split()))]
    return [_canonical_id(word) for word in words if word and word.lower() not in WORDS_FOR_NOTHING]


def _canonical_id(word: str) -> str:
    match = TASK_ID.fullmatch(word)
    return f"P{int(match[1])}-T{int(match[2])}" if match else word
