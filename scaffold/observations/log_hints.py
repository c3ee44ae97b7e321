"""The end of a log that no pattern reads -> the line to type, where it ends with numbers that have names."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from scaffold import metric_directions
from scaffold.observations import printed_values
from scaffold.observations.logged_name_roles import is_metric
from scaffold.runs import recorder

if TYPE_CHECKING:
    from scaffold.runs.model import Run
    from scaffold.workspace import Workspace

_TAIL_LINES = 200
_NAMED_NUMBER = re.compile(
    r"(?:^|[\s,;|({\[\"'])(?P<name>[A-Za-z][\w./@%-]*(?: [A-Za-z][\w./@%-]*){0,3})[\"']?(?P<joint>\s*[:=]\s*)"
    r"(?P<value>[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)(?![\w:/-])"
)


def suggest_log_pattern(workspace: Workspace, runs: Sequence[Run]) -> str | None:
    """What to type so that a metric is read off the logs of runs without one; None where their ends hold none (the newest are read)."""
    for run in sorted(runs, key=lambda r: r.started_at, reverse=True)[:3]:
        pattern = _likeliest_pattern(workspace, run)
        if pattern is not None:
            command = f"scaffold runs metrics --from-log {shlex.quote(pattern)}"
            return f"no metric was found, but {run.label} printed some: {command}"
    return None


def _likeliest_pattern(workspace: Workspace, run: Run) -> str | None:
    names: dict[str, str] = {}
    for path, _ in printed_values.find_log_paths(workspace, run):
        for name, joint in _named_numbers(path):
            names.setdefault(name, joint)
    if not names:
        return None
    # one whose name says which way it is better is likelier a result; of several the one that was printed last
    ranked = sorted(names, key=lambda name: metric_directions.guess_direction(name) is None)
    return f"{re.escape(ranked[0]).replace(chr(92) + ' ', ' ')}{_joint_pattern(names[ranked[0]])}(\\S+)"


def _named_numbers(path: str) -> Iterator[tuple[str, str]]:
    """The names and joints in the end of a log, the last first."""
    try:
        text, _ = recorder.printed.read_tail(path)
    except OSError:
        return
    lines = [line for _, line in recorder.printed.plain_lines(text)][-_TAIL_LINES:]
    for line in reversed(lines):
        for match in _NAMED_NUMBER.finditer(line[:400]):
            if is_metric(match["name"], float(match["value"])) and is_metric(match["name"].lower(), 0.0):
                yield match["name"], match["joint"]


def _joint_pattern(joint: str) -> str:
    return rf"\s*{joint.strip()}\s*"
