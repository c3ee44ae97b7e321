"""The plan on disk: read; changed under a lock, in one step, without leaving a file behind."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from scaffold import locks
from scaffold.atomic_write import write_atomic
from scaffold.errors import ScaffoldError
from scaffold.plan.document.server_loop_protocol import LOG_NAME

PATIENCE_S = 30.0


def read_plan(path: Path) -> str:
    """The text of a plan; bytes that are no UTF-8 survive as surrogates. Raises ScaffoldError where it cannot be read."""
    try:
        return path.read_bytes().decode("utf-8", "surrogateescape")
    except FileNotFoundError as error:
        raise ScaffoldError(f"there is no plan at {path}", hint="write one: scaffold init --goal '...'") from error
    except OSError as error:
        raise ScaffoldError(f"the plan {path} cannot be read: {error.strerror}") from error


@contextmanager
def hold_plan_lock(path: Path, patience_s: float = PATIENCE_S) -> Iterator[None]:
    """Hold the lock of a plan; the lock's file lies beside it only as long as it is held.

    Raises ScaffoldError where another process holds it for longer than `patience_s` seconds.
    """
    lock = path.with_name(f".{path.name}.lock")
    busy = ScaffoldError(
        f"another process has been changing {path} for {patience_s:.0f} s",
        hint=f"when no scaffold is running, remove {lock}",
    )
    with locks.hold_file_lock(lock, wait_s=patience_s, busy=busy):
        yield


def change_plan(path: Path, edit: Callable[[str], str]) -> bool:
    """Replace a plan by what `edit` makes of its text, under its lock; whether anything changed."""
    with hold_plan_lock(path.resolve()):
        return rewrite_plan(path, edit)


def rewrite_plan(path: Path, edit: Callable[[str], str]) -> bool:
    """As `change_plan`, for a caller that holds the lock. A link is followed, permissions are kept."""
    target = path.resolve()
    text = read_plan(target)
    edited = edit(text)
    if edited == text:
        return False
    try:
        write_atomic(target, edited.encode("utf-8", "surrogateescape"))
    except OSError as error:
        raise ScaffoldError(f"the plan {path} cannot be written: {error.strerror}") from error
    return True


def write_file_with_permissions(path: Path, data: bytes, like: Path | None = None) -> None:
    """Write a whole file in one step, with the permissions of `like` where that is there. Raises ScaffoldError where that cannot be."""
    try:
        mode = stat.S_IMODE(like.stat().st_mode) if like is not None and like.exists() else None
        write_atomic(path.resolve(), data, mode=mode)
    except OSError as error:
        raise ScaffoldError(f"{path} cannot be written: {error.strerror}") from error


def iteration_log_path(plan: Path) -> Path:
    """The iteration log, which lies beside the plan."""
    return plan.with_name(LOG_NAME)


def append_iteration_log(path: Path, entry: str) -> None:
    """Append to the iteration log, under its lock, in one write; it begins on a line of its own."""
    with hold_plan_lock(path.resolve()):
        try:
            with path.open("a+b") as file:
                end = file.seek(0, os.SEEK_END)
                file.seek(max(0, end - 1))
                gap = "\n\n" if file.read(1) not in (b"", b"\n") else ""
                file.write((gap + entry).encode("utf-8", "surrogateescape"))
        except OSError as error:
            raise ScaffoldError(f"{path} cannot be written: {error.strerror}") from error
