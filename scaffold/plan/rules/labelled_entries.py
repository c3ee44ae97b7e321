"""The labelled entries of a section ("- Primary metrics: ...") and whether they say anything."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from scaffold.plan.document import phrase_patterns
from scaffold.plan.document.markdown_inline import strip_html_comments
from scaffold.plan.document.markdown_lines import HEADING, MARKER, MarkdownLine

LABEL = re.compile(r"(?:\*\*|__)?([^:*_]{1,80}?)(?:\*\*|__)?\s*(?::(?:\*\*|__)?(.*)|$)", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class RequiredEntry:
    """An entry that a section has to have: any of `labels` in its label names it."""

    name: str
    labels: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SectionEntry:
    """An entry that is there: where, and what it says (its own line and the lines under it)."""

    line: int
    text: str


def strip_section_markup(body: Sequence[MarkdownLine]) -> str:
    """What a section says, without comments, headings and the marks of quotes."""
    texts = [
        line.text.strip().lstrip(">").strip()
        for line in body
        if line.kind not in ("blank", "comment", "heading", "rule") and not line.fence
    ]
    return "\n".join(text for text in map(strip_html_comments, texts) if text)


def is_all_placeholders(text: str) -> bool:
    """Whether every line of an entry stands in for something that nobody wrote yet."""
    return all(phrase_patterns.is_placeholder_text(MARKER.sub("", line, count=1)) for line in text.splitlines())


def find_section_entry(body: Sequence[MarkdownLine], required: RequiredEntry) -> SectionEntry | None:
    """The first entry of a section with one of the required labels."""
    return next(_matching_entries(body, required), None)


def _matching_entries(body: Sequence[MarkdownLine], required: RequiredEntry) -> Iterator[SectionEntry]:
    for index, line in enumerate(body):
        label = _split_label(line)
        if label is not None and any(word in label[0].lower() for word in required.labels):
            below = _entry_lines(body[index + 1 :], line)
            yield SectionEntry(line=line.number, text="\n".join(filter(None, (label[1], strip_section_markup(below)))))


def _split_label(line: MarkdownLine) -> tuple[str, str] | None:
    """Label and text of a line that begins an entry: a heading, an item, or a paragraph with a label."""
    text = strip_html_comments(line.text)
    if line.kind == "heading" and (match := HEADING.match(text)):
        return text[match.end() :].strip(), ""
    if line.kind not in ("item", "text"):
        return None
    if line.kind == "item" and (match := MARKER.match(text)):
        text = text[match.end() :]
    match = LABEL.match(text)
    if match is None:
        return None
    if match[2] is None and line.kind == "text":
        return None
    return match[1], (match[2] or "").strip()


def _entry_lines(lines: Sequence[MarkdownLine], start: MarkdownLine) -> list[MarkdownLine]:
    """The lines that belong to the entry which begins at `start`."""
    entry: list[MarkdownLine] = []
    for line in lines:
        if line.kind == "heading":
            break
        if start.kind != "heading" and line.kind == "item" and line.indent <= start.indent:
            break
        if start.kind == "text" and line.kind == "text" and _split_label(line) is not None:
            break
        entry.append(line)
    return entry
