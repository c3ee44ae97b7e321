"""Shows what the command writes, without ever slowing it."""

from __future__ import annotations

import errno
import os
import time
from _thread import allocate_lock, start_new_thread

from .messages import warn
from .processes import wait_ready

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Display:
    """Shows output in its own thread: it reads behind in the logs, so a slow terminal delays nobody and needs no memory."""

    def __init__(self) -> None:
        self.lock = allocate_lock()
        self.news = allocate_lock()
        self.done = allocate_lock()
        self.news.acquire()
        self.done.acquire()
        self.queue: list[list[Any]] = []
        self.pending = 0
        self.ending = False
        self.gone: set[int] = set()
        self.is_threaded = True
        try:
            start_new_thread(self._run, ())
        except RuntimeError:  # no more threads to be had: whoever has something to show does it then
            self.is_threaded = False
            self.done.release()

    def follow(self, to: int, log: int, start: int, length: int) -> None:
        """Show `length` bytes of the log `log` from `start` on."""
        with self.lock:
            last = self.queue[-1] if self.queue else None
            if last is not None and last[1] == log and last[2] + last[3] == start:
                last[3] += length
            else:
                self.queue.append([to, log, start, length])
                if len(self.queue) > 4096:
                    self._merge()
        self._wake()

    def show(self, to: int, data: bytes) -> None:
        """Show bytes that no log holds; waits while much of that is pending."""
        while self.pending > 8 << 20 and to not in self.gone:
            time.sleep(0.005)
        with self.lock:
            self.queue.append([to, data, 0, len(data)])
            self.pending += len(data)
        self._wake()

    def finish(self) -> None:
        """Wait until everything is shown."""
        self.ending = True
        self._wake()
        self.done.acquire()

    def _wake(self) -> None:
        if not self.is_threaded:
            self._show_all()
        elif self.news.locked():
            self.news.release()

    def _merge(self) -> None:
        merged: dict[Any, list[Any]] = {}
        for item in self.queue:
            first = merged.setdefault(item[1], item)
            if first is not item:
                first[3] = item[2] + item[3] - first[2]
        self.queue = list(merged.values())

    def _run(self) -> None:
        last = False
        try:
            while not last:
                self.news.acquire()
                last = self.ending
                self._show_all()
        except Exception as error:
            self.gone.update((1, 2))
            warn(f"output cannot be shown any more ({type(error).__name__}: {error}); the logs have it")
        finally:
            self.done.release()

    def _show_all(self) -> None:
        while self._show_next():
            pass

    def _show_next(self) -> bool:
        with self.lock:
            if not self.queue:
                return False
            item = self.queue.pop(0)
        self._show(*item)
        return True

    def _show(self, to: int, source: Any, start: int, length: int) -> None:
        if isinstance(source, bytes):
            self._write(to, source)
            with self.lock:
                self.pending -= length
        else:
            while length > 0 and to not in self.gone:
                try:
                    data = os.pread(source, min(length, 1 << 18), start)
                except OSError:
                    data = b""
                if not data:
                    break
                self._write(to, data)
                start, length = start + len(data), length - len(data)

    def _write(self, to: int, data: bytes) -> None:
        view = memoryview(data)
        while view and to not in self.gone:
            try:
                view = view[os.write(to, view) :]
            except BlockingIOError:
                wait_ready([], 1, writing=[to])
            except OSError as error:
                self.gone.add(to)
                if error.errno not in (errno.EPIPE, errno.EIO):
                    warn(f"output cannot be shown any more ({error.strerror}); the logs have it")
