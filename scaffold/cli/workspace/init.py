"""`scaffold init`."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from scaffold import metric_directions
from scaffold.cli.common import output

if TYPE_CHECKING:
    from scaffold.cli.workspace.agent_skill import SkillFilePlan
    from scaffold.lifecycle.answers_from_conventions import InitOptions
    from scaffold.lifecycle.baseline_trial import BaselineCommandTrial
    from scaffold.lifecycle.file_kinds import FileAction
    from scaffold.lifecycle.init import InitPlan


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
    "--plan",
    "plan_kind",
    type=click.Choice(["full", "short"]),
    help="A full plan, for a research loop, or a short one (3 phases, 7 tasks), for one question. Default: full.",
)
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
    "skill_folder",
    is_flag=False,
    flag_value=".",
    metavar="[DIR]",
    help="Write the playbook as an Agent Skill too: DIR/SKILL.md. Default of DIR: .agents/skills/experiments.",
)
@click.option(
    "--agent-hooks",
    multiple=True,
    type=click.Choice(["claude", "codex", "cursor", "gemini"]),
    help="Have this coding agent ask `scaffold guard` before each shell command. Its file is written where there is none, else the "
    "lines to add are printed; may be repeated.",
)
@click.option("--template", "template_source", metavar="SRC", help="A checkout, bundle or Git URL of another template.")
@click.option(
    "--try",
    "try_first",
    is_flag=True,
    help="Run the baseline command first, in a copy that is thrown away, for at most 60 s, and tell what happened.",
)
@click.option(
    "--setup", is_flag=True, help="With --try: build the environment in that copy first (it downloads packages)."
)
@click.option("--yes", "-y", is_flag=True, help="Ask nothing.")
@click.option("--dry-run", is_flag=True, help="Show what would be written, and write nothing.")
@click.option("--json", "json_output", is_flag=True, help="Answer with one JSON object; ask nothing.")
def init(
    workdir: Path | None,
    skill_folder: str | None,
    template_source: str | None,
    try_first: bool,
    setup: bool,
    yes: bool,
    dry_run: bool,
    json_output: bool,
    **answer_options: Any,
) -> None:
    """Write an experiment workspace into a repository that exists.

    Creates only files that are missing; what is there stays as it is. A second run changes nothing.
    """
    from scaffold.cli.workspace.agent_skill import plan_skill_file
    from scaffold.cli.workspace.try_baseline import OFFER, run_baseline_trial
    from scaffold.conventions import detect_conventions
    from scaffold.lifecycle.answers_from_conventions import InitOptions
    from scaffold.lifecycle.baseline_trial import add_baseline_trial_answers
    from scaffold.lifecycle.init import plan_init, refuse_nested_workspace

    if setup and not try_first:
        raise click.UsageError("--setup belongs to --try")
    options = InitOptions(**answer_options)
    if workdir is None:
        workdir = Path()
        refuse_nested_workspace(workdir.resolve())
    # the repository is the same before and after the questions
    plan = functools.partial(
        plan_init, workdir, detect=functools.cache(detect_conventions), template_source=template_source
    )
    planned = plan(options)
    prompts = output.may_prompt(yes=yes or dry_run, json_output=json_output)
    prompts = prompts and _count_writes(planned, plan_skill_file(planned, skill_folder)) > 0
    if prompts and not planned.existing:
        options = _prompt_for_options(planned, options)
        planned = plan(options)
        try_first = try_first or click.confirm(OFFER, default=False)
    run = run_baseline_trial(planned, setup=setup, prompts=prompts, quiet=json_output) if try_first else None
    if run is not None and not planned.existing:
        planned = plan(options, learn=functools.partial(add_baseline_trial_answers, run=run))
    skill = plan_skill_file(planned, skill_folder)  # which speaks of the root and the server that were answered
    if prompts:
        _print_plan(planned, skill, "would write")
        click.confirm(f"Write {output.pluralize(_count_writes(planned, skill), 'file')}?", default=True, abort=True)
    planned = planned if dry_run else _write(planned, skill, options.server_url)
    if json_output:
        output.print_json(_plan_json(planned, skill, run, written=not dry_run))
        return
    if not prompts:
        _print_plan(planned, skill, "would write" if dry_run else "wrote")
    _print_remarks(planned, written=not dry_run)


def _print_remarks(planned: InitPlan, *, written: bool) -> None:
    """What to beware of, what to do by hand, and what comes next."""
    from scaffold.lifecycle.agent_hooks import hooks_to_add

    for text in planned.warnings:
        output.warn(text)
    output.warn_of_ignored_workspace(planned.root, planned.ignored)
    for hook in hooks_to_add(planned.actions):
        click.echo(f"\nadd to {hook.path}, which is yours:\n{hook.text}")
    if planned.changes and written:
        _mention_foreign_files(planned)
        click.echo(
            f"next: read {planned.root}/README.md, then plan in {planned.answers['tasks_path']}; commit {planned.root} with it"
        )


def _write(planned: InitPlan, skill: SkillFilePlan | None, server_url: str | None) -> InitPlan:
    from scaffold.cli.workspace.agent_skill import write_skill
    from scaffold.lifecycle.init import apply_init

    planned = apply_init(planned)
    if skill is not None:
        write_skill(skill)
    confirm_typed_server(server_url)
    return planned


def confirm_typed_server(url: str | None) -> None:
    """Where the user typed a server's address, the token may go there. Where that cannot be kept, it is said."""
    from scaffold.errors import ScaffoldError
    from scaffold.server import address, trusted_servers

    try:
        if url:
            trusted_servers.remember_trusted_server(address.validate_server_url(url))
    except ScaffoldError as error:
        output.warn(f"{error.message}; {error.hint}")


def _prompt_for_options(planned: InitPlan, options: InitOptions) -> InitOptions:
    """Ask the few questions that detection cannot settle, each with what it came to as the default."""
    from dataclasses import replace

    root = options.root or click.prompt("Where does the workspace go?", default=planned.root)
    goal = options.goal
    if goal is None:
        goal = _prompt("What are the experiments to find out?", planned.answers.get("experiment_goal", ""))
    metric = options.metric or _prompt("Which metric decides?", planned.answers["primary_metric"])
    direction = options.direction
    if metric and not direction:
        default = metric_directions.guess_direction(metric)  # without a default it is asked until it is answered
        direction = click.prompt("Better when", type=click.Choice(["minimize", "maximize"]), default=default)
    server = options.server_url
    if server is None:
        server = _prompt("Research server (empty for none)", "")
    kind = options.plan_kind or click.prompt(
        "A full plan, for a research loop, or a short one, for one question?",
        type=click.Choice(["full", "short"]),
        default="full",
    )
    return replace(options, root=root, goal=goal, metric=metric, direction=direction, server_url=server, plan_kind=kind)


def _prompt(question: str, default: str) -> str:
    """The answer to a question that may stay open."""
    return str(click.prompt(question, default=default, show_default=bool(default)))


def _all_actions(planned: InitPlan, skill: SkillFilePlan | None) -> list[FileAction]:
    return [*planned.actions, *([skill.action] if skill is not None else [])]


def _count_writes(planned: InitPlan, skill: SkillFilePlan | None) -> int:
    """How many files are written."""
    return len(planned.changes) + (skill is not None and skill.writes)


def _mention_foreign_files(planned: InitPlan) -> None:
    """Say that JSON files of somebody else lie where manifests will."""
    metadata = str(planned.answers["role_dirs"]["metadata"])
    if any((planned.workdir / planned.root).glob(f"**/{metadata}/*.json")):
        from scaffold import workspace as workspaces
        from scaffold.runs import audit, records

        workspace = workspaces.load_workspace(planned.workdir, planned.root)
        for note in audit.describe_foreign_files(records.read_records(workspace)):
            click.echo(note, err=True)


def _print_plan(planned: InitPlan, skill: SkillFilePlan | None, verb: str) -> None:
    """One line a file, then a sentence."""
    actions, count = _all_actions(planned, skill), _count_writes(planned, skill)
    output.print_file_actions(actions)
    version = planned.template.version
    if count:
        click.echo(f"{verb} {count} of {len(actions)} files in {planned.workdir} (template {version})")
    else:
        click.echo(f"nothing to do: the workspace in {planned.root} is complete (template {version})")


def _plan_json(
    planned: InitPlan, skill: SkillFilePlan | None, run: BaselineCommandTrial | None = None, *, written: bool
) -> dict[str, Any]:
    from dataclasses import asdict

    from scaffold.lifecycle.agent_hooks import hooks_to_add

    answer = {
        "workdir": str(planned.workdir),
        "root": planned.root,
        "template": planned.template.version,
        "written": written and _count_writes(planned, skill) > 0,
        "files": output.file_actions_json(_all_actions(planned, skill)),
        "answers": dict(planned.answers),
        "ignored": output.ignored_json(planned.ignored),
        "warnings": list(planned.warnings),
        "hooks_to_add": [{"path": hook.path, "text": hook.text} for hook in hooks_to_add(planned.actions)],
    }
    return answer if run is None else {**answer, "try": {**asdict(run), "confirmed": run.confirmed}}
