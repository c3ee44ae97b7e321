"""The signals that ask a process to stop (Ctrl-C, SIGTERM, a terminal that closes), answered otherwise while work is under way."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from types import FrameType

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextlib.contextmanager
def handle_stop_signals(
    handler: Callable[[int, FrameType | None], object] | signal.Handlers, numbers: Iterable[int] = STOP_SIGNALS
) -> Iterator[None]:
    """Have `handler` answer signals; outside the main thread, where Python lets nobody set handlers, nothing changes."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    previous = {number: signal.signal(number, handler) for number in numbers}
    try:
        yield
    finally:
        for number, former in previous.items():
            signal.signal(number, former)


@contextlib.contextmanager
def raise_on_stop_signals() -> Iterator[None]:
    """Let SIGTERM and SIGHUP unwind like Ctrl-C, so that what they interrupt is cleaned up too."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    with handle_stop_signals(stop, (signal.SIGTERM, signal.SIGHUP)):
        yield


@contextlib.contextmanager
def block_stop_signals() -> Iterator[None]:
    """Hear no signal that asks to stop."""
    with handle_stop_signals(signal.SIG_IGN):
        yield


@contextlib.contextmanager
def defer_stop_signals() -> Iterator[list[int]]:
    """Note the signals that ask to stop instead of dying of them; those that were ignored before (nohup) stay so."""
    noted: list[int] = []
    heard = [number for number in STOP_SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]
    with handle_stop_signals(lambda number, frame: noted.append(number), heard):
        yield noted
