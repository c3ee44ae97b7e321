"""The commands of `scaffold plan` that change a plan, or hold it against what is there."""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

import click

from scaffold.cli.common import options, output

if TYPE_CHECKING:
    from scaffold.plan.document.plan_location import PlanLocation
    from scaffold.plan.tasks.verify import TaskVerification, VerificationContext

FILE = click.argument("file", required=False, type=click.Path(path_type=Path, dir_okay=False))
PLAN = click.option("--file", type=click.Path(path_type=Path, dir_okay=False), help="The plan; else the workspace's.")
RUN = click.option("--run", "run_commands", is_flag=True, help="Run a done-when that stands in back-ticks.")
TIMEOUT = click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    default=600.0,
    show_default=True,
    metavar="S",
    help="Seconds that one such command may take.",
)
SIGNS = {True: "ok  ", False: "FAIL", None: "?   "}


def display_path(path: Path) -> str:
    """A path as one would type it here, printable whatever its bytes."""
    here = Path.cwd()
    text = str(path.relative_to(here) if path.is_absolute() and path.is_relative_to(here) else path)
    return text.encode("utf-8", "backslashreplace").decode()


@click.command()
@FILE
@click.option("--diff", is_flag=True, help="Show what would change, and change nothing.")
@options.json_option
def fix(file: Path | None, diff: bool, json_output: bool) -> None:
    """Mend what is mechanical: ids, marks, spacing, field order. Everything else stays, byte for byte."""
    from difflib import unified_diff
    from functools import partial

    from scaffold.plan.document import plan_file, plan_location
    from scaffold.plan.document.fix import fix_plan
    from scaffold.plan.tasks import transitions

    where = plan_location.locate_plan(file, Path.cwd())
    name = display_path(where.plan)
    old = plan_location.read_plan(where.plan)
    ids_stay = transitions.has_recorded_ids(where)
    mend = partial(fix_plan, ids_stay=ids_stay)
    new = mend(old)
    if ids_stay and new != fix_plan(old):
        output.warn("ids stay as they are: runs or the plan's record name its tasks")
    changed = not diff and new != old and plan_file.change_plan(where.plan, mend)
    lines = "\n".join(unified_diff(old.split("\n"), new.split("\n"), name, name, lineterm=""))
    if json_output:
        output.print_json({"path": name, "written": changed, "diff": lines})
    elif diff:
        click.echo(lines.encode("utf-8", "surrogateescape"))
    elif changed:
        click.echo(f"{name}: mended; see `scaffold plan check` for what is left", err=True)
    else:
        click.echo(f"{name}: nothing to mend", err=True)


@click.command()
@click.argument("task")
@PLAN
@options.json_option
def start(task: str, file: Path | None, json_output: bool) -> None:
    """Mark a task as in progress, and write down when."""
    from scaffold.plan.document import plan_location
    from scaffold.plan.tasks import transitions

    change = transitions.start_task(plan_location.locate_plan(file, Path.cwd()).plan, task, _timestamp())
    if json_output:
        output.print_json({"task": change.task.id, "state": "in progress", "warnings": list(change.warnings)})
        return
    for warning in change.warnings:
        output.warn(warning)
    click.echo(f"{change.task.id} is in progress", err=True)


@click.command()
@click.argument("task")
@PLAN
@RUN
@TIMEOUT
@click.option("--force", metavar="REASON", help="Mark it although it does not verify; the reason is written down.")
@options.json_option
def done(
    task: str, file: Path | None, run_commands: bool, timeout: float, force: str | None, json_output: bool
) -> None:
    """Mark a task as done where it verifies, and write down a hash of each deliverable.

    What does not verify is refused (exit code 3) unless --force gives a reason, which goes into the record and the log.
    """
    from scaffold.plan.document import plan_location
    from scaffold.plan.tasks import transitions

    if force is not None and not force.strip():
        raise click.BadParameter("it needs a reason", param_hint="--force")
    where = plan_location.locate_plan(file, Path.cwd())
    found = transitions.finish_task(
        where, task, _verification_context(where, run_commands, timeout), _timestamp(), force
    )
    marked = transitions.holds(found) or force is not None
    if json_output:
        output.print_json({**_verification_json(found), "marked": marked})
    else:
        click.echo(_verification_text(found))
    if not marked:
        click.echo("not marked as done: it does not verify (--force REASON marks it all the same)", err=True)
        raise click.exceptions.Exit(3)
    click.echo(f"{found.task.id} is done", err=True)


@click.command()
@click.argument("phase", type=int)
@click.argument("description")
@PLAN
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
    from scaffold.plan.document import plan_location
    from scaffold.plan.rules.rule import RuleContext
    from scaffold.plan.tasks import transitions

    fields = [("depends", depends), ("deliverable", deliverable), ("done-when", done_when), ("kind", kind)]
    where = plan_location.locate_plan(file, Path.cwd())
    given = [(name, value) for name, value in fields if value]
    added = transitions.add_task(where.plan, phase, description, given, RuleContext(server=where.server)).task.id
    if json_output:
        output.print_json({"task": added})
    else:
        click.echo(added)


@click.command()
@click.argument("text")
@PLAN
@click.option("--task", help="The task that it is about.")
@options.json_option
def log(text: str, file: Path | None, task: str | None, json_output: bool) -> None:
    """Append an entry to the iteration log beside the plan."""
    from scaffold.plan.document import edit, loop_protocol, plan_file, plan_location
    from scaffold.plan.document.parse import parse_plan
    from scaffold.plan.tasks import transitions

    if not text.strip():
        raise click.BadParameter("an entry says something", param_hint="TEXT")
    where = plan_location.locate_plan(file, Path.cwd())
    parsed = parse_plan(plan_location.read_plan(where.plan))
    about = edit.find_task(parsed, task).id if task else None
    path = transitions.log_path(where.plan)
    plan_file.append_log(path, loop_protocol.log_entry(_timestamp(), text, task=about))
    if json_output:
        output.print_json({"path": display_path(path), "task": about})
    else:
        click.echo(f"added to {display_path(path)}", err=True)


@click.command()
@click.argument("tasks", nargs=-1)
@PLAN
@RUN
@TIMEOUT
@options.limit_option
@options.json_option
def verify(
    tasks: tuple[str, ...], file: Path | None, run_commands: bool, timeout: float, limit: int, json_output: bool
) -> None:
    """Look whether what is claimed is there, for TASKS or for every task that is marked done; exit code 3 where not.

    Deliverables exist, are not empty, not older than the task's start, not ignored by git, not changed since the task
    was done; conditions on runs and metrics hold in the manifests; commands exit with 0 (with --run). What fails comes first.
    """
    from scaffold.plan.document import plan_location
    from scaffold.plan.tasks import transitions

    where = plan_location.locate_plan(file, Path.cwd())
    found = transitions.verify_tasks(where, tasks, _verification_context(where, run_commands, timeout))
    limited = output.Limited(limit)
    shown = limited(sorted(found, key=lambda one: not one.failed))
    failed = sum(bool(one.failed) for one in found)
    if json_output:
        output.print_json(
            {"verified": len(found) - failed, "failed": failed, "tasks": [_verification_json(one) for one in shown]},
            limited,
        )
    else:
        click.echo("\n".join(map(_verification_text, shown)) or "no task is marked done")
        limited.report_left_out()
    if failed:
        raise click.exceptions.Exit(3)


@click.command()
@PLAN
@click.option("--reason", required=True, help="What failed.")
@options.json_option
def abort(file: Path | None, reason: str, json_output: bool) -> None:
    """Write the abort checklist in the place of the plan, and print the lines that end the loop.

    A plan that was there is kept beside it.
    """
    from scaffold.plan.document import loop_protocol, plan_location
    from scaffold.plan.tasks import transitions

    where = plan_location.locate_plan(file, Path.cwd())
    kept = transitions.abort_plan(where.plan, reason)
    if json_output:
        lines = loop_protocol.abort_lines().split("\n")
        output.print_json({"plan": str(where.plan), "kept": None if kept is None else str(kept), "lines": lines})
        return
    if kept is not None:
        click.echo(f"the plan that was there is now {display_path(kept)}", err=True)
    click.echo(loop_protocol.abort_lines())


EDITING_COMMANDS = (fix, start, done, add, log, verify, abort)


def _timestamp() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="seconds").replace("+00:00", "Z")


def _verification_context(where: PlanLocation, run_commands: bool, timeout: float) -> VerificationContext:
    from scaffold.plan.tasks import run_summaries
    from scaffold.plan.tasks.verify import VerificationContext

    known, why = run_summaries.runs_of_plan(where)
    return VerificationContext(
        workdir=where.workdir,
        runs=known,
        run_commands=run_commands,
        timeout_s=timeout,
        output=where.plan.parent / "verify",
        no_runs=why,
    )


def _verification_text(found: TaskVerification) -> str:
    from scaffold.plan.document.markdown_inline import printable

    rows = [f"{found.task.name}  {printable(found.task.description, 90)}"]
    return "\n".join([*rows, *(f"  {SIGNS[one.holds]} {one.what}: {printable(one.text, 300)}" for one in found.checks)])


def _verification_json(found: TaskVerification) -> dict[str, object]:
    checks = [{"what": one.what, "holds": one.holds, "text": one.text} for one in found.checks]
    return {"task": found.task.id or None, "line": found.task.line, "holds": not found.failed, "checks": checks}
