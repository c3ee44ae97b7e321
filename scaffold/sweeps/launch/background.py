"""A scheduler in the background: `scaffold sweep watch` in a session of its own, which outlives the terminal."""

from __future__ import annotations

import os
import subprocess  # noqa: TID251 - it starts scaffold itself
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import scaffold
from scaffold.atomic_write import open_to_append
from scaffold.errors import ScaffoldError
from scaffold.sweeps.launch import sweep_locks
from scaffold.sweeps.spec.sweep_paths import launched_sweep_paths
from scaffold.workspace import Workspace

UP_S = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class BackgroundScheduler:
    """A scheduler in the background: its process, where it says what it does, and whether it ran before."""

    who: str
    log: Path
    already_there: bool


def start_background_scheduler(workspace: Workspace, name: str) -> BackgroundScheduler:
    """Leave a scheduler of a sweep in the background, unless somebody schedules it already.

    Raises ScaffoldError where it does not come up.
    """
    paths, lock = launched_sweep_paths(workspace, name), sweep_locks.scheduler_lock_name(name)
    log = paths.logs / "pacer.log"
    if note := sweep_locks.current_lock_holder(paths.sweeps, lock):
        return BackgroundScheduler(who=sweep_locks.describe_holder(note), log=log, already_there=True)
    paths.logs.mkdir(parents=True, exist_ok=True)
    where = ["--workdir", str(workspace.workdir.absolute()), "--root", workspace.root]
    with open_to_append(log) as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "scaffold", "sweep", "watch", name, *where],
            cwd=Path(scaffold.__file__).parents[1],  # `-m` looks there first, and not among the user's files
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            # it does not end with a run that launched it
            env={k: v for k, v in os.environ.items() if k not in ("RUN_RECORDER", "RUN_MANIFEST")},
        )
    deadline = time.monotonic() + UP_S
    while time.monotonic() < deadline:
        note = sweep_locks.last_lock_holder(paths.sweeps, lock)
        # one that is over so soon had little to do, whether or not all of it finished
        if (note and note.get("pid") == process.pid) or process.poll() in (0, 3):
            _left_running.append(process)
            return BackgroundScheduler(who=f"process {process.pid}", log=log, already_there=False)
        if process.poll() is not None:
            break
        time.sleep(0.02)
    raise ScaffoldError(f"the pacer in the background did not come up; it says why in {log}", hint="try --wait instead")


# so that Python does not complain of processes that are meant to outlive it
_left_running: list[subprocess.Popen[bytes]] = []
