"""What still lives of a run on this host: by the recorder's variables, which every process that a command starts inherits.

A recorder can be killed, and what it ran can have left its group, its session and its parent: those tell of some processes only. What a
process was started with tells of all, unless it was started with an environment of its own.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from scaffold.runs import liveness, recorder

VARIABLE = b"RUN_MANIFEST="
GRACE_S = 10.0
KILLED_S = 2.0
POLL_S = 0.02


def list_run_processes(manifests: Iterable[Path]) -> Mapping[Path, tuple[int, ...]]:
    """The ids of this user's processes that belong to the attempts of these manifests; attempts that have none are left out.

    This process and those that it was started by are none. Empty where there is no /proc.
    """
    by_real_path = {os.path.realpath(path): path for path in manifests}
    if not by_real_path:
        return {}
    ancestors = set(_ancestors())
    processes: dict[Path, list[int]] = defaultdict(list)
    for pid, manifest in _marked_processes():
        path = by_real_path.get(os.path.realpath(manifest))
        if path is not None and pid not in ancestors:
            processes[path].append(pid)
    return {path: tuple(sorted(pids)) for path, pids in processes.items()}


def _marked_processes() -> Iterator[tuple[int, str]]:
    for path in Path("/proc").glob("[0-9]*/environ"):
        with contextlib.suppress(OSError):
            for entry in path.read_bytes().split(b"\0"):
                if entry.startswith(VARIABLE):
                    yield int(path.parent.name), os.fsdecode(entry.removeprefix(VARIABLE))


def _ancestors() -> Iterator[int]:
    pid = os.getpid()
    while pid > 0:
        yield pid
        try:
            text = Path(f"/proc/{pid}/stat").read_text(errors="replace")
            pid = int(text.rpartition(")")[2].split()[1])
        except (OSError, ValueError, IndexError):
            return


def end_run_processes(manifests: Iterable[Path], *, grace_s: float | None = None) -> None:
    """Ask what still lives of the attempts to end, and kill what is there `grace_s` seconds (GRACE_S) later."""
    pids = [pid for group in list_run_processes(manifests).values() for pid in group]
    marks = [recorder.processes.process_mark(pid) for pid in pids]
    for number, patience in ((signal.SIGTERM, GRACE_S if grace_s is None else grace_s), (signal.SIGKILL, KILLED_S)):
        _send(marks, number)
        deadline = time.monotonic() + patience
        while (marks := [mark for mark in marks if not liveness.is_process_gone(mark)]) and time.monotonic() < deadline:
            time.sleep(POLL_S)


def _send(marks: Iterable[Mapping[str, Any]], number: signal.Signals) -> None:
    for mark in marks:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(mark["pid"], number)
