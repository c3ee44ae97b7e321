"""Text -> Lines: what each line of a Markdown file is, without ever failing and without losing one.

Only what a plan needs of CommonMark: ATX headings, list items, fenced code, HTML comments and tags, tables, rules and block quotes,
and the list items that these lie in (a fence ends with the item that holds it). On purpose unlike CommonMark: a list item is one at any
indentation and between any tags, since the research server reads it so. A parser of the whole language takes longer to import than a
check may take.
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
TABLE_DELIMITER = re.compile(r"(?=.*\|)\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?$")
# tags that begin a block wherever they stand (CommonMark, HTML blocks of the sixth kind), and what only looks like one
BLOCK_TAG = re.compile(
    r"</?(?:address|article|aside|blockquote|body|caption|center|col|colgroup|dd|details|dialog|dir|div|dl|dt|fieldset|figcaption|figure"
    r"|footer|form|h[1-6]|head|header|hr|html|iframe|li|link|main|menu|nav|ol|p|section|summary|table|tbody|td|tfoot|th|thead|title|tr"
    r"|ul)(?=[\s/>]|$)|<[?!]",
    re.IGNORECASE,
)
TAG = r"<(/?)([A-Za-z][\w.:-]*)((?:\s+[\w:.-]+\s*=\s*(?:\"[^\"<>]*\"|'[^'<>]*'|[^\s\"'<>=]+))*)\s*(/?)>"
ONLY_TAGS = re.compile(rf"(?:{TAG}\s*)+$")
FIRST_TAG = re.compile(TAG)
CLOSING_TAG = re.compile(r"</([A-Za-z][\w.:-]*)\s*>")
TEXT_TAG = re.compile(
    r"(?:a|abbr|br?|cite|code|del|em|img|ins|i|kbd|mark|q|samp|small|span|strong|su[bp]|s|tt|u|var|wbr)$", re.IGNORECASE
)
TAB = 4


class MarkdownLine(NamedTuple):
    """One line: `start` is where it begins in the text, `text` is without its ending.

    `kind` is blank, text, heading, item, code, comment, quote, html (a line that begins with a tag of a block), table or rule;
    `fence` tells the two lines around code apart from it.
    """

    number: int
    start: int
    text: str
    kind: str
    indent: int
    fence: bool = False


class ScannedMarkdown(NamedTuple):
    """All lines, and the line that opens a fence or a comment which nothing closes."""

    lines: tuple[MarkdownLine, ...]
    unclosed: MarkdownLine | None


class _OpenBlock(NamedTuple):
    """An open fence or comment: `container` is the indentation below which the list item that holds it has ended."""

    container: int
    fence: str
    opened: MarkdownLine


def scan_lines(text: str) -> ScannedMarkdown:
    """Tell what each line of `text` is."""
    scanner = _Scanner(frozenset(CLOSING_TAG.findall(text)))
    lines: list[MarkdownLine] = []
    for match in LINE.finditer(text, len(text) - len(text.removeprefix(BOM))):
        if match[0]:
            lines.append(scanner.classify(len(lines) + 1, match.start(), match[1]))
    opened = scanner.block.opened if scanner.block else None
    return ScannedMarkdown(tuple(_with_tables(lines)), opened)


def _with_tables(lines: list[MarkdownLine]) -> list[MarkdownLine]:
    """The lines, where a line of dashes and bars makes the line above it and the lines with bars below it a table."""
    index = 1
    while index < len(lines):
        is_delimiter = lines[index].kind == "text" and TABLE_DELIMITER.match(lines[index].text.strip(" \t"))
        if is_delimiter and lines[index - 1].kind == "text" and "|" in lines[index - 1].text:
            lines[index - 1] = lines[index - 1]._replace(kind="table")
            while index < len(lines) and lines[index].kind == "text" and "|" in lines[index].text:
                lines[index] = lines[index]._replace(kind="table")
                index += 1
        index += 1
    return lines


def indentation_width(text: str) -> int:
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

    def __init__(self, closing_tags: frozenset[str]) -> None:
        self.closing_tags = closing_tags
        self.items: list[int] = []
        self.paragraph = False
        self.block: _OpenBlock | None = None
        self.quote: _Scanner | None = None

    def classify(self, number: int, start: int, text: str) -> MarkdownLine:
        """The next line; what is open changes with it."""
        if not text and self.block is None:
            self.paragraph, self.quote = False, None
            return MarkdownLine(number, start, text, "blank", 0)
        stripped = text.strip(" \t")
        line = MarkdownLine(number, start, text, "blank", indentation_width(text))
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
        classified = self._line_outside_blocks(line, stripped)
        if classified.kind == "text":
            self.paragraph = paragraph or line.indent - self._container_indent() < TAB
            # a line of text goes on with the paragraph above, however little it is indented: its list items stay open
            self.items += ended if paragraph else []
        return classified

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
        if THEMATIC.match(stripped):
            return line._replace(kind="rule")
        marker = MARKER.match(stripped)
        if marker is None:
            return line._replace(kind="html" if self._is_html(stripped) else "text")
        rest = stripped[marker.end() :]
        column = line.indent + len(marker[1])
        space = indentation_width(" " * column + marker[2]) - column
        self.items.append(column + (space if rest and space <= TAB else 1))
        if rest.startswith(("```", "~~~", "<!--")):
            self._opening_line(line, rest)
        elif rest and not HEADING.match(rest):
            self.paragraph = True
        return line._replace(kind="item")

    def _is_html(self, stripped: str) -> bool:
        """Whether a line begins with a tag that is no part of a text: one of a block, or one that stands alone.

        `<dataset>` alone may as well be a placeholder: it is a tag where the text closes it.
        """
        if stripped[0] != "<":
            return False
        if BLOCK_TAG.match(stripped):
            return True
        tag = FIRST_TAG.match(stripped) if ONLY_TAGS.match(stripped) else None
        if tag is None or TEXT_TAG.match(tag[2]):
            return False
        return bool(tag[1] or tag[3] or tag[4]) or tag[2] in self.closing_tags

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
        self.quote = self.quote or _Scanner(self.closing_tags)
        inner = self.quote.classify(line.number, line.start, QUOTE.sub("", stripped, count=1))
        self.paragraph = self.quote.paragraph
        return line._replace(kind=inner.kind if inner.kind in ("code", "comment") else "quote")
