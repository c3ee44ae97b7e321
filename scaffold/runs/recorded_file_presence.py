"""Files that records name -> whether they are there: for a hundred thousand records, whose folders are the same few."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

from scaffold import path_containment
from scaffold.runs import records_home
from scaffold.workspace import Workspace


class RecordedFiles:
    """Looks for files of one workspace. A folder is held against what `Workspace.locate` lets pass once, and not for each file in it."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._folders: dict[str, str | None] = {}
        self._followed: dict[str, os.stat_result | OSError] = {}
        self._copies: dict[str, list[Path]] = {}

    def find_fault(self, path: str, is_kind: Callable[[int], bool] = stat.S_ISREG) -> str | None:
        """What is wrong with a file, or a thing of another kind, that a record names; None where it is there."""
        try:
            return None if is_kind(self._stat(path).st_mode) else "is something else"
        except (FileNotFoundError, NotADirectoryError):
            return "is missing"
        except OSError as error:
            return f"cannot be looked at ({error.strerror})"

    def find_record_fault(self, path: str) -> str | None:
        """What is wrong with a file of the metadata directory that a manifest names; None where it, or its copy, is there."""
        fault = self.find_fault(path)
        return None if fault == "is missing" and self.find_copy(path) else fault

    def find_copy(self, path: str) -> Path | None:
        """`records_home.find_copy` of a path below the work directory, which asks for each file where its repository is."""
        folder, _, name = path.rpartition("/")
        copies = self._copies.get(folder)
        if copies is None:
            copies = self._copies[folder] = records_home.candidate_record_paths(self._workspace.workdir / folder)[1:]
        return next((copy / name for copy in copies if records_home.is_complete_record(copy / name)), None)

    def is_contained(self, path: str) -> bool:
        """Whether `Workspace.locate` lets a path pass."""
        folder, _, name = path.rpartition("/")
        place = self._locate_parent(folder, name)
        if place is not None and not os.path.islink(f"{place}/{name}"):  # noqa: PTH114
            return True
        return path_containment.is_contained(self._workspace.workdir, path)

    def _stat(self, path: str) -> os.stat_result:
        """What is at a path. Raises OSError, also where it leads outside."""
        folder, _, name = path.rpartition("/")
        place = self._locate_parent(folder, name)
        if place is not None:
            info = os.lstat(f"{place}/{name}")
            if not stat.S_ISLNK(info.st_mode):
                return info
        # links, and what no file can be called (an empty name, which all records of a study may have), are followed once
        if path not in self._followed:
            try:
                self._followed[path] = self._workspace.locate(path).stat()
            except OSError as error:
                self._followed[path] = error
        answer = self._followed[path]
        if isinstance(answer, OSError):
            raise answer
        return answer

    def _locate_parent(self, folder: str, name: str) -> str | None:
        """Where a folder is; None where it leads outside, which is said of each path in it, or `name` is none of a thing in it."""
        if not folder or name in ("", ".", "..") or name.lower() == ".git":
            return None
        if folder not in self._folders:
            try:
                self._folders[folder] = str(self._workspace.locate(folder))
            except OSError:
                self._folders[folder] = None
        return self._folders[folder]


def list_file_change_times(folder: str, inside: str = "") -> Iterator[tuple[str, float]]:
    """The files below a folder and when they last changed; what goes away meanwhile, or may not be looked at, is left out.

    No link is followed.
    """
    try:
        with os.scandir(folder) as scanned:
            entries = list(scanned)
    except OSError:
        return
    for entry in entries:
        try:
            if entry.is_dir(follow_symlinks=False):
                yield from list_file_change_times(entry.path, f"{inside}{entry.name}/")
            elif entry.is_file(follow_symlinks=False):
                yield f"{inside}{entry.name}", entry.stat(follow_symlinks=False).st_mtime
        except OSError:
            continue
