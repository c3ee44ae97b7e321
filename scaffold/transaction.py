"""A set of file changes that happens whole or not at all.

Everything is written beside its target first, then moved into place; whatever goes wrong on the way (a full disk, a
directory that may not be written, Ctrl-C), what was done is undone. A new file never replaces one that somebody else
created in between, and a file is replaced or deleted only while it still holds what it held when the change was planned.
"""

from __future__ import annotations

import contextlib
import functools
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from scaffold import locks, path_containment
from scaffold.errors import ScaffoldError
from scaffold.stop_signals import block_stop_signals, raise_on_stop_signals

LOCK_WAIT_S = 20
LITTER = ".scaffold-*.tmp"
# the lock of a work directory whose file system has none
STAND_IN = ".scaffold.lock"


@dataclass(frozen=True, slots=True, kw_only=True)
class FileChange:
    """One file, relative to the work directory: `old` and `new` are its content, None where there is no file.

    `executable` sets or clears the bit; None leaves the mode of a file that is there as it is.
    """

    path: str
    old: bytes | None
    new: bytes | None
    executable: bool | None = None


@contextlib.contextmanager
def hold_workdir_lock(workdir: Path) -> Iterator[None]:
    """Hold the lock on `workdir`, so that two commands do not change its workspaces at once.

    The directory itself is locked, so that no file is needed. Raises ScaffoldError when another one holds it for more than 20 s.
    """
    lock = workdir / STAND_IN
    hint = f"when no scaffold is running, remove {lock}" if lock.exists() else "wait for it to end, then try again"
    busy = ScaffoldError(f"another scaffold command is changing {workdir}", hint=hint)
    with locks.hold_directory_lock(workdir, stand_in=STAND_IN, wait_s=LOCK_WAIT_S, busy=busy):
        yield


def apply_file_changes(workdir: Path, changes: Sequence[FileChange]) -> None:
    """Make all `changes` in order, or none. Raises ScaffoldError when one cannot be made; nothing is changed then.

    To be called with the lock held: what a killed command left beside the targets is swept away first.
    """
    for folder in {(workdir / change.path).parent for change in changes}:
        remove_temporary_files(path_containment.join_contained_path(workdir, folder))
    undo: list[Callable[[], None]] = []
    with raise_on_stop_signals():
        try:
            staged = [_write_beside(workdir, change, undo) for change in changes]
            for change, temporary in zip(changes, staged, strict=True):
                _move_into_place(workdir / change.path, change, temporary, undo)
        except BaseException as error:
            _roll_back(undo)
            if isinstance(error, OSError):
                path = error.filename or workdir
                raise ScaffoldError(
                    f"cannot write {path}: {error.strerror or error}; nothing was changed",
                    hint="make room or make it writable, then run the same command again",
                ) from error
            raise
    for temporary in staged:
        if temporary is not None:
            # all is done: what cannot be taken away now is swept away by the next command
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)


def remove_temporary_files(folder: Path) -> None:
    """Delete the temporary files that a killed command left in `folder`."""
    with contextlib.suppress(OSError):
        for path in folder.glob(LITTER):
            path.unlink()


def _roll_back(undo: list[Callable[[], None]]) -> None:
    """Undo in reverse, uninterrupted; one step's trouble does not keep the others from being undone."""
    with block_stop_signals():
        for step in reversed(undo):
            with contextlib.suppress(OSError):
                step()


def _write_beside(workdir: Path, change: FileChange, undo: list[Callable[[], None]]) -> Path | None:
    """Write the new content beside its target; the temporary file, None for a deletion."""
    if change.new is None:
        return None
    target = workdir / change.path
    for folder in reversed([target.parent, *target.parent.parents]):
        if not folder.exists():
            undo.append(folder.rmdir)
            folder.mkdir()
    handle, name = tempfile.mkstemp(prefix=".scaffold-", suffix=".tmp", dir=target.parent)
    temporary = Path(name)
    undo.append(lambda: temporary.unlink(missing_ok=True))
    with os.fdopen(handle, "wb") as file:
        file.write(change.new)
        file.flush()
        os.fsync(file.fileno())
    temporary.chmod(_new_mode(target, change))
    return temporary


@functools.cache
def _umask() -> int:
    """The umask of this process, which can only be asked for by setting another."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def _new_mode(target: Path, change: FileChange) -> int:
    """The mode of the new file: the old one's, but for the executable bit where that is to change."""
    if change.old is None:
        return (0o777 if change.executable else 0o666) & ~_umask()
    mode = target.stat().st_mode & 0o7777
    if change.executable is None:
        return mode
    return mode | (mode & 0o444) >> 2 if change.executable else mode & ~0o111


def _move_into_place(target: Path, change: FileChange, temporary: Path | None, undo: list[Callable[[], None]]) -> None:
    """Move one staged file into place, or delete one. What would undo it is noted first: an interruption may come at any moment."""
    if change.old is None:
        assert temporary is not None
        undo.append(lambda: _unlink_if_same_file(target, temporary))
        try:
            os.link(temporary, target)
        except FileExistsError as error:
            raise _concurrent_change_error(target) from error
        except OSError:
            _copy_exclusively(temporary, target, undo)
        return
    if target.is_symlink() or target.read_bytes() != change.old:
        raise _concurrent_change_error(target)
    old, mode = change.old, target.stat().st_mode & 0o7777
    undo.append(lambda: _restore_file(target, old, mode))
    if temporary is None:
        target.unlink()
    else:
        temporary.replace(target)


def _copy_exclusively(temporary: Path, target: Path, undo: list[Callable[[], None]]) -> None:
    """The way of file systems without hard links."""
    with target.open("xb") as file:
        undo.append(lambda: target.unlink(missing_ok=True))
        file.write(temporary.read_bytes())
    target.chmod(temporary.stat().st_mode)


def _unlink_if_same_file(target: Path, temporary: Path) -> None:
    """Delete a file that was just created, and only that: one of somebody else's is no link of the temporary file."""
    if target.samefile(temporary):
        target.unlink()


def _restore_file(target: Path, content: bytes, mode: int) -> None:
    """Put a file back as it was, without a moment in which there is only half of it."""
    if target.exists() and target.read_bytes() == content:
        return
    handle, name = tempfile.mkstemp(prefix=".scaffold-", suffix=".tmp", dir=target.parent)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
    Path(name).chmod(mode)
    Path(name).replace(target)


def _concurrent_change_error(target: Path) -> ScaffoldError:
    return ScaffoldError(
        f"{target} was changed by something else just now; nothing was changed", hint="run the command again"
    )
