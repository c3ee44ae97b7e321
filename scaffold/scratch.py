"""What can be deleted at any time: temporary directories, and what the user's cache directory keeps so that it need not be made again."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from scaffold.errors import ScaffoldError


@contextlib.contextmanager
def scratch_directory() -> Iterator[Path]:
    """A temporary directory, deleted in the end as far as that can be done. Raises ScaffoldError where none can be made."""
    import tempfile

    try:
        folder = tempfile.TemporaryDirectory(prefix="scaffold-", ignore_cleanup_errors=True)
    except OSError as error:
        raise ScaffoldError(
            f"no temporary directory can be made: {error.strerror or error}", hint="make room for one, or set TMPDIR"
        ) from error
    with folder as name:
        yield Path(name)


def cache_path(*parts: str) -> Path | None:
    """A path below our folder of the cache directory; None where the environment names no such directory."""
    base = os.environ.get("XDG_CACHE_HOME") or (os.environ.get("HOME") and f"{os.environ['HOME']}/.cache")
    return Path(base, "experiment-scaffold", *parts) if base and base.startswith("/") else None


def write_cache(file: Path, data: bytes) -> None:
    """Keep data, for nobody else to read; where it cannot be written nothing is lost but time."""
    from scaffold.atomic_write import write_atomic

    with contextlib.suppress(OSError):
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_atomic(file, data, mode=0o600, sync=False)
