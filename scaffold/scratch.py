"""Temporary directories, with an error that a user can do something about where there is no room for one."""

from __future__ import annotations

import contextlib
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
