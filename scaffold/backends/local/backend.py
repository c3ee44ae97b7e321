"""This machine executes: each run in a session of its own, with its GPUs leased, surviving whoever started it."""

from __future__ import annotations

import contextlib
import functools
import os
import select
import shutil
import signal
import subprocess  # noqa: TID251 - it starts launchers
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from scaffold.atomic_write import open_to_append
from scaffold.backends import capacity
from scaffold.backends.interface import Backend, BackendContext, BackendLoad, Job, JobStatus, OnSubmitted
from scaffold.backends.local import devices, leases
from scaffold.errors import ScaffoldError
from scaffold.runs import liveness, recorder

# how long a run may take to end after it was asked to; the recorder gives its command as long
GRACE_S = 10.0
# the last where there is no /proc
_MARK = ("pid", "start", "boot", "namespace", "host", "started_at")
# the launchers that this process started, so that they are waited for and their exit codes known
_children: dict[str, subprocess.Popen[bytes]] = {}
_exits: dict[str, int] = {}
# those of them that have not ended, by the names of their slots
_slots: dict[str, subprocess.Popen[bytes]] = {}


class LocalBackend(Backend):
    """The backend `local`. A job id is the mark of the launcher's process: its id and start, on which boot of which host."""

    name = "local"

    def __init__(self, context: BackendContext) -> None:
        self._context = context
        self._devices: tuple[devices.Device, ...] | None = None
        # what `availability` said the last time, and the slots that there were then
        self._last: tuple[BackendLoad, frozenset[str]] | None = None

    def availability(self) -> BackendLoad:
        """Slots and free GPUs of this machine. Raises ScaffoldError where a run needs more GPUs than there are."""
        with leases.hold_machine_lock() as folder:
            slots = leases.list_slots(folder)
            available = self._availability(folder)
            self._last = available, slots
        return available

    def _availability_now(self, folder: Path) -> BackendLoad:
        """As `availability` said, where nobody has taken a slot since then and no devices are given out; what became free meanwhile is
        for the next time."""
        if self._last is not None and self._last[0].gpus is None and leases.list_slots(folder) <= self._last[1]:
            return self._last[0]
        return self._availability(folder)

    def _availability(self, folder: Path) -> BackendLoad:
        per_run = self._context.gpus_per_run
        visible = self._visible_devices() if per_run != 0 else ()
        if per_run and per_run > len(visible):
            raise ScaffoldError(
                f"a run of {self._context.sweep} needs {capacity.plural(per_run, 'GPU')}, and this machine shows {len(visible)}",
                hint="see `scaffold sweep capacity`, `nvidia-smi -L` and CUDA_VISIBLE_DEVICES; or give --gpus-per-run 0",
            )
        limit, because = capacity.compute_run_limit(
            "local_gpu" if visible else "cpu_only",
            gpus=len(visible),
            cores=devices.usable_cores(),
            gpus_per_run=per_run,
            cpus_per_run=self._context.cpus_per_run,
        )
        active = leases.count_slots_taken(folder, _own_slots())
        if not visible:
            return BackendLoad(limit=limit, active=active, gpus=None, because=because)
        in_use = devices.gpus_in_use()
        unleased = [d for d in visible if not leases.has_leased_device(folder, d.key)]
        free = tuple(d.spelled for d in unleased if d.uuid not in in_use)
        if others := len(unleased) - len(free):
            because += f", {others} of them in use by somebody else"
        each = 1 if per_run is None else per_run
        return BackendLoad(limit=limit, active=active, gpus=free, gpus_each=each, because=because)

    def _visible_devices(self) -> tuple[devices.Device, ...]:
        if self._devices is None:
            self._devices = devices.visible_devices()
        return self._devices

    def token_values(self, job: Job) -> Mapping[str, str]:
        """What pins a run to its devices; a run that takes none sees none."""
        return devices.build_pinning_variables(job.gpus) if job.gpus or self._context.gpus_per_run == 0 else {}

    def submit(self, jobs: Sequence[Job], on_submitted: OnSubmitted, *, at_once: int | None = None) -> None:
        """Start launchers as far as there is room and their GPUs are free; for the others `on_submitted` is not called."""
        with leases.hold_machine_lock() as folder:
            available = self._availability_now(folder)
            left = available.limit - available.active
            for job in jobs:
                if left <= 0:
                    break
                gpus = self._lease_gpus(folder, job, available)
                if gpus is None:
                    continue
                slot, held = leases.acquire_slot(folder)
                try:
                    process = self._spawn(job, [*gpus, held])
                    mark = leases.record_slot_holder(slot, process.pid, f"{self._context.sweep}/{job.name}")
                finally:
                    # the run has inherited them, and keeps what they lock
                    for handle in (*gpus, held):
                        os.close(handle)
                left -= 1
                _children[format_job_id(mark)] = _slots[slot.name] = process
                on_submitted(job.name, format_job_id(mark))

    def _lease_gpus(self, folder: Path, job: Job, available: BackendLoad) -> list[int] | None:
        """Descriptors that hold a job's devices; None where one of them has been taken since."""
        handles: list[int] = []
        for device in self._visible_devices() if job.gpus else ():
            if device.spelled in job.gpus:
                free = device.spelled in (available.gpus or ())
                handle = leases.lease_gpu(folder, device.key) if free else None
                if handle is None:
                    for other in handles:
                        os.close(other)
                    return None
                handles.append(handle)
        return handles

    def _spawn(self, job: Job, inherited: Sequence[int]) -> subprocess.Popen[bytes]:
        try:
            with open_to_append(f"{self._context.logs}/{job.name}.{job.number}.log") as out:
                return subprocess.Popen(
                    [_bash(), str(job.launcher)],
                    cwd="/",
                    stdin=subprocess.DEVNULL,
                    stdout=out,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                    pass_fds=tuple(inherited),
                )
        except OSError as error:
            raise ScaffoldError(f"{job.launcher} cannot be started: {error.strerror or error}") from error

    def poll(self, job_ids: Sequence[str]) -> Mapping[str, JobStatus]:
        """Whether launchers run; those of other hosts are unknown."""
        _reap_children()
        return {text: _launcher_status(text) for text in job_ids}

    def cancel(self, job_ids: Sequence[str]) -> None:
        """Ask the process groups of launchers to end; after 10 s have commands killed, and then whatever is left of their sessions."""
        _reap_children()
        groups = _process_groups(job_ids)
        # two interrupts make a recorder kill its command, so that it is still there to write the end
        stages = ((signal.SIGTERM, GRACE_S), (signal.SIGINT, 0.2), (signal.SIGINT, 3.0), (signal.SIGKILL, 0.5))
        for number, seconds in stages:
            for group in groups:
                # a worker that its command left behind is in neither's group, but in the launcher's session
                for pid in _session_members(group) if number == signal.SIGKILL and group > 0 else ():
                    with contextlib.suppress(OSError):
                        os.kill(pid, number)
                with contextlib.suppress(OSError):
                    os.kill(-group, number)
            limit = time.monotonic() + seconds
            while groups and time.monotonic() < limit:
                time.sleep(0.02)
                _reap_children()
                groups = _living_groups(groups)


@functools.lru_cache(maxsize=1)
def _bash() -> str:
    """The shell that launchers are started with: looked for once, and not by the start of each in all folders of PATH."""
    return shutil.which("bash") or "bash"


def wait_for_exit(job_ids: Sequence[str], seconds: float) -> None:
    """Pause until one of the launchers ends, at most so many seconds."""
    handles = []
    for text in job_ids:
        mark = _parse_mark(text)
        with contextlib.suppress(OSError, AttributeError, TypeError):
            if mark.get("host") == os.uname().nodename:
                handles.append(os.pidfd_open(mark["pid"]))
    try:
        poll = select.poll()
        for handle in handles:
            poll.register(handle, select.POLLIN)
        poll.poll(max(0, seconds) * 1000)
    finally:
        for handle in handles:
            os.close(handle)


def format_job_id(mark: Mapping[str, Any]) -> str:
    """A process mark as a text."""
    keys = [*_MARK[:-1], *(["started_at"] if mark.get("started_at") is not None else [])]
    return " ".join("-" if mark.get(key) is None else str(mark[key]) for key in keys)


def _parse_mark(text: str) -> dict[str, Any]:
    mark: dict[str, Any] = {k: None if w == "-" else w for k, w in zip(_MARK, text.split(" "), strict=False)}
    for key in ("pid", "start", "started_at"):
        mark[key] = int(mark[key]) if str(mark.get(key)).isdigit() else None
    return mark


def _launcher_status(text: str) -> JobStatus:
    if text in _children and _children[text].returncode is None:
        # not waited for yet, so that nobody else has its id
        return JobStatus(state="running", child=_children[text].pid)
    if text in _exits:
        return JobStatus(state="ended", reason=_exit_reason(_exits[text]))
    mark = _parse_mark(text)
    if mark.get("host") != os.uname().nodename:
        return JobStatus(state="unknown", reason=f"it was started on {mark.get('host')}")
    if not liveness.is_process_gone(mark):
        return JobStatus(state="running")
    return JobStatus(state="ended")


def _exit_reason(code: int) -> str:
    return f"exit {code}" if code >= 0 else f"killed by {recorder.command.signal_name(-code)}"


def _reap_children() -> None:
    """Take note of our own launchers' ends; without it they would stay as zombies."""
    for text, process in list(_children.items()):
        code = process.poll()
        if code is not None:
            _exits[text] = code
            del _children[text]


def _own_slots() -> Collection[str]:
    """The slots that launchers have which this process started."""
    _reap_children()
    for slot in [slot for slot, process in _slots.items() if process.returncode is not None]:
        del _slots[slot]
    return _slots.keys()


def _process_groups(job_ids: Sequence[str]) -> list[int]:
    """The process groups that runs lead; of a process that leads none (a recorder whose launcher is gone) it alone, as -pid."""
    groups = []
    for text in job_ids:
        if _launcher_status(text).state == "running":
            pid = _parse_mark(text)["pid"]
            with contextlib.suppress(OSError):
                groups.append(pid if os.getpgid(pid) == pid else -pid)
    return groups


def _living_groups(groups: Sequence[int]) -> list[int]:
    """Those of the groups that have a process, in the group or in the session that it leads; a zombie is none."""
    if not Path("/proc/self/stat").exists():
        return [group for group in groups if _can_be_signalled(-group)]
    living = {number for _, *numbers in _living_processes() for number in numbers}
    return [group for group in groups if (group in living if group > 0 else _can_be_signalled(-group))]


def _session_members(leader: int) -> list[int]:
    return [pid for pid, _, session in _living_processes() if session == leader]


def _living_processes() -> Iterator[tuple[int, int, int]]:
    """Process, process group and session of whatever lives on this machine, as /proc says."""
    # signal 0 reaches zombies too, and a group says nothing of its members: only /proc tells
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError, IndexError, ValueError):
            state, _, group, session = path.read_text(errors="replace").rpartition(")")[2].split()[:4]
            if state not in "ZX":
                yield int(path.parent.name), int(group), int(session)


def _can_be_signalled(number: int) -> bool:
    try:
        os.kill(number, 0)
    except OSError:
        return False
    return True
