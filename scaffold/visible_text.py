"""Text from outside as text that one sees: for terminals, tables, Markdown and CSV.

Names of files, runs and metrics, and what servers and logs say, may hold what a terminal obeys (escape sequences), what turns or hides
other letters (direction marks, zero-width letters), and what ends a line. Here they become `\\u001b`: in JSON that is the same value.
"""

from __future__ import annotations

import codecs
import re
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TextIO

# C0 without tab and line feed, DEL, C1, line and paragraph separators, directions, what has no width, and letters that show nothing
_HIDDEN = (
    "\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f"
    "\u3164\ufeff\uffa0\ufff0-\ufffb\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
# joiners are part of emoji and of scripts beyond ASCII; beside a plain letter they only hide
_JOINERS = "(?<![^\x00-\x7f])[\u200c\u200d]|[\u200c\u200d](?![^\x00-\x7f])"
# patterns are compiled where they are used: most that is printed needs none
HIDDEN = f"[{_HIDDEN}]|{_JOINERS}"
HIDDEN_OR_LINE_END = f"[\n{_HIDDEN}]|{_JOINERS}"
# what a spreadsheet takes for a formula, wide letters included
FORMULA = "\\s*[=+\\-@\uff1d\uff0b\uff0d\uff20|%]|[\t\r]"
FORMULA_INSIDE = "(?<=[;\t\n])(?=\\s*[\"']?[=+\\-@\uff1d\uff0b\uff0d\uff20])"
NUMBER = r"[+-]?(?:(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|inf|nan)"
QUOTED = r'[",;\t\r\n|]|^\s|\s$'


def escape_hidden(text: str) -> str:
    """`text` with what nobody sees written out; its lines and tabs stay."""
    if text.isascii() and text.replace("\n", "").replace("\t", "").isprintable():
        return text
    return re.sub(HIDDEN, _escape, text)


def escape_to_one_line(text: str) -> str:
    """`text` as one line: its line ends are written out too."""
    return text if text.isascii() and text.isprintable() else re.sub(HIDDEN_OR_LINE_END, _escape, text)


def _escape(match: re.Match[str]) -> str:
    """A letter as JSON has it; one beyond U+FFFF as two."""
    data = match[0].encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{data[i : i + 2].hex()}" for i in range(0, len(data), 2))


def csv_lines(rows: Iterable[Iterable[object]]) -> str:
    """Rows as CSV. None is an empty cell, a number is exact, and no text can begin a formula: it gets an apostrophe before it."""
    return "".join(",".join(map(_csv_cell, row)) + "\n" for row in rows)


def _csv_cell(value: object) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        return repr(value)
    text = re.sub(HIDDEN, _escape, value)
    if re.match(FORMULA, text) and not re.fullmatch(NUMBER, text):
        text = f"'{text}"
    # which separator a spreadsheet takes depends on its country
    text = re.sub(FORMULA_INSIDE, "'", text)
    return '"' + text.replace('"', '""') + '"' if re.search(QUOTED, text) else text


class EscapingStream:
    """A text stream, such as stdout, to which nothing hidden is written. `plain` is the stream itself, for who draws on a terminal."""

    def __init__(self, plain: TextIO) -> None:
        self.plain = plain

    @property
    def encoding(self) -> str:
        """What it writes; ASCII, which click would go round, is written as UTF-8's letters, or as escapes where those cannot be."""
        encoding = self.plain.encoding
        return "utf-8" if encoding and codecs.lookup(encoding).name == "ascii" else encoding

    def write(self, text: str) -> int:
        """Write text; what a terminal would obey is written out."""
        self.plain.write(escape_hidden(text))
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        """Write texts."""
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.plain, name)


@contextmanager
def visible_streams() -> Iterator[None]:
    """Have stdout and stderr show what nobody would see, while a command runs."""
    before = sys.stdout, sys.stderr
    ours = [
        stream if isinstance(stream, EscapingStream) or stream is None else EscapingStream(stream) for stream in before
    ]
    sys.stdout, sys.stderr = ours
    try:
        yield
    finally:
        # click puts another stream there where nobody reads any more
        if sys.stdout is ours[0]:
            sys.stdout = before[0]
        if sys.stderr is ours[1]:
            sys.stderr = before[1]
