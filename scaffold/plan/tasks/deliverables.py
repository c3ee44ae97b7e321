"""The files of a deliverable, and why they do not do: missing, empty, older than the task, ignored by git, changed since."""

from __future__ import annotations

import os
from fnmatch import fnmatchcase
from pathlib import Path

from scaffold import git
from scaffold.plan.document.field_values import deliverable_paths, explain_bad_path
from scaffold.plan.document.model import Task
from scaffold.plan.tasks.task_journal import TaskRecord, hash_file_or_directory

# file systems keep times to different precisions, and a task may be started in the second in which its file is written
TIME_SLACK_S = 2.0


def deliverable_files(path: str, workdir: Path) -> list[Path]:
    """The files or directories that a deliverable names; a pattern may name several, and a bad one names nothing."""
    if any(mark in path for mark in "*?["):
        try:
            matches = sorted(workdir.glob(path))
        except (ValueError, NotImplementedError, OSError):
            matches = []
        if matches:
            return matches
    return [workdir / path] if os.path.lexists(workdir / path) else []


def hash_deliverables(task: Task, workdir: Path) -> dict[str, str]:
    """The SHA-256 of each file and directory that a task's deliverables name, by its path below the work directory."""
    hashes = {}
    for path in deliverable_paths(task):
        for file in deliverable_files(path, workdir):
            try:
                hashes[file.relative_to(workdir).as_posix()] = hash_file_or_directory(file)
            except OSError:
                continue
    return hashes


def explain_bad_deliverable(path: str, record: TaskRecord, workdir: Path) -> str | None:
    """Why a deliverable does not do; None where it does."""
    return (
        explain_bad_path(path)
        or _content_objection(path, record, workdir)
        or _ignored_objection(path, workdir)
        or _change_objection(path, record, workdir)
    )


def _content_objection(path: str, record: TaskRecord, workdir: Path) -> str | None:
    tops = deliverable_files(path, workdir)
    if not tops:
        return "does not exist"
    try:
        files = [file for top in tops for file in _contained_files(top)]
        if not files:
            return "is an empty directory"
        if not all(top.resolve().is_relative_to(workdir.resolve()) for top in tops):
            return "leads out of the work directory"
        if not any(file.stat().st_size for file in files):
            return "is empty"
        if unreadable := [file for file in files if not os.access(file, os.R_OK)]:
            return f"cannot be read ({unreadable[0].relative_to(workdir)})"
        newest = max(file.stat().st_mtime for file in files)
    except OSError as error:
        return f"cannot be read ({error.strerror})"
    if record.started is not None and newest < record.started - TIME_SLACK_S:
        return f"is older than the task's start ({record.started_at})"
    return None


def _contained_files(top: Path) -> list[Path]:
    """The files of a deliverable: itself, or all that a directory holds. Raises OSError where one cannot look into it."""
    if not top.is_dir():
        return [top]
    os.scandir(top).close()  # rglob passes over a directory that may not be read, as if it were empty
    return [file for file in top.rglob("*") if file.is_file()]


def _ignored_objection(path: str, workdir: Path) -> str | None:
    names = [file.relative_to(workdir).as_posix() for file in deliverable_files(path, workdir)]
    rule = next(iter(git.ignored_paths(workdir, names)), None) if git.toplevel(workdir) else None
    return f"is ignored by git ({rule.source}:{rule.line}: {rule.pattern})" if rule else None


def _change_objection(path: str, record: TaskRecord, workdir: Path) -> str | None:
    for file in deliverable_files(path, workdir):
        recorded = record.deliverables.get(file.relative_to(workdir).as_posix())
        try:
            if recorded is not None and hash_file_or_directory(file) != recorded:
                return f"changed after the task was done ({record.done_at})"
        except OSError as error:
            return f"cannot be read ({error.strerror})"
    gone = [name for name in record.deliverables if fnmatchcase(name, path) and not os.path.lexists(workdir / name)]
    return f"lacks {gone[0]}, which was there when the task was done ({record.done_at})" if gone else None
