"""The code of a recorded run -> its files, as git names their contents: those of its pin, else of its commit with the patch applied."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from scaffold import git
from scaffold.errors import ScaffoldError
from scaffold.runs import code_worktrees, manifests, worktrees
from scaffold.scratch import scratch_directory

if TYPE_CHECKING:
    from scaffold.runs.model import Run
    from scaffold.workspace import Workspace

LARGEST_TEXT_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class CodeFiles:
    """The files of a code state, relative to the repository's top -> the id of their content; `read` gives texts of some of them."""

    top: Path
    ids: Mapping[str, str]
    environment: Mapping[str, str]

    def read(self, paths: Iterable[str]) -> dict[str, str]:
        """The texts of files, in one question; what is missing, no text or over 1 MiB is left out."""
        wanted = [path for path in paths if path in self.ids]
        feed = "".join(f"{self.ids[path]}\n" for path in wanted).encode()
        data = (
            git.run_git_as_user(self.top, "cat-file", "--batch", stdin=feed, env=self.environment).stdout
            if wanted
            else b""
        )
        texts: dict[str, str] = {}
        at = 0
        for path in wanted:
            end = data.find(b"\n", at)
            fields = data[at:end].split(b" ")
            if end < 0 or len(fields) != 3:
                at = end + 1
                continue
            size = int(fields[2])
            content = data[end + 1 : end + 1 + size]
            at = end + 2 + size
            if fields[1] == b"blob" and size <= LARGEST_TEXT_BYTES and b"\0" not in content:
                texts[path] = content.decode("utf-8", "replace")
        return texts


@contextmanager
def open_code(workspace: Workspace, top: Path, run: Run) -> Iterator[CodeFiles | None]:
    """The code that a run ran, as long as the block lasts; None where it is no longer to be had.

    Nothing is written into the repository: what a patch makes lies in a folder of its own meanwhile.
    """
    source = _find_source(workspace, top, run)
    if source is None:
        yield None
    elif source.files is not None or not source.patch:
        yield _files_of_commit(top, source.files or source.base)
    else:
        with scratch_directory() as folder:
            yield _files_with_patch(top, source, folder)


def _find_source(workspace: Workspace, top: Path, run: Run) -> code_worktrees.CodeSource | None:
    try:
        code = code_worktrees.manifest_code(manifests.read_manifest(workspace.workdir / run.path), workspace.workdir)
        source = code_worktrees.find_code_source(workspace, top, code)
    except (ValueError, KeyError, TypeError, ScaffoldError):
        return None
    lacks_patch = run.dirty and source.files is None and not source.patch and source.base == run.commit
    return None if lacks_patch else source


def _files_of_commit(top: Path, commit: str) -> CodeFiles | None:
    answer = git.run_git(top, "ls-tree", "-r", "-z", "--full-tree", commit)
    return CodeFiles(top, _parse_listing(answer.paths), {}) if answer.status == 0 else None


def _files_with_patch(top: Path, source: code_worktrees.CodeSource, folder: Path) -> CodeFiles | None:
    objects = git.run_git(top, "rev-parse", "--path-format=absolute", "--git-path", "objects")
    if objects.status != 0:
        return None
    (folder / "objects").mkdir()
    environment = {
        "GIT_INDEX_FILE": str(folder / "index"),
        "GIT_OBJECT_DIRECTORY": str(folder / "objects"),
        "GIT_ALTERNATE_OBJECT_DIRECTORIES": objects.text,
    }
    if git.run_git_as_user(top, "read-tree", source.base, env=environment).status != 0:
        return None
    data = worktrees.unredacted_patch(top, source.base, source.patch)
    applied = git.run_git_as_user(top, "apply", "--cached", "--whitespace=nowarn", "-", stdin=data, env=environment)
    listing = git.run_git_as_user(top, "ls-files", "--stage", "-z", env=environment)
    return CodeFiles(top, _parse_listing(listing.paths), environment) if applied.status == 0 else None


def _parse_listing(rows: Iterable[str]) -> dict[str, str]:
    """Paths with the ids of their contents, of `ls-tree -r` (mode type id) as of `ls-files --stage` (mode id stage)."""
    ids = {}
    for row in rows:
        head, _, path = row.partition("\t")
        fields = head.split(" ")
        ids[path] = fields[2] if fields[1] in ("blob", "commit") else fields[1]
    return ids


def workdir_prefix_in_repository(workspace: Workspace, top: Path) -> str:
    """The work directory below the repository's top, with a slash at its end; empty where it is the top."""
    path = os.path.relpath(os.path.realpath(workspace.workdir), os.path.realpath(top))
    return "" if path == "." else path + "/"
