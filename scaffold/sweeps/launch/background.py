"""A pacer in the background: `scaffold sweep watch` in a session of its own, which outlives the terminal."""

from __future__ import annotations

import subprocess  # noqa: TID251 - it starts scaffold itself
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import scaffold
from scaffold.errors import ScaffoldError
from scaffold.sweeps.launch import locks
from scaffold.sweeps.launch.loop import pacer_lock
from scaffold.sweeps.launch.observer import Place
from scaffold.workspace import Workspace

UP_S = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Detached:
    """A pacer in the background: its process, where it says what it does, and whether it was there before."""

    who: str
    log: Path
    was_there: bool


def start(workspace: Workspace, name: str) -> Detached:
    """Leave a pacer of a sweep in the background, unless somebody paces it already. Raises ScaffoldError where it does not come up."""
    place = Place.of(workspace, name)
    log = place.logs / "pacer.log"
    if note := pacing(place, name):
        return Detached(who=locks.describe(note), log=log, was_there=True)
    place.logs.mkdir(parents=True, exist_ok=True)
    where = ["--workdir", str(workspace.workdir.absolute()), "--root", workspace.root]
    with log.open("ab") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "scaffold", "sweep", "watch", name, *where],
            cwd=Path(scaffold.__file__).parents[1],  # `-m` looks there first, and not among the user's files
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    limit = time.monotonic() + UP_S
    while time.monotonic() < limit:
        note = locks.holder(place.ledger.parent, pacer_lock(name))
        # one that is over so soon had little to do, whether or not all of it finished
        if (note and note.get("pid") == process.pid) or process.poll() in (0, 3):
            _left.append(process)
            return Detached(who=f"process {process.pid}", log=log, was_there=False)
        if process.poll() is not None:
            break
        time.sleep(0.02)
    raise ScaffoldError(f"the pacer in the background did not come up; it says why in {log}", hint="try --wait instead")


# so that Python does not complain of processes that are meant to outlive it
_left: list[subprocess.Popen[bytes]] = []


def pacing(place: Place, name: str) -> dict[str, Any] | None:
    """The note of who paces a sweep now; None where nobody does."""
    return locks.held_by(place.ledger.parent, pacer_lock(name))
