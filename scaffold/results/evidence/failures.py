"""Runs that failed and what their logs end with -> failures grouped by cause."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from scaffold.results.tables.text_format import truncate
from scaffold.runs import log_excerpts
from scaffold.runs.model import Run

STATUSES = ("finished", "running", "failed", "terminated", "lost")
FAILED = STATUSES[2:]
TAIL_LINES, LINE_WIDTH, CAUSE_WIDTH = 20, 240, 160
# what an exception's line looks like: its class, dotted or not, then its message; indented lines belong to the traceback
EXCEPTION = re.compile(
    r"(?P<name>(?:[A-Za-z_]\w*\.)*[A-Za-z_]\w*(?:Error|Exception|Interrupt|Exit|Failure|Warning|Stop\w*))(?::\s*(?P<said>.*))?$"
)
TRACEBACK = "Traceback (most recent call last):"
RANK = re.compile(r"^(?:\[?rank\s?\d+\]?:|\d+:)\s?", re.IGNORECASE)
# what differs between two runs that failed for the same reason
VARIES = (
    (re.compile(r"0x[0-9a-fA-F]+"), "…"),
    (re.compile(r"(?<![\w/])/[^\s'\":,;)\]]+"), "…/path"),
    (re.compile(r"\b[0-9a-f]{8,}\b"), "…"),
    (re.compile(r"(?<![A-Za-z_])[-+]?\d+(?:[.,]\d+)*(?:[eE][-+]?\d+)?"), "N"),
)
KNOWN = (
    (re.compile(r"CUDA out of memory|OutOfMemoryError|CUBLAS_STATUS_ALLOC_FAILED"), "out of GPU memory"),
    (re.compile(r"DUE TO TIME LIMIT"), "Slurm's time limit"),
    (re.compile(r"oom[-_ ]kill", re.IGNORECASE), "out of memory, killed by Slurm"),
    (re.compile(r"DUE TO PREEMPTION"), "preempted by Slurm"),
    (re.compile(r"No space left on device"), "no space left on device"),
    (re.compile(r"DataLoader worker .* (?:exited unexpectedly|is killed by signal)"), "a data loader's worker died"),
    (re.compile(r"NCCL (?:error|WARN)|ncclInternalError|ncclSystemError"), "NCCL: processes lost each other"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A run that did not end well: where its stderr lies, and the last lines of its log (at most 20, of 240 characters)."""

    run: Run
    log: str
    tail: str
    mended: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """Runs that failed for one reason, newest first. `mended` counts those whose later attempt finished."""

    text: str
    failures: tuple[Failure, ...]

    @property
    def mended(self) -> int:
        """How many of them a later attempt made good."""
        return sum(failure.mended for failure in self.failures)


def is_mended(run: Run, runs: Iterable[Run]) -> bool:
    """Whether a later attempt of the same run finished."""
    return any(r.name == run.name and r.attempt > run.attempt and r.status == "finished" for r in runs)


def clean(text: str) -> str:
    """The last lines of a log as a person would see them: no escape codes, progress bars where they ended, control characters gone."""
    lines = log_excerpts.strip_terminal_codes(text).split("\n")
    while lines and not lines[-1]:
        lines.pop()
    return "\n".join(truncate(line, LINE_WIDTH) for line in lines[-TAIL_LINES:])


def cause(run: Run, tail: str) -> str:
    """Why a run failed, in a few words: what is known to be said of such an end, else the exception, else the last line, else the end."""
    for pattern, words in KNOWN:
        if pattern.search(tail):
            return words
    if run.status == "lost":
        return "lost: its process is gone and nothing recorded its end"
    if run.status == "terminated":
        return _terminated(run)
    if said := exception(tail):
        return said
    if run.exit_code in (126, 127):
        return "the command could not be started"
    if run.exit_code in (137, 247):
        return "killed (SIGKILL): often out of memory"
    if run.exit_code == 139 or run.signal == "SIGSEGV":
        return "crashed (SIGSEGV)"
    last = next((line.strip() for line in reversed(tail.splitlines()) if line.strip()), "")
    return truncate(last, CAUSE_WIDTH) or (
        f"exit {run.exit_code}, without a word" if run.exit_code else "without a word"
    )


def _terminated(run: Run) -> str:
    words = {"SIGKILL": "often out of memory", "SIGINT": "Ctrl-C", "SIGSEGV": "it crashed", "SIGXCPU": "CPU time limit"}
    hint = words.get(run.signal or "", "")
    return f"ended by {run.signal or 'a signal'}" + (f" ({hint})" if hint else "")


def exception(tail: str) -> str:
    """The exception that ended a Python program, `ValueError: ...`; empty where there is none in `tail`."""
    lines = [RANK.sub("", line) for line in tail.splitlines()]
    for line in reversed(lines):
        found = EXCEPTION.match(line)
        if found and (found["said"] is not None or TRACEBACK in lines):
            name = found["name"].rsplit(".", 1)[-1]
            return truncate(f"{name}: {found['said']}" if found["said"] else name, CAUSE_WIDTH)
    return ""


def key(text: str) -> str:
    """A cause without what differs from run to run: numbers, addresses, paths, digests."""
    for pattern, instead in VARIES:
        text = pattern.sub(instead, text)
    return text


def group(failures: Iterable[Failure]) -> tuple[Cause, ...]:
    """Failures by cause, the most frequent first; a cause is told in the words of its newest run."""
    found: dict[str, list[tuple[str, Failure]]] = {}
    for failure in sorted(failures, key=lambda f: (f.run.started_at, f.run.label), reverse=True):
        text = cause(failure.run, failure.tail)
        found.setdefault(key(text), []).append((text, failure))
    causes = [Cause(text=rows[0][0], failures=tuple(f for _, f in rows)) for rows in found.values()]
    return tuple(sorted(causes, key=lambda c: (-len(c.failures), c.text)))


def count_by_status(runs: Iterable[Run]) -> Mapping[str, int]:
    """How many runs there are of each status, in a fixed order, only those that there are."""
    found: dict[str, int] = dict.fromkeys(STATUSES, 0)
    for run in runs:
        found[run.status] = found.get(run.status, 0) + 1
    return {status: number for status, number in found.items() if number}
