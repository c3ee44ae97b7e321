"""How a command prints its metrics: what is stored of it -> patterns that find the value in a line.

Those that detection makes are mostly plain text with a number behind it, and are searched for without `re`, which costs as much as all
else that the recorder does.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    import re
    from collections.abc import Iterator, Sequence
    from typing import Any


MAX_PATTERNS = 64
# what numbers are wrapped in where they are printed as they are
_WRAPPERS = tuple(
    prefix + kind + "("
    for prefix in ("", "np.", "torch.", "jnp.", "numpy.")
    for kind in ("tensor", "array", "Array", "DeviceArray", "float32", "float64")
)
_OPENING = "[('\"`$ \t"
# how a plain pattern ends, and what begins one that must not be the end of a longer label
_VALUE_BEHIND = r"\s*(\S+)"
_ALONE = r"(?<![\w/])(?<![\w/] )"
_META = set("\\^$.|?*+()[]{}")


class PatternError(ValueError):
    """A pattern that cannot be used, and why."""


class PrintedPattern:
    """How a metric is printed: its `name`, and a regular expression whose group `value` (else the first) is the number.

    It is compiled when it is first needed: most patterns of a workspace are of other scripts than the one that ran.
    """

    def __init__(self, name: str, pattern: str, source: str = "") -> None:
        self.name, self.pattern, self.source = name, pattern, source
        self.literal = literal_beginning(pattern)
        self.stands_alone = pattern.startswith(_ALONE)
        body = pattern[len(_ALONE) :] if self.stands_alone else pattern
        text, rest = split_literal(body)
        self.plain_text = text if rest == _VALUE_BEHIND and text else None
        self._regex: re.Pattern[str] | None = None
        self.group: str | int = 1

    @property
    def regex(self) -> re.Pattern[str]:
        """The compiled pattern. Raises PatternError."""
        if self._regex is None:
            import re

            try:
                regex = re.compile(self.pattern)
            except (re.error, RecursionError, OverflowError) as error:
                raise PatternError(f"{self.pattern!r} is no regular expression: {error}") from error
            if not regex.groups:
                raise PatternError(
                    f"{self.pattern!r} has no group: put the number in parentheses, as in 'loss: (\\S+)'"
                )
            self.group = next((g for g in ("value", self.name) if g in regex.groupindex), 1)
            self._regex = regex
        return self._regex

    def find(self, line: str) -> tuple[float, str | None] | None:
        """The last number that it finds in a line, and its unit (`%`); None where it finds none. Raises PatternError."""
        value = None
        for text, behind in self._texts(line):
            number = parse_printed(text)
            if number is not None:
                value = number, "%" if text.rstrip().endswith("%") or behind == "%" else None
        return value

    def _texts(self, line: str) -> Iterator[tuple[str, str]]:
        """What stands in the place of the number, wherever the pattern matches, and the character behind it."""
        if self.plain_text is None:
            for match in self.regex.finditer(line):
                end = match.end(self.group)
                yield match.group(self.group) or "", line[end : end + 1]
            return
        place = line.find(self.plain_text)
        while place >= 0:
            end = place + len(self.plain_text)
            if not self.stands_alone or _stands_alone(line, place):
                value = line[end:].split(None, 1)
                if value:
                    yield value[0], ""
            place = line.find(self.plain_text, end)


def _stands_alone(line: str, place: int) -> bool:
    """Whether what begins at `place` is not the end of a longer label: `loss` is none in `val loss`, `val/loss`."""
    before = line[max(0, place - 2) : place]
    return not (before and _is_of_label(before[-1])) and not (
        len(before) == 2 and before[1] == " " and _is_of_label(before[0])
    )


def _is_of_label(letter: str) -> bool:
    return letter.isalnum() or letter in "_/"


def pattern_of_text(text: str) -> PrintedPattern:
    """A pattern as a user types it, named by its group (`(?P<acc>\\S+)`) or by how it begins (`val_bpb:\\s*(\\S+)`).

    Raises PatternError.
    """
    import re

    match = re.search(r"\(\?P<(\w+)>", text)
    name = match.group(1) if match and match.group(1) not in ("value", "step") else ""
    name = name or "_".join(re.findall(r"[\w./@%-]+", literal_beginning(text))).strip("._-/%")
    if not re.match(r"[A-Za-z]", name):
        raise PatternError(f"{text!r} does not say what its number is called: write it as (?P<NAME>...)")
    pattern = PrintedPattern(name, text)
    pattern.regex  # noqa: B018 - refused here, not when it is searched for
    return pattern


def usable_patterns(rows: Any) -> list[PrintedPattern]:
    """The patterns that a file names: objects with `name` and `pattern`."""
    return [
        PrintedPattern(str(row["name"]), str(row["pattern"]), str(row.get("source") or ""))
        for row in (rows[:MAX_PATTERNS] if isinstance(rows, list) else ())
        if isinstance(row, dict) and "name" in row and "pattern" in row
    ]


def rows_of_command(rows: Any, argv: Sequence[str]) -> list[dict[str, Any]]:
    """Of the patterns that a file names those that a command may print: none of another script, where the command's own has some."""
    rows = [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
    of_script = [row for row in rows if row.get("script") and _runs(argv, str(row.get("source")).rpartition(":")[0])]
    return of_script + [row for row in rows if not row.get("script")] if of_script else rows


def _runs(argv: Sequence[str], path: str) -> bool:
    """Whether a command names a script by its path from anywhere above it, or as a module."""
    module = path[: -len(".py")].replace("/", ".") if path.endswith(".py") else path
    return any(word == module or os.path.normpath(word) == path or path.endswith("/" + word) for word in argv)


def literal_beginning(pattern: str) -> str:
    """The text that whatever a pattern finds begins with; it may be shorter than it could be."""
    while pattern.startswith("(?<!") and ")" in pattern:  # what must not stand before it takes no room
        pattern = pattern[pattern.index(")") + 1 :]
    text, rest = split_literal(pattern)
    return "" if "|" in rest else text[:-1] if rest[:1] in ("?", "*", "{") else text


def split_literal(pattern: str) -> tuple[str, str]:
    """The text that a pattern begins with, without its escapes, and the rest of the pattern."""
    letters: list[str] = []
    index = 0
    while index < len(pattern):
        letter, step = pattern[index], 1
        if letter == "\\" and pattern[index + 1 : index + 2] in _META | set("/ -:=%#&~@\"'`,;<>!"):
            letter, step = pattern[index + 1], 2
        elif letter in _META:
            break
        letters.append(letter)
        index += step
    return "".join(letters), pattern[index:]


def parse_printed(text: str) -> float | None:
    """The number that a printed text begins with: `0.31,`, `91.2%`, `tensor(0.31, device='cuda:0')`, `[0.31]`."""
    text = text.lstrip(_OPENING)
    for wrapper in _WRAPPERS:
        if text.startswith(wrapper):
            text = text[len(wrapper) :].lstrip(_OPENING)
            break
    size = len(text) - len(text.lstrip("+-.0123456789eE"))
    digits = text[:size]
    if not any("0" <= letter <= "9" for letter in digits):
        word = text.lstrip("+-")[:8].lower()
        name = next((name for name in ("infinity", "inf", "nan") if word.startswith(name)), "")
        behind = word[len(name) : len(name) + 1]
        sign = "-" if text.startswith("-") else ""
        return float(sign + name) if name and not (behind and _is_of_label(behind)) else None
    behind = text[size : size + 1]
    if behind.isalnum() or behind == "_":
        return None
    try:
        return float(digits.rstrip(".eE+-") if digits[-1:] in ".+-" else digits)
    except ValueError:
        return None
