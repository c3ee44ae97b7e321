"""Locks between processes, with one policy for all of them.

Reading never needs one. Who writes holds the kernel's lock of a file (flock), which ends with its holder, however that ends. Where a file
system has no such locks (some Lustre, FUSE and NFS mounts), a change that takes a moment holds a file instead that only one process can
create, which works everywhere. A lock that is held for long is refused there: the file of a holder that was killed would keep everybody
out until a person removes it.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

from scaffold.errors import ScaffoldError

POLL_S = 0.02
Result = TypeVar("Result")


class FileNotLockable(ScaffoldError):
    """A file cannot be opened to be locked, or its file system has no locks; `reason` is the system's word."""

    def __init__(self, path: Path, error: OSError, *, hint: str | None = None) -> None:
        self.reason = error.strerror or str(error)
        super().__init__(f"{path} cannot be locked: {self.reason}", hint=hint)


def acquire_file_lock(path: Path, *, wait_s: float = 0.0, flags: int = os.O_RDWR | os.O_CREAT) -> int | None:
    """Lock a file, made where it is missing: a descriptor that holds it until all copies are closed, also those that children inherit.

    None where somebody else holds it for `wait_s` seconds more. Raises CannotLock.
    """
    try:
        handle = os.open(path, flags | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise FileNotLockable(path, error) from error
    try:
        if _retry_until(lambda: _try_lock(handle, path) or None, wait_s):
            return handle
    except BaseException:
        os.close(handle)
        raise
    os.close(handle)
    return None


def release_file_lock(handle: int) -> None:
    """Give back what `acquire_file_lock` gave."""
    os.close(handle)


def is_lock_held(path: Path) -> bool:
    """Whether somebody holds the lock of a file now: nobody does where there is no such file, or the file system has no locks.

    Nothing is written. Raises CannotLock where the file cannot be opened, so that it is not known.
    """
    try:
        with path.open("rb", buffering=0) as file:
            return _is_locked(file.fileno())
    except FileNotFoundError:
        return False
    except OSError as error:
        raise FileNotLockable(path, error) from error


def _is_locked(handle: int) -> bool:
    try:
        # shared, so that two who look at once are not taken for holders
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        pass
    return False


@contextlib.contextmanager
def hold_file_lock(path: Path, *, wait_s: float, busy: ScaffoldError) -> Iterator[None]:
    """Hold a lock whose file exists only as long as it is held. Raises `busy` where somebody else has it for `wait_s` seconds more.

    For changes that take a moment: where there are no locks, that the file was not there is the lock.
    """
    handle = _retry_until(lambda: _try_lock_file(path), wait_s)
    if handle is None:
        raise busy
    try:
        yield
    finally:
        path.unlink(missing_ok=True)
        os.close(handle)


@contextlib.contextmanager
def hold_directory_lock(path: Path, *, stand_in: str, wait_s: float, busy: ScaffoldError) -> Iterator[None]:
    """As `hold_file_lock`, for a directory, which needs no file: `stand_in` is the name of one in it, for where a directory cannot be
    locked (NFS, which wants a file that is open for writing)."""
    with contextlib.ExitStack() as held:
        try:
            handle = acquire_file_lock(path, wait_s=wait_s, flags=os.O_RDONLY | os.O_DIRECTORY)
        except FileNotLockable:
            held.enter_context(hold_file_lock(path / stand_in, wait_s=wait_s, busy=busy))
        else:
            if handle is None:
                raise busy
            held.callback(os.close, handle)
        yield


def _retry_until(attempt: Callable[[], Result | None], wait_s: float) -> Result | None:
    """What `attempt` gives once it gives something; None after `wait_s` seconds. Not flock's own waiting, which knows no limit."""
    deadline = time.monotonic() + wait_s
    while (result := attempt()) is None:
        if time.monotonic() >= deadline:
            return None
        time.sleep(POLL_S)
    return result


def _try_lock(handle: int, path: Path) -> bool:
    """Whether the lock was to be had at once. Raises CannotLock where there are none."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        hint = "its file system has no locks: mount it with them (Lustre: -o flock), or move the repository to one that has"
        raise FileNotLockable(path, error, hint=hint) from error
    return True


def _try_lock_file(path: Path) -> int | None:
    """A descriptor of the file, held; None where somebody else has it."""
    flags, created = os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW, True
    try:
        handle = os.open(path, flags | os.O_CREAT | os.O_EXCL, 0o666)
    except FileExistsError:
        created = False
        try:
            handle = os.open(path, flags)
        except FileNotFoundError:  # its holder removed it just now
            return None
        except OSError as error:  # a link, which no lock of ours is
            raise FileNotLockable(path, error) from error
    except OSError as error:
        raise ScaffoldError(f"{path.parent} cannot be written: {error.strerror or error}") from error
    try:
        # a file that was removed before we got its lock protects nothing: whoever comes next locks another one of that name
        held = _try_lock(handle, path) and os.fstat(handle).st_ino == path.stat().st_ino
    except FileNotLockable:
        held = created
    except FileNotFoundError:
        held = False
    if not held:
        os.close(handle)
        return None
    return handle
