"""`scaffold remove`."""

from __future__ import annotations

from pathlib import Path

import click

from scaffold.cli.common import options, output


@click.command()
@options.of_workspace
@click.option("--dry-run", is_flag=True, help="Say what would be deleted, and delete nothing.")
@options.limit
@options.json_output
def remove(workdir: Path, root: str | None, dry_run: bool, limit: int, json_output: bool) -> None:
    """Take back what was not touched: unchanged files of the template, and folders that are empty then."""
    from scaffold.lifecycle import remove as lifecycle
    from scaffold.lifecycle.template_source import template_of

    there = options.managed_workspace(workdir, root)
    with template_of(there) as template:
        planned = lifecycle.plan(there, template)
    if not dry_run:
        lifecycle.write(planned)
    few = output.Few(limit)
    deleted, kept = few(planned.delete), few(planned.keep)
    if json_output:
        stays = [{"path": path, "reason": reason} for path, reason in kept]
        output.as_json({"root": there.root, "written": not dry_run, "deleted": deleted, "kept": stays}, few)
        return
    verb = "would delete" if dry_run else "deleted"
    output.rows([*([verb, path, ""] for path in deleted), *(["kept", path, f"({why})"] for path, why in kept)])
    few.say()
    click.echo(f"{verb} {output.number_of(len(planned.delete), 'file')}; kept: {len(planned.keep)}")
