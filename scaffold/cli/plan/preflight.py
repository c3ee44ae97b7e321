"""`scaffold preflight`: may a loop begin? And the abort checklist where it may not."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from scaffold.cli.common import options, output

if TYPE_CHECKING:
    from scaffold.server.client import ServerClient
    from scaffold.server.preflight import PreflightCheck, ServerPreflightReport
    from scaffold.workspace import Workspace

SIGNS = {"ok": "ok", "down": "DOWN", "unauthorized": "401", "failed": "FAIL", "unknown": "?"}
POLL_S = 0.5


@click.command()
@options.workspace_options
@options.server_options
@click.option(
    "--wait",
    type=click.FloatRange(0, 86_400),
    default=0.0,
    help="Ask again for up to so many seconds, until it is ready.",
)
@click.option(
    "--abort",
    is_flag=True,
    help="Where it is not ready: write the abort checklist to the plan's path, and print the loop's last lines.",
)
@click.option(
    "--tasks-path",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The plan that --abort is about, where no workspace names one.",
)
@click.option(
    "--backend",
    type=click.Choice(["local", "slurm"]),
    help="Look at what a launch would meet there instead: environment, disk, devices; Slurm's answer to the repository's options.",
)
@options.json_option
def preflight(
    workdir: Path,
    root: str | None,
    server_options: options.ServerOptions,
    wait: float,
    abort: bool,
    tasks_path: Path | None,
    backend: str | None,
    json_output: bool,
) -> None:
    """Ask the research server whether a loop may begin: documents, skills, protocol, health, token, operations, work directory.

    Works without a workspace too. Exit code 3 where something that has to be there is not; a plan that holds somebody's work is
    never written over.
    """
    from scaffold.plan.tasks.abort_checklist import explain_abort_recovery

    if backend is not None:
        _check_backend(options.find_requested_workspace(workdir, root), backend, json_output=json_output)
        return
    workspace = options.find_workspace_or_none(workdir, root)
    plan = _plan_to_abort(workspace, workdir, tasks_path)
    if abort and plan is None:
        raise click.UsageError("--abort needs --tasks-path where there is no workspace")
    with options.connect_required_server(workspace, server_options) as client:
        report = _ask_until_ready(client, _allowed_workdirs(workspace, workdir), wait)
    answer: dict[str, Any] = _report_json(report)
    if not json_output:
        _print_report(report)
    if abort and plan is not None and not report.ready:
        answer["aborted"] = _abort_loop(workspace, plan, report.reason, quiet=json_output)
    warning = explain_abort_recovery(plan) if plan is not None and report.ready else None
    answer["plan_aborted"] = warning is not None
    if warning:
        output.warn(warning)
    if json_output:
        output.print_json(answer)
    if not report.ready:
        raise click.exceptions.Exit(3)


def _check_backend(workspace: Workspace, backend: str, *, json_output: bool) -> None:
    """Say what a launch would meet; exit 3 where it would not begin."""
    from scaffold.backends import launch_checks

    report = launch_checks.check_launch_backend(workspace, backend)
    if json_output:
        output.print_json({**_report_json(report), "plan_aborted": False})
    else:
        _print_report(report)
    if not report.ready:
        raise click.exceptions.Exit(3)


def _plan_to_abort(workspace: Workspace | None, workdir: Path, tasks_path: Path | None) -> Path | None:
    """The plan that an abort would be about: the one named, relative to the work directory as everywhere, else the workspace's."""
    if tasks_path is not None:
        return (workspace.workdir if workspace is not None else workdir) / tasks_path
    return workspace.tasks if workspace is not None else None


def _allowed_workdirs(workspace: Workspace | None, workdir: Path) -> list[Path]:
    """The directories that the server may rightly call its own: the work directory, and the top of its repository."""
    from scaffold import git

    own_workdir = workspace.workdir if workspace is not None else None
    top = git.toplevel(own_workdir or workdir)
    candidates = (own_workdir, top, workdir.resolve() if own_workdir is None else None)
    return [path for path in candidates if path is not None]


def _ask_until_ready(client: ServerClient, workdirs: list[Path], wait: float) -> ServerPreflightReport:
    """The report, asked for again until it is good or the time is over; a wrong token does not get better."""
    from scaffold.server import preflight as checks

    deadline = time.monotonic() + wait
    while True:
        report = checks.run_server_preflight(client, workdirs)
        left = deadline - time.monotonic()
        if report.ready or not report.may_change or left <= 0:
            return report
        click.echo(f"{report.verdict}; asking again for {left:.0f} s", err=True)
        time.sleep(min(POLL_S, left))


def _abort_loop(workspace: Workspace | None, plan: Path, reason: str, *, quiet: bool) -> dict[str, Any]:
    """Write the checklist and print the lines that end the loop, which has to end even where nothing can be written."""
    from scaffold.errors import ScaffoldError
    from scaffold.plan.document import server_loop_protocol

    written, previous = None, None
    try:
        written, previous = _write_checklist(workspace, plan, reason)
    except ScaffoldError as error:
        output.warn(f"the abort checklist is not written: {error.message}")
    if written is not None and written != plan:
        output.warn(f"{plan} holds somebody's work, so the abort checklist is in {written}")
    if previous is not None:
        click.echo(f"the plan that was there is now {previous}", err=True)
    if not quiet:
        click.echo(server_loop_protocol.format_aborted_loop_tags())
    return {
        "plan": str(written) if written is not None else None,
        "kept": str(previous) if previous is not None else None,
        "lines": server_loop_protocol.format_aborted_loop_tags().split("\n"),
    }


def _write_checklist(workspace: Workspace | None, plan: Path, reason: str) -> tuple[Path, Path | None]:
    """Where the checklist went, and where the plan that was there is kept."""
    from scaffold.lifecycle.status import is_unchanged_seeded_file
    from scaffold.plan.tasks.abort_checklist import abort_plan, is_plan_unwritten, write_abort_beside_plan

    if is_plan_unwritten(plan) or (workspace is not None and is_unchanged_seeded_file(workspace, plan)):
        return plan, abort_plan(plan, reason)
    return write_abort_beside_plan(plan, reason), None


def _print_report(report: ServerPreflightReport) -> None:
    output.print_aligned_rows([_check_row(check) for check in report.checks])
    click.echo(f"{report.server}: {report.verdict} ({report.seconds * 1000:.0f} ms)")


def _check_row(check: PreflightCheck) -> list[str]:
    sign = SIGNS[check.outcome] if check.mandatory else "warn"
    took = f"{check.seconds * 1000:.0f} ms" if check.seconds is not None else ""
    return [sign, check.name, took.rjust(8), check.asks, check.text]


def _report_json(report: ServerPreflightReport) -> dict[str, Any]:
    return {
        "server": report.server,
        "ready": report.ready,
        "verdict": report.verdict,
        "seconds": round(report.seconds, 4),
        "checks": [
            {
                "name": check.name,
                "asks": check.asks,
                "outcome": check.outcome,
                "mandatory": check.mandatory,
                "seconds": None if check.seconds is None else round(check.seconds, 4),
                "text": check.text,
            }
            for check in report.checks
        ],
    }
