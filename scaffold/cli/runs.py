"""`scaffold runs`: the records."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from scaffold.cli import Group, options, output
from scaffold.cli.runs_again import diff, rerun
from scaffold.cli.runs_cite import STATUSES, cite, export
from scaffold.runs import moments

if TYPE_CHECKING:
    from scaffold.runs.manifests import Records, Run
    from scaffold.workspace import Workspace


@click.group(cls=Group)
def runs() -> None:
    """The records of runs: list, show, compare, repeat and check them.

    A run is named by its name (its latest attempt), `name.2` (an attempt), a unique beginning, or its last 8 digits.
    """


def read_records(workspace: Workspace) -> Records:
    """All records, with a warning for each that is damaged."""
    from scaffold.runs import manifests

    found = manifests.records(workspace)
    output.warn_some([f"{bad.path} cannot be read: {bad.reason}" for bad in found.damaged])
    return found


for command in (diff, rerun, export, cite):
    runs.add_command(command)


@runs.command("list")
@options.of_workspace
@click.option("--experiment", help="Only runs of this experiment.")
@click.option("--status", "statuses", multiple=True, type=click.Choice(STATUSES), help="Only these. May be repeated.")
@click.option("--task", help="Only runs of this task of the plan.")
@click.option("--sweep", help="Only runs of this sweep.")
@click.option("--param", "params", multiple=True, metavar="K=V", help="Only runs with this value. May be repeated.")
@click.option("--since", metavar="WHEN", help="Only runs started since: 30m, 2h, 3d, 1w, or a date.")
@options.limit
@options.json_output
def list_runs(
    workdir: Path,
    root: str | None,
    experiment: str | None,
    statuses: tuple[str, ...],
    task: str | None,
    sweep: str | None,
    params: tuple[str, ...],
    since: str | None,
    limit: int,
    json_output: bool,
) -> None:
    """List runs, newest first; of live ones how far they are."""
    from scaffold.runs import choose

    workspace = options.workspace(workdir, root)
    wanted = choose.Filter(
        experiment=experiment,
        statuses=frozenset(statuses),
        task=task,
        sweep=sweep,
        params=choose.pairs(params),
        since=choose.moment(since, moments.now()) if since else None,
    )
    found = read_records(workspace)
    chosen = [r for r in found.runs if wanted.admits(r)]
    few = output.Few(limit)
    shown = few(chosen)
    if json_output:
        damaged = [{"path": d.path, "reason": d.reason} for d in few(found.damaged)]
        output.as_json({"runs": [as_json(workspace, r) for r in shown], "damaged": damaged}, few)
        return
    output.rows([row_of(workspace, r) for r in shown])
    few.say()


def as_json(workspace: Workspace, run: Run) -> dict[str, Any]:
    """A run for --json; of a live one how far it is."""
    row = run._asdict()
    if run.status == "running":
        from scaffold.runs import progress

        row["metrics"], row["last_line"] = progress.newest(workspace, run)
        row["elapsed_s"] = progress.elapsed(run, moments.now())
    return row


def row_of(workspace: Workspace, run: Run) -> list[str]:
    """A run's line in a list."""
    from scaffold.runs import progress

    metrics, said = (run.metrics, "") if run.status != "running" else progress.newest(workspace, run)
    words = [f"{k}={_short(v)}" for k, v in list(metrics.items())[:4]]
    end = run.signal or ("" if run.exit_code in (None, 0) else f"exit {run.exit_code}")
    took = moments.duration(progress.elapsed(run, moments.now())) if run.status != "lost" else ""
    return [
        run.label,
        run.status,
        run.started_at[:16].replace("T", " "),
        took,
        " ".join([end, *words, said[:60]]).strip(),
    ]


def _short(value: object) -> str:
    return f"{value:.5g}" if isinstance(value, float) else str(value)


def one(workspace: Workspace, name: str, *, finished: bool = False) -> tuple[Run, dict[str, Any]]:
    """A run by its name, with its whole manifest. Raises ScaffoldError."""
    from scaffold.errors import ScaffoldError
    from scaffold.runs import choose, manifests

    run = choose.one(read_records(workspace).runs, name, finished=finished)
    try:
        return run, manifests.read_whole(workspace.workdir / run.path)
    except ValueError as error:
        raise ScaffoldError(f"{run.path} cannot be read: {error}") from error


@runs.command()
@click.argument("name")
@options.of_workspace
@options.lines(10, "First and last lines of each log (0: all).")
@click.option("--full", is_flag=True, help="The logs whole.")
@options.json_output
def show(name: str, workdir: Path, root: str | None, lines: int, full: bool, json_output: bool) -> None:
    """Show one run: its manifest, and how its logs begin and end."""
    from scaffold.runs import tails

    workspace = options.workspace(workdir, root)
    run, manifest = one(workspace, name)
    logs = {
        s: tails.excerpt(workspace.workdir / manifest["paths"][s], lines, full=full or not lines)
        for s in ("stdout", "stderr")
    }
    if json_output:
        from dataclasses import asdict

        output.as_json({"status": run.status, "manifest": manifest, "logs": {s: asdict(e) for s, e in logs.items()}})
        return
    output.rows(_facts(run, manifest))
    for stream, log in logs.items():
        size = "missing" if log.size is None else f"{log.size} bytes"
        click.echo(f"\n{manifest['paths'][stream]} ({size})")
        click.echo(log.head, nl=not log.head.endswith("\n") and bool(log.head))
        if log.skipped:
            click.echo(f"[... {log.skipped} bytes ...]")
            click.echo(log.tail, nl=not log.tail.endswith("\n"))


def _facts(run: Run, manifest: dict[str, Any]) -> list[list[str]]:
    git = manifest["git"] or {}
    code = f"{(git.get('commit') or 'no commit')[:12]} {git.get('branch') or ''} {'dirty' if git.get('dirty') else ''}"
    environment = manifest["environment"]
    used = manifest["resources"]
    memory = f"{used['max_rss_bytes'] / 2**20:.0f} MiB" if used["max_rss_bytes"] is not None else ""
    rows = [
        ["run", run.label],
        ["status", " ".join([run.status, run.signal or (f"exit {run.exit_code}" if run.exit_code else "")]).strip()],
        ["command", manifest["command"]["shell"]],
        ["in", manifest["command"]["cwd"]],
        ["seed", "none" if run.seed is None else str(run.seed)],
        ["params", " ".join(f"{k}={v}" for k, v in run.params.items())],
        ["metrics", " ".join(f"{k}={_short(v)}" for k, v in run.metrics.items())],
        ["code", code.strip() if manifest["git"] else "not in git"],
        ["patch", git.get("patch") or ""],
        ["task", run.task or ""],
        ["started", run.started_at],
        ["took", "" if run.duration_s is None else moments.duration(run.duration_s)],
        ["used", f"{memory}, {used['user_s']} s user, {used['system_s']} s system" if memory else ""],
        ["host", " ".join([manifest["host"]["hostname"], *(g["name"] for g in manifest["host"]["gpus"])])],
        ["python", " ".join(filter(None, [environment["python"], environment["executable"]]))],
        ["outputs", run.outputs],
        ["manifest", run.path],
    ]
    return [row for row in rows if row[1]]


@runs.command()
@options.of_workspace
@click.option("--server", is_flag=True, help="Ask the research server too, and report where it says otherwise.")
@options.limit
@options.json_output
def audit(workdir: Path, root: str | None, server: bool, limit: int, json_output: bool) -> None:
    """Check that records are whole, were asked for, and lead back to code; exit 3 with findings."""
    from dataclasses import asdict

    from scaffold.runs import audit as records
    from scaffold.sweeps import audit as sweeps

    workspace = options.workspace(workdir, root)
    findings = [*records.audit(workspace), *sweeps.audit(workspace, server=server)]
    findings.sort(key=lambda f: (f.path, f.code, f.message))
    few = output.Few(limit)
    shown = few(findings)
    if json_output:
        output.as_json({"findings": [asdict(f) for f in shown]}, few)
    for finding in [] if json_output else shown:
        hint = f" (hint: {finding.hint})" if finding.hint else ""
        click.echo(f"{finding.path}: {finding.code} {finding.message}{hint}")
    if findings:
        if not json_output:
            few.say()
        raise click.exceptions.Exit(3)
    if not json_output:
        click.echo("every record is whole and leads back to its code", err=True)
