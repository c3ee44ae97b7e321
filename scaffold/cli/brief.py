"""`scaffold brief`: what whoever plans or executes has to know, on one page."""

from __future__ import annotations

from pathlib import Path

import click

from scaffold.cli import options, output


@click.command()
@click.option(
    "--for",
    "iteration",
    type=click.Choice(["planning", "execution"]),
    default="planning",
    show_default=True,
    help="For whoever plans (iteration 0), or for whoever carries the plan out.",
)
@click.option("--full", is_flag=True, help="Everything, however long; else it stays below 4,000 tokens.")
@options.of_workspace
@options.json_output
def brief(iteration: str, full: bool, workdir: Path, root: str | None, json_output: bool) -> None:
    """The brief for iteration 0 (planning) or for a later one: goal, repository, contract, commands, protocol.

    A token never stands in it: requests name $RESEARCH_AGENT_USER_AUTH_TOKEN.
    """
    from scaffold.plan import brief_execution, brief_planning, locate, runs, work
    from scaffold.plan.check import check
    from scaffold.plan.rule import Context
    from scaffold.plan.situation import Situation

    workspace = options.workspace(workdir, root)
    context = Context(server=bool(workspace.answers.get("research_server_url")))
    log = work.log_path(workspace.tasks)
    now = Situation(
        answers=workspace.answers,
        workdir=str(workspace.workdir),
        report=check(locate.read(workspace.tasks), context=context) if workspace.tasks.is_file() else None,
        runs=runs.read(workspace).runs,
        log=locate.read(log) if log.is_file() else "",
        full=full,
    )
    text = brief_planning.planning(now) if iteration == "planning" else brief_execution.execution(now)
    if json_output:
        output.as_json({"for": iteration, "text": text})
    else:
        click.echo(text.encode("utf-8", "backslashreplace"), nl=False)
