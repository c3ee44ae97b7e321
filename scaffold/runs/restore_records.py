"""Records that the second home has and the working tree lacks, written back. Only where somebody asks for it: git refuses a checkout
that would write over a file which it does not track."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from scaffold.atomic_write import MAKE_ROOM, write_file
from scaffold.errors import ScaffoldError
from scaffold.runs import records, records_home

if TYPE_CHECKING:
    from scaffold.workspace import Workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreAction:
    """One record to be written back: its path below the work directory, where its copy lies, and what the working tree has there: nothing
    (`missing`), an older state of the same attempt (`older`), or the record of another attempt (`taken`), which stays."""

    path: str
    copy: Path
    state: Literal["missing", "older", "taken"]


def plan_record_restore(workspace: Workspace) -> list[RestoreAction]:
    """What the working tree lacks of the records in the second home, by path; what is damaged there is left out."""
    run_records = records.read_records(workspace)
    damaged = {manifest.path for manifest in run_records.damaged}
    runs = {run.path: run for run in run_records.runs}
    actions: dict[str, RestoreAction] = {}
    for folder in records_home.list_existing_record_homes(workspace):
        for inside in records_home.list_record_home_files(folder):
            copy = folder / inside
            shown = records_home.record_home_display_path(workspace, copy)
            path, run = f"{workspace.root}/{inside}", runs.get(shown)
            if shown in damaged or path in actions:
                continue
            if not os.path.lexists(workspace.workdir / path):
                actions[path] = RestoreAction(path=path, copy=copy, state="missing")
            elif run is not None:
                actions[path] = RestoreAction(path=path, copy=copy, state="taken" if run.only_in_home else "older")
    return sorted(actions.values(), key=lambda action: action.path)


def apply_restore(workspace: Workspace, actions: list[RestoreAction]) -> None:
    """Write back what is missing or older. Raises ScaffoldError where it cannot be written, or a link leads out of the work directory."""
    top = workspace.workdir.resolve()
    for action in actions:
        place = workspace.workdir / action.path
        if action.state == "taken":
            continue
        if not place.resolve().is_relative_to(top):
            raise ScaffoldError(f"{place} is behind a link that leads out of {top}, where nothing is written")
        try:
            data = action.copy.read_bytes()
        except OSError as error:
            raise ScaffoldError(f"{action.copy} cannot be read: {error.strerror}") from error
        # no link to the copy: who edits a file of the working tree in place would edit both; and no sync, since there is the copy
        write_file(place, data, hint=MAKE_ROOM, sync=False)
