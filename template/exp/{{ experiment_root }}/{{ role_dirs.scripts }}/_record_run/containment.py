"""Whether a folder with links in it lies where a workspace may write: inside its work directory, or where its user linked.

A link that git tracks came with the repository, and so did `workspace.json`: where they lead out, they are not followed. Loaded only
where there is such a folder.
"""

from __future__ import annotations

import os

from .messages import RecorderError

MOST_LINKS = 40
# what git said of links: in a worktree of a sweep each folder of records is one, and is written to again and again
_TRACKED: dict[str, bool] = {}


def check_links(workdir: str, name: str) -> None:
    """Raise RecorderError where the folder `name` of the work directory, which need not exist, leads out. Git is asked of one link."""
    top = os.path.realpath(workdir)
    if not is_inside(os.path.realpath(os.path.join(workdir, name)), top):
        check_each_link(top, name)


def is_inside(real: str, top: str) -> bool:
    """Whether a resolved path is `top` or lies below it, and not in git's own folder."""
    return (real + "/").startswith(top.rstrip("/") + "/") and "/.git/" not in f"{real[len(top) :]}/".lower()


def check_each_link(top: str, name: str) -> None:
    """Follow a path part by part; only the user's own links may lead out of where it has been. Raises RecorderError."""
    places, current, parts, links = [top], top, name.split("/"), 0
    while parts:
        part = parts.pop(0)
        if part in ("", "."):
            continue
        step = os.path.dirname(current) if part == ".." else f"{current.rstrip('/')}/{part}"
        if part == ".." or not os.path.islink(step):
            current = step
            continue
        links += 1
        if links > MOST_LINKS:
            raise RecorderError(f"{name} leads through more than {MOST_LINKS} links")
        folder, last = os.path.split(os.path.normpath(os.path.join(current, os.readlink(step))))
        target = os.path.join(os.path.realpath(folder), last)
        if any(is_inside(target, place) for place in places):
            current, parts = os.path.realpath(folder), [last, *parts]
            continue
        current = os.path.realpath(step)
        if not is_users_link(top, step, current):
            raise RecorderError(
                f"{os.path.relpath(step, top)} is a link that leads out of the work directory, to {current}"
            )
        places.append(current)
    if name.startswith("/") or not any(is_inside(current, place) for place in places):
        raise RecorderError(f"{name} leads to {current}, where nothing of a workspace belongs")


def is_users_link(top: str, link: str, target: str) -> bool:
    """Whether a link that leads out is one that git does not track; without git, one to a folder that is not for settings and keys."""
    from .git import Git, repository

    holds_top = (top + "/").startswith(target.rstrip("/") + "/")
    if not is_inside(link, top) or (holds_top and not is_in_main_tree(top, target)):
        return False
    folder, last = os.path.split(link)
    if repository(folder) is None:
        home = os.path.realpath(os.path.expanduser("~"))
        return os.path.isdir(target) and target != home and not target.startswith(home + "/.")
    if link not in _TRACKED:
        rows = Git(folder).output("ls-files", "--stage", "-z", "--", ":(icase,literal)" + last)
        _TRACKED[link] = rows.startswith(b"120000 ")
    return not _TRACKED[link]


def is_in_main_tree(top: str, target: str) -> bool:
    """Whether `top` is in a worktree, and `target` below the main tree of its repository: there a sweep keeps the worktree of its code."""
    from .git import common_directory, repository

    tree = repository(top)
    if tree is None or not os.path.isfile(os.path.join(tree, ".git")):
        return False
    common = common_directory(tree) or ""
    main = os.path.dirname(common)
    # a file may name any folder: one that is a repository is where it says
    return os.path.isdir(os.path.join(common, "objects")) and target != main and is_inside(target, main)
