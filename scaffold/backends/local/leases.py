"""Who holds this machine's slots and GPUs: one record for all sweeps and all launchers of this user on this machine.

A GPU's lease is a file that the run's own processes keep locked through an inherited descriptor: the kernel frees it when the last of
them is gone, whatever became of scaffold. A slot is the same, and free already when the launcher's process is gone, so that what a run
leaves behind does not keep it. They lie on a local disk, in a directory of this user's: SCAFFOLD_RUNTIME_DIR, else
`/tmp/experiment-scaffold-<uid>`.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import math
import os
import stat
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from scaffold import locks, structured_text
from scaffold.errors import ScaffoldError
from scaffold.runs import liveness, recorder

# the file of a slot that nobody has
SPARE = "spare"


def lease_directory() -> Path:
    """Where leases lie, made where it is missing. Raises ScaffoldError where it is somebody else's."""
    path = _as_path(os.environ.get("SCAFFOLD_RUNTIME_DIR") or f"/tmp/experiment-scaffold-{os.getuid()}")
    try:
        try:
            info = path.lstat()
        except FileNotFoundError:
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
            info = path.lstat()
    except OSError as error:
        raise _unusable_error(path, error.strerror or str(error)) from error
    if not stat.S_ISDIR(info.st_mode) or info.st_uid != os.getuid():
        raise _unusable_error(path, "it is not a directory of this user's")
    return path


# a launch of hundreds of runs asks for the same few paths in every step
_as_path = functools.lru_cache(maxsize=8)(Path)


def _unusable_error(path: Path, reason: str) -> ScaffoldError:
    return ScaffoldError(
        f"{path}, where it is kept which GPU has a run, cannot be used: {reason}",
        hint="name another directory on a local disk: SCAFFOLD_RUNTIME_DIR=/path",
    )


@contextlib.contextmanager
def hold_machine_lock() -> Iterator[Path]:
    """Hold the machine while slots are counted and taken, so that two launchers never take the same one; the leases' directory."""
    folder = lease_directory()
    handle = _acquire(_as_path(f"{folder}/lock"), wait_s=math.inf)
    assert handle is not None, "this lock is waited for"
    try:
        yield folder
    finally:
        os.close(handle)


def _acquire(path: Path, *, wait_s: float = 0.0) -> int | None:
    # no stand-in where there are no locks: nobody would give a lease back when its run is killed
    with _lock_errors_explained(path):
        return locks.acquire_file_lock(path, wait_s=wait_s)


def _is_held(path: Path) -> bool:
    with _lock_errors_explained(path):
        return locks.is_lock_held(path)


@contextlib.contextmanager
def _lock_errors_explained(path: Path) -> Iterator[None]:
    try:
        yield
    except locks.FileNotLockable as error:
        raise _unusable_error(path.parent, f"{path.name}: {error.reason}") from error


def gpu_lease_path(folder: Path, key: str) -> Path:
    """The lease file of a device; what a launcher that scaffold does not start itself has to lock."""
    return folder / ("gpu-" + hashlib.sha256(key.encode()).hexdigest()[:16])


def lease_gpu(folder: Path, key: str) -> int | None:
    """Lock a device's lease: a descriptor to be inherited by the run; None where a run has it."""
    return _acquire(gpu_lease_path(folder, key))


def has_leased_device(folder: Path, key: str) -> bool:
    """Whether a run has a device."""
    return _is_held(gpu_lease_path(folder, key))


def acquire_slot(folder: Path) -> tuple[Path, int]:
    """Take a slot: its file, of a new name, and a descriptor to be inherited by the run. The machine is held."""
    slot = folder / f"run-{os.urandom(6).hex()}"
    # on a disk with many files a new one costs ten times what a new name does
    with contextlib.suppress(OSError):
        os.rename(f"{folder}/{SPARE}", slot)  # noqa: PTH104 - texts: a launch of hundreds of runs is here for each
    handle = _acquire(slot)
    assert handle is not None, "the file is new"
    return slot, handle


def record_slot_holder(slot: Path, pid: int, about: str) -> dict[str, Any]:
    """Note which launcher has a slot, so that it is free when that ends, whatever the run leaves behind; the launcher's mark."""
    mark: dict[str, Any] = {**recorder.processes.process_mark(pid), "run": about}
    with contextlib.suppress(OSError):  # a full disk: then it is free when all of the run is gone
        slot.write_text(json.dumps(mark), encoding="utf-8")
    return mark


def list_slots(folder: Path) -> frozenset[str]:
    """The names of slots' files, taken or not: whoever takes one gives it a new name."""
    return frozenset(entry.name for entry in os.scandir(folder) if entry.name.startswith("run-"))


def count_slots_taken(folder: Path, sure: Collection[str] = ()) -> int:
    """How many slots are taken; of those that are free one file stays, for the next. Those named in `sure` are, and not looked at."""
    count = 0
    for name in list_slots(folder):
        if name in sure:
            count += 1
            continue
        path = folder / name
        if not _is_held(path):
            with contextlib.suppress(OSError):
                os.replace(path, f"{folder}/{SPARE}")  # noqa: PTH105 - as above
            continue
        try:
            mark = structured_text.parse_json(path.read_bytes())
        except (OSError, ValueError):
            mark = None
        count += not (isinstance(mark, dict) and liveness.is_process_gone(mark))
    return count
