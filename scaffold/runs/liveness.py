"""Whether the recorder of a run that says `running` is still there."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from scaffold.runs import recorder

# how far the times that a process and a file are said to have may lie apart
CLOCK_S = 10.0


def read_process_mark(manifest: Path) -> dict[str, Any] | None:
    """What the recorder left beside its manifest to be found by; None where there is nothing."""
    try:
        content = json.loads((manifest.parent / ".live" / manifest.name).read_bytes())
    except (OSError, ValueError):
        return None
    return content if isinstance(content, dict) else None


def is_lost(manifest: Path, hostname: str) -> bool:
    """Whether the process behind a `running` manifest is gone. Only its own host can tell; elsewhere the answer is no."""
    if hostname != socket.gethostname():
        return False
    left = read_process_mark(manifest)
    return left is None or is_process_gone(left)


def is_process_gone(left: Mapping[str, Any]) -> bool:
    """Whether the process that a mark speaks of is gone from this host."""
    pid = left.get("pid")
    if not isinstance(pid, int):
        return True
    now = recorder.processes.process_mark(pid)
    if left.get("boot") != now["boot"] and now["boot"] is not None:
        return True
    if left.get("namespace") != now["namespace"]:
        return False
    if now["namespace"] is not None:
        return bool(now["start"] is None or now["start"] != left.get("start"))
    return not _is_there(pid)


def is_pid_gone_since(pid: int, at: float) -> bool:
    """Whether the process that had the id `pid` at a time (seconds since 1970) is gone from this host."""
    mark = recorder.processes.process_mark(pid)
    if mark["namespace"] is None:
        return not _is_there(pid)
    if mark["start"] is None:
        return True
    try:
        fields = dict(
            line.split(" ", 1) for line in Path("/proc/stat").read_text().splitlines() if line.startswith("btime ")
        )
        began = int(fields["btime"]) + mark["start"] / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, KeyError):
        return False
    return bool(began > at + CLOCK_S)


def _is_there(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
