"""The process that ends the command where the recorder is killed."""

from __future__ import annotations

import os
import select
import time

from .lean_imports import signal
from .processes import descendants, send_signal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from .capture import Stream


ORPHAN_S = 3.0


class Guard:
    """A process that outlives the recorder if that is killed: then it ends the command, so that nothing lingers unrecorded.

    When the command left something behind that still writes, the guard goes on keeping what that says.
    """

    def __init__(self, streams: Sequence[Stream], *, group: bool) -> None:
        ours, self.notice = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            try:
                self._watch(ours, streams, group)
            finally:
                os._exit(0)
        os.close(ours)

    def watch(self, pid: int) -> None:
        """Say which process to end."""
        os.write(self.notice, b"%d\n" % pid)

    def finish(self, *, drain: bool) -> None:
        """The command has ended."""
        os.write(self.notice, b"drain\n" if drain else b"end\n")
        os.close(self.notice)

    def _watch(self, notices: int, streams: Sequence[Stream], group: bool) -> None:
        os.setsid()
        null = os.open(os.devnull, os.O_RDWR)
        needed = {notices, *(s.source for s in streams), *(s.log for s in streams if s.log is not None)}
        for fd in (0, 1, 2):
            os.dup2(null, fd)
        for name in os.listdir("/dev/fd"):
            if int(name) > 2 and int(name) not in needed:
                try:
                    os.close(int(name))
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

    def _drain(self, streams: Sequence[Stream]) -> None:
        poll = select.poll()
        logs = {s.source: s.log for s in streams}
        for fd in logs:
            poll.register(fd, select.POLLIN)
        while logs:
            for fd, _ in poll.poll():
                try:
                    data = os.read(fd, 1 << 16)
                except OSError:
                    data = b""
                log = logs.get(fd)
                if not data:
                    poll.unregister(fd)
                    del logs[fd]
                elif log is not None:
                    try:
                        os.write(log, data)
                    except OSError:
                        logs[fd] = None


def end_orphans(pid: int, *, group: bool) -> None:
    """End a command whose recorder is gone: asked first, then forced."""
    targets = [pid, *descendants(pid)]
    send_signal(targets, signal.SIGTERM, group=pid if group else None)
    limit = time.monotonic() + ORPHAN_S
    while time.monotonic() < limit and send_signal(targets, 0, group=pid if group else None):
        time.sleep(0.05)
    send_signal(targets, signal.SIGKILL, group=pid if group else None)
