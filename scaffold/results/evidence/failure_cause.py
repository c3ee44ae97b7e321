"""A run that did not end well -> which of its logs says more of that, its last lines without secrets, and the cause in a few words."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scaffold import path_containment
from scaffold.results.tables.text_format import truncate
from scaffold.runs import log_excerpts, manifests, recorder

if TYPE_CHECKING:
    from scaffold.runs.model import Run
    from scaffold.workspace import Workspace

READ_LINES, TAIL_LINES, LINE_WIDTH, CAUSE_WIDTH = 40, 20, 240, 160
# a private key whose first line lies above what is shown: its shape is not known from the rest
KEY_END = re.compile(r"\A(?:(?!-----BEGIN )[\s\S])*?-----END [A-Z ]*PRIVATE KEY-----")
# what an exception's line looks like: its class, dotted or not, then its message; indented lines belong to the traceback
EXCEPTION_LINE = re.compile(
    r"(?P<name>(?:[A-Za-z_]\w*\.)*[A-Za-z_]\w*(?:Error|Exception|Interrupt|Exit|Failure|Warning|Stop\w*))(?::\s*(?P<message>.*))?$"
)
TRACEBACK = "Traceback (most recent call last):"
FRAME = re.compile(r'^[^\S\n]*File "(?P<path>[^"\n]+)", line (?P<line>\d+)', re.MULTILINE)
PACKAGES = re.compile(r"/(?:site|dist)-packages/|/lib/python\d")
DIRECT_CAUSE = "The above exception was the direct cause of the following exception:"
# below a traceback any class may stand, whatever its name ends with
RAISED_LINE = re.compile(r"(?P<name>(?:[A-Za-z_]\w*\.)*[A-Za-z_]\w*)(?::\s+(?P<message>.*))?$")
# what Hydra ends with, whatever went wrong; and how its own complaints begin, which come without a traceback
HYDRA_ADVICE = re.compile(r"^Set the environment variable HYDRA_FULL_ERROR=1\b.*$", re.MULTILINE)
HYDRA_COMPLAINT = re.compile(
    r"^(?:Could not |In '|Error (?:merging|parsing|loading)|Primary config |You must specify |Ambiguous value |Multiple values for |"
    r"no viable alternative|mismatched input|extraneous input|token recognition error|missing .* at )"
)
RANK_PREFIX = re.compile(r"^(?:\[?rank\s?\d+\]?:|\d+:)\s?", re.IGNORECASE)
KNOWN_CAUSES = (
    (re.compile(r"CUDA out of memory|OutOfMemoryError|CUBLAS_STATUS_ALLOC_FAILED"), "out of GPU memory"),
    (re.compile(r"DUE TO TIME LIMIT"), "Slurm's time limit"),
    (re.compile(r"oom[-_ ]kill", re.IGNORECASE), "out of memory, killed by Slurm"),
    (re.compile(r"DUE TO PREEMPTION"), "preempted by Slurm"),
    (re.compile(r"No space left on device"), "no space left on device"),
    (re.compile(r"DataLoader worker .* (?:exited unexpectedly|is killed by signal)"), "a data loader's worker died"),
    (re.compile(r"NCCL (?:error|WARN)|ncclInternalError|ncclSystemError"), "NCCL: processes lost each other"),
)
HINTS = {"SIGKILL": "often out of memory", "SIGINT": "Ctrl-C", "SIGSEGV": "it crashed", "SIGXCPU": "CPU time limit"}


def find_failure_cause(workspace: Workspace, run: Run) -> str:
    """Why a run failed, was ended or got lost, in a few words: `ModuleNotFoundError: No module named 'torch'`."""
    try:
        _, tail = read_run_log_tail(workspace, manifests.read_valid_manifest(workspace.workdir / run.path))
    except ValueError:
        tail = ""
    return determine_failure_cause(run, tail)


def find_failed_line(workspace: Workspace, run: Run) -> str:
    """The line of the repository's own code in which a Python program ended, `src/train.py:12`; empty where its log names none.

    It may have run in a worktree anywhere: a file is known by the end of its path.
    """
    try:
        _, tail = read_run_log_tail(workspace, manifests.read_valid_manifest(workspace.workdir / run.path))
    except ValueError:
        return ""
    for match in reversed(list(FRAME.finditer(tail))):
        parts = Path(match["path"]).parts
        ends = ("/".join(parts[i:]) for i in range(1 if match["path"].startswith("/") else 0, len(parts)))
        outside = (end for end in ends if not end.startswith(f"{workspace.root}/"))
        own = next((end for end in outside if (workspace.workdir / end).is_file()), None)
        if own is not None and not PACKAGES.search(match["path"]):
            return f"{own}:{match['line']}"
    return ""


def read_run_log_tail(workspace: Workspace, manifest: Mapping[str, Any]) -> tuple[str, str]:
    """The path of the log that an end is told in (stderr's, else stdout's) and its last lines; both empty where neither says anything."""
    redact = recorder.redaction.redact
    for stream in ("stderr", "stdout"):
        path = str(manifest["paths"][stream])
        if not path_containment.is_contained(workspace.workdir, path):
            continue
        excerpt = log_excerpts.read_excerpt(workspace.workdir / path, READ_LINES)
        if tail := clean_tail(redact(KEY_END.sub("***", excerpt.tail or excerpt.head))):
            return path, tail
    return "", ""


def clean_tail(text: str) -> str:
    """The last lines of a log (20, of 240 characters) as a person would see them.

    No escape codes, progress bars where they ended, control characters gone.
    """
    lines = log_excerpts.strip_terminal_codes(text).split("\n")
    while lines and not lines[-1]:
        lines.pop()
    return "\n".join(truncate(line, LINE_WIDTH) for line in lines[-TAIL_LINES:])


def determine_failure_cause(run: Run, tail: str) -> str:
    """Why a run failed: a cause that is known by its words, else the exception, else the exit code, else the last line of `tail`."""
    for pattern, words in KNOWN_CAUSES:
        if pattern.search(tail):
            return words
    if run.status == "lost":
        return "lost: its process is gone and nothing recorded its end"
    if run.status == "terminated":
        hint = HINTS.get(run.signal or "", "")
        return f"ended by {run.signal or 'a signal'}" + (f" ({hint})" if hint else "")
    if exception := last_exception(tail):
        return exception
    if run.exit_code in (126, 127):
        return "the command could not be started"
    if run.exit_code in (137, 247):
        return "killed (SIGKILL): often out of memory"
    if run.exit_code == 139 or run.signal == "SIGSEGV":
        return "crashed (SIGSEGV)"
    last = _last_words(tail)
    return truncate(last, CAUSE_WIDTH) or (
        f"exit {run.exit_code}, without a word" if run.exit_code else "without a word"
    )


def _last_words(tail: str) -> str:
    """The last line that says something: Hydra's complaint, where its advice how to see more of it stands behind it."""
    sentences = [line.strip() for line in HYDRA_ADVICE.sub("", tail).splitlines() if line.strip()]
    if HYDRA_ADVICE.search(tail) and (complaint := next(filter(HYDRA_COMPLAINT.match, sentences), None)):
        return complaint
    return sentences[-1] if sentences else ""


def last_exception(tail: str) -> str:
    """The exception that ended a Python program, `ValueError: ...`; empty where there is none in `tail`."""
    lines = [RANK_PREFIX.sub("", line) for line in tail.splitlines()]
    if raised := _raised_line(lines):
        root = _root_cause(lines)
        return truncate(f"{raised} (from {root})", CAUSE_WIDTH) if root else raised
    for line in reversed(lines):
        match = EXCEPTION_LINE.match(line)
        # a word that could be a class's name ends many a log: without a message it counts below a traceback only
        if match and (match["message"] is not None or TRACEBACK in lines):
            return _shorten_exception(match)
    return ""


def _root_cause(lines: list[str]) -> str:
    """What the last exception was made of, where Python says that another one was its direct cause: that is what went wrong."""
    if DIRECT_CAUSE not in lines:
        return ""
    above = lines[: len(lines) - 1 - lines[::-1].index(DIRECT_CAUSE)]
    return next((_shorten_exception(m) for line in reversed(above) if line and (m := RAISED_LINE.match(line))), "")


def _raised_line(lines: list[str]) -> str:
    """What stands below the last traceback: its frames are indented, the exception is the first line that is not."""
    if TRACEBACK not in lines:
        return ""
    below = lines[len(lines) - lines[::-1].index(TRACEBACK) :]
    match = next((RAISED_LINE.match(line) for line in below if line and not line[0].isspace()), None)
    return _shorten_exception(match) if match else ""


def _shorten_exception(match: re.Match[str]) -> str:
    name = match["name"].rsplit(".", 1)[-1]
    return truncate(f"{name}: {match['message']}" if match["message"] else name, CAUSE_WIDTH)
