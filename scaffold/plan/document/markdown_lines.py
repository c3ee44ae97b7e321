"""Text -> Lines: what each line of a Markdown file is, without ever failing and without losing one.

Only what a plan needs of CommonMark: ATX headings, list items, fenced code, HTML comments and block quotes, and the list items
that these lie in (a fence ends with the item that holds it). On purpose unlike CommonMark: a list item is one at any indentation,
since the research server reads it so. A parser of the whole language takes longer to import than a check may take.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from typing import NamedTuple

BOM = "\ufeff"
LINE = re.compile(r"([^\r\n]*)(\r\n|\r|\n|\Z)")
MARKER = re.compile(r"([-*+]|\d{1,30}[.)])([ \t]+|$)")
THEMATIC = re.compile(r"([-*_])(?:[ \t]*\1){2,}[ \t]*$")
FENCE = re.compile(r"(`{3,}|~{3,})(.*)$", re.DOTALL)
HEADING = re.compile(r"(#{1,6})(?:[ \t]|$)")
QUOTE = re.compile(r"(?:>[ ]?)+")
TAB = 4


class MarkdownLine(NamedTuple):
    """One line: `start` is where it begins in the text, `text` is without its ending.

    `kind` is blank, text, heading, item, code, comment or quote; `fence` tells the two lines around code apart from it.
    """

    number: int
    start: int
    text: str
    kind: str
    indent: int
    fence: bool = False


class ScannedText(NamedTuple):
    """All lines, and the line that opens a fence or a comment which nothing closes."""

    lines: tuple[MarkdownLine, ...]
    unclosed: MarkdownLine | None


class _OpenBlock(NamedTuple):
    """An open fence or comment: `container` is the indentation below which the list item that holds it has ended."""

    container: int
    fence: str
    opened: MarkdownLine


def scan_lines(text: str) -> ScannedText:
    """Tell what each line of `text` is."""
    scanner = _Scanner()
    lines: list[MarkdownLine] = []
    for match in LINE.finditer(text, len(text) - len(text.removeprefix(BOM))):
        if match[0]:
            lines.append(scanner.classify(len(lines) + 1, match.start(), match[1]))
    opened = scanner.block.opened if scanner.block else None
    return ScannedText(tuple(lines), opened)


def indentation(text: str) -> int:
    """The columns of white space that `text` begins with, tabs to the next multiple of four."""
    columns = 0
    for character in text:
        if character == " ":
            columns += 1
        elif character == "\t":
            columns += TAB - columns % TAB
        else:
            break
    return columns


class _Scanner:
    """What is open while lines go by: list items (where their content begins), a paragraph, and a fence or a comment."""

    def __init__(self) -> None:
        self.items: list[int] = []
        self.paragraph = False
        self.block: _OpenBlock | None = None
        self.quote: _Scanner | None = None

    def classify(self, number: int, start: int, text: str) -> MarkdownLine:
        """The next line; what is open changes with it."""
        stripped = text.strip(" \t")
        line = MarkdownLine(number, start, text, "blank", indentation(text))
        if self.block and (not stripped or line.indent >= self.block.container):
            return self._line_in_block(self.block, line, stripped)
        self.block = None
        paragraph, self.paragraph = self.paragraph, False
        if not stripped:
            self.quote = None
            return line
        still_open = bisect_right(self.items, line.indent)
        ended = self.items[still_open:]
        del self.items[still_open:]
        if stripped[0] == ">" and line.indent - self._container_indent() < TAB:
            return self._quoted_line(line, stripped)
        self.quote = None
        found = self._line_outside_blocks(line, stripped)
        if found.kind == "text" and not THEMATIC.match(stripped):
            self.paragraph = paragraph or line.indent - self._container_indent() < TAB
            # a line of text goes on with the paragraph above, however little it is indented: its list items stay open
            self.items += ended if paragraph else []
        return found

    def _container_indent(self) -> int:
        return self.items[-1] if self.items else 0

    def _line_in_block(self, block: _OpenBlock, line: MarkdownLine, stripped: str) -> MarkdownLine:
        if not block.fence:
            if "-->" in line.text:
                self.block = None
            return line._replace(kind="comment")
        closes = stripped.startswith(block.fence) and not stripped.strip(block.fence[0])
        if closes and line.indent - block.container < TAB:
            self.block = None
            return line._replace(kind="code", fence=True)
        return line._replace(kind="code")

    def _line_outside_blocks(self, line: MarkdownLine, stripped: str) -> MarkdownLine:
        if line.indent - self._container_indent() < TAB:
            if (opened := self._opening_line(line, stripped)) is not None:
                return opened
            if HEADING.match(stripped):
                return line._replace(kind="heading")
        marker = MARKER.match(stripped)
        if marker is None or THEMATIC.match(stripped):
            return line._replace(kind="text")
        rest = stripped[marker.end() :]
        column = line.indent + len(marker[1])
        space = indentation(" " * column + marker[2]) - column
        self.items.append(column + (space if rest and space <= TAB else 1))
        if rest.startswith(("```", "~~~", "<!--")):
            self._opening_line(line, rest)
        elif rest and not HEADING.match(rest):
            self.paragraph = True
        return line._replace(kind="item")

    def _opening_line(self, line: MarkdownLine, stripped: str) -> MarkdownLine | None:
        """The line, where it opens a fence or a comment at the indentation of the present container."""
        if stripped.startswith("<!--"):
            if "-->" not in stripped:
                self.block = _OpenBlock(self._container_indent(), "", line)
            return line._replace(kind="comment")
        if stripped[0] in "`~" and (match := FENCE.match(stripped)) and not (match[1][0] == "`" and "`" in match[2]):
            self.block = _OpenBlock(self._container_indent(), match[1], line)
            return line._replace(kind="code", fence=True)
        return None

    def _quoted_line(self, line: MarkdownLine, stripped: str) -> MarkdownLine:
        """A quoted line; a fence inside the quote hides only quoted lines."""
        self.quote = self.quote or _Scanner()
        inner = self.quote.classify(line.number, line.start, QUOTE.sub("", stripped, count=1))
        self.paragraph = self.quote.paragraph
        return line._replace(kind=inner.kind if inner.kind in ("code", "comment") else "quote")
