"""Text that a server said, made harmless: on one printable line, as a cell of a table, or as lines of a block of code.

None of them can make a heading, a task, a link, HTML or an end of ours; what was cut off ends in an ellipsis.
"""

from __future__ import annotations

import re

MARKS = re.compile(r"([\\`*_{}\[\]<>#|!~^$&])")
LINKS = re.compile(r"://|(?<![\w.])www\.|@", re.IGNORECASE)
TAGS = re.compile(r"<(?=[/!?a-zA-Z])")
MORE = "\N{HORIZONTAL ELLIPSIS}"


def sanitize_line(text: str, limit: int) -> str:
    """`text` as one printable line of at most `limit` characters: no control, no direction marks, no lone surrogates."""
    line = " ".join(_printable(text[: 20 * limit]).split())
    return line if len(line) <= limit else line[: limit - 1].rstrip() + MORE


def sanitize_table_cell(text: str, limit: int) -> str:
    """`text` as a cell of a Markdown table: every mark escaped, what could become a link taken apart."""
    return MARKS.sub(r"\\\1", LINKS.sub(_break_link, TAGS.sub("< ", sanitize_line(text, limit))))


def sanitize_code_block(text: str, *, lines: int, width: int) -> list[str]:
    """`text` as the lines of a fenced block of code, the fence longer than any in it; at most `lines` lines of `width` characters.

    Tags are taken apart, since what reads a plan's `</plan>` does not know of code.
    """
    rows = re.split(r"\r\n|\r|\n", text.strip("\r\n"))
    block = [TAGS.sub("< ", _printable(row[: 4 * width]).rstrip()) for row in rows[:lines]]
    block = [row if len(row) <= width else row[: width - 1] + MORE for row in block]
    if len(rows) > lines:
        block.append(f"{MORE} {len(rows) - lines} more lines")
    fence = "`" * max(3, 1 + max((len(run) for row in block for run in re.findall("`+", row)), default=0))
    return [f"{fence}text", *block, fence]


def _printable(text: str) -> str:
    return "".join(letter if letter.isprintable() else " " for letter in text.expandtabs(4))


def _break_link(match: re.Match[str]) -> str:
    return {"://": ": //", "@": " (at) "}.get(match[0], f"{match[0][:-1]} .")
