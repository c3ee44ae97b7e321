"""Words and numbers as a line or a plot can show them."""

from __future__ import annotations


def plain(text: str) -> str:
    """A text in one line, without what a terminal would obey."""
    return text if text.isprintable() else "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


def cut(text: str, width: int) -> str:
    """A text of at most `width` characters; `…` stands for what is left out."""
    return text if len(text) <= width else text[: width - 1] + "…"


def many(number: int, noun: str) -> str:
    """`1 run`, `2 runs`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
