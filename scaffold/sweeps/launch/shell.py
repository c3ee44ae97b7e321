"""Words -> bash, whatever is in them."""

from __future__ import annotations

import re
from collections.abc import Iterable

PLAIN = re.compile(r"[A-Za-z0-9_@%+=:,./-]+")
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


def line(words: Iterable[str]) -> str:
    """Words as one line of bash."""
    return " ".join(map(quoted, words))


def quoted(word: str) -> str:
    """One word of bash that stands for `word`; control characters are written as escapes, so that it is one line."""
    if PLAIN.fullmatch(word):
        return word
    if CONTROL.search(word):
        return "$'" + CONTROL.sub(_escape, word.replace("\\", "\\\\").replace("'", "\\'")) + "'"
    return "'" + word.replace("'", "'\\''") + "'"


def _escape(match: re.Match[str]) -> str:
    known = {"\n": "\\n", "\t": "\\t", "\r": "\\r"}
    return known.get(match[0]) or "".join(f"\\x{byte:02x}" for byte in match[0].encode())
