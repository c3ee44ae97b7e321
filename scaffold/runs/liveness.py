"""Whether the recorder of a run that says `running` is still there."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from scaffold.runs import recorder


def mark(manifest: Path) -> dict[str, Any] | None:
    """What the recorder left beside its manifest to be found by; None where there is nothing."""
    try:
        found = json.loads((manifest.parent / ".live" / manifest.name).read_bytes())
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def is_lost(manifest: Path, hostname: str) -> bool:
    """Whether the process behind a `running` manifest is gone. Only its own host can tell; elsewhere the answer is no."""
    if hostname != socket.gethostname():
        return False
    left = mark(manifest)
    return left is None or is_gone(left)


def is_gone(left: Mapping[str, Any]) -> bool:
    """Whether the process that a mark speaks of is gone from this host."""
    pid = left.get("pid")
    if not isinstance(pid, int):
        return True
    now = recorder.module().process_mark(pid)
    if left.get("boot") != now["boot"] and now["boot"] is not None:
        return True
    if left.get("namespace") != now["namespace"]:
        return False
    if now["namespace"] is not None:
        return bool(now["start"] is None or now["start"] != left.get("start"))
    return not _is_there(pid)


def _is_there(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
