"""A copy of the repository as it is now, in which something can be tried and which is thrown away: the user's own tree is never run in."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path

from scaffold import git
from scaffold.errors import ScaffoldError
from scaffold.facts import paths
from scaffold.runs import worktrees
from scaffold.scratch import scratch_directory

# larger files are linked: nothing that a run changes on purpose is that large and neither data nor ignored
BIGGEST_COPY = 50_000_000


@contextlib.contextmanager
def disposable_tree(workdir: Path) -> Iterator[Path]:
    """A work directory like `workdir`: a git worktree with what is not committed copied over, or a copy where there is no commit.

    Data that git ignores is linked. The tree is removed at the end. Raises ScaffoldError where it cannot be made.
    """
    workdir = workdir.resolve()
    location = git.locate_in_git(workdir)
    with scratch_directory() as scratch:
        tree = scratch / "tree"
        top = location.toplevel.resolve() if location.toplevel is not None and location.head is not None else None
        try:
            if top is None or not _check_out(top, location.head, tree):
                _copy_folder(workdir, tree)
                _as_repository(tree)
                yield tree
            else:
                _copy_uncommitted(top, tree)
                _link_data(top, tree)
                yield tree / workdir.relative_to(top)
        finally:
            if top is not None:
                worktrees.remove_worktree(top, tree)


def _check_out(top: Path, commit: str | None, tree: Path) -> bool:
    """Whether the commit could be checked out: not where the clone lacks some of its objects."""
    try:
        worktrees.add_worktree(top, str(commit), tree)
    except ScaffoldError:
        worktrees.remove_worktree(top, tree)
        shutil.rmtree(tree, ignore_errors=True)
        return False
    return True


def _copy_folder(source: Path, target: Path) -> None:
    def skipped(folder: str, names: list[str]) -> set[str]:
        return {n for n in names if n in (".git", ".venv", "venv", "__pycache__", "node_modules", "wandb", "mlruns")}

    try:
        shutil.copytree(source, target, symlinks=True, ignore=skipped, copy_function=_copy_or_link)
    except (OSError, shutil.Error) as error:
        raise ScaffoldError(f"{source} cannot be copied, to try it out in the copy: {error}") from error


def _copy_or_link(source: str, target: str) -> None:
    if Path(source).stat().st_size > BIGGEST_COPY:
        Path(target).symlink_to(Path(source).resolve())
    else:
        shutil.copy2(source, target)


def _as_repository(tree: Path) -> None:
    """A commit of the copy, so that what a run leaves outside of its folder can be told."""
    git.run_git_as_user(tree, "init", "--quiet")
    git.run_git_as_user(tree, "add", "--all")
    git.run_git_as_user(
        tree, "-c", "user.name=scaffold", "-c", "user.email=scaffold@localhost", "commit", "--quiet", "-m", "as it was"
    )


def _copy_uncommitted(top: Path, tree: Path) -> None:
    """What differs from the commit, and what git does not know yet; a file that was deleted is deleted there too."""
    changed = git.run_git_checked_as_user(top, "diff", "--name-only", "-z", "HEAD").text.split("\0")
    unknown = git.run_git_checked_as_user(top, "ls-files", "--others", "--exclude-standard", "-z").text.split("\0")
    for name in filter(None, dict.fromkeys((*changed, *unknown))):
        source, target = top / name, tree / name
        if source.is_file() and not source.is_symlink():
            target.parent.mkdir(parents=True, exist_ok=True)
            target.unlink(missing_ok=True)
            _copy_or_link(str(source), str(target))
        elif not source.exists():
            target.unlink(missing_ok=True)


def _link_data(top: Path, tree: Path) -> None:
    """Links to what git ignores and is data by its folder's name; where outputs go nothing is linked."""
    listed = git.run_git_as_user(
        top, "ls-files", "--others", "--ignored", "--exclude-standard", "--directory", "-z"
    ).text.split("\0")
    for name in filter(None, listed):
        parts = name.rstrip("/").lower().split("/")
        target = tree / name.rstrip("/")
        if not paths.DATA.isdisjoint(parts) and not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            target.symlink_to((top / name).resolve())
