"""What an update does with one file: the template's old rendering, its new one and what is on disk, merged three ways.

Pure but for `git merge-file`, which merges the lines.
"""

from __future__ import annotations

from dataclasses import dataclass

from scaffold import git
from scaffold.lifecycle.files_on_disk import FilesOnDisk
from scaffold.lifecycle.render import RenderedFile
from scaffold.transaction import FileChange

CONFLICT_MARKER = b"<<<<<<< yours"


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateStep:
    """What happens to one file: create, update, merge, conflict, delete, or why nothing: kept, deleted (by the user), yours, linked."""

    path: str
    what: str
    note: str = ""


# what is said of a file, and what is written of it; each None where there is nothing
MergedFile = tuple[UpdateStep | None, FileChange | None]
NOTHING: MergedFile = (None, None)


def merge_file(
    path: str,
    base: RenderedFile | None,
    new: RenderedFile | None,
    disk: FilesOnDisk,
    *,
    labels: tuple[str, str, str],
) -> MergedFile:
    """A managed file: `base` and `new` are the template's old and new rendering (None: it has no such file)."""
    if path in disk.linked:
        return (UpdateStep(path=path, what="linked", note="it is a link, and yours"), None) if new != base else NOTHING
    ours = disk.files.get(path)
    if new in (base, ours):
        return NOTHING
    if ours is None:
        return _absent(path, base, new, disk)
    if base is None:
        # the user has this very file already, but for the bit; one with other content is the user's, and no managed file
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
    text, conflict = git.merge_texts(ours.data, base.data, new.data, labels=labels)
    note = "both changed the same lines" if conflict else ""
    step = UpdateStep(path=path, what="conflict" if conflict else "merge", note=note)
    if text == ours.data and bit in (None, ours.executable):
        return step, None
    return step, disk.change(path, RenderedFile(text, ours.executable), executable=bit)


def _absent(path: str, base: RenderedFile | None, new: RenderedFile | None, disk: FilesOnDisk) -> MergedFile:
    """A file that is not on disk: new in the template, or deleted by the user, who will have had a reason."""
    if new is None:
        return NOTHING
    if base is not None:
        return UpdateStep(path=path, what="deleted", note="you deleted it; it stays deleted"), None
    return UpdateStep(path=path, what="create"), disk.change(path, new)


def create_seeded(path: str, new: RenderedFile, disk: FilesOnDisk) -> MergedFile:
    """A seeded file that this update brings for the first time, as for a new experiment."""
    if path in disk.files or path in disk.linked:
        return NOTHING
    return UpdateStep(path=path, what="create"), disk.change(path, new)


def replace_answers(path: str, new: RenderedFile, disk: FilesOnDisk) -> MergedFile:
    """The answers file, which is written as it should be: a merge could mix the answers of two versions."""
    ours = disk.files.get(path)
    if ours is not None and ours.data == new.data:
        return NOTHING
    return UpdateStep(path=path, what="update"), disk.change(path, new)


def has_conflict_markers(data: bytes) -> bool:
    """Whether a file still holds the conflict markers of an update."""
    return any(line.startswith(CONFLICT_MARKER) for line in data.splitlines())
