"""remove: take back what was not touched; everything else stays."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path

from scaffold import transaction
from scaffold.lifecycle import files, releases, status
from scaffold.workspace import Workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class RemovalPlan:
    """What goes and what stays, each a path relative to the work directory, `keep` with the reason."""

    workspace: Workspace
    delete: tuple[str, ...]
    keep: tuple[tuple[str, str], ...]
    changes: tuple[transaction.FileChange, ...]


def plan_removal(there: Workspace, template: releases.TemplateVersion) -> RemovalPlan:
    """What removing `there` would delete and keep; changes nothing."""
    entries = status.read_status(there, template).entries
    delete = [e.path for e in entries if e.state == "same"]
    delete.sort(key=lambda path: path == files.answers_path(there))
    disk = files.read_files(there.workdir, delete)
    reasons = {
        "changed": "you changed it",
        "conflict": "it has an open conflict",
        "yours": "it was here before",
        "linked": "it is a link, or behind one",
    }
    keep = [
        (e.path, reasons[e.state]) for e in entries if e.state in reasons and os.path.lexists(there.workdir / e.path)
    ]
    keep += [(path, "not from the template") for path in _files_not_from_template(there, {e.path for e in entries})]
    changes = [disk.change(path, None) for path in delete]
    return RemovalPlan(workspace=there, delete=tuple(delete), keep=tuple(sorted(keep)), changes=tuple(changes))


def apply_removal(planned: RemovalPlan) -> None:
    """Delete what the plan says, then the folders that are empty because of it."""
    workdir = planned.workspace.workdir
    with transaction.workdir_lock(workdir):
        transaction.apply_changes(workdir, planned.changes)
        folders = {folder for path in planned.delete for folder in Path(path).parents if folder != Path()}
        for folder in sorted(folders, key=lambda f: len(f.parts), reverse=True):
            with contextlib.suppress(OSError):
                (workdir / folder).rmdir()


def _files_not_from_template(there: Workspace, known: set[str]) -> list[str]:
    """Files and links in the experiment root that the template does not have: runs, results, the user's own."""
    found = (p for p in there.path.rglob("*") if p.is_symlink() or not p.is_dir())
    return sorted({p.relative_to(there.workdir).as_posix() for p in found} - known)
