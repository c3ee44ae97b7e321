"""remove: take back what was not touched; everything else stays."""

from __future__ import annotations

import contextlib
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from scaffold import transaction
from scaffold.errors import ScaffoldError
from scaffold.lifecycle import content_hashes, file_kinds, files_on_disk
from scaffold.lifecycle.status import read_workspace_file_status
from scaffold.runs import recorder_bytecode, records_home
from scaffold.workspace import Workspace

REASONS = {
    "changed": "you changed it",
    "conflict": "it has an open conflict",
    "yours": "it was here before",
    "linked": "it is a link, or behind one",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RemovalPlan:
    """What goes and what stays, each a path relative to the work directory, `keep` with the reason.

    `bytecode` goes too: Python made it of scripts of the template, and makes it again. `homes` (the second home of the records) and `refs`
    (that pin code) stay unless that is asked for: other branches and working trees may need them.
    """

    workspace: Workspace
    delete: tuple[str, ...]
    keep: tuple[tuple[str, str], ...]
    bytecode: tuple[str, ...]
    homes: tuple[records_home.RecordHomeSummary, ...]
    refs: int
    changes: tuple[transaction.FileChange, ...]


def plan_removal(workspace: Workspace) -> RemovalPlan:
    """What removing `workspace` would delete and keep; changes nothing. Raises ScaffoldError where its template cannot be had."""
    status = read_workspace_file_status(workspace)
    workdir, entries = workspace.workdir, status.entries
    delete = [entry.path for entry in entries if entry.state == "same"]
    # last, so that an interrupted removal still is a workspace that can be removed
    delete.sort(key=lambda path: path == file_kinds.answers_path(workspace.root))
    disk = files_on_disk.read_files_on_disk(workdir, delete)
    keep = [
        (entry.path, REASONS[entry.state])
        for entry in entries
        if entry.state in REASONS and os.path.lexists(workdir / entry.path)
    ]
    compiled = [path.relative_to(workdir).as_posix() for path in recorder_bytecode.list_bytecode_files(workspace)]
    template_paths = {entry.path for entry in entries} | set(compiled)
    keep += [(path, "not from the template") for path in _files_not_from_template(workspace, template_paths)]
    return RemovalPlan(
        workspace=workspace,
        delete=tuple(delete),
        keep=tuple(sorted(keep)),
        bytecode=tuple(compiled),
        homes=status.homes,
        refs=status.refs,
        changes=tuple(disk.make_change(path, None) for path in delete),
    )


def apply_removal(planned: RemovalPlan, *, with_records: bool = False) -> None:
    """Delete what the plan says, then the folders that are empty because of it; `with_records` the second home of the records too.

    Raises ScaffoldError where something cannot be deleted.
    """
    workdir = planned.workspace.workdir
    with transaction.hold_workdir_lock(workdir):
        transaction.apply_file_changes(workdir, planned.changes)
        for path in planned.bytecode:
            with contextlib.suppress(OSError):
                (workdir / path).unlink()
        paths = [*planned.delete, *planned.bytecode]
        folders = {folder for path in paths for folder in Path(path).parents if folder != Path()}
        for folder in sorted(folders, key=lambda f: len(f.parts), reverse=True):
            with contextlib.suppress(OSError):
                (workdir / folder).rmdir()
        content_hashes.delete_template_hashes(planned.workspace)
        for home in planned.homes if with_records else ():
            try:
                shutil.rmtree(home.folder)
            except OSError as error:
                raise ScaffoldError(f"{home.folder} cannot be deleted: {error.strerror or error}") from error


def _files_not_from_template(workspace: Workspace, template_paths: set[str]) -> list[str]:
    """Files and links in the experiment root that the template does not have: runs, results, the user's own."""
    paths = (path for path in workspace.path.rglob("*") if path.is_symlink() or not path.is_dir())
    return sorted({path.relative_to(workspace.workdir).as_posix() for path in paths} - template_paths)
