"""`scaffold init`."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from scaffold import metric_directions
from scaffold.cli.common import output

if TYPE_CHECKING:
    from scaffold.cli.workspace.agent_skill import SkillPlan
    from scaffold.lifecycle.answers import InitOptions
    from scaffold.lifecycle.init import InitPlan
    from scaffold.lifecycle.init_actions import InitAction


@click.command()
@click.option("--workdir", type=click.Path(path_type=Path), help="The repository (or a folder of it). Default: here.")
@click.option("--root", help="Where the workspace goes. Default: exp if there is one, else .wild/experiments.")
@click.option(
    "--layout",
    type=click.Choice(["flat", "per-experiment"]),
    help="One set of folders for all experiments, or one for each. Default: flat.",
)
@click.option(
    "--experiment",
    "experiments",
    multiple=True,
    metavar="NAME",
    help="An experiment, the baseline first; may be repeated.",
)
@click.option("--goal", help="What the experiments are to find out.")
@click.option("--tasks-path", help="Where the plan goes (relative or absolute). Default: tasks.md in the root.")
@click.option(
    "--metric", help="The metric that decides, as the code logs it. Default: the likeliest that the code logs."
)
@click.option("--direction", type=click.Choice(["minimize", "maximize"]), help="Which way that metric is better.")
@click.option("--server-url", help="The research server. Never with a token or password.")
@click.option("--session-id", help="The research server's session.")
@click.option("--steering", help="What the planner should know.")
@click.option(
    "--memory", "memories", multiple=True, metavar="TEXT", help="A lesson from earlier sessions; may be repeated."
)
@click.option(
    "--evolutionary/--no-evolutionary", default=None, help="Whether sweeps may be evolutionary searches. Default: no."
)
@click.option(
    "--agent-skill",
    "skill",
    is_flag=False,
    flag_value=".",
    metavar="[DIR]",
    help="Write the playbook as an Agent Skill too: DIR/SKILL.md. Default of DIR: .agents/skills/experiments.",
)
@click.option("--template", metavar="SRC", help="A checkout, bundle or Git URL of another template.")
@click.option("--yes", "-y", is_flag=True, help="Ask nothing.")
@click.option("--dry-run", is_flag=True, help="Show what would be written, and write nothing.")
@click.option("--json", "json_output", is_flag=True, help="Answer with one JSON object; ask nothing.")
def init(
    workdir: Path | None,
    skill: str | None,
    template: str | None,
    yes: bool,
    dry_run: bool,
    json_output: bool,
    experiments: tuple[str, ...],
    memories: tuple[str, ...],
    **wishes: Any,
) -> None:
    """Write an experiment workspace into a repository that exists.

    Creates only files that are missing; what is there stays as it is. A second run changes nothing.
    """
    from scaffold.cli.workspace import agent_skill
    from scaffold.conventions import detect
    from scaffold.lifecycle import init as lifecycle
    from scaffold.lifecycle.answers import InitOptions

    wished = InitOptions(
        root=wishes["root"],
        goal=wishes["goal"],
        tasks_path=wishes["tasks_path"],
        layout=wishes["layout"],
        experiments=experiments,
        server_url=wishes["server_url"],
        session_id=wishes["session_id"],
        steering=wishes["steering"],
        memories=memories,
        evolutionary=wishes["evolutionary"],
        metric=wishes["metric"],
        direction=wishes["direction"],
    )
    if workdir is None:
        workdir = Path()
        lifecycle.refuse_nested_workspace(workdir.resolve())
    once = functools.cache(detect)  # the repository is the same before and after the questions
    planned = lifecycle.plan_init(workdir, wished, detect=once, template=template)
    extra = agent_skill.plan_skill(planned, skill)
    asks = output.may_prompt(yes=yes or dry_run, json_output=json_output) and _count(planned, extra) > 0
    if asks and not planned.existing:
        planned = lifecycle.plan_init(workdir, _ask(planned, wished), detect=once, template=template)
        extra = agent_skill.plan_skill(planned, skill)  # which speaks of the root and the server that were answered
    if asks:
        _print(planned, extra, "would write")
        click.confirm(f"Write {output.pluralize(_count(planned, extra), 'file')}?", default=True, abort=True)
    if not dry_run:
        planned = lifecycle.apply_init(planned)
        if extra is not None:
            agent_skill.write_skill(extra)
    if json_output:
        output.print_json(_json(planned, extra, written=not dry_run))
        return
    if not asks:
        _print(planned, extra, "would write" if dry_run else "wrote")
    for text in planned.warnings:
        output.warn(text)
    output.warn_ignored(planned.root, planned.ignored)
    if planned.changes and not dry_run:
        click.echo(f"next: read {planned.root}/README.md, then plan in {planned.answers['tasks_path']}")


def _ask(planned: InitPlan, wished: InitOptions) -> InitOptions:
    """The few questions that detection cannot settle, each with what was found as its default."""
    from dataclasses import replace

    root = wished.root or click.prompt("Where does the workspace go?", default=planned.root)
    goal = wished.goal
    if goal is None:
        goal = _asked("What are the experiments to find out?", planned.answers.get("experiment_goal", ""))
    metric = wished.metric or _asked("Which metric decides?", planned.answers["primary_metric"])
    direction = wished.direction
    if metric and not direction:
        said = metric_directions.guess_direction(metric)  # without a default it is asked until it is answered
        direction = click.prompt("Better when", type=click.Choice(["minimize", "maximize"]), default=said)
    server = wished.server_url
    if server is None:
        server = _asked("Research server (empty for none)", "")
    return replace(wished, root=root, goal=goal, metric=metric, direction=direction, server_url=server)


def _asked(question: str, default: str) -> str:
    """The answer to a question that may stay open."""
    return str(click.prompt(question, default=default, show_default=bool(default)))


def _actions(planned: InitPlan, extra: SkillPlan | None) -> list[InitAction]:
    return [*planned.actions, *([extra.action] if extra is not None else [])]


def _count(planned: InitPlan, extra: SkillPlan | None) -> int:
    """How many files are written."""
    return len(planned.changes) + (extra is not None and extra.writes)


def _print(planned: InitPlan, extra: SkillPlan | None, verb: str) -> None:
    """One line a file, then a sentence."""
    output.print_rows([[a.what, a.path, f"({a.note})" if a.note else ""] for a in _actions(planned, extra)])
    count = _count(planned, extra)
    if count:
        total = len(_actions(planned, extra))
        click.echo(f"{verb} {count} of {total} files in {planned.workdir} (template {planned.version})")
    else:
        click.echo(f"nothing to do: the workspace in {planned.root} is complete (template {planned.version})")


def _json(planned: InitPlan, extra: SkillPlan | None, *, written: bool) -> dict[str, Any]:
    return {
        "workdir": str(planned.workdir),
        "root": planned.root,
        "template": planned.version,
        "written": written and _count(planned, extra) > 0,
        "files": [{"path": a.path, "action": a.what, "note": a.note} for a in _actions(planned, extra)],
        "answers": dict(planned.answers),
        "ignored": output.ignored_json(planned.ignored),
        "warnings": list(planned.warnings),
    }
