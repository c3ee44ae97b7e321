"""`scaffold try`: the working tree as an idea, held against the code that stands."""

from __future__ import annotations

import gc
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from scaffold.cli.common import options, output
from scaffold.cli.ideas import ideas_output

if TYPE_CHECKING:
    from scaffold.ideas.idea_capture import IdeaTryOptions
    from scaffold.ideas.judging import IdeaJudge, IdeaTryResult
    from scaffold.workspace import Workspace


@click.command("try")
@click.argument("text")
@options.workspace_options
@options.server_backend_options
@click.option("--because", help="Why it should help.")
@click.option("--task", help="The plan's task, such as P3-T2; its log gets a line.")
@click.option("--from", "ref", metavar="REF", help="Judge a branch or a commit, and not the working tree.")
@click.option("--simpler", is_flag=True, help="Keep it where it is not worse by more than the study's --margin.")
@click.option("--metric-changed", is_flag=True, help="It may touch lines that compute or print the metric.")
@click.option("--again", is_flag=True, help="Where the same code was judged before: confirm it anew, on new seeds.")
@click.option("--study", metavar="NAME", help="Which study. Default: the one that was started last.")
@click.option("--detach", "detaches", is_flag=True, help="Leave the runs to a process in the background.")
@options.json_option
def try_idea(text: str, workdir: Path, root: str | None, json_output: bool, **values: Any) -> None:
    """Judge the change that is in the working tree: keep it, or drop it.

    The change is kept as a commit object first, so that nothing of it can be lost. Then it runs beside the code that stands, on as many
    seeds as the rule asks for (docs/ideas.md). Killed at any point and called again with the same tree, it goes on.
    Exit 0: kept. 3: dropped, open or failed. 1: it could not be judged. 2: nothing is changed.
    """
    from scaffold.cli.ideas import trial_view
    from scaffold.ideas.idea_capture import IdeaTryOptions
    from scaffold.ideas.judging import open_idea_judge

    gc.enable()
    workspace = options.find_writable_workspace(workdir, root)
    view = trial_view.open_idea_trial_view(workspace, "try", quiet=json_output)
    trial = open_idea_judge(workspace, values["study"], warn=view.warn, show=view.show, say=view.say)
    if values["simpler"] and not trial.study_margin():
        output.warn(
            "the study has no margin, so that --simpler keeps only what is better; give one at its start: scaffold ideas start --margin D"
        )
    names = ("because", "task", "ref", "simpler", "metric_changed", "again")
    request = IdeaTryOptions(text=text, **{name: values[name] for name in names})
    with ideas_output.hold_judging_lock(workspace):
        if values["detaches"]:
            _leave_in_background(workspace, trial, request, json_output=json_output)
            return
        try:
            with view.display:
                result = trial.try_idea(request)
        except KeyboardInterrupt:
            click.echo(
                "\ninterrupted: runs that have begun go on, and the tree is as it was; the same `scaffold try` goes on from there",
                err=True,
            )
            raise
    report_idea_verdict(workspace, result, json_output=json_output)


def report_idea_verdict(workspace: Workspace, result: IdeaTryResult, *, json_output: bool) -> None:
    """Print a verdict, note it in the plan, and set the exit code."""
    if result.record.task and not result.judged_before:
        ideas_output.log_idea_in_plan(workspace, result)
    ideas_output.print_verdict(result, json_output=json_output)
    if result.record.status != "kept":
        raise click.exceptions.Exit(3)


def _leave_in_background(workspace: Workspace, trial: IdeaJudge, request: IdeaTryOptions, *, json_output: bool) -> None:
    from scaffold.ideas.background import judge_in_background
    from scaffold.ideas.judging import IdeaTryResult

    record, study, judged_before = trial.register(request)
    if judged_before:
        result: IdeaTryResult | None = IdeaTryResult(record=record, study=study, judged_before=True)
    else:
        # here and now: the tree may be another one soon
        result = trial.drop_if_check_fails(record.number)
    if result is not None:
        report_idea_verdict(workspace, result, json_output=json_output)
        return
    process = judge_in_background(workspace, study.name, record.number)
    ideas_output.print_background_judge(study, record, process, json_output=json_output)
