"""Metrics that a command prints: patterns -> the last value that each finds in what was printed, with its line.

Loaded only where a run has patterns.
"""

from __future__ import annotations

import os
import time

from .lean_imports import signal
from .messages import warn
from .printed_patterns import PatternError, pattern_of_text, rows_of_command, usable_patterns
from .redaction import redact

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from types import FrameType
    from typing import Any

    from .attempt import Attempt
    from .printed_patterns import PrintedPattern


# what is looked at of each stream, and of each line of it: a pattern comes from a file, and may be slow on long texts
TAIL_BYTES = 1 << 20
LINE_LENGTH = 4000
# longer is not looked for: where a pattern backtracks without end, the run has no value, and that is said
SEARCH_SECONDS = 2.0
LONGEST_COUNTED = 1 << 24
_COLOUR = r"\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b[()][A-Z0-9]"


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


def add_printed_metrics(attempt: Attempt) -> None:
    """Put what was printed into a manifest, as far as no file of metrics says it. Raises OSError, and PatternError."""
    patterns = [pattern_of_text(text) for text in attempt.request.metric_patterns]
    patterns += usable_patterns(rows_of_command(attempt.workspace.printed_metrics, attempt.identity.argv))
    logs = [(attempt.path(attempt.log_path(stream)), attempt.log_path(stream)) for stream in ("out", "err")]
    values, trouble = find_printed(logs, patterns)
    if trouble:
        warn(trouble)
    values = {name: row for name, row in values.items() if name not in attempt.manifest["metrics"]}
    if values:
        attempt.manifest["metrics"].update(as_metrics(values))
        attempt.manifest["metric_sources"] = as_sources(values)
