"""The commands of `scaffold plan` that change a task, or hold it against what is there."""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

import click

from scaffold.cli.common import options, output
from scaffold.cli.plan.arguments import (
    FILE_OPTION,
    display_path,
    load_chosen_plan,
    locate_plan_warning_if_aborted,
)

if TYPE_CHECKING:
    from scaffold.plan.document.model import Plan, Task
    from scaffold.plan.document.plan_location import PlanLocation
    from scaffold.plan.tasks.verify import TaskVerification, VerificationContext

RUN_OPTION = click.option("--run", "run_commands", is_flag=True, help="Run a done-when that stands in back-ticks.")
TIMEOUT_OPTION = click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    default=600.0,
    show_default=True,
    metavar="S",
    help="Seconds that one such command may take.",
)
SIGNS = {True: "ok  ", False: "FAIL", None: "?   "}


@click.command()
@click.argument("task")
@FILE_OPTION
@options.json_option
def start(task: str, file: Path | None, json_output: bool) -> None:
    """Mark a task as in progress, and write down when."""
    from scaffold.plan.tasks import transitions

    change = transitions.start_task(locate_plan_warning_if_aborted(file).plan, task, _timestamp())
    if json_output:
        output.print_json({"task": change.task.id, "state": "in progress", "warnings": list(change.warnings)})
        return
    for warning in change.warnings:
        output.warn(warning)
    click.echo(f"{change.task.id} is in progress", err=True)


@click.command()
@click.argument("task")
@FILE_OPTION
@RUN_OPTION
@TIMEOUT_OPTION
@click.option("--force", metavar="REASON", help="Mark it although it does not verify; the reason is written down.")
@options.json_option
def done(
    task: str, file: Path | None, run_commands: bool, timeout: float, force: str | None, json_output: bool
) -> None:
    """Mark a task as done where it verifies, and write down a hash of each deliverable.

    What does not verify is refused (exit code 3) unless --force gives a reason, which goes into the record and the log.
    """
    from scaffold.plan.tasks import transitions

    if force is not None and not force.strip():
        raise click.BadParameter("it needs a reason", param_hint="--force")
    location = locate_plan_warning_if_aborted(file)
    context = _verification_context(location, run_commands, timeout)
    verification = transitions.finish_task(location, task, context, _timestamp(), force)
    is_marked = not verification.blocking or force is not None
    if json_output:
        output.print_json({**_verification_json(verification), "marked": is_marked})
    else:
        click.echo(_verification_text(verification))
    if not is_marked:
        click.echo(_refusal_text(verification.task, load_chosen_plan(file)), err=True)
        raise click.exceptions.Exit(3)
    click.echo(f"{verification.task.id} is done", err=True)


@click.command()
@click.argument("phase", type=int)
@click.argument("description")
@FILE_OPTION
@click.option("--deliverable", required=True, help="The file it leaves behind, relative to the work directory.")
@click.option("--done-when", "done_when", required=True, help="What can be checked.")
@click.option("--depends", help="Ids of tasks, with commas.")
@click.option("--kind", help="baseline, main, ablation, logging, ... where the words do not say it.")
@options.json_option
def add(
    phase: int,
    description: str,
    file: Path | None,
    deliverable: str,
    done_when: str,
    depends: str | None,
    kind: str | None,
    json_output: bool,
) -> None:
    """Add a task to the end of a phase; prints its id. Refused where the plan would break the contract with it."""
    from scaffold.plan.tasks import transitions

    values = [("depends", depends), ("deliverable", deliverable), ("done-when", done_when), ("kind", kind)]
    fields = [(name, value) for name, value in values if value]
    change = transitions.add_task(locate_plan_warning_if_aborted(file), phase, description, fields)
    if json_output:
        output.print_json({"task": change.task.id})
    else:
        click.echo(change.task.id)


@click.command()
@click.argument("text")
@FILE_OPTION
@click.option("--task", help="The task that it is about.")
@options.json_option
def log(text: str, file: Path | None, task: str | None, json_output: bool) -> None:
    """Append an entry to the iteration log beside the plan."""
    from scaffold.plan.document import edit, plan_file, server_loop_protocol

    if not text.strip():
        raise click.BadParameter("an entry says something", param_hint="TEXT")
    plan = load_chosen_plan(file)
    task_id = edit.find_task(plan, task).id if task else None
    path = plan_file.iteration_log_path(locate_plan_warning_if_aborted(file).plan)
    plan_file.append_iteration_log(path, server_loop_protocol.format_log_entry(_timestamp(), text, task=task_id))
    if json_output:
        output.print_json({"path": display_path(path), "task": task_id})
    else:
        click.echo(f"added to {display_path(path)}", err=True)


@click.command()
@click.argument("tasks", nargs=-1)
@FILE_OPTION
@RUN_OPTION
@TIMEOUT_OPTION
@options.limit_option
@options.json_option
def verify(
    tasks: tuple[str, ...], file: Path | None, run_commands: bool, timeout: float, limit: int, json_output: bool
) -> None:
    """Look whether what is claimed is there, for TASKS or for every task that is marked done; exit code 3 where not.

    Deliverables exist, are not empty, not older than the task's start, not ignored by git, not changed since the task
    was done; conditions on runs and metrics hold in the manifests; commands exit with 0 (with --run). What fails comes first.
    """
    from scaffold.plan.tasks import transitions

    location = locate_plan_warning_if_aborted(file)
    verifications = transitions.verify_tasks(location, tasks, _verification_context(location, run_commands, timeout))
    limited = output.LimitedLists(limit)
    shown = limited(sorted(verifications, key=lambda verification: not verification.failed))
    failed = sum(bool(verification.failed) for verification in verifications)
    if json_output:
        answer = {"verified": len(verifications) - failed, "failed": failed}
        output.print_json({**answer, "tasks": [_verification_json(verification) for verification in shown]}, limited)
    else:
        click.echo("\n".join(map(_verification_text, shown)) or "no task is marked done")
        limited.report_left_out()
    if failed:
        verb = "does" if failed == 1 else "do"
        click.echo(
            f"{failed} of {len(verifications)} tasks {verb} not verify: do not promise DONE, and build on none of them",
            err=True,
        )
        raise click.exceptions.Exit(3)


TASK_COMMANDS = (start, done, add, log, verify)


def _timestamp() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="seconds").replace("+00:00", "Z")


def _verification_context(location: PlanLocation, run_commands: bool, timeout: float) -> VerificationContext:
    from scaffold.plan.tasks.run_summaries import runs_of_plan
    from scaffold.plan.tasks.verify import VerificationContext

    runs, missing_runs_reason = runs_of_plan(location)
    return VerificationContext(
        workdir=location.workdir,
        runs=runs,
        missing_runs_reason=missing_runs_reason,
        run_commands=run_commands,
        timeout_s=timeout,
        log_folder=location.plan.parent / "verify",
    )


def _refusal_text(task: Task, plan: Plan) -> str:
    """What is not marked, and what must not follow: in a chain of commands the next one would take the task for done."""
    from scaffold.plan.tasks.progress import list_open_dependents

    waiting = list_open_dependents(plan, task)
    verb = "depends" if len(waiting) == 1 else "depend"
    forbidden = f"do not start {', '.join(waiting)}, which {verb} on it, and " if waiting else ""
    return (
        f"{task.name} is not marked as done: it does not verify (--force REASON marks it all the same)\n"
        f"{forbidden}do not promise DONE: join commands with `&&`, so that none runs after this one"
    )


def _verification_text(verification: TaskVerification) -> str:
    from scaffold.plan.document.markdown_inline import escape_for_message

    title = f"{verification.task.name}  {escape_for_message(verification.task.description, 90)}"
    rows = (
        f"  {SIGNS[check.holds]} {check.what}: {escape_for_message(check.text, 300)}" for check in verification.checks
    )
    return "\n".join([title, *rows])


def _verification_json(verification: TaskVerification) -> dict[str, object]:
    task = verification.task
    checks = [{"what": check.what, "holds": check.holds, "text": check.text} for check in verification.checks]
    return {"task": task.id or None, "line": task.line, "holds": not verification.failed, "checks": checks}
