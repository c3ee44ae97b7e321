"""`scaffold remove`."""

from __future__ import annotations

from pathlib import Path

import click

from scaffold.cli.common import options, output


@click.command()
@options.workspace_options
@click.option("--dry-run", is_flag=True, help="Say what would be deleted, and delete nothing.")
@click.option(
    "--with-records", is_flag=True, help="The copies of its records in git's directory too, for all branches."
)
@options.limit_option
@options.json_option
def remove(workdir: Path, root: str | None, dry_run: bool, with_records: bool, limit: int, json_output: bool) -> None:
    """Take back what was not touched: unchanged files of the template, and folders that are empty then."""
    from scaffold.lifecycle.remove import apply_removal, plan_removal

    planned = plan_removal(options.find_writable_workspace(workdir, root))
    if not dry_run:
        apply_removal(planned, with_records=with_records)
    limited = output.LimitedLists(limit)
    deleted, kept = limited(planned.delete), limited(planned.keep)
    if json_output:
        stays = [{"path": path, "reason": reason} for path, reason in kept]
        answer = {"root": planned.workspace.root, "written": not dry_run, "deleted": deleted, "kept": stays}
        homes = {
            "records_homes": output.record_homes_json(planned.homes),
            "records_deleted": with_records and not dry_run,
        }
        answer |= {**homes, "refs": planned.refs}
        output.print_json(answer, limited)
        return
    verb = "would delete" if dry_run else "deleted"
    output.print_aligned_rows(
        [*([verb, path, ""] for path in deleted), *(["kept", path, f"({why})"] for path, why in kept)]
    )
    limited.report_left_out()
    click.echo(f"{verb} {output.pluralize(len(planned.delete), 'file')}; kept: {len(planned.keep)}")
    for home in planned.homes:
        records = output.pluralize(home.records, "record")
        click.echo(
            f"{verb} {home.folder}: {records}" if with_records else f"kept {home.folder}: {records} (--with-records)"
        )
    if planned.refs:
        click.echo(
            f"kept {output.pluralize(planned.refs, 'ref')} that pin code of runs: "
            "git for-each-ref --format='delete %(refname)' refs/scaffold/ | git update-ref --stdin"
        )
