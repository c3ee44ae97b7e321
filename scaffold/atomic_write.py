"""Writing a file so that a reader sees the old content or the new one, never half of it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import BinaryIO

from scaffold.errors import ScaffoldError

MAKE_ROOM = "make room or mend the rights, then call it again"


def write_atomic(
    path: Path, data: bytes, *, mode: int | None = None, executable: bool = False, sync: bool = True
) -> None:
    """Replace `path` by `data` in one step: temporary file in the same directory, fsync (unless it can be made again), rename.

    Without a `mode` a file keeps the one that it has; a new one, and one that is to be `executable`, gets what the umask leaves.
    """
    final_mode = mode if mode is not None or executable else _current_mode(path)
    temporary = os.path.join(path.parent, f".{path.name[:40]}.{os.urandom(4).hex()}.tmp")  # noqa: PTH118
    # created for nobody else, so that content with a stricter mode is at no moment open to all
    first_mode = 0o600 if final_mode is not None else 0o777 if executable else 0o666
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, first_mode)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            if sync:
                os.fsync(file.fileno())
            if final_mode is not None:
                os.fchmod(file.fileno(), final_mode)
        os.replace(temporary, path)  # noqa: PTH105
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def write_file(
    path: Path,
    data: bytes,
    *,
    hint: str | None = None,
    executable: bool = False,
    sync: bool = True,
    follow_link: bool = False,
) -> None:
    """As `write_atomic`, with folders made and an error that names the file; a link is replaced unless it is to be followed.

    Raises ScaffoldError.
    """
    target = path.resolve() if follow_link else path
    try:
        if not target.parent.is_dir():
            target.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(target, data, executable=executable, sync=sync)
    except OSError as error:
        raise ScaffoldError(f"{path} cannot be written: {error.strerror or error}", hint=hint) from error


def open_to_append(path: Path | str) -> BinaryIO:
    """A file to append to, made where it is missing. Raises OSError, also for a link: it would lead to somebody else's file."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW
    return os.fdopen(os.open(path, flags, 0o666), "ab")


def _current_mode(path: Path) -> int | None:
    try:
        return path.stat().st_mode & 0o7777
    except FileNotFoundError:
        return None
