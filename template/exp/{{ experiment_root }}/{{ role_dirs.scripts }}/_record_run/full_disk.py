"""The last write of a run on a full disk: room is made by giving back the end of a log, which says so. Loaded only then."""

from __future__ import annotations

import os

from .files import append_to, file_size, write_atomic
from .messages import warn

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


LEAST_BYTES = 1 << 16

NOTE = "\n[recorder: the disk was full: the last %d bytes of this log were given up, so that the end of the run could be written down]\n"


def write_without_room(path: str, data: bytes, logs: Sequence[str]) -> None:
    """Write a file for which there is no room: with what a log gives back, else over the file that is there. Raises OSError.

    Not at once over it: half written, it would be lost with all that it says.
    """
    for log in sorted(logs, key=file_size, reverse=True):
        if not give_back(log, max(LEAST_BYTES, 2 * len(data))):
            continue
        try:
            write_atomic(path, data)
            return
        except OSError:
            pass
    overwrite(path, data)


def give_back(log: str, needed: int) -> bool:
    """Cut `needed` bytes, at most half of it, off the end of a log, and say so there; whether that was possible."""
    size = file_size(log)
    cut = min(needed, size // 2)
    if cut < 1 << 12 or os.path.islink(log):
        return False
    try:
        os.truncate(log, size - cut)
        append_to(log, (NOTE % cut).encode())
    except OSError as error:
        warn(f"{log} cannot be cut ({error.strerror})")
    return True


def overwrite(path: str, data: bytes) -> None:
    """Write over a file where it lies, once there is room for all of it. Raises OSError."""
    fd = os.open(path, os.O_RDWR | getattr(os, "O_NOFOLLOW", 0))
    try:
        os.posix_fallocate(fd, 0, len(data))
        view, at = memoryview(data), 0
        while at < len(data):
            at += os.pwrite(fd, view[at:], at)
        os.ftruncate(fd, len(data))
        os.fsync(fd)
    finally:
        os.close(fd)
