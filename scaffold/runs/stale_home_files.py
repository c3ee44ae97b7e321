"""What recorders that were killed left in the second home: claims of attempts that never got a manifest, and half-written files."""

from __future__ import annotations

import contextlib
import os
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from scaffold import structured_text
from scaffold.runs import liveness, recorder, records_home

if TYPE_CHECKING:
    from scaffold.workspace import Workspace

# a temporary file of the recorder, with its process id, or of the package
TEMPORARY = re.compile(r"\.((?P<pid>\d+)|.{1,40})\.[0-9a-f]{8}\.tmp")
# between a claim and its manifest, and between a file and its name, lie milliseconds; a recorder that was suspended there may go on
AGE_S = 86_400.0


def find_litter(workspace: Workspace) -> list[Path]:
    """The files that nobody alive will ever use again, sorted: a day old, and their recorder, where it can be told, is gone."""
    before = time.time() - AGE_S
    return sorted(
        path
        for home in records_home.list_existing_record_homes(workspace)
        for path in _unfinished_files(home)
        if _changed_at(path) < before and not _has_living_recorder(path)
    )


def delete_litter(paths: list[Path]) -> None:
    """Take them away; a claim that has become a manifest since stays. Raises OSError."""
    for path in paths:
        if TEMPORARY.fullmatch(path.name) or not records_home.is_complete_record(path):
            path.unlink(missing_ok=True)


def _unfinished_files(home: Path) -> Iterator[Path]:
    for folder, _, names in os.walk(home):
        for name in names:
            path = Path(folder, name)
            is_claim = (
                records_home.is_manifest(name)
                and path.parent.name != ".live"
                and not records_home.is_complete_record(path)
            )
            if TEMPORARY.fullmatch(name) or is_claim:
                yield path


def _changed_at(path: Path) -> float:
    try:
        return path.lstat().st_mtime
    except OSError:
        return time.time()


def _has_living_recorder(path: Path) -> bool:
    match = TEMPORARY.fullmatch(path.name)
    if match is not None:
        return match["pid"] is not None and bool(recorder.processes.process_exists(int(match["pid"])))
    with contextlib.suppress(OSError, ValueError):
        mark = structured_text.parse_json((path.parent / ".live" / path.name).read_bytes())
        return isinstance(mark, dict) and not liveness.is_process_gone(mark)
    return False
