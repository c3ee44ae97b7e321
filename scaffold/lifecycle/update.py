"""update and add: three-way merge of the template's old rendering, its new one and what is on disk, as one change.

The old rendering is made again from the recorded version and answers; so nothing but the workspace's managed files is
looked at or touched, whatever state the repository is in: dirty, uncommitted, ignored, or no repository at all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import scaffold.git
from scaffold import transaction
from scaffold.errors import ScaffoldError
from scaffold.lifecycle import files, releases
from scaffold.lifecycle.render import RenderedFile, render_template
from scaffold.workspace import Workspace

CONFLICT_MARKER = b"<<<<<<< yours"
YOURS_NOTE = "the template has a file of this name now; yours is kept"


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateStep:
    """What happens to one file: create, update, merge, conflict, delete, or why nothing: kept, deleted (by the user), yours, linked."""

    path: str
    what: str
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdatePlan:
    """An update: from one version and set of answers to another; `changes` is what it writes."""

    workspace: Workspace
    old_version: str
    new_version: str
    steps: tuple[UpdateStep, ...]
    changes: tuple[transaction.FileChange, ...]

    @property
    def conflicts(self) -> list[str]:
        """Files that hold conflict markers afterwards."""
        return [step.path for step in self.steps if step.what == "conflict"]

    def patch(self) -> str:
        """All changes as one patch."""
        return "".join(scaffold.git.make_patch(change.path, change.old, change.new) for change in self.changes)


def plan_update(
    there: Workspace,
    old: releases.TemplateVersion,
    new: releases.TemplateVersion,
    *,
    answers: Mapping[str, Any] | None = None,
    detected: Mapping[str, Any] | None = None,
) -> UpdatePlan:
    """What bringing the workspace `there` from template `old` to `new` would do; changes nothing.

    `answers` are changed on the way; `detected` fills in facts that the new version asks for and the old one did not.
    Raises ScaffoldError when an answer cannot be changed, or a conflict of an earlier update is still open.
    """
    stored = {key: value for key, value in there.answers.items() if not key.startswith("_")}
    given = {**(detected or {}), **stored, **(answers or {})}
    before = render_template(old.path, stored, version=old.version, source=old.source)
    after = render_template(new.path, given, version=new.version, source=new.source)
    disk = files.read_files(there.workdir, sorted({*before, *after}))
    managed = _managed_paths(there, before, after, given)
    _refuse_open_conflicts(managed, disk)
    _refuse_links(there, managed, before, after, disk)
    yours = _user_files_in_the_way(managed, before, after, disk)
    if yours:
        given["kept_files"] = sorted({*(given.get("kept_files") or []), *yours})
        after = render_template(new.path, given, version=new.version, source=new.source)
    merged = [
        _merge_file(
            path, before.get(path), after.get(path), disk, labels=("yours", old.version, f"template {new.version}")
        )
        for path in _managed_paths(there, before, after, given)
    ]
    seeds = [
        _create_seeded(path, after[path], disk)
        for path in sorted(files.seeded_paths(given))
        if path in after and path not in before
    ]
    answers_file = files.answers_path(there)
    merged += [*seeds, _replace_answers(answers_file, after[answers_file], disk)]
    return UpdatePlan(
        workspace=there,
        old_version=old.version,
        new_version=new.version,
        steps=(
            *(UpdateStep(path=p, what="yours", note=YOURS_NOTE) for p in yours),
            *(step for step, _ in merged if step is not None),
        ),
        changes=tuple(change for _, change in merged if change is not None),
    )


def apply_update(planned: UpdatePlan) -> None:
    """Carry an update out: all of it or nothing."""
    with transaction.workdir_lock(planned.workspace.workdir):
        transaction.apply_changes(planned.workspace.workdir, planned.changes)


def _managed_paths(
    there: Workspace, before: Mapping[str, RenderedFile], after: Mapping[str, RenderedFile], given: Mapping[str, Any]
) -> list[str]:
    """The files that an update may touch."""
    hands_off = files.seeded_paths(given) | files.seeded_paths(there.answers) | set(given.get("kept_files") or [])
    return sorted({*before, *after} - hands_off - {files.answers_path(there)})


def _user_files_in_the_way(
    managed: list[str], before: Mapping[str, RenderedFile], after: Mapping[str, RenderedFile], disk: files.FilesOnDisk
) -> list[str]:
    """Files of the user where the new template has one for the first time."""
    return [p for p in managed if p not in before and p in disk.files and disk.files[p].data != after[p].data]


Merged = tuple[UpdateStep | None, transaction.FileChange | None]


def _merge_file(
    path: str,
    base: RenderedFile | None,
    new: RenderedFile | None,
    disk: files.FilesOnDisk,
    *,
    labels: tuple[str, str, str],
) -> Merged:
    """One file's three-way merge."""
    if path in disk.linked:
        return (UpdateStep(path=path, what="linked", note="it is a link, and yours") if new != base else None), None
    ours = disk.files.get(path)
    if new in (base, ours):
        return None, None
    if ours is None:
        if base is not None:
            return (
                UpdateStep(path=path, what="deleted", note="you deleted it; it stays deleted") if new else None
            ), None
        assert new is not None
        return UpdateStep(path=path, what="create"), disk.change(path, new)
    if base is None:  # the user has this very file already, but for the bit; with other content it would be the user's
        return UpdateStep(path=path, what="update"), disk.change(
            path, new, executable=new is not None and new.executable
        )
    if new is None:
        if ours.data == base.data:
            return UpdateStep(path=path, what="delete", note="the template dropped it"), disk.change(path, None)
        return UpdateStep(path=path, what="kept", note="the template dropped it; you changed it, so it stays"), None
    bit = new.executable if new.executable != base.executable else None
    if ours.data == base.data:
        return UpdateStep(path=path, what="update"), disk.change(path, new, executable=bit)
    text, conflict = scaffold.git.merge_texts(ours.data, base.data, new.data, labels=labels)
    step = UpdateStep(
        path=path, what="conflict" if conflict else "merge", note="both changed the same lines" if conflict else ""
    )
    if text == ours.data and bit in (None, ours.executable):
        return step, None
    return step, disk.change(path, RenderedFile(text, ours.executable), executable=bit)


def _create_seeded(path: str, new: RenderedFile, disk: files.FilesOnDisk) -> Merged:
    """A seeded file that this update brings for the first time, as for a new experiment."""
    if path in disk.files or path in disk.linked:
        return None, None
    return UpdateStep(path=path, what="create"), disk.change(path, new)


def _replace_answers(path: str, new: RenderedFile, disk: files.FilesOnDisk) -> Merged:
    ours = disk.files.get(path)
    if ours is not None and ours.data == new.data:
        return None, None
    return UpdateStep(path=path, what="update"), disk.change(path, new)


def has_conflict_markers(data: bytes) -> bool:
    """Whether a file still holds the conflict markers of an update."""
    return any(line.startswith(CONFLICT_MARKER) for line in data.splitlines())


def _refuse_open_conflicts(managed: list[str], disk: files.FilesOnDisk) -> None:
    unsettled = sorted(path for path in managed if path in disk.files and has_conflict_markers(disk.files[path].data))
    if unsettled:
        raise ScaffoldError(
            f"conflicts of an earlier update are still open in {', '.join(unsettled)}",
            hint="settle them (the lines between <<<<<<< and >>>>>>>), then update again",
        )


def _refuse_links(
    there: Workspace,
    managed: list[str],
    before: Mapping[str, RenderedFile],
    after: Mapping[str, RenderedFile],
    disk: files.FilesOnDisk,
) -> None:
    """An update that could not reach all files would record a version that the workspace does not have."""
    for path in [*managed, files.answers_path(there)]:
        link = disk.linked.get(path)
        if link is not None and (link != path or path not in managed) and before.get(path) != after.get(path):
            raise ScaffoldError(
                f"{path} cannot be written: {link} is a link, and nothing is written through it",
                hint="put the folder or file itself in the link's place, then update again",
            )
