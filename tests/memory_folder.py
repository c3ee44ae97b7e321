"""Temporary folders in memory, where the machine has room: on a disk a third of the tests' time goes into writing small files."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

SHARED_MEMORY = Path("/dev/shm")
ROOM = 4 * 2**30  # bytes, several times what the tests fill: the folders of those that passed are removed at once
VARIABLE = "PYTEST_DEBUG_TEMPROOT"  # where pytest has its folders


def _choose_top() -> Path:
    if VARIABLE in os.environ:  # the user's choice, or that of the process that started this one
        return Path(os.environ[VARIABLE])
    return SHARED_MEMORY if _has_room(SHARED_MEMORY) else Path(tempfile.gettempdir())


def _has_room(folder: Path) -> bool:
    """Whether programs can be started from this folder, as containers often forbid, and much more fits than the tests write."""
    if not os.access(folder, os.W_OK | os.X_OK):
        return False
    about = os.statvfs(folder)
    is_closed = about.f_flag & (os.ST_NOEXEC | os.ST_RDONLY)
    return not is_closed and min(about.f_bavail * about.f_frsize, _free_memory()) >= ROOM


def _free_memory() -> int:
    """Bytes that programs can have without swapping; 0 where the system does not say."""
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:")), 0)


TOP = _choose_top()


def open_to_everybody(folder: Path) -> None:
    """Let every user into a test's folder: the ones above it are closed whenever somebody starts pytest."""
    for each in (folder, *folder.parents):
        if TOP in each.parents:
            each.chmod(each.stat().st_mode | 0o055)
