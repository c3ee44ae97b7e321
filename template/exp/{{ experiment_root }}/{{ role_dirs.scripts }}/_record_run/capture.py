"""Keeps what the command writes: pipes, logs, and the thread that moves one's content to the other."""

from __future__ import annotations

import fcntl
import os
import time
from _thread import allocate_lock, start_new_thread

from .messages import warn
from .processes import wait_ready

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from .attempt import Attempt
    from .display import Display


# most commands write little, and memory that is never touched costs nothing
FIRST_BUFFER_BYTES = 1 << 16
BUFFER_BYTES = 1 << 20


class Stream:
    """One of the command's two streams: read from `source`, kept in the file `log` (None: nowhere), shown on `to`."""

    def __init__(self, source: int, log: int | None, label: str, display: Display | None, to: int) -> None:
        self.source = source
        self.log = log
        self.label = label
        self.display = display
        self.to = to
        self.size = 0

    def receive(self, data: memoryview) -> None:
        """Keep and show bytes that the command wrote."""
        written = 0
        while self.log is not None and written < len(data):
            try:
                written += os.write(self.log, data[written:])
            except OSError as error:
                warn(
                    "%s cannot be written (%s): output after its byte %d is not kept"
                    % (self.label, error.strerror, self.size + written)
                )
                self.show_log(self.log, written)
                self.log, data, written = None, data[written:], 0
        if self.log is not None:
            self.show_log(self.log, written)
        elif self.display is not None and data:
            self.display.show(self.to, bytes(data))

    def show_log(self, log: int, length: int) -> None:
        """Let the terminal follow the log."""
        if self.display is not None and length:
            self.display.follow(self.to, log, self.size, length)
        self.size += length


class Pump:
    """Moves the command's output in a thread, as fast as it comes."""

    def __init__(self, streams: Sequence[Stream]) -> None:
        self.streams = {s.source: s for s in streams}
        self.ended, self.notice = os.pipe()
        self.done = allocate_lock()
        self.done.acquire()
        self.buffer = memoryview(bytearray(FIRST_BUFFER_BYTES))
        start_new_thread(self._run, ())

    def finish(self) -> list[Stream]:
        """The command has ended: take what is there. Returns the streams that something it left behind still holds open."""
        try:
            os.write(self.notice, b".")
        except OSError:  # the thread has given up, and said so
            pass
        self.done.acquire()
        return list(self.streams.values())

    def _run(self) -> None:
        limit = None
        try:
            while self.streams and (limit is None or time.monotonic() < limit):
                ready = wait_ready(
                    [*self.streams, *([self.ended] if limit is None else [])], None if limit is None else 0.1
                )
                if not ready:
                    break
                for fd in ready:
                    if fd == self.ended:
                        limit = time.monotonic() + 1
                    else:
                        self._move(fd)
        except Exception as error:
            self._give_up(error)
        finally:
            self.done.release()

    def _give_up(self, error: Exception) -> None:
        """Keep nothing any more, but go on reading: the command must not wait for a reader that does not come."""
        warn(f"the command's output is not kept any more ({type(error).__name__}: {error})")
        while self.streams:
            for fd in wait_ready([*self.streams, self.ended]):
                if fd == self.ended or not os.read(fd, 1 << 16):
                    self.streams.pop(fd, None)
                if fd == self.ended:
                    return

    def _move(self, fd: int) -> None:
        try:
            size = os.readv(fd, [self.buffer])
        except OSError:
            size = 0
        if not size:
            del self.streams[fd]
            return
        self.streams[fd].receive(self.buffer[:size])
        if size == len(self.buffer) < BUFFER_BYTES:  # a command that writes much
            self.buffer = memoryview(bytearray(BUFFER_BYTES))


def wide_pipe() -> tuple[int, int]:
    """A pipe that holds as much as the system allows, so that the command seldom waits."""
    ours, theirs = os.pipe()
    try:
        fcntl.fcntl(ours, getattr(fcntl, "F_SETPIPE_SZ", 1031), 1 << 20)
    except OSError:
        pass
    return ours, theirs


def open_log(attempt: Attempt | None, stream: str, of_rank: int) -> int | None:
    """A new log file; None where it cannot be made, which is said."""
    if attempt is None:
        return None
    path = attempt.log_path(stream, of_rank)
    exclusive = 0 if of_rank and stream == "out" else os.O_EXCL
    try:
        return os.open(attempt.path(path), os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | exclusive, 0o666)
    except OSError as error:
        warn(f"{path} cannot be written ({error.strerror}): this output is not kept")
        return None
