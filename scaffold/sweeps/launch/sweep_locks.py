"""Locks of a sweep, with a note of who holds them: one for its ledger, one for who schedules it, one for who searches with it."""

from __future__ import annotations

import contextlib
import functools
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from scaffold import locks, structured_text
from scaffold.atomic_write import write_atomic
from scaffold.errors import ScaffoldError
from scaffold.runs import liveness, recorder
from scaffold.sweeps.spec.sweep_paths import make_ignored_folder


def scheduler_lock_name(name: str) -> str:
    """The lock of who schedules a sweep."""
    return f"{name}.pacer"


def take_sweep_lock(sweeps: Path, name: str, *, doing: str, wait_s: float = 0) -> int | None:
    """The lock `name`, held until the descriptor is closed or this process ends; None where somebody else holds it.

    Raises ScaffoldError where there can be no lock (read-only, no locks on this file system). No exclusively created file stands in
    there: that of a holder that was killed would keep every later launch out.
    """
    folder, lock, note_path = _lock_paths(sweeps, name)
    make_ignored_folder(folder)
    handle = locks.acquire_file_lock(lock, wait_s=wait_s)
    if handle is not None:
        note = json.dumps({**_process_mark(os.getpid()), "doing": doing}).encode()
        with contextlib.suppress(OSError):
            if _read_note(note_path) != note:  # who takes it again and again has written it already
                write_atomic(note_path, note, sync=False)
    return handle


@functools.lru_cache(maxsize=8)  # a launch takes the same ones in every step
def _lock_paths(sweeps: Path, name: str) -> tuple[Path, Path, Path]:
    """Where locks lie, the file of one, and the note of who holds it."""
    folder = sweeps / ".locks"
    return folder, folder / f"{name}.lock", folder / f"{name}.json"


@functools.lru_cache(maxsize=1)
def _process_mark(pid: int) -> dict[str, Any]:
    return dict(recorder.processes.process_mark(pid))


def _read_note(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError:
        return None


@contextlib.contextmanager
def hold_ledger_lock(sweeps: Path, name: str, *, doing: str, wait_s: float) -> Iterator[None]:
    """Hold a lock. Raises ScaffoldError, with the holder's name, when it is not to be had within `wait_s` seconds."""
    handle = take_sweep_lock(sweeps, name, doing=doing, wait_s=wait_s)
    if handle is None:
        raise ScaffoldError(
            f"the ledger of sweep {name} is held by {describe_holder(last_lock_holder(sweeps, name))}",
            hint="try again when that is done; nothing was changed",
        )
    try:
        yield
    finally:
        locks.release_file_lock(handle)


def last_lock_holder(sweeps: Path, name: str) -> dict[str, Any] | None:
    """The note of who took a lock last: `pid`, `host`, `doing`; it may be over since. None where there is none."""
    try:
        note = structured_text.parse_json((sweeps / ".locks" / f"{name}.json").read_bytes())
    except (OSError, ValueError):
        return None
    return note if isinstance(note, dict) else None


def current_lock_holder(sweeps: Path, name: str) -> dict[str, Any] | None:
    """The note of who holds a lock now; None where nobody does. Writes nothing."""
    note = last_lock_holder(sweeps, name)
    # the lock alone does not tell: who looks holds it for a moment, and the note may be of somebody before
    if note is None or (note.get("host") == os.uname().nodename and liveness.is_process_gone(note)):
        return None
    with contextlib.suppress(locks.FileNotLockable):
        return note if locks.is_lock_held(sweeps / ".locks" / f"{name}.lock") else None
    return None


def describe_holder(note: dict[str, Any] | None) -> str:
    """Who holds a lock, for people."""
    if note is None:
        return "another process"
    return f"process {note.get('pid')} on {note.get('host')} ({note.get('doing')})"
