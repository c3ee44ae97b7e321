"""A workspace that this branch does not have, and whose records are kept: what is said of it, and how it comes back."""

from __future__ import annotations

import shlex
from pathlib import Path

from scaffold import git
from scaffold.errors import ScaffoldError
from scaffold.runs import records_home
from scaffold.workspace import ANSWERS_FILE, NoWorkspace


def explain_missing_workspace(directory: Path, root: str | None = None) -> NoWorkspace | None:
    """What to say where there is no workspace in `directory` (or none at `root`) and records of one are kept; None where none are."""
    location = records_home.list_orphaned_record_homes(directory)
    if location is None:
        return None
    top, homes = location
    if root is not None:
        homes = [home for home in homes if home.root == root.rstrip("/") or home.root.endswith("/" + root.rstrip("/"))]
    if not homes:
        return None
    home = homes[0]
    count = "1 record of its runs is kept" if home.records == 1 else f"{home.records} records of its runs are kept"
    others = f", and those of {', '.join(h.root for h in homes[1:4])} are kept as well" if homes[1:] else ""
    return NoWorkspace(
        f"the workspace {home.root} is not on this branch; {count} in {home.folder}{others}",
        hint=_how_to_bring_back(top, home.root),
    )


def _how_to_bring_back(top: Path, root: str) -> str:
    commit = _commit_with_workspace(top, root)
    if commit is not None:
        place = "" if top.samefile(Path.cwd()) else f" -C {shlex.quote(str(top))}"
        first = f"git{place} checkout {commit[:12]} -- {shlex.quote(root)}"
    else:
        workdir, _, name = root.rpartition("/")
        if workdir.endswith("/.wild") or workdir == ".wild":  # the one usual root that has two parts
            workdir, name = workdir[: -len("/.wild")] if "/" in workdir else "", f".wild/{name}"
        first = f"scaffold init --workdir {shlex.quote(str(top / workdir))} --root {shlex.quote(name)}"
    return f"switch to a branch that has it, or bring it back: {first} && scaffold runs restore"


def _commit_with_workspace(top: Path, root: str) -> str | None:
    """The newest commit that brought or changed the workspace's answers and is still there, on a branch, pinned, or in a reflog."""
    try:
        answer = git.run_git(
            top, "log", "--all", "--reflog", "-1", "--format=%H", "--diff-filter=AM", "--", f"{root}/{ANSWERS_FILE}"
        )
    except ScaffoldError:
        return None
    return answer.text or None if answer.status == 0 else None
