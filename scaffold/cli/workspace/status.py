"""`scaffold status`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from scaffold.cli.common import options, output

if TYPE_CHECKING:
    from scaffold.lifecycle.status import WorkspaceFileStatus


@click.command()
@options.workspace_options
@options.json_option
def status(workdir: Path, root: str | None, json_output: bool) -> None:
    """Show which of a workspace's files are changed, missing or ignored, and whether there is a newer template.

    A file is managed (it comes from the template, and `update` merges it), seeded (it was written once, and is yours) or the answers.
    """
    from scaffold.lifecycle.status import count_file_states, read_workspace_file_status

    state = read_workspace_file_status(options.find_writable_workspace(workdir, root))
    workspace, counts = state.workspace, count_file_states(state.entries)
    if json_output:
        output.print_json(
            {
                "workdir": str(workspace.workdir),
                "root": workspace.root,
                "template": state.version,
                "newest": state.newest,
                "update_available": state.outdated,
                "files": [{"path": e.path, "class": e.kind, "state": e.state} for e in state.entries],
                "summary": counts,
                "ignored": output.ignored_json(state.ignored),
                "tracked_bytecode": list(state.tracked_bytecode),
                "records_homes": output.record_homes_json(state.homes),
                "refs": state.refs,
            }
        )
        return
    output.print_files((e.state, e.path, e.kind) for e in state.entries)
    click.echo(f"{workspace.root} in {workspace.workdir}: {', '.join(f'{n} {name}' for name, n in counts.items())}")
    click.echo(f"template {state.version}{_newer_version_hint(state)}")
    for line in output.describe_record_homes(state.homes, state.refs):
        click.echo(line)
    output.warn_of_ignored_workspace(workspace.root, state.ignored)
    if state.tracked_bytecode:
        folder = Path(state.tracked_bytecode[0]).parent.as_posix()
        click.echo(f"git tracks bytecode of the recorder, which is not used: git rm -r --cached {folder}", err=True)


def _newer_version_hint(state: WorkspaceFileStatus) -> str:
    if state.newest is None:
        return f" of {state.workspace.answers['_src_path']}: scaffold update --check asks it for a newer one"
    return f"; {state.newest} is newer: run scaffold update" if state.outdated else ", the newest"
