"""`scaffold remove`."""

from __future__ import annotations

from pathlib import Path

import click

from scaffold.cli import options, output


@click.command()
@options.of_workspace
@click.option("--dry-run", is_flag=True, help="Say what would be deleted, and delete nothing.")
@options.json_output
def remove(workdir: Path, root: str | None, dry_run: bool, json_output: bool) -> None:
    """Take back what was not touched: unchanged files of the template, and folders that are empty then."""
    from scaffold.lifecycle import remove as lifecycle
    from scaffold.lifecycle.recorded import template_of

    there = options.managed_workspace(workdir, root)
    with template_of(there) as template:
        planned = lifecycle.plan(there, template)
    if not dry_run:
        lifecycle.write(planned)
    if json_output:
        output.as_json(
            {
                "root": there.root,
                "written": not dry_run,
                "deleted": list(planned.delete),
                "kept": [{"path": path, "reason": reason} for path, reason in planned.keep],
            }
        )
        return
    verb = "would delete" if dry_run else "deleted"
    output.rows(
        [*([verb, path, ""] for path in planned.delete), *(["kept", path, f"({why})"] for path, why in planned.keep)]
    )
    click.echo(f"{verb} {len(planned.delete)} files; {len(planned.keep)} stay")
