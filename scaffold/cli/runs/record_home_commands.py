"""`scaffold runs restore` and `gc`: records in the second home that the working tree lacks, and those that nobody needs any more."""

from __future__ import annotations

from pathlib import Path

import click

from scaffold.cli.common import options, output


@click.command()
@options.workspace_options
@click.option("--dry-run", is_flag=True, help="Say what would be written, and write nothing.")
@options.limit_option
@options.json_option
def restore(workdir: Path, root: str | None, dry_run: bool, limit: int, json_output: bool) -> None:
    """Write back the records that this working tree lacks: after a reset, a clean, or of other branches and working trees.

    They come from their second home in git's own directory. What is written is not tracked until you commit it, and git refuses to check
    out a branch that has the same files; `runs list` shows the runs without it. Where two attempts have one name, the one here stays.
    """
    from scaffold.runs.restore_records import apply_restore, plan_record_restore

    workspace = options.find_writable_workspace(workdir, root)
    actions = plan_record_restore(workspace)
    if not dry_run:
        apply_restore(workspace, actions)
    limited = output.LimitedLists(limit)
    shown = limited(actions)
    if json_output:
        rows = [{"path": action.path, "state": action.state, "copy": str(action.copy)} for action in shown]
        output.print_json({"written": not dry_run, "records": rows}, limited)
        return
    verb = "would restore" if dry_run else "restored"
    notes = {"missing": "", "older": "(an older state was here)", "taken": "(another attempt has this name)"}
    output.print_aligned_rows(
        ["kept apart" if action.state == "taken" else verb, action.path, notes[action.state]] for action in shown
    )
    limited.report_left_out()
    written = sum(action.state != "taken" for action in actions)
    click.echo(f"{verb} {output.pluralize(written, 'file')}", err=True)


@click.command()
@options.workspace_options
@click.option(
    "--older-than",
    default="90d",
    show_default=True,
    metavar="WHEN",
    help="Only records of runs that began before: 30d, 12w, a date.",
)
@click.option(
    "--keep-cited/--cited-too",
    default=True,
    help="Keep what a text of the workspace cites: the plan, results and analyses, by name or by number. The default.",
)
@click.option("--yes", is_flag=True, help="Take them away; without it they are only listed.")
@options.limit_option
@options.json_option
def gc(
    workdir: Path, root: str | None, older_than: str, keep_cited: bool, yes: bool, limit: int, json_output: bool
) -> None:
    """List old records in git's directory that nothing cites, and with --yes take them away, and the pins of code that is theirs alone.

    Only copies in the second home go, and what only pins keep. What a working tree or a branch has stays where it is. What recorders that
    were killed left there half done goes too, once it is a day old.
    """
    from scaffold.errors import ScaffoldError
    from scaffold.results.evidence import uncited_records
    from scaffold.runs import lookup, stale_home_files, timestamps

    workspace = options.find_requested_workspace(workdir, root)
    before = lookup.parse_since(older_than, timestamps.utc_now(), option="--older-than")
    uncited = uncited_records.find_uncited_records(workspace, before=before, keep_cited=keep_cited)
    litter = stale_home_files.find_litter(workspace)
    if yes:
        try:
            uncited_records.delete_uncited_records(workspace, uncited)
            stale_home_files.delete_litter(litter)
        except OSError as error:
            raise ScaffoldError(f"{error.filename} cannot be deleted: {error.strerror}") from error
    limited = output.LimitedLists(limit)
    shown, files = limited(uncited.runs), limited(uncited.files)
    if json_output:
        rows = [{"name": run.label, "started_at": run.started_at, "copy": str(copy)} for run, copy in shown]
        names = {"files": [str(file) for file in files], "pins": limited(uncited.pins)}
        unfinished = [str(path) for path in limited(litter)]
        answer = {"deleted": yes, "runs": rows, **names, "cited": uncited.cited, "unfinished": unfinished}
        output.print_json(answer, limited)
        return
    verb = "deleted" if yes else "would delete"
    output.print_aligned_rows([verb, run.label, run.started_at[:10]] for run, _ in shown)
    output.print_aligned_rows([verb, file.name, file.parent.name] for file in files)
    output.print_aligned_rows([verb, path.name, "left by a recorder that was killed"] for path in limited(litter))
    limited.report_left_out()
    total = output.pluralize(len(uncited.runs), "record")
    total += f" and {output.pluralize(len(uncited.pins), 'pin')} of code" if uncited.pins else ""
    total += f" and {output.pluralize(len(litter), 'unfinished file')}" if litter else ""
    hint = "" if yes or not (uncited.runs or litter) else "; --yes does"
    click.echo(f"{verb} {total}; kept because something cites them: {uncited.cited}{hint}", err=True)
