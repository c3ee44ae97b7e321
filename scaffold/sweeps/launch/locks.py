"""Locks of a sweep, with a note of who holds them: one for its ledger, one for who paces it, one for who searches with it."""

from __future__ import annotations

import contextlib
import json
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scaffold.errors import ScaffoldError
from scaffold.runs import liveness, recorder
from scaffold.sweeps import files

if TYPE_CHECKING:
    from filelock import BaseFileLock

POLL_S = 0.05


def _folder(sweeps: Path) -> Path:
    """Where locks lie: out of git's sight, since they say nothing that lasts."""
    return files.make_ignored_folder(sweeps / ".locks")


def take(sweeps: Path, name: str, *, doing: str, wait_s: float = 0) -> BaseFileLock | None:
    """The lock `name`, held until it is released or this process ends; None where somebody else holds it.

    Raises ScaffoldError where there can be no lock (read-only, no locks on this file system).
    """
    lock = _acquired(sweeps, name, wait_s)
    if lock is not None:
        note = {**recorder.processes.process_mark(os.getpid()), "doing": doing}
        with contextlib.suppress(OSError):
            (_folder(sweeps) / f"{name}.json").write_text(json.dumps(note), encoding="utf-8")
    return lock


def _acquired(sweeps: Path, name: str, wait_s: float) -> BaseFileLock | None:
    import filelock

    folder = _folder(sweeps)
    lock = filelock.FileLock(folder / f"{name}.lock", thread_local=False)
    try:
        lock.acquire(timeout=wait_s, poll_interval=POLL_S)
    except filelock.Timeout:
        return None
    except (OSError, NotImplementedError) as error:
        raise ScaffoldError(f"{folder / name}.lock cannot be locked: {error}") from error
    return lock


@contextlib.contextmanager
def held(sweeps: Path, name: str, *, doing: str, wait_s: float) -> Iterator[None]:
    """Hold a lock. Raises ScaffoldError, with the holder's name, when it is not to be had within `wait_s` seconds."""
    lock = take(sweeps, name, doing=doing, wait_s=wait_s)
    if lock is None:
        raise ScaffoldError(
            f"the ledger of sweep {name} is held by {describe(holder(sweeps, name))}",
            hint="try again when that is over; nothing was changed",
        )
    try:
        yield
    finally:
        lock.release()


def holder(sweeps: Path, name: str) -> dict[str, Any] | None:
    """The note of who took a lock last: `pid`, `host`, `doing`; it may be over since. None where there is none."""
    try:
        found = json.loads((sweeps / ".locks" / f"{name}.json").read_bytes())
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def held_by(sweeps: Path, name: str) -> dict[str, Any] | None:
    """The note of who holds a lock now; None where nobody does. It leaves no note of its own.

    To look is to take the lock for a moment, so two who look may meet: the note of a process that is gone is nobody's.
    """
    note = holder(sweeps, name)
    if note is None or _is_gone(note):
        return None
    lock = _acquired(sweeps, name, 0)
    if lock is None:
        return note
    lock.release()
    return None


def _is_gone(note: dict[str, Any]) -> bool:
    """Whether the process of a note is known to be gone: only its own host can tell."""
    return note.get("host") == socket.gethostname() and liveness.is_process_gone(note)


def describe(note: dict[str, Any] | None) -> str:
    """Who holds a lock, for people."""
    if note is None:
        return "another process"
    return f"process {note.get('pid')} on {note.get('host')} ({note.get('doing')})"
