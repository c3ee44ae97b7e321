"""Which program a name starts: PATH as the kernel takes it."""

from __future__ import annotations

import os
from pathlib import Path


def find_program(name: str, *, cwd: Path | None = None) -> str | None:
    """The program that `name` starts in the folder `cwd` (None: the current one), absolute; None where none does.

    A name with a slash is a path; a folder of PATH that is empty or relative, such as `.`, counts from `cwd`.

    `shutil.which` asks what the real user may, without the capabilities that a process in a container has, and so misses some that start.
    """
    start = Path.cwd() / (cwd or "")
    for folder in [""] if "/" in name else os.get_exec_path():
        path = start / folder / name
        # first whether it may be started: a folder that is closed is an error to `is_file`
        if os.access(path, os.X_OK, effective_ids=os.access in os.supports_effective_ids) and path.is_file():
            return str(path)  # not resolved: a virtual environment's Python is a link
    return None
