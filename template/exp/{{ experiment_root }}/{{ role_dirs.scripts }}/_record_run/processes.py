"""Processes: helpers with pipes, signals, descendants, and what tells whether a process is still there."""

from __future__ import annotations

import os
import select
import time

from .lean_imports import signal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Any


PS_TIMEOUT_S = 2.0


def open_pipes() -> list[int]:
    """The ends of three pipes, for a helper's three streams: ours and its own, in turns. Raises OSError, and then none is open."""
    ends: list[int] = []
    try:
        ends += os.pipe()[::-1]
        ends += os.pipe()
        ends += os.pipe()
    except OSError:
        for fd in ends:
            os.close(fd)
        raise
    return ends


class Subprocess:
    """A helper process with pipes: read to its end by `communicate`."""

    def __init__(self, argv: Sequence[str], stdin: bytes = b"", env: Mapping[str, str] | None = None) -> None:
        self.argv = argv
        self.unsent = memoryview(stdin)
        ours_in, theirs_in, ours_out, theirs_out, ours_err, theirs_err = open_pipes()
        actions = [(os.POSIX_SPAWN_DUP2, fd, n) for n, fd in enumerate((theirs_in, theirs_out, theirs_err))]
        options: dict[str, Any] = {
            "file_actions": actions,
            "setpgroup": 0,
            "setsigmask": [],
            "setsigdef": [signal.SIGPIPE],
        }
        try:
            self.pid = os.posix_spawnp(argv[0], list(argv), env or os.environ, **options)
        except OSError:
            for fd in (ours_in, ours_out, ours_err):
                os.close(fd)
            raise
        finally:
            for fd in (theirs_in, theirs_out, theirs_err):
                os.close(fd)
        self.stdin: int | None = ours_in
        self.output = {ours_out: bytearray(), ours_err: bytearray()}
        self.out, self.err = self.output.values()
        self.open = set(self.output)
        self.status: int | None = None
        for fd in (ours_in, ours_out, ours_err):
            os.set_blocking(fd, False)

    def step(self, fd: int) -> None:
        """Move what can be moved through one ready pipe."""
        try:
            if fd == self.stdin:
                self.unsent = self.unsent[os.write(fd, self.unsent) if self.unsent else 0 :]
                done = not self.unsent
            else:
                data = os.read(fd, 1 << 16)
                self.output[fd] += data
                done = not data
        except BlockingIOError:
            return
        except OSError:
            done = True
        if done:
            os.close(fd)
            self.open.discard(fd)
            self.stdin = None if fd == self.stdin else self.stdin

    def end(self, deadline: float | None) -> bool:
        """Close what is open and reap the process; whether it ended by itself until `deadline` (None: at once), else it is killed."""
        for fd in [*self.open, *([] if self.stdin is None else [self.stdin])]:
            os.close(fd)
        self.open, self.stdin = set(), None
        try:
            pause, ended = 0.0002, 0
            while deadline is not None and not ended and time.monotonic() < deadline:
                ended, self.status = os.waitpid(self.pid, os.WNOHANG)
                if not ended:
                    time.sleep(pause)
                    pause = min(0.05, pause * 2)
            if not ended:
                send_signal((), signal.SIGKILL, group=self.pid)
                self.status = os.waitpid(self.pid, 0)[1]
            return bool(ended)
        except ChildProcessError:  # somebody has it that children are not waited for; what it said is all that is known
            self.status = 1 if self.err and not self.out else 0
            return True


def communicate(processes: Sequence[Subprocess], deadline: float) -> bool:
    """Read the helpers to their ends; False, and they are killed, when that takes longer than `deadline` (monotonic)."""
    late = False
    while not late:
        reading = {fd: process for process in processes for fd in process.open}
        writing = {process.stdin: process for process in processes if process.stdin is not None}
        if not reading and not writing:
            break
        left = deadline - time.monotonic()
        ready = wait_ready(list(reading), left, writing=list(writing)) if left > 0 else []
        late = not ready
        for fd in ready:
            (reading.get(fd) or writing[fd]).step(fd)
    for process in processes:
        late = not process.end(None if late else deadline) or late
    return not late


def wait_ready(reading: Sequence[int], seconds: float | None = None, *, writing: Sequence[int] = ()) -> list[int]:
    """Which descriptors can be read or written (or are at their end), after at most so many seconds.

    `select` first: the `poll` of macOS takes no terminals; but `select` takes no descriptors from 1024 on.
    """
    if max([*reading, *writing], default=0) < 1024:
        ready = select.select(reading, writing, [], seconds)
        return [*ready[0], *ready[1]]
    poll = select.poll()
    for fd in (*reading, *writing):
        poll.register(fd, select.POLLIN if fd in reading else select.POLLOUT)
    return [fd for fd, _ in poll.poll(None if seconds is None else seconds * 1000)]


_boot_ids: list[str] = []


def process_mark(pid: int) -> dict[str, Any]:
    """What tells whether a process is still there: its id and start, on which boot of which host, in which id namespace.

    Where there is no /proc (macOS, a chroot), `ps` says when it started: `started_at`, in seconds since 1970.
    """
    mark: dict[str, Any] = {"pid": pid, "start": None, "boot": None, "namespace": None, "host": os.uname().nodename}
    try:
        mark["boot"] = boot_id()
        mark["namespace"] = os.readlink("/proc/self/ns/pid")
        with open("/proc/%d/stat" % pid, "rb", buffering=0) as file:
            state = file.read(4096).rpartition(b")")[2].split()
        mark["start"] = None if state[0] in b"ZX" else int(state[19])
    except (OSError, ValueError, IndexError):
        pass
    if mark["namespace"] is None:
        mark["started_at"] = started_at(pid)
    return mark


def boot_id() -> str | None:
    """What tells one boot of this host from another; read once, since no process outlives its boot. None where there is no /proc."""
    if not _boot_ids:
        try:
            with open("/proc/sys/kernel/random/boot_id", encoding="utf-8") as file:
                _boot_ids.append(file.read().strip())
        except OSError:
            return None
    return _boot_ids[0]


def process_exists(pid: int) -> bool:
    """Whether there is a process of this id, whoever's it is."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def started_at(pid: int) -> int | None:
    """When a process started, in seconds since 1970, as `ps` says; None where it says nothing, or the process has ended."""
    words = ask_ps("-o", "stat=,lstart=", "-p", str(pid)).split()  # "S+ Mon Nov 30 17:30:36 2026"
    try:
        state, _, month, day, clock, year = words
        hour, minute, second = map(int, clock.split(":"))
        # days since 1970, with years that begin in March
        y, m = int(year) - (MONTHS.index(month) < 2), (MONTHS.index(month) - 2) % 12
        days = 365 * y + y // 4 - y // 100 + y // 400 + (153 * m + 2) // 5 + int(day) - 1 - 719468
    except ValueError:
        return None
    return None if state[0] in "ZX" else ((days * 24 + hour) * 60 + minute) * 60 + second


def ask_ps(*args: str) -> str:
    """What `ps` prints, in the words and the time of nowhere in particular; nothing where it cannot be asked."""
    environment = {**os.environ, "LC_ALL": "C", "TZ": "UTC0"}
    try:
        process = Subprocess(["ps", *args], env=environment)
        communicate([process], time.monotonic() + PS_TIMEOUT_S)
    except OSError:
        return ""
    return process.out.decode("utf-8", "replace") if process.status == 0 else ""


def descendants(pid: int) -> list[int]:
    """The processes below `pid`, as far as /proc or `ps` tells, parents first."""
    children: dict[int, list[int]] = {}
    for child, parent in _parents_in_proc() or _parents_in_ps():
        children.setdefault(parent, []).append(child)
    family = list(children.get(pid, []))
    for member in family:
        family += children.get(member, [])
    return family


def _parents_in_proc() -> list[tuple[int, int]]:
    """Pairs of a process and its parent."""
    pairs = []
    try:
        for name in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{name}/stat", encoding="utf-8", errors="replace") as file:
                    pairs.append((int(name), int(file.read().rpartition(")")[2].split()[1])))
            except (OSError, ValueError, IndexError):
                continue
    except OSError:
        return []
    return pairs


def _parents_in_ps() -> list[tuple[int, int]]:
    rows = [row.split() for row in ask_ps("-A", "-o", "pid=,ppid=").splitlines()]
    return [(int(row[0]), int(row[1])) for row in rows if len(row) == 2 and row[0].isdigit() and row[1].isdigit()]


def send_signal(pids: Iterable[int], number: int, *, group: int | None = None) -> bool:
    """Send a signal to a process group and to those of `pids` outside it; whether anybody was there."""
    reached = False
    for pid in [-group, *pids] if group else pids:
        try:
            if group is None or pid < 0 or os.getpgid(pid) != group:
                os.kill(pid, number)
                reached = True
        except OSError:
            continue
    return reached
