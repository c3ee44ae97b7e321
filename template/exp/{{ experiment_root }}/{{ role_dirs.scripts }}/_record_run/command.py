"""The command as a child process: its start, the signals that it is passed, its end."""

from __future__ import annotations

import errno
import os
import resource  # noqa: F401 - `wait4` loads it, and must be able to when the run has ended
import sys
import time

from .lean_imports import signal
from .messages import warn
from .processes import descendants, send_signal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Any


# between being asked to end and being killed
GRACE_S = 10.0
POLL_S = 0.02
MARK = "RUN_RECORDER"


ENDING = ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT")

# whoever ends a job tells its processes one by one, the recorder last: so long it may take on a busy machine until it is its turn
LATE_SIGNAL_S = 1.0
BATCH_JOB_VARIABLES = ("SLURM_JOB_ID", "PBS_JOBID", "LSB_JOBID")

SI_KERNEL = 0x80


class Outcome:
    """How a command ended: `code` or `signal_name`; `status` in the manifest's words; what it used."""

    def __init__(self, code: int | None, signal_name: str | None, *, stopped: bool, usage: Mapping[str, Any]) -> None:
        self.code = code
        self.signal_name = signal_name
        self.usage = usage
        self.status = "terminated" if stopped or code is None else "finished" if code == 0 else "failed"

    @property
    def exit_code(self) -> int:
        """What the recorder exits with: the command's own code, 128+n for a signal."""
        if self.code is not None:
            return self.code
        return 128 + int(getattr(signal, self.signal_name or "SIGKILL"))


class Command:
    """The command as a child process, from its start to its end. Signals are blocked meanwhile and read one by one."""

    def __init__(self, argv: Sequence[str], env: Mapping[str, str], *, timeout: float | None) -> None:
        self.argv = list(argv)
        # what it starts has this too, whichever group, session and parent that is in
        self.mark = "%s=%d.%d" % (MARK, os.getpid(), time.time_ns())
        self.env = {**env, MARK: self.mark.partition("=")[2]}
        self.timeout = timeout
        self.pid = 0
        self.sent: str | None = None
        self.is_overdue = False
        self.early: set[int] = set()
        self.family: list[int] = []
        self.interrupts = 0
        self.hard = False
        self.ended: float | None = None
        self.interactive = any(os.isatty(fd) for fd in (0, 1, 2))

    def start(self, actions: Sequence[Any], mask: Iterable[int], *, session: bool) -> None:
        """Start it. Raises OSError when there is no such command, or it cannot be executed."""
        options: dict[str, Any] = {
            "file_actions": actions,
            "setsigmask": mask,
            "setsigdef": [signal.SIGPIPE, signal.SIGXFSZ],
        }
        self.group = session or not self.interactive
        # a terminal's Ctrl-C that came before there was a command has not reached it: it is passed on
        self.early = signal.sigpending()
        if session:
            options["setsid"] = True
        elif self.group:
            options["setpgroup"] = 0
        try:
            self.pid = os.posix_spawnp(self.argv[0], self.argv, self.env, **options)
        except NotImplementedError:  # a system whose libc starts no sessions: then a group of its own has to do
            del options["setsid"]
            self.pid = os.posix_spawnp(self.argv[0], self.argv, self.env, setpgroup=0, **options)
        except OSError as error:
            if error.errno != errno.ENOEXEC:
                raise
            from shutil import which

            script = which(self.argv[0]) or self.argv[0]
            self.pid = os.posix_spawnp("/bin/sh", ["/bin/sh", script, *self.argv[1:]], self.env, **options)

    def wait(self, watched: Iterable[int], resized: Any) -> Outcome:
        """Pass signals on until it ends; how it ended."""
        signal.setitimer(signal.ITIMER_REAL, self.timeout or 0)
        while True:
            pid, status, usage = os.wait4(self.pid, os.WNOHANG)
            if pid:
                break
            number, from_terminal = next_signal(watched)
            from_terminal = from_terminal and number not in self.early
            self.early.discard(number)
            if number == signal.SIGALRM:
                self._out_of_time()
            elif number == signal.SIGWINCH:
                resized()
            elif number != signal.SIGCHLD:
                self._pass_on(number, from_terminal=from_terminal)
        self.ended = time.monotonic()
        signal.setitimer(signal.ITIMER_REAL, 0)
        pending = self._late_signal(watched, is_failed=status != 0)
        # who ended well has finished, unless a part of it is only ended now
        if pending and self.group and (status or living([], self.pid, self.mark)):
            self.sent = self.sent or pending
        if self.family or (self.group and (self.sent or pending)):
            self._end_left_over(watched)
        scale = 1 if sys.platform == "darwin" else 1024
        used = {
            "max_rss_bytes": usage.ru_maxrss * scale,
            "user_s": round(usage.ru_utime, 6),
            "system_s": round(usage.ru_stime, 6),
        }
        if os.WIFSIGNALED(status):
            return Outcome(None, signal_name(os.WTERMSIG(status)), stopped=True, usage=used)
        return Outcome(os.WEXITSTATUS(status), self.sent, stopped=self.sent is not None, usage=used)

    def _late_signal(self, watched: Iterable[int], *, is_failed: bool) -> str | None:
        """The signal to end that came when the command had just ended, None where there is none.

        Slurm tells children before their parents, so the command may have ended because its own child was told. While something of an
        ended command still runs, the recorder waits for its turn: where the command failed, and in a job always.
        """
        deadline = time.monotonic() + LATE_SIGNAL_S
        may_come = self.group and self.sent is None and (is_failed or any(v in os.environ for v in BATCH_JOB_VARIABLES))
        while True:
            pending = signal.sigpending() & set(watched)
            name = next((name for name in ENDING if getattr(signal, name) in pending), None)
            if name or not may_come or time.monotonic() > deadline or not living([], self.pid, self.mark):
                return name
            time.sleep(POLL_S)

    def _pass_on(self, number: int, *, from_terminal: bool) -> None:
        name = signal_name(number)
        if name in ENDING:
            self.sent = self.sent or name
            if not from_terminal:
                self._note_family()
        if number == signal.SIGINT:
            self.interrupts += 1
            if self.interrupts > 1:
                self._kill()
                return
        if self.group or not from_terminal:
            send_signal([self.pid], number)

    def _out_of_time(self) -> None:
        if self.is_overdue:
            self._kill()
            return
        self.is_overdue = True
        self._note_family()
        warn("time limit of %g s reached: the command is asked to end" % (self.timeout or 0))
        if self.sent is None:  # else it is ending already, and a second word could keep it from saving
            self.sent = "SIGTERM"
            send_signal([self.pid], signal.SIGTERM)
        signal.setitimer(signal.ITIMER_REAL, GRACE_S)

    def _note_family(self) -> None:
        """Add what it has started by now: whose parent has ended is nobody's descendant later."""
        self.family += [pid for pid in descendants(self.pid) if pid not in self.family]

    def _kill(self) -> None:
        self.hard = True
        self._note_family()
        send_signal([self.pid, *self.family], signal.SIGKILL, group=self.pid if self.group else None)

    def _end_left_over(self, watched: Iterable[int]) -> None:
        """Ask what the ended command left behind to end too; kill it after the grace time, or when somebody asks again."""
        group = self.pid if self.group else None
        left = living(self.family, group, self.mark)
        if not self.hard:
            send_signal(left, signal.SIGTERM)
            again = {getattr(signal, name) for name in ENDING}.intersection(watched) - signal.sigpending()
            deadline = time.monotonic() + GRACE_S
            # only what was seen a moment ago is killed: by now another process may have its number
            while (left := living(left, group, self.mark)) and time.monotonic() < deadline:
                time.sleep(POLL_S)
                if again.intersection(signal.sigpending()):
                    break
        send_signal(left, signal.SIGKILL)


def living(pids: Sequence[int], group: int | None, mark: str) -> list[int]:
    """Those of the processes, of a process group, and of what has `mark` in its environment, that are there and no zombies.

    Where /proc cannot be read only the first two can be asked for, and zombies are among them.
    """
    try:
        names = os.listdir("/proc") if os.path.exists("/proc/self/stat") else []
    except OSError:  # no descriptor is left
        names = []
    if not names:
        processes = [*pids, *([-group] if group else [])]
        return [number for number in processes if send_signal([number], 0)]
    members = []
    for number in map(int, filter(str.isdigit, names)):
        try:
            with open("/proc/%d/stat" % number, "rb") as file:
                state, _, its_group = file.read().rpartition(b")")[2].split()[:3]
            if state in b"ZX":
                continue
            if number in pids or int(its_group) == group:
                members.append(number)
                continue
            with open("/proc/%d/environ" % number, "rb") as file:
                if mark.encode() in file.read().split(b"\0"):
                    members.append(number)
        except (OSError, ValueError):
            continue
    return members


def signal_name(number: int) -> str:
    """`SIGTERM` for 15."""
    return next(
        (n for n in sorted(dir(signal)) if n.startswith("SIG") and n[3] != "_" and getattr(signal, n) == number),
        "SIGRTMIN",
    )


def next_signal(watched: Iterable[int]) -> tuple[int, bool]:
    """The next signal, and whether a terminal sent it (to the whole foreground group, the command included)."""
    if hasattr(signal, "sigwaitinfo"):
        info = signal.sigwaitinfo(watched)
        return info.si_signo, info.si_code == SI_KERNEL
    number = signal.sigwait(watched)
    return number, number in (signal.SIGINT, signal.SIGQUIT)
