"""`scaffold status`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from scaffold.cli.common import options, output

if TYPE_CHECKING:
    from scaffold.lifecycle.status import Status


@click.command()
@options.of_workspace
@options.json_output
def status(workdir: Path, root: str | None, json_output: bool) -> None:
    """Show which files of a workspace are managed, changed, missing or ignored, and whether there is a newer template."""
    from scaffold.lifecycle import status as lifecycle
    from scaffold.lifecycle.template_source import template_of

    there = options.managed_workspace(workdir, root)
    with template_of(there) as template:
        found = lifecycle.status(there, template)
    if json_output:
        output.as_json(
            {
                "workdir": str(there.workdir),
                "root": there.root,
                "template": found.version,
                "newest": found.newest,
                "update_available": found.outdated,
                "files": [{"path": e.path, "class": e.kind, "state": e.state} for e in found.entries],
                "summary": dict(lifecycle.summary(found)),
                "ignored": output.ignored_json(found.ignored),
            }
        )
        return
    output.rows([[e.state, e.path, e.kind] for e in found.entries])
    counts = ", ".join(f"{number} {state}" for state, number in lifecycle.summary(found).items())
    click.echo(f"{there.root} in {there.workdir}: {counts}")
    click.echo(f"template {found.version}{_age(found)}")
    output.warn_ignored(there.root, found.ignored)


def _age(found: Status) -> str:
    if found.newest is None:
        return f" of {found.workspace.answers['_src_path']}: scaffold update --check asks it for a newer one"
    return f"; {found.newest} is newer: run scaffold update" if found.outdated else ", the newest"
