"""The value of a `deliverable` field -> paths, and why a path is none that can be checked."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from scaffold.plan.document import keywords
from scaffold.plan.document.markdown_inline import split_plain, strip_backticks

SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:(?://|\\|/)")
UNKNOWN = re.compile(r"<[^<>]*>|\{[^{}]*\}|\$\w|\$\(|^path/to\b")

# words behind a file's name: two files that no comma parts, or a remark
REMARK = re.compile(r"`|\.\w{1,8}\s+(?:and|or|plus|with)\s|(?<!\s)\s+\([^()]*\)$")


def deliverable_paths(value: str) -> list[str]:
    """The paths of a deliverable, without the back-ticks around them."""
    return [path for _, piece in split_plain(value, ",") if (path := strip_backticks(piece))]


def path_objection(piece: str) -> str | None:
    """Why `piece` is no relative path inside the work directory; None where it is one."""
    if keywords.is_placeholder(piece) or UNKNOWN.search(piece):
        return "is a placeholder"
    if SCHEME.match(piece) or piece.startswith(("/", "~", "\\")):
        return "is not relative to the work directory"
    if ".." in PurePosixPath(piece.replace("\\", "/")).parts:
        return "leaves the work directory"
    if REMARK.search(piece) or (any(map(str.isspace, piece)) and "/" not in piece and "." not in piece):
        return "is prose, not a path"
    return None
