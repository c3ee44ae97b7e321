"""The process that ends the command where the recorder is killed."""

from __future__ import annotations

import os
import time

from .lean_imports import signal
from .messages import warn
from .processes import descendants, send_signal, wait_ready

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


ORPHAN_S = 3.0


class Guard:
    """A process that outlives the recorder if that is killed: then it ends the command, so that nothing lingers unrecorded.

    When the command left something behind that still writes, the guard goes on keeping what that says.
    """

    def __init__(self, streams: Sequence[tuple[int, int | None]], *, group: bool) -> None:
        """`streams` are pairs of the descriptor that the command's output comes from, and that of its log. Raises OSError."""
        ours, self.notice = os.pipe()
        self.is_gone = False
        try:
            self.pid = os.fork()
        except OSError:
            os.close(ours)
            os.close(self.notice)
            raise
        if self.pid == 0:
            try:
                self._watch(ours, streams, group)
            finally:
                os._exit(0)
        os.close(ours)

    def watch(self, pid: int) -> None:
        """Say which process to end."""
        self._notify(b"%d\n" % pid)

    def finish(self, *, drain: bool) -> None:
        """The command has ended."""
        self._notify(b"drain\n" if drain else b"end\n")
        os.close(self.notice)

    def _notify(self, word: bytes) -> None:
        """Tell the guard something. Where it is gone (whoever is short of memory kills it first), that is said, once."""
        try:
            if not self.is_gone:
                os.write(self.notice, word)
        except OSError as error:
            self.is_gone = True
            warn(f"the guard process is gone ({error.strerror}): the command would have outlived a killed recorder")

    def _watch(self, notices: int, streams: Sequence[tuple[int, int | None]], group: bool) -> None:
        os.setsid()
        null = os.open(os.devnull, os.O_RDWR)
        needed = {notices, *(fd for pair in streams for fd in pair if fd is not None)}
        for fd in (0, 1, 2):
            os.dup2(null, fd)
        for fd in open_descriptors():
            if fd > 2 and fd not in needed:
                try:
                    os.close(fd)
                except OSError:
                    pass
        words = b""
        while True:
            data = os.read(notices, 64)
            if not data:
                break
            words += data
        pid, _, last = words.decode().partition("\n")
        if last == "drain\n":
            self._drain(streams)
        elif pid and not last:
            end_orphans(int(pid), group=group)

    def _drain(self, streams: Sequence[tuple[int, int | None]]) -> None:
        logs = dict(streams)
        while logs:
            for fd in wait_ready(list(logs)):
                try:
                    data = os.read(fd, 1 << 16)
                except OSError:
                    data = b""
                log = logs.get(fd)
                if not data:
                    del logs[fd]
                elif log is not None:
                    try:
                        os.write(log, data)
                    except OSError:
                        logs[fd] = None


def open_descriptors() -> Iterable[int]:
    """This process's open descriptors, or, where the system does not list them, all that there may be."""
    for folder in ("/proc/self/fd", "/dev/fd"):
        try:
            return [int(name) for name in os.listdir(folder)]
        except (OSError, ValueError):
            continue
    return range(3, min(os.sysconf("SC_OPEN_MAX"), 1 << 16))


def end_orphans(pid: int, *, group: bool) -> None:
    """End a command whose recorder is gone: asked first, then forced."""
    targets = [pid, *descendants(pid)]
    send_signal(targets, signal.SIGTERM, group=pid if group else None)
    limit = time.monotonic() + ORPHAN_S
    while time.monotonic() < limit and send_signal(targets, 0, group=pid if group else None):
        time.sleep(0.05)
    send_signal(targets, signal.SIGKILL, group=pid if group else None)
