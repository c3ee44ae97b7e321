"""`scaffold status`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from scaffold.cli.common import options, output

if TYPE_CHECKING:
    from scaffold.lifecycle.status import WorkspaceStatus


@click.command()
@options.workspace_options
@options.json_option
def status(workdir: Path, root: str | None, json_output: bool) -> None:
    """Show which files of a workspace are managed, changed, missing or ignored, and whether there is a newer template."""
    from scaffold.lifecycle import status as lifecycle
    from scaffold.lifecycle.template_source import open_recorded_template

    there = options.find_writable_workspace(workdir, root)
    with open_recorded_template(there) as template:
        found = lifecycle.read_status(there, template)
    if json_output:
        output.print_json(
            {
                "workdir": str(there.workdir),
                "root": there.root,
                "template": found.version,
                "newest": found.newest,
                "update_available": found.outdated,
                "files": [{"path": e.path, "class": e.kind, "state": e.state} for e in found.entries],
                "summary": dict(lifecycle.count_states(found)),
                "ignored": output.ignored_json(found.ignored),
            }
        )
        return
    output.print_rows([[e.state, e.path, e.kind] for e in found.entries])
    counts = ", ".join(f"{number} {state}" for state, number in lifecycle.count_states(found).items())
    click.echo(f"{there.root} in {there.workdir}: {counts}")
    click.echo(f"template {found.version}{_age(found)}")
    output.warn_ignored(there.root, found.ignored)


def _age(found: WorkspaceStatus) -> str:
    if found.newest is None:
        return f" of {found.workspace.answers['_src_path']}: scaffold update --check asks it for a newer one"
    return f"; {found.newest} is newer: run scaffold update" if found.outdated else ", the newest"
