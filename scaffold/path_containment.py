"""The one door to paths that are used by default: each must lead to where a workspace may write and read.

That is inside its work directory, or inside a place that the user linked there: a link that git does not track, such as `exp/logs` to
a scratch disk. A link that git tracks came with the repository, as the paths in answers files, manifests and plans did; where one of
these leads out, it is not followed. Paths that a user names on the command line do not come this way, and neither does what lies
in the user's own cache and configuration directories. Files in git's own folder are found by `git_folder`.
"""

from __future__ import annotations

import functools
import os
import shlex
from pathlib import Path
from typing import NamedTuple

from scaffold.errors import ScaffoldError

MOST_LINKS = 40


class OutsidePathError(ScaffoldError, PermissionError):
    """A path that a repository names leads to where nothing may be read or written; a file that cannot be used, for whoever reads it."""

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.strerror = message


def join_contained_path(workdir: Path, path: Path | str) -> Path:
    """`path`, absolute or relative to `workdir`, joined with it; it need not exist. Raises OutsidePathError where it leads out.

    Git is asked only where a link leads out of the work directory.
    """
    start = os.fspath(workdir)
    name = os.fspath(path).removeprefix(f"{start}/")
    if not _is_plain(start, name):
        top, real = os.path.realpath(start), os.path.realpath(f"{start}/{name}" if name[:1] != "/" else name)
        if not _is_inside(real, top):
            _check_each_link(top, start, name)
    return workdir / path


def _is_plain(start: str, name: str) -> bool:
    """Whether the parts of a path are no links, and none goes up: what nearly all are, told without resolving the work directory."""
    if name[:1] == "/":
        return False
    step = start
    for part in name.split("/"):
        step = f"{step}/{part}"
        if part == ".." or part.lower() == ".git" or os.path.islink(step):  # noqa: PTH114
            return False
    return True


def is_contained(workdir: Path, path: Path | str) -> bool:
    """Whether `locate` lets a path pass."""
    try:
        join_contained_path(workdir, path)
    except OutsidePathError:
        return False
    return True


def _is_inside(real: str, top: str) -> bool:
    """Whether a resolved path is `top` or lies below it, and not in git's own folder."""
    return (real + "/").startswith(top.rstrip("/") + "/") and "/.git/" not in f"{real[len(top) :]}/".lower()


def _check_each_link(top: str, workdir: str, name: str) -> None:
    """Follow a path as the system does, one part after the other; only the user's own links may lead out of where it has been."""
    name = name.removeprefix(f"{top}/")
    if name.startswith("/"):
        raise _refusal(f"{name} lies outside of the work directory {workdir}")
    places, current, parts, links = [top], top, name.split("/"), 0
    while parts:
        part = parts.pop(0)
        if part in ("", "."):
            continue
        if part == "..":
            current = os.path.dirname(current)  # noqa: PTH120 - texts throughout, as the system's own calls have them
            continue
        step = f"{current.rstrip('/')}/{part}"
        if not os.path.islink(step):  # noqa: PTH114
            current = step
            continue
        links += 1
        if links > MOST_LINKS:
            raise _refusal(f"{name} leads through more than {MOST_LINKS} links")
        folder, last = os.path.split(os.path.normpath(os.path.join(current, os.readlink(step))))  # noqa: PTH115, PTH118
        target = os.path.join(os.path.realpath(folder), last)  # noqa: PTH118
        if any(_is_inside(target, base) for base in places):
            current, parts = os.path.realpath(folder), [last, *parts]
            continue
        current = os.path.realpath(step)
        _check_users_link(top, step, current)
        places.append(current)
    if not any(_is_inside(current, base) for base in places):
        raise _refusal(f"{name} leads to {current}, where nothing of a workspace belongs")


def _check_users_link(top: str, link: str, target: str) -> None:
    """Raise OutsidePathError unless a link that leads out is the user's own, and leads to a place that one would link."""
    name = os.path.relpath(link, top) if _is_inside(link, top) else link
    leads = f"{name} is a link that leads out of the work directory, to {target}"
    if not _is_inside(link, top):
        raise _refusal(leads)
    if (top + "/").startswith(target.rstrip("/") + "/"):
        raise _refusal(f"{leads}, which holds the work directory itself")
    tracked = _is_tracked(link)
    if tracked:
        raise _refusal(
            f"{leads}, and came with the repository", hint=f"if it is yours: git rm --cached {shlex.quote(name)}"
        )
    if tracked is None and (not os.path.isdir(target) or _is_hidden_at_home(target)):  # noqa: PTH112
        raise _refusal(f"{leads}, and without git nobody can tell whether it is yours")


def _is_hidden_at_home(target: str) -> bool:
    """Whether a place is the home directory, or lies where programs keep their settings and keys there: `.ssh`, `.config`."""
    home = os.path.realpath(os.path.expanduser("~"))  # noqa: PTH111
    return target == home or target.startswith(f"{home}/.")


@functools.lru_cache(maxsize=4096)
def _is_tracked(link: str) -> bool | None:
    """Whether git tracks a link as one; None where there is no repository. What git cannot say is taken for tracked."""
    from scaffold import git

    folder, name = os.path.split(link)
    answer = git.run_git(Path(folder), "ls-files", "--stage", "-z", "--", f":(icase,literal){name}")
    if answer.status != 0:
        return None if "not a git repository (or any" in answer.stderr else True
    return any(entry.startswith("120000 ") for entry in answer.paths)


class GitFolder(NamedTuple):
    """Git's own folder of a working tree, and where in that tree the directory lies that was asked for (`` at its top, else `a/b/`)."""

    path: Path
    prefix: str


def git_folder(directory: Path) -> GitFolder | None:
    """Git's own folder of the working tree that holds `directory`; None where there is none that may be written.

    It may where this user owns it and it belongs to that tree: it is `.git` there, or the folder that git keeps elsewhere for a linked
    worktree or a submodule, and points back. A `.git` file alone proves nothing: anybody can have one point to anywhere.
    """
    from scaffold import git

    answer = git.run_git(directory, "rev-parse", "--show-toplevel", "--absolute-git-dir", "--show-prefix")
    top, folder, prefix = [*answer.text.split("\n"), "", "", ""][:3]
    if answer.status != 0 or not os.path.isabs(folder):  # noqa: PTH117
        return None
    real, top = os.path.realpath(folder), os.path.realpath(top)
    if os.stat(real).st_uid != os.geteuid() or not (real == f"{top}/.git" or _points_back(Path(real), top)):  # noqa: PTH116
        return None
    return GitFolder(Path(folder), prefix)


def _points_back(folder: Path, top: str) -> bool:
    """Whether git's folder of a linked worktree, or of a submodule, names `top` as its working tree."""
    from scaffold import git

    try:
        link = (folder / "gitdir").read_text(encoding="utf-8", errors="surrogateescape").strip()
        return os.path.realpath(folder / link) == f"{top}/.git"
    except OSError:
        tree = git.run_git(Path(top), "config", "--get", "core.worktree").text
        return bool(tree) and os.path.realpath(folder / tree) == top


def _refusal(message: str, *, hint: str | None = None) -> OutsidePathError:
    return OutsidePathError(f"{message}: it is not followed", hint=hint)
