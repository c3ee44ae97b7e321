"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from scaffold.workspace import Workspace

F = TypeVar("F", bound=Callable[..., Any])


def of_workspace(command: F) -> F:
    """--workdir and --root: which workspace a command is about."""
    where = click.option(
        "--workdir",
        type=click.Path(path_type=Path),
        default=".",
        help="The repository, or any folder of it. Default: here.",
    )
    which = click.option("--root", help="The experiment root, where there are several workspaces.")
    return where(which(command))


def json_output(command: F) -> F:
    """--json: answer with one object."""
    return click.option("--json", "json_output", is_flag=True, help="Answer with one JSON object.")(command)


def nothing_before(context: click.Context) -> None:
    """Refuse options that stand before a subcommand, where they would have no effect. Raises WrongUsage."""
    from scaffold.errors import WrongUsage

    default = click.core.ParameterSource.DEFAULT
    early = [p for p in context.command.params if p.name and context.get_parameter_source(p.name) != default]
    if early:
        option = early[0].opts[0]
        raise WrongUsage(f"{option} stands before `{context.invoked_subcommand}`", hint="write it behind")


def workspace(workdir: Path, root: str | None) -> Workspace:
    """The workspace that --workdir and --root name. Raises ScaffoldError when there is none."""
    from scaffold import workspace as workspaces
    from scaffold.errors import ScaffoldError

    if not workdir.is_dir():
        raise ScaffoldError(
            f"the directory {workdir} does not exist", hint="name the repository's directory with --workdir"
        )
    return workspaces.find(workdir, root)


def managed_workspace(workdir: Path, root: str | None) -> Workspace:
    """As `workspace`, for commands that change its files: git must be willing to work there, and no link lead out of it."""
    from scaffold.lifecycle import place

    if workdir.is_dir():
        place.workdir(workdir)
    there = workspace(workdir, root)
    place.root(there.workdir, there.root)
    return there
