"""The commands of `scaffold plan` that change a plan as a whole: mend its form, abort it, resume it, make one of another tool's list."""

from __future__ import annotations

from pathlib import Path

import click

from scaffold.cli.common import options, output
from scaffold.cli.plan.arguments import (
    FILE_ARGUMENT,
    FILE_OPTION,
    display_path,
    find_plan_path,
    locate_plan_warning_if_aborted,
)


@click.command()
@FILE_ARGUMENT
@click.option("--diff", is_flag=True, help="Show what would change, and change nothing.")
@options.json_option
def fix(file: Path | None, diff: bool, json_output: bool) -> None:
    """Mend what is mechanical: ids, marks, spacing, field order. Everything else stays, byte for byte."""
    from difflib import unified_diff
    from functools import partial

    from scaffold.plan.document import plan_file
    from scaffold.plan.document.fix import fix_plan
    from scaffold.plan.tasks import transitions

    location = locate_plan_warning_if_aborted(file)
    path = display_path(location.plan)
    text = plan_file.read_plan(location.plan)
    reserved = transitions.recorded_task_ids(location)
    mend = partial(fix_plan, reserved=reserved)
    mended = mend(text)
    if reserved and mended != fix_plan(text):
        output.warn("ids stay as they are: runs or the plan's record name its tasks")
    is_written = not diff and mended != text and plan_file.change_plan(location.plan, mend)
    changes = "\n".join(unified_diff(text.split("\n"), mended.split("\n"), path, path, lineterm=""))
    if json_output:
        output.print_json({"path": path, "written": is_written, "diff": changes})
    elif diff:
        output.print_verbatim(changes + "\n")
    elif is_written:
        click.echo(f"{path}: mended; see `scaffold plan check` for what is left", err=True)
    else:
        click.echo(f"{path}: nothing to mend", err=True)


@click.command()
@FILE_OPTION
@click.option("--reason", required=True, help="What failed.")
@options.json_option
def abort(file: Path | None, reason: str, json_output: bool) -> None:
    """Write the abort checklist in the place of the plan, and print the lines that end the loop.

    A plan that was there is kept beside it.
    """
    from scaffold.plan.document import server_loop_protocol
    from scaffold.plan.tasks.abort_checklist import abort_plan

    plan = find_plan_path(file)
    backup = abort_plan(plan, reason)
    if json_output:
        lines = server_loop_protocol.format_aborted_loop_tags().split("\n")
        output.print_json({"plan": str(plan), "kept": None if backup is None else str(backup), "lines": lines})
        return
    if backup is not None:
        click.echo(f"the plan that was there is now {display_path(backup)}", err=True)
    click.echo(server_loop_protocol.format_aborted_loop_tags())


@click.command()
@FILE_OPTION
@options.json_option
def resume(file: Path | None, json_output: bool) -> None:
    """Put the plan that an abort kept back into its place. Begin with `scaffold preflight`: what failed may fail again."""
    from scaffold.plan.tasks.abort_checklist import restore_aborted_plan

    plan = find_plan_path(file)
    backup = restore_aborted_plan(plan)
    if json_output:
        output.print_json({"plan": str(plan), "resumed": str(backup)})
    else:
        click.echo(f"{display_path(plan)} is the plan again that was in {display_path(backup)}", err=True)


@click.command()
@FILE_ARGUMENT
@click.option("--write", is_flag=True, help="Put it in the place of FILE, which is kept beside it; else it is printed.")
@options.json_option
def convert(file: Path | None, write: bool, json_output: bool) -> None:
    """Make a plan of a task list of another tool: ids, phases, and choices for what only you know. No word is lost."""
    from scaffold.errors import ScaffoldError
    from scaffold.plan.document import plan_file
    from scaffold.plan.tasks.abort_checklist import find_unused_path
    from scaffold.plan.tasks.foreign_task_lists import convert_foreign_plan

    path = find_plan_path(file)
    kind, text = convert_foreign_plan(plan_file.read_plan(path))
    if kind is None:
        raise ScaffoldError(f"{display_path(path)} is a plan already, or holds no tasks", hint="scaffold plan check")
    original = find_unused_path(path.with_name(f"{path.stem}.original{path.suffix}")) if write else None
    if original is not None:
        plan_file.write_file_with_permissions(original, path.read_bytes(), like=path)
        plan_file.change_plan(path, lambda _: text)
    if json_output:
        original_path = None if original is None else str(original)
        output.print_json({"kind": kind, "path": str(path), "original": original_path, "text": text})
    elif original is None:
        output.print_verbatim(text)
    else:
        click.echo(f"{display_path(path)} is a plan now; the {kind} is {display_path(original)}", err=True)


WHOLE_PLAN_COMMANDS = (fix, abort, resume, convert)
