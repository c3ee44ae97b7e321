"""A folder of manifests: which files are in it, when that last changed, and what is said of one that cannot be read."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from scaffold.errors import ScaffoldError
from scaffold.runs.index import file_stamp

# clocks of file systems are coarse, and those of other hosts differ
SETTLED_NS = 3_000_000_000


class DamagedManifest(NamedTuple):
    """A manifest that cannot be read: its path below the work directory, and why."""

    path: str
    reason: str


def read_settled_mtime(folder: Path) -> int | None:
    """When a folder's list of files last changed; None where that is too fresh to be told from a change still to come."""
    try:
        at = folder.stat().st_mtime_ns
    except OSError:
        return None
    return at if time.time_ns() - at > SETTLED_NS else None


def list_manifests(folder: Path) -> Iterator[tuple[str, str, bool]]:
    """Names, stamps, and which are links; none where there is no folder. Raises ScaffoldError where it may not be listed."""
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.name.endswith(".json") and not entry.name.startswith("."):
                    with contextlib.suppress(FileNotFoundError):
                        yield entry.name, file_stamp(entry.stat()), entry.is_symlink()
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        raise ScaffoldError(
            f"the records in {folder} cannot be read: {error.strerror}",
            hint="`ls -ld` says whose they are, and who may",
        ) from error
