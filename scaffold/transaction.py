"""A set of file changes that happens whole or not at all.

Everything is written beside its target first, then moved into place; whatever goes wrong on the way (a full disk, a
directory that may not be written, Ctrl-C), what was done is undone. A new file never replaces one that somebody else
created in between, and a file is replaced or deleted only while it still holds what it held when the change was planned.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import signal
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from scaffold.errors import ScaffoldError

LOCK_WAIT_S = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One file, relative to the work directory: `old` and `new` are its content, None where there is no file."""

    path: str
    old: bytes | None
    new: bytes | None
    executable: bool = False


@contextlib.contextmanager
def exclusive(workdir: Path) -> Iterator[None]:
    """Hold this machine's lock on `workdir`, so that two commands do not change its workspaces at once.

    Raises ScaffoldError when another one holds it for more than 20 s.
    """
    name = hashlib.sha256(str(workdir.resolve()).encode("utf-8", "surrogateescape")).hexdigest()[:16]
    path = Path(tempfile.gettempdir()) / f"scaffold-{os.getuid()}-{name}.lock"
    deadline = time.monotonic() + LOCK_WAIT_S
    with path.open("a") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError as error:
                if time.monotonic() > deadline:
                    raise ScaffoldError(
                        f"another scaffold command is changing {workdir}", hint="wait for it to end, then try again"
                    ) from error
                time.sleep(0.05)
        yield


def apply(workdir: Path, changes: Sequence[Change]) -> None:
    """Make all `changes` in order, or none. Raises ScaffoldError when one cannot be made; nothing is changed then."""
    undo: list[Callable[[], None]] = []
    with _interruptible():
        try:
            staged = [_stage(workdir, change, undo) for change in changes]
            for change, temporary in zip(changes, staged, strict=True):
                _commit(workdir / change.path, change, temporary, undo)
        except BaseException as error:
            _roll_back(undo)
            if isinstance(error, OSError):
                where = error.filename or workdir
                raise ScaffoldError(
                    f"cannot write {where}: {error.strerror or error}; nothing was changed",
                    hint="make room or make it writable, then run the same command again",
                ) from error
            raise
    for temporary in staged:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def _roll_back(undo: list[Callable[[], None]]) -> None:
    """Undo in reverse; one step's trouble does not keep the others from being undone."""
    for step in reversed(undo):
        with contextlib.suppress(OSError):
            step()


def _stage(workdir: Path, change: Change, undo: list[Callable[[], None]]) -> Path | None:
    """Write the new content beside its target; the temporary file, None for a deletion."""
    if change.new is None:
        return None
    target = workdir / change.path
    for folder in reversed([target.parent, *target.parent.parents]):
        if not folder.exists():
            folder.mkdir()
            undo.append(folder.rmdir)
    handle, name = tempfile.mkstemp(prefix=f".{target.name[:40]}.", suffix=".tmp", dir=target.parent)
    temporary = Path(name)
    undo.append(lambda: temporary.unlink(missing_ok=True))
    with os.fdopen(handle, "wb") as file:
        file.write(change.new)
        file.flush()
        os.fsync(file.fileno())
    temporary.chmod((0o777 if change.executable else 0o666) & ~_umask())
    return temporary


def _commit(target: Path, change: Change, temporary: Path | None, undo: list[Callable[[], None]]) -> None:
    """Move one staged file into place, or delete one."""
    if change.old is None:
        assert temporary is not None
        try:
            os.link(temporary, target)
        except FileExistsError as error:
            raise _changed_meanwhile(target) from error
        except OSError:  # a file system without hard links
            with target.open("xb") as file:
                file.write(temporary.read_bytes())
            target.chmod(temporary.stat().st_mode)
        undo.append(target.unlink)
        return
    if target.read_bytes() != change.old:
        raise _changed_meanwhile(target)
    old, mode = change.old, target.stat().st_mode & 0o7777
    undo.append(lambda: _restore(target, old, mode))
    if temporary is None:
        target.unlink()
    else:
        temporary.replace(target)


def _restore(target: Path, content: bytes, mode: int) -> None:
    target.write_bytes(content)
    target.chmod(mode)


def _changed_meanwhile(target: Path) -> ScaffoldError:
    return ScaffoldError(
        f"{target} was changed by something else just now; nothing was changed", hint="run the command again"
    )


def _umask() -> int:
    mask = os.umask(0o022)
    os.umask(mask)
    return mask


@contextlib.contextmanager
def _interruptible() -> Iterator[None]:
    """Let SIGTERM and SIGHUP unwind like Ctrl-C, so that they too are rolled back."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(number: int, frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
