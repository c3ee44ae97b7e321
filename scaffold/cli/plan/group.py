"""`scaffold plan`: the plan contract at work. What only looks stands here; what changes a plan, in plan_work."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from scaffold.cli.common import options, output
from scaffold.cli.common.groups import ExampleGroup
from scaffold.cli.plan.edit import EDITING_COMMANDS, FILE, display_path

if TYPE_CHECKING:
    from scaffold.plan.document.model import Task


@click.group(cls=ExampleGroup)
def plan() -> None:
    """Check the plan (tasks.md), walk through it, and hold what is claimed against what is there.

    Without FILE, the plan of the workspace that you are in.
    """


for command in EDITING_COMMANDS:
    plan.add_command(command)


@plan.command()
@FILE
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "github", "sarif"]),
    default="text",
    help="How findings are printed; github and sarif are always whole.",
)
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
    form: str,
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
    from scaffold.plan.document import plan_location
    from scaffold.plan.rules import check as checker
    from scaffold.plan.rules import reporters
    from scaffold.plan.rules.rule import RuleContext

    where = plan_location.locate_plan(file, Path.cwd())
    context = RuleContext(fresh=fresh, server=where.server if server is None else server)
    text = plan_location.read_plan(where.plan)
    report = checker.check_plan(text, context=context, select=_parse_codes(select), ignore=_parse_codes(ignore))
    for line in report.plan.invalid_ignores:
        output.warn(f"line {line}: write `<!-- plan: ignore CODES because REASON -->`; this one has no effect")
    limited = output.Limited(limit if form in ("text", "json") else 0)
    shown, path = limited(report.findings), display_path(where.plan)
    if json_output or form == "json":
        output.print_json(reporters.report_json(report, shown, path), limited)
    elif answer := reporters.FORMATS[form](report, shown, path):
        click.echo(answer)
        limited.report_left_out()
    if report.errors or (strict and report.findings):
        raise click.exceptions.Exit(3)


@plan.command()
@click.argument("code", required=False)
@options.limit_option
@options.json_option
def rules(code: str | None, limit: int, json_output: bool) -> None:
    """Explain the rules of the plan contract, or one of them with a wrong and a right line."""
    from scaffold.plan.rules import reporters
    from scaffold.plan.rules.check import all_rules as all_rules

    found = [rule for rule in all_rules() if code is None or rule.code == code.upper()]
    if not found:
        raise click.BadParameter(f"there is no rule {code}; see `scaffold plan rules`")
    limited = output.Limited(limit)
    if json_output:
        output.print_json({"rules": reporters.rules_json(limited(found))}, limited)
        return
    click.echo(reporters.rule_text(found[0]) if code else reporters.rule_list(limited(found)))
    limited.report_left_out()


@plan.command()
@FILE
@options.limit_option
@options.json_option
def show(file: Path | None, limit: int, json_output: bool) -> None:
    """Phases with progress bars, the current and the next task, blocked tasks, gates."""
    from scaffold.plan.document import plan_location
    from scaffold.plan.document.parse import parse_plan
    from scaffold.plan.tasks import progress

    where = plan_location.locate_plan(file, Path.cwd())
    parsed = parse_plan(plan_location.read_plan(where.plan))
    limited = output.Limited(limit)
    answer = progress.progress_json(parsed)
    answer = {key: limited(value) if isinstance(value, list) else value for key, value in answer.items()}
    if json_output:
        output.print_json(answer, limited)
    else:
        click.echo(progress.progress_text(parsed, limit))
        limited.report_left_out()


@plan.command()
@FILE
@options.json_option
def graph(file: Path | None, json_output: bool) -> None:
    """The dependencies between tasks as a Mermaid flow chart."""
    from scaffold.plan.document import plan_location
    from scaffold.plan.document.parse import parse_plan
    from scaffold.plan.tasks import progress

    text = progress.mermaid_graph(parse_plan(plan_location.read_plan(plan_location.locate_plan(file, Path.cwd()).plan)))
    if json_output:
        output.print_json({"mermaid": text})
    else:
        click.echo(text)


@plan.command("next")
@FILE
@options.json_option
def next_task(file: Path | None, json_output: bool) -> None:
    """The task to take up now: the one in progress, else the first open one that waits for nothing.

    Exit code 0 with nothing on stdout where all tasks are done; 3 where every open task waits for another, or where
    none is left but a line that looks like a task and is not one.
    """
    from scaffold.plan.document import plan_location
    from scaffold.plan.document.parse import parse_plan
    from scaffold.plan.rules.structure import is_aborted
    from scaffold.plan.tasks import progress

    parsed = parse_plan(plan_location.read_plan(plan_location.locate_plan(file, Path.cwd()).plan))
    state = progress.measure_progress(parsed)
    if json_output:
        task = progress.task_json(state.next) if state.next else None
        output.print_json({"task": task, "done": state.done, "total": state.total})
    elif state.next:
        click.echo(_task_details(state.next))
    if state.next is None and state.done < state.total:
        click.echo("every open task waits for another: scaffold plan show", err=True)
        raise click.exceptions.Exit(3)
    aborted = is_aborted(parsed)
    if state.next is None and state.lost and not aborted:
        lines = ", ".join(str(odd.line) for odd in state.lost[:10])
        click.echo(f"what looks like a task and is not one is left (line {lines}): scaffold plan check", err=True)
        raise click.exceptions.Exit(3)
    if state.next is None and not json_output:
        why = "the plan is aborted" if aborted else "the plan has no tasks"
        click.echo("all tasks are done" if state.total else why, err=True)


@plan.command()
@FILE
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
    from scaffold.plan.document import loop_protocol, plan_location
    from scaffold.plan.tasks import transitions

    tags = []
    if with_plan or (summary is None and promise is None):
        tags.append(loop_protocol.plan_block(plan_location.read_plan(plan_location.locate_plan(file, Path.cwd()).plan)))
    if summary is not None:
        tags.append(loop_protocol.wrap_in_tag("summary", summary.strip()))
    if promise is not None:
        if promise == "DONE":
            transitions.refuse_unfinished(plan_location.locate_plan(file, Path.cwd()).plan)
        tags.append(loop_protocol.wrap_in_tag("promise", promise))
    if json_output:
        output.print_json({"text": "\n".join(tags)})
    else:
        click.echo("\n".join(tags).encode("utf-8", "surrogateescape"))


def _task_details(task: Task) -> str:
    """A task with its deliverable, its condition and its commands."""
    from scaffold.plan.document import task_commands
    from scaffold.plan.document.markdown_inline import printable

    limit = 2000
    rows = [f"{task.id or 'line ' + str(task.line)}  {printable(task.description, limit)}"]
    rows += [
        f"  {name}: {printable(value, limit)}"
        for name in dict.fromkeys(f.name for f in task.fields if f.name != "command")
        if (value := task.get(name))
    ]
    rows += [f"  $ {printable(command, limit)}" for command in task_commands.list_commands(task)]
    return "\n".join(rows)


def _parse_codes(values: tuple[str, ...]) -> list[str]:
    """Codes from the command line; each has to be the beginning of a rule's code."""
    from scaffold.plan.rules.check import all_rules as all_rules

    codes = [code.strip().upper() for value in values for code in value.split(",") if code.strip()]
    for code in codes:
        if not any(rule.code.startswith(code) for rule in all_rules()):
            raise click.BadParameter(f"no rule's code begins with {code}; see `scaffold plan rules`")
    return codes
