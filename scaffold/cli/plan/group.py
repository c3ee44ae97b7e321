"""`scaffold plan`: the plan contract at work. The commands that only look stand here; those that change it, beside it."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

import click

from scaffold.cli.common import options, output
from scaffold.cli.common.groups import ExampleCommandGroup
from scaffold.cli.plan.arguments import FILE_ARGUMENT, display_path, load_chosen_plan, locate_plan_warning_if_aborted
from scaffold.cli.plan.plan_changes import WHOLE_PLAN_COMMANDS
from scaffold.cli.plan.tasks import TASK_COMMANDS

if TYPE_CHECKING:
    from scaffold.plan.document.model import Task

LINE_WIDTH = 2000


@click.group(cls=ExampleCommandGroup)
def plan() -> None:
    """Check the plan (tasks.md), walk through it, and hold what is claimed against what is there.

    Without FILE, the plan of the workspace that you are in.
    """


for command in (*TASK_COMMANDS, *WHOLE_PLAN_COMMANDS):
    plan.add_command(command)


@plan.command()
@FILE_ARGUMENT
@click.option("--select", multiple=True, metavar="CODES", help="Only these rules, as in P2,P301.")
@click.option("--ignore", multiple=True, metavar="CODES", help="Not these rules.")
@click.option("--fresh", is_flag=True, help="The plan is a new one (iteration 0): nothing may be in progress or done.")
@click.option(
    "--server/--no-server", default=None, help="Whether a research server is set; else as the workspace says."
)
@click.option("--strict", is_flag=True, help="Warnings count as errors.")
@options.limit_option
@options.json_option
def check(
    file: Path | None,
    select: tuple[str, ...],
    ignore: tuple[str, ...],
    fresh: bool,
    server: bool | None,
    strict: bool,
    limit: int,
    json_output: bool,
) -> None:
    """Hold a plan against the plan contract; exit code 3 where it breaks a rule.

    A plan may set a rule aside for itself, with a reason:

    \b
      <!-- plan: ignore P104 because two experiments are all there is -->
    """
    from scaffold.plan.document.plan_file import read_plan
    from scaffold.plan.rules import findings_output
    from scaffold.plan.rules.check import check_plan
    from scaffold.plan.rules.rule import RuleContext
    from scaffold.plan.tasks.foreign_task_lists import count_listed_tasks, foreign_task_list_kind

    location = locate_plan_warning_if_aborted(file)
    context = RuleContext(
        fresh=fresh, server=location.server if server is None else server, endless=location.endless_scripts()
    )
    text = read_plan(location.plan)
    report = check_plan(text, context=context, select=_parse_codes(select), ignore=_parse_codes(ignore))
    for line in report.plan.invalid_ignores:
        output.warn(f"line {line}: write `<!-- plan: ignore CODES because REASON -->`; this one has no effect")
    limited = output.LimitedLists(limit)
    findings, path = limited(report.findings), display_path(location.plan)
    kind = None if select or report.aborted else foreign_task_list_kind(report.plan)
    if json_output:
        output.print_json(findings_output.plan_report_json(report, findings, path), limited)
    elif kind:
        count = output.pluralize(count_listed_tasks(report.plan), "task")
        click.echo(f"{path}: a {kind} with {count}, no plan of this contract: scaffold plan convert makes one of it")
    else:
        click.echo(findings_output.format_plan_report(report, findings, path))
        limited.report_left_out()
    if report.errors or (strict and report.findings):
        raise click.exceptions.Exit(3)


@plan.command()
@click.argument("code", required=False)
@options.limit_option_with(0)
@options.json_option
def rules(code: str | None, limit: int, json_output: bool) -> None:
    """Explain the rules of the plan contract, or one of them with a wrong and a right line."""
    from scaffold.plan.rules import findings_output
    from scaffold.plan.rules.check import list_plan_rules

    selected = [rule for rule in list_plan_rules() if code is None or rule.code == code.upper()]
    if not selected:
        raise click.BadParameter(f"there is no rule {code}; see `scaffold plan rules`")
    limited = output.LimitedLists(limit)
    if json_output:
        output.print_json({"rules": findings_output.plan_rules_json(limited(selected))}, limited)
        return
    click.echo(
        findings_output.format_rule_details(selected[0])
        if code
        else findings_output.format_plan_rules(limited(selected))
    )
    limited.report_left_out()


@plan.command()
@FILE_ARGUMENT
@options.limit_option
@options.json_option
def show(file: Path | None, limit: int, json_output: bool) -> None:
    """Phases with progress bars, the current and the next task, blocked tasks, gates (tasks that decide how to go on)."""
    from scaffold.plan.tasks import progress

    parsed, server, limited = (
        load_chosen_plan(file),
        locate_plan_warning_if_aborted(file).server,
        output.LimitedLists(limit),
    )
    answer = progress.progress_json(parsed, server=server)
    answer = {key: limited(value) if isinstance(value, list) else value for key, value in answer.items()}
    if json_output:
        output.print_json(answer, limited)
    else:
        click.echo(progress.progress_text(parsed, limit, server=server))
        limited.report_left_out()


@plan.command()
@FILE_ARGUMENT
@options.json_option
def graph(file: Path | None, json_output: bool) -> None:
    """The dependencies between tasks as a Mermaid flow chart."""
    from scaffold.plan.tasks.progress import mermaid_graph

    text = mermaid_graph(load_chosen_plan(file))
    if json_output:
        output.print_json({"mermaid": text})
    else:
        click.echo(text)


@plan.command("next")
@FILE_ARGUMENT
@options.json_option
def next_task(file: Path | None, json_output: bool) -> None:
    """The task to take up now: the one in progress, else the first open one that waits for nothing.

    Exit code 0 with nothing on stdout where all tasks are done; 3 where every open task waits for another, where none is
    left but a line that looks like a task and is not one, where there are no tasks, and where the plan is aborted.
    """
    from scaffold.plan.rules.structure import is_plan_aborted
    from scaffold.plan.tasks import progress

    parsed, server = load_chosen_plan(file), locate_plan_warning_if_aborted(file).server
    state = progress.measure_plan_progress(parsed, server=server)
    if json_output:
        task = progress.task_json(state.next) if state.next else None
        answer = {"task": task, "done": state.done, "total": state.total}
        output.print_json({**answer, "aborted": is_plan_aborted(parsed)})
    elif state.next:
        click.echo(_task_details(state.next))
    if state.next is None and state.done < state.total:
        click.echo("every open task waits for another: scaffold plan show", err=True)
        raise click.exceptions.Exit(3)
    if is_plan_aborted(parsed):  # `locate` said so
        raise click.exceptions.Exit(3)
    if state.next is None and state.lost:
        lines = ", ".join(str(near_miss.line) for near_miss in state.lost[:10])
        click.echo(f"what looks like a task and is not one is left (line {lines}): scaffold plan check", err=True)
        raise click.exceptions.Exit(3)
    if not state.total:
        click.echo("the plan has no tasks", err=True)
        raise click.exceptions.Exit(3)
    if state.next is None and not json_output:
        click.echo("all tasks are done", err=True)


@plan.command()
@FILE_ARGUMENT
@click.option("--summary", help="What this iteration accomplished, for <summary>.")
@click.option(
    "--promise", type=click.Choice(["DONE", "WAITING"]), help="For <promise>: goal reached, or runs to wait for."
)
@click.option("--plan", "with_plan", is_flag=True, help="The <plan> block too; it stands alone without other options.")
@options.json_option
def emit(file: Path | None, summary: str | None, promise: str | None, with_plan: bool, json_output: bool) -> None:
    """Print the tags of the loop's protocol: the <plan> block exactly, or <summary> and <promise>.

    DONE is refused while a task is open: a loop that ends early loses the rest of the plan.
    """
    from scaffold.errors import ScaffoldError
    from scaffold.plan.document import server_loop_protocol
    from scaffold.plan.document.plan_file import read_plan
    from scaffold.plan.tasks import transitions

    tags = []
    with contextlib.suppress(ScaffoldError):  # a summary alone needs no plan, but a plan that is aborted is said
        locate_plan_warning_if_aborted(file)
    if with_plan or (summary is None and promise is None):
        tags.append(server_loop_protocol.format_plan_block(read_plan(locate_plan_warning_if_aborted(file).plan)))
    if summary is not None:
        tags.append(server_loop_protocol.wrap_in_tag("summary", summary.strip()))
    if promise is not None:
        if promise == "DONE":
            transitions.refuse_unfinished_plan(locate_plan_warning_if_aborted(file))
        tags.append(server_loop_protocol.wrap_in_tag("promise", promise))
    if json_output:
        output.print_json({"text": "\n".join(tags)})
    else:
        output.print_verbatim("\n".join(tags) + "\n")


def _task_details(task: Task) -> str:
    """A task with its deliverable, its condition and its commands."""
    from scaffold.plan.document.markdown_inline import escape_for_message
    from scaffold.plan.document.task_commands import list_task_commands

    names = dict.fromkeys(field.name for field in task.fields if field.name != "command")
    rows = [f"{task.id or 'line ' + str(task.line)}  {escape_for_message(task.description, LINE_WIDTH)}"]
    rows += [f"  {name}: {escape_for_message(value, LINE_WIDTH)}" for name in names if (value := task.get(name))]
    rows += [f"  $ {escape_for_message(command, LINE_WIDTH)}" for command in list_task_commands(task)]
    return "\n".join(rows)


def _parse_codes(values: tuple[str, ...]) -> list[str]:
    """Codes from the command line; each has to be the beginning of a rule's code."""
    from scaffold.plan.rules.check import list_plan_rules

    codes = [code.strip().upper() for value in values for code in value.split(",") if code.strip()]
    for code in codes:
        if not any(rule.code.startswith(code) for rule in list_plan_rules()):
            raise click.BadParameter(f"no rule's code begins with {code}; see `scaffold plan rules`")
    return codes
