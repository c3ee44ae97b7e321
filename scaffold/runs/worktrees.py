"""A detached worktree with the code of an earlier run in it, whose records go into the real workspace."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from scaffold import git
from scaffold.atomic_write import write_atomic
from scaffold.errors import ScaffoldError, WrongUsage
from scaffold.runs import recorder, redacted_patch_repair
from scaffold.workspace import Workspace

HIDDEN = "***"
SHARED_ROLES = ("metadata", "logs", "outputs")


def add_worktree(top: Path, commit: str, place: Path) -> None:
    """Check `commit` out at `place`, detached. Raises ScaffoldError where the commit is not there."""
    # by force where one that was deleted by hand is still registered there; pruning would take the user's own along
    answer = git.run_git_as_user(top, "worktree", "add", "--quiet", "--force", "--detach", str(place), commit)
    if answer.status == 0:
        return
    if git.run_git_as_user(top, "cat-file", "-e", f"{commit}^{{commit}}").status != 0:
        raise ScaffoldError(f"commit {commit} is not in {top}", hint="fetch it: git fetch --all")
    raise ScaffoldError(f"git worktree failed in {top}: {answer.stderr.strip() or answer.status}")


def remove_worktree(top: Path, place: Path) -> None:
    """Take a worktree away, whatever is in it, or is left of it; those of its submodules first."""
    for path in list_submodules(place):
        if (place / path / ".git").is_file():
            remove_worktree(top / path, place / path)
    git.run_git_as_user(top, "worktree", "remove", "--force", str(place))


def list_submodules(tree: Path) -> dict[str, str]:
    """The submodules of a working tree, as its index has them: path -> commit."""
    if not (tree / ".gitmodules").is_file():
        return {}
    rows = (row.partition("\t") for row in git.run_git(tree, "ls-files", "--stage", "-z").paths)
    return {path: fields.split(" ")[1] for fields, _, path in rows if fields.startswith("160000 ")}


def unredacted_patch(directory: Path, commit: str, patch: str) -> bytes:
    """A recorded patch as one that applies to its commit: what redaction took from lines that the commit has is put back."""
    text = redacted_patch_repair.restore_redacted_lines(
        patch, lambda path: git.run_git_as_user(directory, "show", f"{commit}:{path}").text
    )
    return text.encode("utf-8", "surrogateescape")


def apply_patch(tree: Path, patch: str) -> list[str]:
    """Apply a recorded patch to a worktree; notes on what could not be brought back. Raises ScaffoldError where it does not apply."""
    if not patch:
        return []
    data = unredacted_patch(tree, "HEAD", patch)
    answer = git.run_git_as_user(tree, "apply", "--whitespace=nowarn", "-", stdin=data)
    if answer.status != 0:
        raise ScaffoldError(f"the run's patch does not apply to its commit: {answer.stderr.strip()}")
    if any(line.startswith("+") and HIDDEN in line for line in os.fsdecode(data).splitlines()):
        return ["the patch held secrets, which are not recorded: those lines have *** in them"]
    return []


def link_workspace(
    workspace: Workspace, tree: Path, top: Path, experiment: str | None, links: Sequence[str] = ()
) -> Workspace:
    """Give the worktree today's recorder, this workspace's record directories and the linked paths; the workspace in it.

    `experiment` is the folder of the layout that has one for each, else None. Raises ScaffoldError where a linked path is missing, or
    lies outside of the repository, and where a link of the commit leads out of the worktree: nothing out there is touched.
    """
    linked_paths = [_linked_path(top, path) for path in links]
    workdir = tree / workspace.workdir.resolve().relative_to(top.resolve())
    linked = Workspace(workdir=workdir, root=workspace.root, answers=workspace.answers)
    # not of `linked`: what the commit has there may lead anywhere, and is checked below
    scripts = workdir / workspace.role_folder("scripts").relative_to(workspace.workdir)
    for path in [*recorder.list_recorder_files(workspace.role_folder("scripts")), Path("workspace.json")]:
        _check_stays_inside(tree, scripts / path)
        (scripts / path).parent.mkdir(parents=True, exist_ok=True)
        _copy_file(workspace.role_folder("scripts") / path, scripts / path)
    for role in SHARED_ROLES:
        folder = workspace.role_folder(role, experiment)
        folder.mkdir(parents=True, exist_ok=True)
        _link_to(tree, workdir / folder.relative_to(workspace.workdir), folder)
    for path in linked_paths:
        _link_to(tree, tree / path, top / path)
    return linked


def _linked_path(top: Path, path: str) -> Path:
    """A path that --link names, relative to the repository's top. Raises ScaffoldError."""
    place = Path(os.path.normpath(top.resolve() / path))
    parts = place.relative_to(top.resolve()).parts if place.is_relative_to(top.resolve()) else ()
    if not parts or ".git" in parts:
        raise WrongUsage(
            f"--link {path}: that is not below {top}",
            hint="link what lies in the repository; what lies elsewhere the command finds where it is",
        )
    if not place.exists():
        raise ScaffoldError(f"--link: there is no {path} in {top}")
    return Path(*parts)


def _check_stays_inside(tree: Path, place: Path) -> None:
    """Raise ScaffoldError where a link on the way to `place` leads out of the worktree, so that changes would be made elsewhere."""
    # the parent and not the place itself: a link that stands there is replaced, and not followed
    real = place.parent.resolve()
    if not real.is_relative_to(tree.resolve()):
        raise ScaffoldError(
            f"in that commit {place.relative_to(tree).parent} is a link to {real}, where nothing may be changed",
            hint="the run can be repeated by hand in a clone that has a directory there",
        )


def _copy_file(source: Path, place: Path) -> None:
    """Copy a file, unless it is there already: a run that starts now may be reading it."""
    data = source.read_bytes()
    if place.is_symlink() or not place.is_file() or place.read_bytes() != data:
        write_atomic(place, data, mode=source.stat().st_mode & 0o777)


def _link_to(tree: Path, place: Path, target: Path) -> None:
    """Have `place` in the worktree lead to `target`; what the commit has there gives way."""
    if place.resolve() == target.resolve():
        return
    _check_stays_inside(tree, place)
    if place.is_symlink():
        # the link that is made here is ours, whatever the commit had: records may be written where it leads
        git.run_git_as_user(tree, "update-index", "--force-remove", "--", place.relative_to(tree).as_posix())
    if place.is_dir() and not place.is_symlink():
        shutil.rmtree(place)
    place.unlink(missing_ok=True)
    place.parent.mkdir(parents=True, exist_ok=True)
    place.symlink_to(target.resolve())
