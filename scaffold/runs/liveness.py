"""Whether the recorder of a run that says `running` is still there."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from scaffold import structured_text
from scaffold.runs import recorder

# how far the times that a process and a file are said to have may lie apart
CLOCK_S = 10.0
# `ps` works out a start from when the machine started, and may be a second out each time
PS_CLOCK_S = 2
Liveness = Literal["alive", "gone", "unknown"]


def read_recorder_mark(manifest: Path) -> dict[str, Any] | None:
    """What the recorder left beside its manifest to be found by; None where there is nothing."""
    try:
        content = structured_text.parse_json((manifest.parent / ".live" / manifest.name).read_bytes())
    except (OSError, ValueError):
        return None
    return content if isinstance(content, dict) else None


def is_run_lost(manifest: Path, hostname: str) -> bool:
    """Whether the process behind a `running` manifest is gone. Only its own host can tell; elsewhere the answer is no."""
    if hostname != os.uname().nodename:
        return False
    mark = read_recorder_mark(manifest)
    return mark is None or is_process_gone(mark)


def is_process_gone(mark: Mapping[str, Any]) -> bool:
    """Whether the process that a mark speaks of is gone from this host for certain."""
    return check_process_liveness(mark) == "gone"


def check_process_liveness(mark: Mapping[str, Any]) -> Liveness:
    """Whether the process that a mark speaks of is still there, as far as this host can tell.

    Why not ask for the id alone: ids are given again, after a reboot at the latest, and each container counts its own.
    """
    pid = mark.get("pid")
    if not isinstance(pid, int):
        return "gone"
    current = recorder.processes.process_mark(pid)
    boot, namespace = mark.get("boot"), mark.get("namespace")
    if boot and current["boot"] and boot != current["boot"]:
        return "gone"
    if namespace and current["namespace"]:
        if namespace != current["namespace"]:
            return "unknown"
        if current["start"] is None:
            return "unknown" if _is_hidden(pid) else "gone"
        return "alive" if current["start"] == mark.get("start") else "gone"
    return _liveness_by_clock(pid, mark, current)


def _liveness_by_clock(pid: int, mark: Mapping[str, Any], current: Mapping[str, Any]) -> Liveness:
    """The same without /proc on one side at least: by the time at which `ps` says that it started."""
    both_without = not mark.get("namespace") and not current["namespace"]
    if not recorder.processes.process_exists(pid):
        return "gone" if both_without else "unknown"  # ids of another container are not seen from here
    began, seen = mark.get("started_at"), current.get("started_at") or recorder.processes.started_at(pid)
    if began is None or seen is None:
        return "unknown"
    return "alive" if abs(began - seen) <= PS_CLOCK_S else "gone"


def _is_hidden(pid: int) -> bool:
    """Whether a process is there that /proc does not show: other users' are not, where it was mounted with `hidepid`."""
    return recorder.processes.process_exists(pid) and not Path(f"/proc/{pid}").exists()


def is_pid_gone_since(pid: int, at: float) -> bool:
    """Whether the process that had the id `pid` at a time (seconds since 1970) is gone from this host."""
    mark = recorder.processes.process_mark(pid)
    if mark["namespace"] is None:
        began_at = mark["started_at"]
        return not recorder.processes.process_exists(pid) or (began_at is not None and began_at > at + CLOCK_S)
    if mark["start"] is None:
        return not _is_hidden(pid)
    # not once for all: where a clock is set, the time at which the machine was started is another
    booted_at = time.time() - time.clock_gettime(time.CLOCK_BOOTTIME)
    return bool(booted_at + mark["start"] / os.sysconf("SC_CLK_TCK") > at + CLOCK_S)
