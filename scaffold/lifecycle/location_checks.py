"""Whether a workspace may go where it is to: checks of the work directory and the experiment root before anything is rendered."""

from __future__ import annotations

import os
from pathlib import Path

from scaffold import git, workspace
from scaffold.errors import ScaffoldError


def check_workspace_location(path: Path) -> tuple[Path, git.GitLocation]:
    """`path`, resolved, when a workspace can live in it, and where it stands in git. Raises ScaffoldError when it cannot."""
    resolved = workspace.resolve_workdir(path)
    location = git.locate_in_git(resolved)
    if error := git.git_refusal_error(resolved, location):
        raise error
    if not location.in_work_tree:
        raise ScaffoldError(
            f"{resolved} is a bare repository or a .git directory", hint="use a clone of it that has its files"
        )
    return resolved, location


def check_experiment_root(directory: Path, name: str) -> None:
    """Check that the experiment root `name` can be in `directory`. Raises ScaffoldError when it cannot."""
    path = directory
    for part in Path(name).parts:
        path = path / part
        name_below = path.relative_to(directory).as_posix()
        if path.is_symlink():
            target = Path(os.path.realpath(path))  # unlike resolve, it takes a link to itself
            inside_workdir = target.is_relative_to(directory)
            raise ScaffoldError(
                f"the experiment root {name} leads through the symbolic link {name_below} to {target}",
                hint=f"use --root {target.relative_to(directory).as_posix()}"
                if inside_workdir and target not in (directory, path)
                else "choose another --root; single role folders such as logs may be links",
            )
        if path.exists() and not path.is_dir():
            raise ScaffoldError(
                f"{name_below} is a file, so the experiment root {name} cannot be made", hint="choose another --root"
            )
        if (path / ".git").exists():
            raise ScaffoldError(
                f"{name_below} is a repository of its own (a submodule, perhaps), so {name} would not be part of this one",
                hint=f"choose another --root, or --workdir {name_below}",
            )


def git_warnings(directory: Path, location: git.GitLocation) -> list[str]:
    """What a workspace in `directory` has to do without, in words."""
    if location.toplevel is None:
        return [
            f"{directory} is not in a git repository: runs cannot record which code they ran;"
            " `git init` and a first commit mend that"
        ]
    if location.head is None:
        return ["the repository has no commit yet: runs cannot record which code they ran until there is one"]
    return []
