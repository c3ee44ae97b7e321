"""`scaffold runs`: the records."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from scaffold.cli.common import options, output, terminal
from scaffold.cli.common.groups import LazyGroup
from scaffold.cli.runs.runs_output import (
    STATUSES,
    find_run_and_manifest,
    format_metrics,
    format_run_details,
    format_run_row,
    format_run_table,
    read_records_with_warnings,
    run_json,
    warn_of_runs_outside_worktree,
)
from scaffold.runs import timestamps

if TYPE_CHECKING:
    from scaffold.workspace import Workspace

# verb -> (module, attribute); the order is the order of `scaffold runs --help`
COMMANDS = {
    "audit": ("scaffold.cli.runs.group", "audit"),
    "cite": ("scaffold.cli.runs.cite", "cite"),
    "diff": ("scaffold.cli.runs.diff_and_rerun", "diff"),
    "export": ("scaffold.cli.runs.export", "export"),
    "gc": ("scaffold.cli.runs.record_home_commands", "gc"),
    "list": ("scaffold.cli.runs.group", "list_runs"),
    "metrics": ("scaffold.cli.runs.metrics", "metrics"),
    "rerun": ("scaffold.cli.runs.diff_and_rerun", "rerun"),
    "restore": ("scaffold.cli.runs.record_home_commands", "restore"),
    "show": ("scaffold.cli.runs.group", "show"),
    "withdraw": ("scaffold.cli.runs.withdraw", "withdraw"),
}


class RunsGroup(LazyGroup):
    """The verbs of `scaffold runs`."""

    locations = COMMANDS


@click.group(cls=RunsGroup)
def runs() -> None:
    """The records of runs: list, show, compare, repeat and check them.

    A run is named by its name (its latest attempt), `name.2` (an attempt), a unique beginning, or its last 8 digits.
    """


@click.command("list")
@options.workspace_options
@click.option("--experiment", help="Only runs of this experiment.")
@click.option("--status", "statuses", multiple=True, type=click.Choice(STATUSES), help="Only these. May be repeated.")
@click.option("--task", help="Only runs of this task of the plan.")
@click.option("--sweep", help="Only runs of this sweep.")
@click.option("--param", "params", multiple=True, metavar="K=V", help="Only runs with this value. May be repeated.")
@click.option("--since", metavar="WHEN", help="Only runs started since: 30m, 2h, 3d, 1w, or a date.")
@click.option("--here", is_flag=True, help="Only runs whose records this working tree has: those of this branch.")
@click.option(
    "--foreign",
    is_flag=True,
    help="Instead: runs of other tools (MLflow's folders and SQLite stores, sacred, Hydra, the server's sweep manifests).",
)
@click.option("--wide", is_flag=True, help="On a terminal: whole names and values, however long the lines.")
@options.limit_option
@options.json_option
def list_runs(
    workdir: Path,
    root: str | None,
    experiment: str | None,
    statuses: tuple[str, ...],
    task: str | None,
    sweep: str | None,
    params: tuple[str, ...],
    since: str | None,
    here: bool,
    foreign: bool,
    wide: bool,
    limit: int,
    json_output: bool,
) -> None:
    """List runs, newest first; of live ones how far they are.

    Records of other branches and working trees, and those that a reset or a clean took from this one, are among them: git's own directory
    keeps a copy of each.
    """
    from scaffold.observations import run_values
    from scaffold.runs import lookup

    workspace = options.find_requested_workspace(workdir, root)
    criteria = lookup.RunCriteria(
        experiment=experiment,
        statuses=frozenset(statuses),
        task=task,
        sweep=sweep,
        params=lookup.parse_params(params),
        since=lookup.parse_since(since, timestamps.utc_now()) if since else None,
    )
    if foreign:
        _list_foreign(workspace, limit, json_output=json_output)
        return
    records = read_records_with_warnings(workspace, with_home=not here)
    # nothing is asked of them: then those that are shown are the only ones that are looked at
    chosen = records.runs if criteria == lookup.RunCriteria() else [r for r in records.runs if criteria.admits(r)]
    limited = output.LimitedLists(limit)
    runs_shown = run_values.attach_final_metrics(workspace, limited(chosen))
    if json_output:
        damaged = [{"path": d.path, "reason": d.reason} for d in limited(records.damaged)]
        output.print_json({"runs": [run_json(workspace, r) for r in runs_shown], "damaged": damaged}, limited)
        return
    if terminal.stdout_is_terminal() and runs_shown:
        header, *rows = format_run_table(workspace, runs_shown)
        terminal.print_state_rows(rows, header=header, name=0, state=1, wide=wide)
    else:
        output.print_aligned_rows([format_run_row(workspace, r) for r in runs_shown])
    limited.report_left_out()
    if not runs_shown and records.runs:
        click.echo(f"none of the {output.pluralize(len(records.runs), 'run')} is one of these", err=True)
    if records.has_more_in_home:
        warn_of_runs_outside_worktree(chosen)


def _list_foreign(workspace: Workspace, limit: int, *, json_output: bool) -> None:
    """The runs that somebody else's tools wrote down."""
    from dataclasses import asdict

    from scaffold.runs import foreign_runs

    limited = output.LimitedLists(limit)
    shown = limited(foreign_runs.list_foreign_runs(workspace))
    if json_output:
        output.print_json({"runs": [], "damaged": [], "foreign": [asdict(run) for run in shown]}, limited)
        return
    output.print_aligned_rows(
        [run.kind, run.name, run.status, format_metrics(run.params), format_metrics(run.metrics), run.path]
        for run in shown
    )
    limited.report_left_out()


@click.command()
@click.argument("name")
@options.workspace_options
@options.lines_option(10, "First and last lines of each log (0: all).")
@click.option("--full", is_flag=True, help="The logs whole.")
@options.json_option
def show(name: str, workdir: Path, root: str | None, lines: int, full: bool, json_output: bool) -> None:
    """Show one run: its manifest, and how its logs begin and end."""
    from scaffold.observations import log_hints, run_values
    from scaffold.runs import log_excerpts

    workspace = options.find_requested_workspace(workdir, root)
    run, manifest = find_run_and_manifest(workspace, name)
    run = run_values.attach_final_metrics(workspace, [run], names=("*",))[0]
    logs = {
        s: log_excerpts.read_excerpt(workspace.locate(manifest["paths"][s]), lines, full=full or not lines)
        for s in ("stdout", "stderr")
    }
    if json_output:
        from dataclasses import asdict

        shown_logs = {s: asdict(e) for s, e in logs.items()}
        output.print_json({"status": run.status, "metrics": run.metrics, "manifest": manifest, "logs": shown_logs})
        return
    output.print_aligned_rows(format_run_details(run, manifest))
    if run.status == "finished" and not run.metrics and (hint := log_hints.suggest_log_pattern(workspace, [run])):
        output.warn(hint)
    for stream, log in logs.items():
        size = "missing" if log.size is None else f"{log.size} bytes"
        click.echo(f"\n{manifest['paths'][stream]} ({size})")
        click.echo(log_excerpts.strip_terminal_codes(log.head), nl=not log.head.endswith("\n") and bool(log.head))
        if log.skipped:
            click.echo(f"[... {log.skipped} bytes ...]")
            click.echo(log_excerpts.strip_terminal_codes(log.tail), nl=not log.tail.endswith("\n"))


@click.command()
@options.workspace_options
@options.server_backend_options
@click.option("--server", is_flag=True, help="Ask the research server too, and report where it says otherwise.")
@options.limit_option
@options.json_option
def audit(workdir: Path, root: str | None, server: bool, limit: int, json_output: bool) -> None:
    """Check that records are whole, were asked for, and lead back to code; exit 3 with findings."""
    from dataclasses import asdict

    from scaffold.runs import audit as record_audit
    from scaffold.runs import records
    from scaffold.sweeps.audit import local_audit as sweep_audit

    workspace = options.find_requested_workspace(workdir, root)
    run_records = records.read_records(workspace)
    notes: list[str] = record_audit.describe_foreign_files(run_records)
    findings = [
        *record_audit.audit_records(workspace, run_records),
        *sweep_audit.audit_sweeps(workspace, run_records.runs, server=server, inform=notes.append),
    ]
    findings.sort(key=lambda f: (f.path, f.code, f.message))
    limited = output.LimitedLists(limit)
    findings_shown = limited(findings)
    if json_output:
        output.print_json({"findings": [asdict(f) for f in findings_shown], "notes": limited(notes)}, limited)
    for note in [] if json_output else limited(notes):
        click.echo(note, err=True)
    for finding in [] if json_output else findings_shown:
        hint = f" (hint: {finding.hint})" if finding.hint else ""
        click.echo(f"{finding.path}: {finding.code} {finding.message}{hint}")
    if findings:
        if not json_output:
            limited.report_left_out()
        raise click.exceptions.Exit(3)
    if not json_output:
        click.echo("every record is whole and leads back to its code", err=True)
