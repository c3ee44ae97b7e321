"""Metrics that a command prints: patterns -> the last value that each finds in what was printed, with its line.

Loaded only where a run has patterns. Those that detection makes are mostly plain text with a number behind it, and are searched for
without `re`, which costs as much as all else that the recorder does.
"""

from __future__ import annotations

import os
import time

from .lean_imports import signal
from .redaction import redact

TYPE_CHECKING = False
if TYPE_CHECKING:
    import re
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from types import FrameType
    from typing import Any


# what is looked at of each stream, and of each line of it: a pattern comes from a file, and may be slow on long texts
TAIL_BYTES = 1 << 20
LINE_LENGTH = 4000
MAX_PATTERNS = 64
# longer is not looked for: where a pattern backtracks without end, the run has no value, and that is said
SEARCH_SECONDS = 2.0
LONGEST_COUNTED = 1 << 24
# what numbers are wrapped in where they are printed as they are
_WRAPPERS = tuple(
    prefix + kind + "("
    for prefix in ("", "np.", "torch.", "jnp.", "numpy.")
    for kind in ("tensor", "array", "Array", "DeviceArray", "float32", "float64")
)
_OPENING = "[('\"`$ \t"
_COLOUR = r"\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b[()][A-Z0-9]"
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


def plain_lines(text: str) -> Iterator[tuple[int, str]]:
    """The lines of a text with their index, without colours; what a progress bar wrote over is a line of its own."""
    for index, line in enumerate(text.split("\n")):
        for part in line.split("\r") if "\r" in line else (line,):
            if part:
                part = part[:LINE_LENGTH]
                yield index, without_colours(part) if "\x1b" in part else part


def without_colours(text: str) -> str:
    """A text without the codes that colour it."""
    import re

    return re.sub(_COLOUR, "", text)


class SearchTime:
    """Ends a search that takes too long. Python looks at signals while a pattern is matched, in its main thread only."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.limit = 0.0

    def __enter__(self) -> SearchTime:
        self.limit = time.monotonic() + self.seconds
        try:
            self.handler = signal.signal(signal.SIGALRM, self._end)
            self.timer: tuple[float, float] | None = signal.setitimer(signal.ITIMER_REAL, self.seconds)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGALRM])
        except ValueError:  # not the main thread
            self.timer = None
        return self

    def _end(self, number: int, frame: FrameType | None) -> None:
        raise TimeoutError

    def check(self) -> None:
        """Raise TimeoutError where the time is over."""
        if time.monotonic() > self.limit:
            raise TimeoutError

    def __exit__(self, *error: object) -> None:
        if self.timer is not None:
            signal.setitimer(signal.ITIMER_REAL, *self.timer)
            signal.signal(signal.SIGALRM, self.handler)


def read_tail(path: str) -> tuple[str, int | None]:
    """The end of a log, and the number of its first line; None for that where the log is too long to count."""
    with open(path, "rb") as file:
        size = file.seek(0, os.SEEK_END)
        start = max(0, size - TAIL_BYTES)
        first: int | None = 1
        if start:
            file.seek(0)
            first = file.read(start).count(b"\n") + 1 if size <= LONGEST_COUNTED else None
        file.seek(start)
        text = file.read().decode("utf-8", "replace")
    if start:  # the first line is cut: it may say half a number
        text = text.partition("\n")[2]
        first = None if first is None else first + 1
    return text, first


def find_printed(
    logs: Sequence[tuple[str, str]], patterns: Iterable[PrintedPattern], seconds: float = SEARCH_SECONDS
) -> tuple[dict[str, dict[str, Any]], str | None]:
    """The last value of each pattern in the ends of `logs` (path, its name in records), the first log that has it; and what went wrong.

    Of each metric: `value`, `path`, `line`, `text`, `unit`, `pattern`.
    """
    values: dict[str, dict[str, Any]] = {}
    patterns = list(patterns)
    for path, name in logs:
        try:
            text, first = read_tail(path)
        except OSError:
            continue
        lines: list[tuple[int, str]] | None = None
        for pattern in patterns:
            if pattern.name in values or (pattern.literal and pattern.literal not in text and "\x1b" not in text):
                continue
            lines = lines if lines is not None else list(plain_lines(text))
            try:
                with SearchTime(seconds) as limit:
                    match = last_match(pattern, lines, limit)
            except TimeoutError:
                return values, f"the pattern {pattern.pattern!r} takes too long on what was printed"
            except PatternError as error:
                return values, str(error)
            if match is not None:
                value, unit, index, line = match
                values[pattern.name] = {
                    "value": value,
                    "path": name,
                    "line": None if first is None else first + index,
                    "text": redact(line.strip()[:200]),
                    "unit": unit,
                    "pattern": pattern.pattern,
                }
    return values, None


def last_match(
    pattern: PrintedPattern, lines: Sequence[tuple[int, str]], limit: SearchTime
) -> tuple[float, str | None, int, str] | None:
    """The last value that a pattern finds, its unit, the index of its line, and the line."""
    for index, line in reversed(lines):
        if pattern.literal not in line:
            continue
        limit.check()
        match = pattern.find(line)
        if match is not None:
            return (*match, index, line)
    return None


def as_metrics(printed: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """The values alone, as a manifest holds them: what JSON has no number for is text."""
    return {
        name: row["value"] if row["value"] - row["value"] == 0 else repr(row["value"]) for name, row in printed.items()
    }


def as_sources(printed: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Where each value was read, as a manifest holds it."""
    return {name: {k: row[k] for k in ("path", "line", "text", "unit", "pattern")} for name, row in printed.items()}


def as_sidecar(printed: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Values with their sources, as a file beside a manifest holds them."""
    values = as_metrics(printed)
    return {name: {"value": values[name], **source} for name, source in as_sources(printed).items()}
