"""status: what is managed, changed, missing; what is ignored; whether there is a newer template. Changes nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from scaffold import git
from scaffold.errors import ScaffoldError
from scaffold.lifecycle import content_hashes, file_kinds, files_on_disk
from scaffold.lifecycle.file_merge import has_conflict_markers
from scaffold.lifecycle.template import releases
from scaffold.lifecycle.template.render import render_template
from scaffold.lifecycle.template.source import (
    foreign_template_source,
    open_recorded_template,
    recorded_template_version,
)
from scaffold.runs import recorder_bytecode, records_home
from scaffold.workspace import Workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class FileStatus:
    """One file: its class (managed, seeded, answers) and its state (same, changed, missing, conflict, yours, linked)."""

    path: str
    kind: str
    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkspaceFileStatus:
    """A workspace as it stands; `newest` is None where its template is not this package's. `homes` are the folders of the second home of
    its records, `refs` how many refs below `refs/scaffold/` pin code."""

    workspace: Workspace
    version: str
    newest: str | None
    outdated: bool
    entries: tuple[FileStatus, ...]
    ignored: tuple[git.IgnoredPath, ...]
    tracked_bytecode: tuple[str, ...]
    homes: tuple[records_home.RecordHomeSummary, ...]
    refs: int


def read_workspace_file_status(workspace: Workspace) -> WorkspaceFileStatus:
    """How the files of `workspace` compare with what its recorded template makes of its answers.

    Raises ScaffoldError when that template cannot be had any more, or refuses an answer.
    """
    version, hashes = recorded_template_version(workspace), content_hashes.read_template_hashes(workspace)
    if hashes is None:
        with open_recorded_template(workspace) as template:
            version = template.version
            hashes = content_hashes.hash_files(render_template(template, workspace.answers))
    disk = files_on_disk.read_files_on_disk(workspace.workdir, hashes)
    newest = releases.newest_template_version() if foreign_template_source(workspace) is None else None
    return WorkspaceFileStatus(
        workspace=workspace,
        version=version,
        newest=newest,
        outdated=newest is not None and releases.is_newer_version(newest, version),
        entries=tuple(_file_statuses(workspace, hashes, disk)),
        ignored=file_kinds.ignored_workspace_paths(
            workspace.workdir, workspace.answers, [path for path in hashes if path in disk.files]
        ),
        tracked_bytecode=tuple(recorder_bytecode.find_tracked_bytecode(workspace)),
        homes=tuple(records_home.summarize_record_homes(records_home.list_existing_record_homes(workspace))),
        refs=count_pinning_refs(workspace),
    )


def count_pinning_refs(workspace: Workspace) -> int:
    """How many refs keep the code of runs from being collected."""
    return len(git.run_git(workspace.workdir, "for-each-ref", "--format=%(refname)", "refs/scaffold/").text.split())


def is_unchanged_seeded_file(workspace: Workspace, path: Path) -> bool:
    """Whether a file is still what init wrote; what cannot be found out counts as somebody's work."""
    try:
        entries = read_workspace_file_status(workspace).entries
    except ScaffoldError:
        return False
    return any(workspace.workdir / entry.path == path and entry.state == "same" for entry in entries)


def _file_statuses(
    workspace: Workspace, hashes: Mapping[str, str], disk: files_on_disk.FilesOnDisk
) -> list[FileStatus]:
    """One for each file that the template has, sorted by path."""
    seeded, answers_path = file_kinds.seeded_paths(workspace.answers), file_kinds.answers_path(workspace.root)
    entries = []
    for path in sorted(hashes):
        kind = "answers" if path == answers_path else "seeded" if path in seeded else "managed"
        entries.append(FileStatus(path=path, kind=kind, state=_compare_file(path, kind, hashes[path], workspace, disk)))
    return entries


def _compare_file(
    path: str, kind: str, content_hash: str, workspace: Workspace, disk: files_on_disk.FilesOnDisk
) -> str:
    if path in disk.linked:
        return "linked"
    if path not in disk.files:
        return "missing"
    if path in (workspace.answers.get("kept_files") or []):
        return "yours"
    data = disk.files[path].data
    # what the answers file holds are the answers, whatever they are
    if kind == "answers" or content_hashes.hash_content(data) == content_hash:
        return "same"
    return "conflict" if has_conflict_markers(data) else "changed"


def count_file_states(entries: tuple[FileStatus, ...]) -> dict[str, int]:
    """How many files are in which state, sorted by its name."""
    return dict(sorted(Counter(entry.state for entry in entries).items()))
