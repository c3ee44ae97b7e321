"""`scaffold brief`: what whoever plans or executes has to know, on one page."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from scaffold.cli.common import options, output

if TYPE_CHECKING:
    from scaffold.plan.brief.context import BriefContext
    from scaffold.server.operations import ServerOperation
    from scaffold.workspace import Workspace

PATIENCE_S = 2.0


@click.command()
@click.option(
    "--for",
    "iteration",
    type=click.Choice(["planning", "execution"]),
    default="planning",
    show_default=True,
    help="For whoever plans (iteration 0), or for whoever carries the plan out.",
)
@click.option(
    "--history/--no-history",
    default=True,
    show_default=True,
    help="Whether the brief for planning has earlier launches of this repository's scripts, from the shell's history and sacct (secrets "
    "left out).",
)
@click.option("--full", is_flag=True, help="Everything, however long; else it stays below 4,000 tokens.")
@options.workspace_options
@options.json_option
def brief(iteration: str, history: bool, full: bool, workdir: Path, root: str | None, json_output: bool) -> None:
    """The brief for iteration 0 (planning) or for a later one: goal, repository, contract, commands, protocol.

    A token never stands in it: requests name $RESEARCH_AGENT_USER_AUTH_TOKEN.
    """
    from dataclasses import replace

    from scaffold.plan.brief import execution, planning
    from scaffold.plan.brief.context import BriefContext

    workspace = options.find_requested_workspace(workdir, root)
    url = _server_url(workspace)
    context = BriefContext(
        answers={**workspace.answers, "research_server_url": url}, workdir=str(workspace.workdir), full=full
    )
    if iteration == "planning":
        context = replace(context, operations=_server_operations(workspace)) if url else context
        context = replace(context, history=_earlier_launches(workspace)) if history else context
        text = planning.format_planning_brief(context)
    else:
        text = execution.format_execution_brief(_with_progress(workspace, context))
    if json_output:
        output.print_json({"for": iteration, "text": text})
    else:
        click.echo(text.encode("utf-8", "backslashreplace").decode(), nl=False)


def _server_url(workspace: Workspace) -> str:
    """The server that the environment names, else the workspace's; an address that cannot be one is left to who asks it."""
    from scaffold.server import address

    return os.environ.get(address.URL_VARIABLE) or str(workspace.answers.get("research_server_url") or "")


def _with_progress(workspace: Workspace, context: BriefContext) -> BriefContext:
    """The context with the plan, the runs and the log."""
    from dataclasses import replace

    from scaffold.plan.document import plan_file
    from scaffold.plan.rules.check import check_plan
    from scaffold.plan.rules.rule import RuleContext
    from scaffold.plan.tasks import run_summaries

    plan, log = workspace.tasks, workspace.locate(plan_file.iteration_log_path(workspace.tasks))
    rule_context = RuleContext(server=bool(context.server))
    return replace(
        context,
        report=check_plan(plan_file.read_plan(plan), context=rule_context) if plan.is_file() else None,
        runs=run_summaries.load_run_summaries(workspace),
        log=plan_file.read_plan(log) if log.is_file() else "",
        ideas=_idea_lines(workspace),
    )


def _idea_lines(workspace: Workspace) -> Sequence[str]:
    """What the newest study of ideas has to say; nothing where there is none."""
    from scaffold.ideas import study_files

    if not study_files.idea_study_names(workspace):
        return ()
    from scaffold.ideas.memory import summary

    return summary.study_brief_lines(study_files.read_idea_studies(workspace)[-1])


def _earlier_launches(workspace: Workspace) -> Sequence[str]:
    """The launches of this repository's scripts that the shell and Slurm remember, without secrets."""
    from scaffold import git
    from scaffold.errors import ScaffoldError
    from scaffold.facts import shell_history

    try:
        files = git.list_tracked_files(workspace.workdir)
    except ScaffoldError:  # no repository: then a launch counts that names the folder
        files = []
    return shell_history.read_history_launches(workspace.workdir, files)


def _server_operations(workspace: Workspace) -> Sequence[ServerOperation]:
    """What the server can do, by its own description; the built-in list where it does not answer at once."""
    from scaffold.errors import ScaffoldError
    from scaffold.plan.brief import server_api
    from scaffold.server import address, trusted_servers
    from scaffold.server.client import make_server_client
    from scaffold.server.operations import DOCS
    from scaffold.server.transport import RequestLimits

    try:
        url = address.resolve_url(None, workspace.answers) or ""
        if not trusted_servers.is_server_confirmed(url):
            message = f"{trusted_servers.server_origin(url)} is not asked, since only the repository names it"
            raise ScaffoldError(message, hint=trusted_servers.UnconfirmedServer(url).hint)
        with make_server_client(url, limits=RequestLimits(connect_s=1, total_s=PATIENCE_S, retries=0)) as server:
            operations = server_api.operations_of_server(server.openapi())
    except ScaffoldError as error:
        output.warn(f"{error.message}; the operations named are the built-in ones")
        return server_api.LISTED
    if not any(operation.core and operation is not DOCS for operation in operations):
        output.warn(
            f"{url}/openapi.json names none of the operations that a loop needs; those named are the built-in ones"
        )
        return server_api.LISTED
    return operations
