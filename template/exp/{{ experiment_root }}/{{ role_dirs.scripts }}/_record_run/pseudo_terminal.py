"""The terminals of `--tty`. Loaded only for it."""

from __future__ import annotations

import fcntl
import os
import termios
from _thread import start_new_thread

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class PseudoTerminal:
    """Two pseudo-terminals for `--tty`: one for stdin and stdout, one for stderr, so that the two stay apart."""

    def __init__(self) -> None:
        self.out, self.out_name = self._open()
        self.err, self.err_name = self._open()
        self.saved: Any = None
        self.resize()

    def _open(self) -> tuple[int, str]:
        master, slave = os.openpty()
        name = os.ttyname(slave)
        modes = termios.tcgetattr(slave)
        modes[1] &= ~termios.OPOST
        termios.tcsetattr(slave, termios.TCSANOW, modes)
        self.slaves = [*getattr(self, "slaves", []), slave]
        return master, name

    def actions(self) -> list[tuple[Any, ...]]:
        """What the child does to its file descriptors: the first terminal opened in its new session is its own."""
        opened = [(os.POSIX_SPAWN_OPEN, 0, self.out_name, os.O_RDWR, 0), (os.POSIX_SPAWN_DUP2, 0, 1)]
        return [*opened, (os.POSIX_SPAWN_OPEN, 2, self.err_name, os.O_RDWR | os.O_NOCTTY, 0)]

    def started(self) -> None:
        """The child has the terminals: let go of its ends, and feed it our input."""
        for fd in self.slaves:
            os.close(fd)
        if os.isatty(0):
            self.saved = termios.tcgetattr(0)
            raw = termios.tcgetattr(0)
            raw[0] &= ~(termios.ICRNL | termios.IXON | termios.BRKINT | termios.INPCK | termios.ISTRIP)
            raw[3] &= ~(termios.ECHO | termios.ICANON | termios.IEXTEN | termios.ISIG)
            termios.tcsetattr(0, termios.TCSADRAIN, raw)
        start_new_thread(self._feed, ())

    def _feed(self) -> None:
        while True:
            try:
                data = os.read(0, 1 << 12)
                os.write(self.out, data or b"\x04")
            except OSError:
                return
            if not data:
                return

    def resize(self) -> None:
        """Give the pseudo-terminals the size of ours."""
        for ours in (0, 1, 2):
            if os.isatty(ours):
                size = fcntl.ioctl(ours, termios.TIOCGWINSZ, b"\0" * 8)
                for fd in (self.out, self.err):
                    fcntl.ioctl(fd, termios.TIOCSWINSZ, size)
                return

    def restore(self) -> None:
        """Leave our terminal as it was."""
        if self.saved is not None:
            termios.tcsetattr(0, termios.TCSADRAIN, self.saved)
