"""status: what is managed, changed, missing; what is ignored; whether there is a newer template. Changes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from scaffold import git
from scaffold.errors import ScaffoldError
from scaffold.lifecycle import files, releases, template_source, update
from scaffold.lifecycle.render import RenderedFile, render_template
from scaffold.workspace import Workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class FileStatus:
    """One file: its class (managed, seeded, answers) and its state (same, changed, missing, conflict, yours, linked)."""

    path: str
    kind: str
    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkspaceStatus:
    """A workspace as it stands; `newest` is None where its template is not this package's."""

    workspace: Workspace
    version: str
    newest: str | None
    outdated: bool
    entries: tuple[FileStatus, ...]
    ignored: tuple[git.IgnoredPath, ...]


def read_status(there: Workspace, template: releases.TemplateVersion) -> WorkspaceStatus:
    """How the files of `there` compare with what its recorded template makes of its answers."""
    rendered = render_template(template.path, there.answers, version=template.version, source=template.source)
    disk = files.read_files(there.workdir, rendered)
    entries = tuple(_file_status(path, file, there, disk) for path, file in sorted(rendered.items()))
    newest = releases.newest_version() if template_source.foreign_source(there) is None else None
    return WorkspaceStatus(
        workspace=there,
        version=template.version,
        newest=newest,
        outdated=newest is not None and releases.is_newer(newest, template.version),
        entries=entries,
        ignored=files.ignored_workspace_paths(
            there.workdir, there.answers, [path for path in rendered if path in disk.files]
        ),
    )


def is_unchanged_seed(there: Workspace, path: Path) -> bool:
    """Whether a file is still what init wrote; what cannot be found out counts as somebody's work."""
    try:
        with template_source.open_recorded_template(there) as template:
            entries = read_status(there, template).entries
    except ScaffoldError:
        return False
    return any(there.workdir / entry.path == path and entry.state == "same" for entry in entries)


def _file_status(path: str, file: RenderedFile, there: Workspace, disk: files.FilesOnDisk) -> FileStatus:
    kind = _kind(path, there)
    if path in disk.linked:
        return FileStatus(path=path, kind=kind, state="linked")
    if path not in disk.files:
        return FileStatus(path=path, kind=kind, state="missing")
    if path in (there.answers.get("kept_files") or []):
        return FileStatus(path=path, kind=kind, state="yours")
    data = disk.files[path].data
    if kind == "answers" or data == file.data:
        return FileStatus(path=path, kind=kind, state="same")
    return FileStatus(path=path, kind=kind, state="conflict" if update.has_conflict_markers(data) else "changed")


def _kind(path: str, there: Workspace) -> str:
    if path == files.answers_path(there):
        return "answers"
    return "seeded" if path in files.seeded_paths(there.answers) else "managed"


def count_states(found: WorkspaceStatus) -> Mapping[str, int]:
    """How many files are in which state."""
    counts: dict[str, int] = {}
    for entry in found.entries:
        counts[entry.state] = counts.get(entry.state, 0) + 1
    return dict(sorted(counts.items()))
