"""Who holds this machine's places and GPUs: one record for all sweeps and all launchers of this user on this machine.

A GPU's lease is a file that the run's own processes keep locked (flock, an inherited descriptor): the kernel frees it when the last of
them is gone, whatever became of scaffold. A place is the same, and free already when the launcher's process is gone, so that what a run
leaves behind does not keep it. They lie on a local disk, in a directory of this user's: SCAFFOLD_RUNTIME_DIR, else
`/tmp/experiment-scaffold-<uid>`.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from scaffold.errors import ScaffoldError
from scaffold.runs import liveness, recorder


def directory() -> Path:
    """Where leases lie, made where it is not there. Raises ScaffoldError where it is somebody else's."""
    path = Path(os.environ.get("SCAFFOLD_RUNTIME_DIR") or f"/tmp/experiment-scaffold-{os.getuid()}")
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        info = path.lstat()
    except OSError as error:
        raise _unusable(path, error.strerror or str(error)) from error
    if not stat.S_ISDIR(info.st_mode) or info.st_uid != os.getuid():
        raise _unusable(path, "it is not a directory of this user's")
    return path


def _unusable(path: Path, reason: str) -> ScaffoldError:
    return ScaffoldError(
        f"{path}, where it is kept which GPU has a run, cannot be used: {reason}",
        hint="name another directory on a local disk: SCAFFOLD_RUNTIME_DIR=/path",
    )


@contextlib.contextmanager
def alone() -> Iterator[Path]:
    """Hold the machine while places are counted and taken, so that two launchers never take the same one."""
    folder = directory()
    fd = _locked(folder / "lock", fcntl.LOCK_EX)
    assert fd is not None, "this lock is waited for"
    try:
        yield folder
    finally:
        os.close(fd)


def _locked(path: Path, how: int) -> int | None:
    """A file's lock as a descriptor, the file made where it is not there; None where somebody has it and `how` says not to wait.

    Raises ScaffoldError where the file cannot be opened or its file system knows no locks.
    """
    fd = None
    try:
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(fd, how)
    except OSError as error:
        if fd is not None:
            os.close(fd)
        if isinstance(error, BlockingIOError):
            return None
        raise _unusable(path.parent, f"{path.name}: {error.strerror or error}") from error
    return fd


def gpu_file(folder: Path, key: str) -> Path:
    """The lease file of a device; what a launcher that scaffold does not start itself has to lock."""
    return folder / ("gpu-" + hashlib.sha256(key.encode()).hexdigest()[:16])


def lease_gpu(folder: Path, key: str) -> int | None:
    """Lock a device's lease: a descriptor to be inherited by the run; None where a run has it."""
    return _locked(gpu_file(folder, key), fcntl.LOCK_EX | fcntl.LOCK_NB)


def is_leased(folder: Path, key: str) -> bool:
    """Whether a run has a device."""
    return not _is_free(gpu_file(folder, key))


def occupy(folder: Path) -> tuple[Path, int]:
    """Take a place: its file, and a descriptor to be inherited by the run."""
    fd, name = tempfile.mkstemp(prefix="run-", dir=folder)
    fcntl.flock(fd, fcntl.LOCK_EX)
    return Path(name), fd


def sign(place: Path, pid: int, about: str) -> dict[str, Any]:
    """Note which launcher has a place, so that it is free when that ends, whatever the run leaves behind; the launcher's mark."""
    mark: dict[str, Any] = {**recorder.processes.process_mark(pid), "run": about}
    with contextlib.suppress(OSError):  # a full disk: then it is free when all of the run is gone
        place.write_text(json.dumps(mark), encoding="utf-8")
    return mark


def occupied(folder: Path) -> int:
    """How many places are taken; files of those that are free are cleared away."""
    count = 0
    for path in folder.glob("run-*"):
        if _is_free(path):
            path.unlink(missing_ok=True)
            continue
        try:
            mark = json.loads(path.read_bytes())
        except (OSError, ValueError):
            mark = None
        count += not (isinstance(mark, dict) and liveness.is_process_gone(mark))
    return count


def _is_free(path: Path) -> bool:
    try:
        fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return True
    except OSError as error:
        raise _unusable(path.parent, f"{path.name}: {error.strerror or error}") from error
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(fd)
    return True
