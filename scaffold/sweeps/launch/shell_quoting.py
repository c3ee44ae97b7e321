"""Words -> bash, whatever is in them. Unlike shlex.quote, a line break or a Tab in a word breaks no line."""

from __future__ import annotations

import re
from collections.abc import Iterable

PLAIN = re.compile(r"[A-Za-z0-9_@%+=:,./-]+")
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


def shell_line(words: Iterable[str]) -> str:
    """Words as one line of bash."""
    return " ".join(map(shell_word, words))


def shell_word(word: str) -> str:
    """One word of bash that stands for `word`; control characters are written as escapes, so that it is one line."""
    if PLAIN.fullmatch(word):
        return word
    if CONTROL.search(word):
        return "$'" + CONTROL.sub(_escape, word.replace("\\", "\\\\").replace("'", "\\'")) + "'"
    return "'" + word.replace("'", "'\\''") + "'"


def _escape(match: re.Match[str]) -> str:
    named = {"\n": "\\n", "\t": "\\t", "\r": "\\r"}
    return named.get(match[0]) or "".join(f"\\x{byte:02x}" for byte in match[0].encode())
