"""update and add: three-way merge of the template's old rendering, its new one and what is on disk, as one change.

The old rendering is made again from the recorded version and answers; so nothing but the workspace's managed files is
looked at or touched, whatever state the repository is in: dirty, uncommitted, ignored, or no repository at all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from scaffold import git, transaction
from scaffold.errors import ScaffoldError
from scaffold.lifecycle import file_kinds, files_on_disk
from scaffold.lifecycle.content_hashes import write_template_hashes
from scaffold.lifecycle.file_kinds import FileAction
from scaffold.lifecycle.file_merge import create_seeded_file, has_conflict_markers, merge_file, replace_answers
from scaffold.lifecycle.template import releases
from scaffold.lifecycle.template.render import Rendering, render_template
from scaffold.workspace import Workspace

YOURS_NOTE = "the template has a file of this name now; yours is kept"


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdatePlan:
    """An update: from one version and set of answers to `template` and `rendered`; `changes` is what it writes."""

    workspace: Workspace
    old_version: str
    template: releases.TemplateVersion
    rendered: Rendering
    actions: tuple[FileAction, ...]
    changes: tuple[transaction.FileChange, ...]

    @property
    def conflicts(self) -> list[str]:
        """Files that hold conflict markers afterwards."""
        return [action.path for action in self.actions if action.what == "conflict"]

    def patch(self) -> str:
        """All changes as one patch."""
        return "".join(git.make_patch(change.path, change.old, change.new) for change in self.changes)


def plan_update(
    workspace: Workspace,
    old: releases.TemplateVersion,
    new: releases.TemplateVersion,
    *,
    new_answers: Mapping[str, Any] | None = None,
    detected: Mapping[str, Any] | None = None,
) -> UpdatePlan:
    """What bringing `workspace` from template `old` to `new` would do; changes nothing.

    `new_answers` take the place of stored ones; `detected` fills in facts that the new version asks for and the old one did not.
    Raises ScaffoldError when an answer cannot be changed, or a conflict of an earlier update is still open.
    """
    stored = {key: value for key, value in workspace.answers.items() if not key.startswith("_")}
    answers = {**(detected or {}), **stored, **(new_answers or {})}
    base = render_template(old, stored)
    rendered = render_template(new, answers)
    disk = files_on_disk.read_files_on_disk(workspace.workdir, sorted({*base, *rendered}))
    managed = _managed_paths(workspace, base, rendered, answers)
    _refuse_open_conflicts(managed, disk)
    _refuse_links(workspace, managed, base, rendered, disk)
    in_the_way = _user_files_in_the_way(managed, base, rendered, disk)
    if in_the_way:
        answers["kept_files"] = sorted({*(answers.get("kept_files") or []), *in_the_way})
        rendered = render_template(new, answers)
    labels = ("yours", old.version, f"template {new.version}")
    merged = [
        merge_file(path, base.get(path), rendered.get(path), disk, labels=labels)
        for path in _managed_paths(workspace, base, rendered, answers)
    ]
    merged += [
        create_seeded_file(path, rendered[path], disk)
        for path in sorted(file_kinds.seeded_paths(answers))
        if path in rendered and path not in base
    ]
    answers_path = file_kinds.answers_path(workspace.root)
    merged.append(replace_answers(answers_path, rendered[answers_path], disk))
    return UpdatePlan(
        workspace=workspace,
        old_version=old.version,
        template=new,
        rendered=rendered,
        actions=(
            *(FileAction(path, "yours", YOURS_NOTE) for path in in_the_way),
            *(action for action, _ in merged if action is not None),
        ),
        changes=tuple(change for _, change in merged if change is not None),
    )


def apply_update(planned: UpdatePlan) -> None:
    """Carry an update out: all of it or nothing."""
    workspace = planned.workspace
    with transaction.hold_workdir_lock(workspace.workdir):
        transaction.apply_file_changes(workspace.workdir, planned.changes)
        answers_file = planned.rendered[file_kinds.answers_path(workspace.root)].data
        write_template_hashes(workspace.workdir, workspace.root, planned.template, answers_file, planned.rendered)


def _managed_paths(workspace: Workspace, base: Rendering, rendered: Rendering, answers: Mapping[str, Any]) -> list[str]:
    """The files that an update may touch."""
    seeded = file_kinds.seeded_paths(answers) | file_kinds.seeded_paths(workspace.answers)
    untouchable = seeded | set(answers.get("kept_files") or []) | {file_kinds.answers_path(workspace.root)}
    return sorted({*base, *rendered} - untouchable)


def _user_files_in_the_way(
    managed: list[str], base: Rendering, rendered: Rendering, disk: files_on_disk.FilesOnDisk
) -> list[str]:
    """Files of the user where the new template has one for the first time."""
    return [p for p in managed if p not in base and p in disk.files and disk.files[p].data != rendered[p].data]


def _refuse_open_conflicts(managed: list[str], disk: files_on_disk.FilesOnDisk) -> None:
    unsettled = sorted(path for path in managed if path in disk.files and has_conflict_markers(disk.files[path].data))
    if unsettled:
        raise ScaffoldError(
            f"conflicts of an earlier update are still open in {', '.join(unsettled)}",
            hint="settle them (the lines between <<<<<<< and >>>>>>>), then update again",
        )


def _refuse_links(
    workspace: Workspace, managed: list[str], base: Rendering, rendered: Rendering, disk: files_on_disk.FilesOnDisk
) -> None:
    """An update that could not reach all files would record a version that the workspace does not have."""
    for path in [*managed, file_kinds.answers_path(workspace.root)]:
        link = disk.linked.get(path)
        if link is not None and (link != path or path not in managed) and base.get(path) != rendered.get(path):
            raise ScaffoldError(
                f"{path} cannot be written: {link} is a link, and nothing is written through it",
                hint="put the folder or file itself in the link's place, then update again",
            )
