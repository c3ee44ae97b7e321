"""A script that an interpreter is given on its standard input: `python - <<EOF`, `bash -s < setup.sh`. It is the code of the run.

It is read here first, and the command then finds all of it: nothing that it needs is swallowed, and nobody waits for input that does not
end. Loaded only where a command may have one.
"""

from __future__ import annotations

import os
import stat
import time
from _thread import start_new_thread

from .lean_imports import signal
from .messages import warn
from .naming import INTERPRETERS, STDIN_WORDS, program_name
from .processes import wait_ready

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


LARGEST_BYTES = 1 << 20
# a shell may run what it has read before the rest is there; other interpreters begin when they have all of it
SHELL_WAIT_S = 1.0
WAIT_S = 10.0
SHELLS = ("bash", "sh", "zsh", "dash")
SUFFIXES = {"python": ".py", "Rscript": ".R", "julia": ".jl", "perl": ".pl", "ruby": ".rb", "node": ".js"}


class StdinScript:
    """What a command's standard input says: `content` where all of it is known, and how the command is given it."""

    def __init__(self, program: str) -> None:
        self.suffix = SUFFIXES.get(program, ".sh")
        self.content: bytes | None = None
        self._head = b""
        self._is_complete = False
        self._is_taken = False  # something was read, and the command is given a pipe in place of its input
        self._pipe: tuple[int, int] | None = None
        mode = os.fstat(0).st_mode
        if stat.S_ISREG(mode):
            self._peek()
        elif stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode):
            self._read(SHELL_WAIT_S if program in SHELLS else WAIT_S)

    def _peek(self) -> None:
        """Look at a file without moving in it."""
        at = os.lseek(0, 0, os.SEEK_CUR)
        size = os.fstat(0).st_size - at
        if 0 < size <= LARGEST_BYTES:
            self.content = os.pread(0, size, at)
        elif size > LARGEST_BYTES:
            warn("the script on standard input is over 1 MiB: it is no part of the name")

    def _read(self, seconds: float) -> None:
        """Take what a pipe has, to its end if that comes soon; a signal that waits for us ends the waiting."""
        limit, ended = time.monotonic() + seconds, False
        while not ended and len(self._head) <= LARGEST_BYTES and time.monotonic() < limit and not _is_told_to_end():
            if wait_ready([0], 0.05):
                data = os.read(0, 1 << 16)
                self._head += data
                ended = not data
        self._is_taken = bool(self._head) or ended
        if ended:
            self.content = self._head or None
            self._is_complete = True
        elif self._head:
            warn("the script on standard input is over 1 MiB, or does not end: it is no part of the name")

    def actions(self) -> list[tuple[int, ...]]:
        """What the child does to its descriptors. Asked for when no process is forked any more that would hold the pipe open."""
        if self._is_taken and self._pipe is None:
            self._pipe = os.pipe()
        return [(os.POSIX_SPAWN_DUP2, self._pipe[0], 0)] if self._pipe else []

    def start(self) -> None:
        """The command runs: pass on what was read, and what comes after it."""
        if self._pipe:
            os.close(self._pipe[0])
            start_new_thread(self._pass_on, (self._pipe[1],))

    def _pass_on(self, to: int) -> None:
        try:
            data = self._head
            while data:
                view = memoryview(data)
                while view:
                    view = view[os.write(to, view) :]
                data = b"" if self._is_complete else os.read(0, 1 << 16)
        except OSError:  # the command has ended, or has closed its input
            pass
        finally:
            os.close(to)


def _is_told_to_end() -> bool:
    """Whether a signal has come that would end the command."""
    return bool(signal.sigpending() & {signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGALRM})


def read_stdin_script(argv: Sequence[str]) -> StdinScript | None:
    """The script that a command reads from its standard input; None where it reads none there."""
    program = script_reader(argv)
    try:
        return StdinScript(program) if program else None
    except OSError as error:
        warn(f"the script on standard input cannot be read ({error.strerror}): it is no part of the name")
        return None


def script_reader(argv: Sequence[str]) -> str:
    """The interpreter that a command tells to read its script from standard input (`-`, for a shell `-s`); empty where there is none."""
    for i, token in enumerate(argv):
        program = program_name(token)
        if program not in INTERPRETERS:
            continue
        for word in argv[i + 1 :]:
            if word in STDIN_WORDS and (word[-1:] != "s" or program in SHELLS):
                return program
            if not word.startswith("-") or word in ("-c", "-m", "-e"):
                break
    return ""
