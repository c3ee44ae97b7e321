"""Writing a sweep's files: whole or not at all, in a folder that is made where it is missing."""

from __future__ import annotations

from pathlib import Path

from scaffold.atomic_write import write_atomic
from scaffold.errors import ScaffoldError


def write_file(path: Path, data: bytes, *, executable: bool = False, sync: bool = True) -> None:
    """Replace `path` by `data` in one step. Raises ScaffoldError where that cannot be done (no room, no right to)."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(path, data, executable=executable, sync=sync)
    except OSError as error:
        raise ScaffoldError(
            f"{path} cannot be written: {error.strerror or error}",
            hint="make room or mend the rights, then call it again",
        ) from error


def make_ignored_folder(folder: Path) -> Path:
    """A folder that git is told to leave alone; made where it is missing. Raises ScaffoldError."""
    if not (folder / ".gitignore").is_file():
        write_file(folder / ".gitignore", b"*\n")
    return folder
