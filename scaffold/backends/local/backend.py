"""This machine executes: each run in a session of its own, with its GPUs leased, surviving whoever started it."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
import subprocess  # noqa: TID251 - it starts launchers
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from scaffold.backends import capacity
from scaffold.backends.local import devices, leases
from scaffold.backends.model import Context, Job, Room, Seen, Told
from scaffold.errors import ScaffoldError
from scaffold.runs import liveness, recorder

# how long a run may take to end after it was asked to; the recorder gives its command as long
GRACE_S = 10.0
_MARK = ("pid", "start", "boot", "namespace", "host")
# the launchers that this process started, so that they are waited for and their exit codes known
_children: dict[str, subprocess.Popen[bytes]] = {}
_exits: dict[str, int] = {}


class Local:
    """The backend `local`. A handle is the mark of the launcher's process: its id and start, on which boot of which host."""

    name = "local"
    enlists = False
    queues = False

    def __init__(self, context: Context) -> None:
        self._context = context
        self._devices: tuple[devices.Device, ...] | None = None

    def room(self) -> Room:
        """Places and free GPUs of this machine. Raises ScaffoldError where a run needs more GPUs than there are."""
        with leases.alone() as folder:
            return self._room(folder)

    def _room(self, folder: Path) -> Room:
        per = self._context.gpus_per_run
        there = self._visible() if per != 0 else ()
        if per and per > len(there):
            raise ScaffoldError(
                f"a run of {self._context.sweep} needs {capacity.some(per, 'GPU')}, and this machine shows {len(there)}",
                hint="see `scaffold sweep capacity`, `nvidia-smi -L` and CUDA_VISIBLE_DEVICES; or give --gpus-per-run 0",
            )
        slots, because = capacity.slots(
            "local_gpu" if there else "cpu_only",
            gpus=len(there),
            cores=devices.cores(),
            gpus_per_run=per,
            cpus_per_run=self._context.cpus_per_run,
        )
        busy = leases.occupied(folder)
        if not there:
            return Room(slots=slots, busy=busy, gpus=None, because=because)
        used = devices.in_use()
        free = [d for d in there if not leases.is_leased(folder, d.key)]
        others = [d for d in free if d.uuid in used]
        if others:
            because += f", {len(others)} of them in use by somebody else"
        return Room(slots=slots, busy=busy, gpus=tuple(d.spelled for d in free if d not in others), because=because)

    def _visible(self) -> tuple[devices.Device, ...]:
        if self._devices is None:
            self._devices = devices.here()
        return self._devices

    def enlist(self, jobs: Sequence[Job], told: Told) -> None:
        """Nothing: this machine keeps no list."""

    def exports(self, job: Job) -> Mapping[str, str]:
        """What pins a run to its devices; a run that takes none sees none."""
        chosen = [d for d in self._visible() if d.spelled in job.gpus] if job.gpus else []
        if chosen or self._context.gpus_per_run == 0:
            return devices.pinned(chosen)
        return {}

    def start(self, jobs: Sequence[Job], told: Told, *, at_once: int | None = None) -> None:
        """Start launchers as far as there is room and their GPUs are free; the others are not told of."""
        with leases.alone() as folder:
            room = self._room(folder)
            left = room.slots - room.busy
            for job in jobs:
                if left <= 0:
                    break
                held = self._lease(folder, job, room)
                if held is None:
                    continue
                place, fd = leases.occupy(folder)
                try:
                    process = self._spawn(job, [*held, fd])
                    mark = leases.sign(place, process.pid, f"{self._context.sweep}/{job.name}")
                finally:
                    for one in (*held, fd):
                        os.close(one)
                left -= 1
                _children[handle(mark)] = process
                told(job.name, handle(mark))

    def _lease(self, folder: Path, job: Job, room: Room) -> list[int] | None:
        """Descriptors that hold a job's devices; None where one of them has been taken since."""
        held: list[int] = []
        for device in self._visible() if job.gpus else ():
            if device.spelled in job.gpus:
                fd = leases.lease_gpu(folder, device.key) if device.spelled in (room.gpus or ()) else None
                if fd is None:
                    for other in held:
                        os.close(other)
                    return None
                held.append(fd)
        return held

    def _spawn(self, job: Job, held: Sequence[int]) -> subprocess.Popen[bytes]:
        log = self._context.logs / f"{job.name}.{job.number}.log"
        try:
            with log.open("ab") as out:
                return subprocess.Popen(
                    ["bash", str(job.launcher)],
                    cwd="/",
                    stdin=subprocess.DEVNULL,
                    stdout=out,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                    pass_fds=tuple(held),
                )
        except OSError as error:
            raise ScaffoldError(f"{job.launcher} cannot be started: {error.strerror or error}") from error

    def look(self, handles: Sequence[str]) -> Mapping[str, Seen]:
        """Whether launchers are there; those of other hosts are unknown."""
        _reap()
        return {h: _seen(h) for h in handles}

    def stop(self, handles: Sequence[str]) -> None:
        """Ask the process groups of launchers to end; after 10 s have commands killed, and then whatever is left."""
        _reap()
        groups = _groups(handles)
        # two interrupts make a recorder kill its command, so that it is still there to write the end
        for number, seconds in (
            (signal.SIGTERM, GRACE_S),
            (signal.SIGINT, 0.2),
            (signal.SIGINT, 3.0),
            (signal.SIGKILL, 0.5),
        ):
            _signal(groups, number)
            limit = time.monotonic() + seconds
            while groups and time.monotonic() < limit:
                time.sleep(0.02)
                _reap()
                groups = _still_there(groups)


def wait(handles: Sequence[str], seconds: float) -> None:
    """Pause until one of the launchers ends, at most so many seconds."""
    fds = []
    for one in handles:
        mark = _mark(one)
        with contextlib.suppress(OSError, AttributeError, TypeError):
            if mark.get("host") == socket.gethostname():
                fds.append(os.pidfd_open(mark["pid"]))
    try:
        poll = select.poll()
        for fd in fds:
            poll.register(fd, select.POLLIN)
        poll.poll(max(0, seconds) * 1000)
    finally:
        for fd in fds:
            os.close(fd)


def handle(mark: Mapping[str, Any]) -> str:
    """A process mark as a text."""
    return " ".join("-" if mark.get(key) is None else str(mark[key]) for key in _MARK)


def _mark(text: str) -> dict[str, Any]:
    words: dict[str, Any] = {k: None if w == "-" else w for k, w in zip(_MARK, text.split(" "), strict=False)}
    for key in ("pid", "start"):
        words[key] = int(words[key]) if str(words.get(key)).isdigit() else None
    return words


def _seen(text: str) -> Seen:
    mark = _mark(text)
    if mark.get("host") != socket.gethostname():
        return Seen(state="unknown", reason=f"it was started on {mark.get('host')}")
    if not liveness.is_process_gone(mark):
        return Seen(state="running")
    code = _exits.get(text)
    return Seen(state="ended", reason=None if code is None else _end(code))


def _end(code: int) -> str:
    return f"exit {code}" if code >= 0 else f"killed by {recorder.command.signal_name(-code)}"


def _reap() -> None:
    """Take note of our own launchers' ends; without it they would stay as zombies."""
    for one, process in list(_children.items()):
        code = process.poll()
        if code is not None:
            _exits[one] = code
            del _children[one]


def _groups(handles: Sequence[str]) -> list[int]:
    """The process groups that runs lead; of a process that leads none (a recorder whose launcher is gone) it alone."""
    found = []
    for one in handles:
        if _seen(one).state == "running":
            pid = _mark(one)["pid"]
            with contextlib.suppress(OSError):
                found.append(pid if os.getpgid(pid) == pid else -pid)
    return found


def _signal(groups: Sequence[int], number: signal.Signals) -> None:
    for group in groups:
        with contextlib.suppress(OSError):
            os.kill(-group, number)


def _still_there(groups: Sequence[int]) -> list[int]:
    """Those of the groups that have a process; what only waits to be buried is none."""
    left = []
    for group in groups:
        with contextlib.suppress(OSError):
            os.kill(-group, 0)
            left.append(group)
    proc = Path("/proc")
    if not any(group > 0 for group in left) or not (proc / "self/stat").exists():
        return left
    living = set()
    for path in proc.glob("[0-9]*/stat"):
        with contextlib.suppress(OSError, IndexError, ValueError):
            state, _, of_group = path.read_text(errors="replace").rpartition(")")[2].split()[:3]
            if state not in "ZX":
                living.add(int(of_group))
    return [group for group in left if group < 0 or group in living]
