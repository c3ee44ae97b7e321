"""One line of Markdown -> which of its characters are code, comment, URL or escape, and which are text.

Every function is linear in the length of the line, whatever stands in it.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator

# a scheme may not begin inside a longer word: without the look-behind a long word would be scanned once per letter
TOKEN = re.compile(r"\\[!-/:-@\[-`{-~]|`+|<!--|(?<![A-Za-z0-9+.-])[A-Za-z][A-Za-z0-9+.-]{0,30}://[^\s<>`]*")
MASK = "\0"

Span = tuple[str, int, int]


def find_markdown_spans(text: str) -> Iterator[Span]:
    """The parts of `text` that are no plain text, in order: kind ("code", "comment", "url", "escape"), start, end."""
    if not any(mark in text for mark in ("`", "\\", "<!--", "://")):
        return
    closers = _backtick_runs(text)
    last_comment_end = text.rfind("-->")
    position = 0
    while token := TOKEN.search(text, position):
        start, position = token.span()
        if text[start] == "`":
            end = _closing_run(closers.get(position - start, []), position)
            if end is not None:
                position = end + position - start
                yield "code", start, position
        elif text.startswith("<!--", start):
            if last_comment_end >= position:
                position = text.find("-->", position) + 3
                yield "comment", start, position
        else:
            yield ("escape" if text[start] == "\\" else "url"), start, position


def _backtick_runs(text: str) -> dict[int, list[int]]:
    """Length of a run of back-ticks -> where such runs start."""
    runs: dict[int, list[int]] = {}
    for run in re.finditer("`+", text):
        runs.setdefault(len(run[0]), []).append(run.start())
    return runs


def _closing_run(starts: list[int], after: int) -> int | None:
    index = bisect_right(starts, after - 1)
    return starts[index] if index < len(starts) else None


def mask_markup(text: str) -> str:
    """`text`, equally long, with every character that is no plain text replaced by NUL."""
    return _mask_kinds(text, ("code", "comment", "url", "escape"))


def _mask_kinds(text: str, kinds: tuple[str, ...]) -> str:
    parts, position = [], 0
    for kind, start, end in find_markdown_spans(text):
        if kind in kinds:
            parts += [text[position:start], MASK * (end - start)]
            position = end
    return "".join([*parts, text[position:]])


def strip_html_comments(text: str) -> str:
    """`text` without its HTML comments, stripped."""
    if "<!--" not in text:
        return text.strip()
    return _mask_kinds(text, ("comment",)).replace(MASK, "").strip()


def without_code(text: str) -> str:
    """`text` without code and comments: the words that a person wrote."""
    return _mask_kinds(text, ("code", "comment")).replace(MASK, " ")


def code_spans(text: str) -> list[str]:
    """What stands between back-ticks."""
    spans = []
    for kind, start, end in find_markdown_spans(text):
        if kind == "code":
            spans.append(text[start:end].strip("`").strip())
    return spans


def strip_backticks(text: str) -> str:
    """`text` without the back-ticks around all of it, where one code span is all there is."""
    text = text.strip()
    whole = [(start, end) for kind, start, end in find_markdown_spans(text) if kind == "code"]
    return text.strip("`").strip() if whole == [(0, len(text))] else text


def split_plain_markdown(text: str, separator: str) -> list[tuple[int, str]]:
    """`text` cut at every `separator` (one character) that is plain text, as (start, piece)."""
    mask, pieces, start = mask_markup(text), [], 0
    while (end := mask.find(separator, start)) >= 0:
        pieces.append((start, text[start:end]))
        start = end + 1
    return [*pieces, (start, text[start:])]


def escape_for_message(text: str, limit: int = 60) -> str:
    """`text` for a message: one line, every unprintable character escaped, no longer than `limit`."""
    if not text.isprintable():
        text = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
    return text if len(text) <= limit else text[: limit - 3] + "..."
