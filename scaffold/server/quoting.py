"""Text that a server said, made harmless: on one line for messages and tables, and as Markdown that can be nothing but text."""

from __future__ import annotations


def flat(text: str, limit: int) -> str:
    """`text` as one printable line of at most `limit` characters: no control, no direction marks, no lone surrogates."""
    cut = "".join(letter if letter.isprintable() or letter.isspace() else " " for letter in text[: 20 * limit])
    line = " ".join(cut.split())
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "\N{HORIZONTAL ELLIPSIS}"
