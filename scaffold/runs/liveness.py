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
    mark = read_process_mark(manifest)
    return mark is None or is_process_gone(mark)


def is_process_gone(mark: Mapping[str, Any]) -> bool:
    """Whether the process that a mark speaks of is gone from this host."""
    pid = mark.get("pid")
    if not isinstance(pid, int):
        return True
    # why not ask for the id alone: ids are given again, after a reboot at the latest, and each container counts its own
    current = recorder.processes.process_mark(pid)
    if mark.get("boot") != current["boot"] and current["boot"] is not None:
        return True
    if mark.get("namespace") != current["namespace"]:
        return False
    if current["namespace"] is not None:
        return bool(current["start"] is None or current["start"] != mark.get("start"))
    return not _exists(pid)


def is_pid_gone_since(pid: int, at: float) -> bool:
    """Whether the process that had the id `pid` at a time (seconds since 1970) is gone from this host."""
    mark = recorder.processes.process_mark(pid)
    if mark["namespace"] is None:
        return not _exists(pid)
    if mark["start"] is None:
        return True
    try:
        boot_fields = dict(
            line.split(" ", 1) for line in Path("/proc/stat").read_text().splitlines() if line.startswith("btime ")
        )
        began = int(boot_fields["btime"]) + mark["start"] / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, KeyError):
        return False
    return bool(began > at + CLOCK_S)


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
