"""What an update does with one file: the template's old rendering, its new one and what is on disk, merged three ways.

Pure but for `git merge-file`, which merges the lines.
"""

from __future__ import annotations

from scaffold import git
from scaffold.lifecycle.file_kinds import FileAction
from scaffold.lifecycle.files_on_disk import FilesOnDisk
from scaffold.lifecycle.template.render import RenderedFile
from scaffold.runs import recorder
from scaffold.transaction import FileChange

CONFLICT_MARKER = b"<<<<<<< yours"
REWRITTEN_NOTE = "the template wrote this file anew: yours stands above the =======, whole"
RECORDER_NOTE = (
    "the recorder is a folder of modules now, _record_run beside this file: keep what stands below the =======, and make your change,"
    " where you still want it, in the module that it belongs to"
)


# what is said of a file, and what is written of it; each None where there is nothing
MergedFile = tuple[FileAction | None, FileChange | None]
NOTHING: MergedFile = (None, None)


def merge_file(
    path: str, base: RenderedFile | None, new: RenderedFile | None, disk: FilesOnDisk, *, labels: tuple[str, str, str]
) -> MergedFile:
    """A managed file: `base` and `new` are the template's old and new rendering (None: it has no such file)."""
    if path in disk.linked:
        return (FileAction(path, "linked", "it is a link, and yours"), None) if new != base else NOTHING
    ours = disk.files.get(path)
    if new in (base, ours):
        return NOTHING
    if ours is None:
        return _merge_absent_file(path, base, new, disk)
    if base is None:
        # the user has this very file already, but for the bit; one with other content is the user's, and no managed file
        return FileAction(path, "update"), disk.make_change(path, new, executable=new is not None and new.executable)
    if new is None:
        if ours.data == base.data:
            return FileAction(path, "delete", "the template dropped it"), disk.make_change(path, None)
        return FileAction(path, "kept", "the template dropped it; you changed it, so it stays"), None
    bit = new.executable if new.executable != base.executable else None
    if ours.data == base.data:
        return FileAction(path, "update"), disk.make_change(path, new, executable=bit)
    text, step = _merge_texts(path, ours.data, base.data, new.data, labels)
    if text == ours.data and bit in (None, ours.executable):
        return step, None
    return step, disk.make_change(path, RenderedFile(text, ours.executable), executable=bit)


def _merge_texts(
    path: str, ours: bytes, base: bytes, new: bytes, labels: tuple[str, str, str]
) -> tuple[bytes, FileAction]:
    """Both changes in one text, or a conflict: of single lines, or, where the template wrote the file anew, of the whole."""
    text, conflict = git.merge_texts(ours, base, new, labels=labels)
    if not conflict:
        return text, FileAction(path, "merge")
    if not _is_rewritten(base, new):
        return text, FileAction(path, "conflict", "both changed the same lines")
    note = RECORDER_NOTE if path.endswith(f"/{recorder.ENTRY}") else REWRITTEN_NOTE
    return _whole_conflict(ours, new, labels), FileAction(path, "conflict", note)


def _is_rewritten(base: bytes, new: bytes) -> bool:
    """Whether the template kept next to nothing of a file, so that a merge line by line would say nothing."""
    lines = set(base.splitlines())
    return len(lines & set(new.splitlines())) * 10 < len(lines)


def _whole_conflict(ours: bytes, new: bytes, labels: tuple[str, str, str]) -> bytes:
    """A file that holds both versions, each in one piece."""
    first, second = (text if text.endswith(b"\n") else text + b"\n" for text in (ours, new))
    marks = [f"<<<<<<< {labels[0]}\n".encode(), b"=======\n", f">>>>>>> {labels[2]}\n".encode()]
    return marks[0] + first + marks[1] + second + marks[2]


def _merge_absent_file(path: str, base: RenderedFile | None, new: RenderedFile | None, disk: FilesOnDisk) -> MergedFile:
    """A file that is not on disk: new in the template, or deleted by the user, who will have had a reason."""
    if new is None:
        return NOTHING
    if base is not None:
        return FileAction(path, "deleted", "you deleted it; it stays deleted"), None
    return FileAction(path, "create"), disk.make_change(path, new)


def create_seeded_file(path: str, new: RenderedFile, disk: FilesOnDisk) -> MergedFile:
    """A seeded file that this update brings for the first time, as for a new experiment."""
    if path in disk.files or path in disk.linked:
        return NOTHING
    return FileAction(path, "create"), disk.make_change(path, new)


def replace_answers(path: str, new: RenderedFile, disk: FilesOnDisk) -> MergedFile:
    """The answers file, which is written as it should be: a merge could mix the answers of two versions."""
    ours = disk.files.get(path)
    if ours is not None and ours.data == new.data:
        return NOTHING
    return FileAction(path, "update"), disk.make_change(path, new)


def has_conflict_markers(data: bytes) -> bool:
    """Whether a file still holds the conflict markers of an update."""
    return any(line.startswith(CONFLICT_MARKER) for line in data.splitlines())
