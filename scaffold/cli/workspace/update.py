"""`scaffold update` and `scaffold add`."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import click

from scaffold.cli.common import options, output
from scaffold.cli.workspace.init import confirm_typed_server

if TYPE_CHECKING:
    from scaffold.lifecycle.update import UpdatePlan
    from scaffold.workspace import Workspace


@click.command()
@options.workspace_options
@click.option("--to", "version", metavar="VERSION", help="The template version to go to. Default: the newest.")
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="NAME=VALUE",
    help="Change an answer: a text as it is typed, all else as YAML. May be repeated.",
)
@click.option("--template", metavar="SRC", help="Take the new version from a checkout, bundle or Git URL.")
@click.option(
    "--base", metavar="VERSION", help="Treat the workspace as made from this version, where its own is not to be had."
)
@click.option(
    "--detect",
    "detect_again",
    is_flag=True,
    help="Show what detection would answer differently today, and take what is accepted.",
)
@click.option(
    "--accept",
    multiple=True,
    metavar="NAME",
    help="With --detect: take this answer; `all` takes every one. May be repeated.",
)
@click.option("--check", is_flag=True, help="Only say whether there is a newer version; exit 3 if there is.")
@click.option("--dry-run", is_flag=True, help="Print the change as a patch, and change nothing.")
@options.json_option
def update(
    workdir: Path,
    root: str | None,
    version: str | None,
    settings: tuple[str, ...],
    template: str | None,
    base: str | None,
    detect_again: bool,
    accept: tuple[str, ...],
    check: bool,
    dry_run: bool,
    json_output: bool,
) -> None:
    """Bring a workspace up to a newer template, or change its answers.

    Your edits are merged with the template's; where both changed the same lines, the file gets conflict markers and the exit
    code is 3. The plan, the playbook and the records are never touched, nor is any other file of the repository.
    """
    from scaffold.lifecycle.answer_changes import lacks_fact_answers, parse_settings
    from scaffold.lifecycle.template import releases
    from scaffold.lifecycle.template.source import open_newest_template, open_recorded_template, remote_template_source
    from scaffold.lifecycle.update import plan_update

    if check:
        without_effect = {
            "--to": version,
            "--set": settings,
            "--template": template,
            "--base": base,
            "--detect": detect_again,
            "--dry-run": dry_run,
        }
        _refuse_beside("--check", [option for option, value in without_effect.items() if value])
    if accept and not detect_again:
        raise click.UsageError("--accept belongs to --detect")
    workspace = options.find_writable_workspace(workdir, root)
    if detect_again:
        _refuse_beside(
            "--detect", [option for option, value in {"--to": version, "--template": template}.items() if value]
        )
        _update_facts(workspace, accept, parse_settings(workspace, settings), dry_run=dry_run, json_output=json_output)
        return
    if check:
        _report_newer_version(workspace, json_output=json_output)
        return
    new_answers = parse_settings(workspace, settings)
    if not dry_run:
        confirm_typed_server(new_answers.get("research_server_url"))
    fetch_from = template or (
        remote_template_source(workspace) if _asks_to_fetch(workspace, json_output=json_output) else None
    )
    with contextlib.ExitStack() as stack:
        old = stack.enter_context(open_recorded_template(workspace, base=base, fetch_from=fetch_from))
        if template is not None:
            new = stack.enter_context(releases.open_external_template(template, version))
        elif version is not None or not settings:
            new = stack.enter_context(
                open_newest_template(workspace, version=version, base=base, fetch_from=fetch_from)
            )
        else:
            new = old
        detected = _detect_facts(workspace) if lacks_fact_answers(workspace, new) else None
        planned = plan_update(workspace, old, new, new_answers=new_answers, detected=detected)
    _apply_and_report(planned, dry_run=dry_run, json_output=json_output)


def _asks_to_fetch(workspace: Workspace, *, json_output: bool) -> bool:
    """Whether the user, asked on a terminal, says that the template may be fetched from where the answers file says."""
    from scaffold.lifecycle.template.source import remote_template_source

    source = remote_template_source(workspace)
    if source is None or not output.may_prompt(yes=False, json_output=json_output):
        return False
    return click.confirm(f"This workspace's template comes from {source}. Fetch it?", default=False, err=True)


@click.command()
@click.argument("name")
@options.workspace_options
@click.option("--dry-run", is_flag=True, help="Print the change as a patch, and change nothing.")
@options.json_option
def add(name: str, workdir: Path, root: str | None, dry_run: bool, json_output: bool) -> None:
    """Add experiment NAME, with folders of its own, to a per-experiment workspace."""
    from scaffold.lifecycle.answer_changes import answers_with_experiment
    from scaffold.lifecycle.answers_from_conventions import checked_experiment_name
    from scaffold.lifecycle.template.source import open_recorded_template, remote_template_source
    from scaffold.lifecycle.update import plan_update

    workspace = options.find_writable_workspace(workdir, root)
    new_answers = answers_with_experiment(workspace, checked_experiment_name(name))
    fetch_from = remote_template_source(workspace) if _asks_to_fetch(workspace, json_output=json_output) else None
    with open_recorded_template(workspace, fetch_from=fetch_from) as template:
        planned = plan_update(workspace, template, template, new_answers=new_answers)
    _apply_and_report(planned, dry_run=dry_run, json_output=json_output)


def _update_facts(
    workspace: Workspace, accept: Sequence[str], settings: dict[str, Any], *, dry_run: bool, json_output: bool
) -> None:
    """Show what detection would answer differently today, take what is accepted; exit 3 where something is left."""
    from scaffold.cli.workspace.update_facts import choose_fact_changes, fact_changes_json
    from scaffold.lifecycle.template.source import open_recorded_template
    from scaffold.lifecycle.update import plan_update

    changes, accepted = choose_fact_changes(workspace, accept, json_output=json_output)
    if not changes and not json_output:
        click.echo(f"nothing to do: {workspace.root} has what detection finds")
    with open_recorded_template(workspace) as template:
        planned = plan_update(workspace, template, template, new_answers={**accepted, **settings})
    if accepted or settings or json_output:
        _apply_and_report(planned, dry_run=dry_run, json_output=json_output, more=fact_changes_json(changes, accepted))
    left = [change.name for change in changes if change.name not in accepted]
    if left and not json_output:
        click.echo(
            f"not taken: {', '.join(left)}; to take it: scaffold update --detect --accept {left[0]} (or all)", err=True
        )
    if left:
        sys.exit(3)


def _apply_and_report(
    planned: UpdatePlan, *, dry_run: bool, json_output: bool, more: Mapping[str, Any] = MappingProxyType({})
) -> None:
    """Write a plan (or show its patch), say what happened, and exit 3 where there are conflicts."""
    from scaffold import git
    from scaffold.lifecycle.update import apply_update

    if not dry_run:
        apply_update(planned)
    if json_output:
        output.print_json(_plan_json(planned, written=not dry_run) | dict(more))
    elif dry_run:
        output.print_verbatim(planned.patch())
        # what is written stands in the patch; the rest is said in lines that a patch may hold
        output.print_file_actions([a for a in planned.actions if a.what not in ("update", "create")], mark="# ")
    else:
        output.print_file_actions(planned.actions)
        click.echo(_describe_outcome(planned))
        created = [change.path for change in planned.changes if change.old is None]
        output.warn_of_ignored_workspace(planned.workspace.root, git.ignored_paths(planned.workspace.workdir, created))
    if planned.conflicts:
        click.echo(
            f"conflicts in {', '.join(planned.conflicts)}: settle the lines between <<<<<<< and >>>>>>>", err=True
        )
        sys.exit(3)


def _describe_outcome(planned: UpdatePlan) -> str:
    root, new_version = planned.workspace.root, planned.template.version
    if not planned.changes:
        return f"nothing to do: {root} is up to date (template {new_version})"
    files = output.pluralize(len(planned.changes), "file")
    if planned.old_version == new_version:
        return f"changed {files} (template {new_version})"
    return f"updated {root} from {planned.old_version} to {new_version}: {files} changed"


def _detect_facts(workspace: Workspace) -> dict[str, Any]:
    from scaffold import git
    from scaffold.conventions import detect_conventions
    from scaffold.lifecycle.answers_from_conventions import fact_answers, make_workspace_id

    top = git.toplevel(workspace.workdir)
    own_id = make_workspace_id(workspace.workdir, workspace.root, top)
    return {"workspace_id": own_id, **fact_answers(detect_conventions(workspace.workdir))}


def _refuse_beside(option: str, others: Sequence[str]) -> None:
    """Refuse `others`, which would have no effect beside an option. Raises WrongUsage."""
    from scaffold.errors import WrongUsage

    if others:
        raise WrongUsage(f"{option} and {others[0]} cannot go together", hint="give one of them")


def _report_newer_version(workspace: Workspace, *, json_output: bool) -> None:
    """Say whether there is a newer template; exit 3 where there is."""
    from scaffold.lifecycle.template import releases
    from scaffold.lifecycle.template import source as template_source

    with template_source.open_newest_template(workspace) as template:
        newest = template.version
    recorded = template_source.recorded_template_version(workspace)
    is_newer = releases.is_newer_version(newest, recorded)
    if json_output:
        output.print_json(
            {"root": workspace.root, "template": recorded, "newest": newest, "update_available": is_newer}
        )
    else:
        hint = ": run scaffold update" if is_newer else ""
        click.echo(f"{workspace.root}: template {recorded}, newest {newest}{hint}")
    if is_newer:
        sys.exit(3)


def _plan_json(planned: UpdatePlan, *, written: bool) -> dict[str, Any]:
    return {
        "root": planned.workspace.root,
        "from": planned.old_version,
        "to": planned.template.version,
        "written": written and bool(planned.changes),
        "files": output.file_actions_json(planned.actions),
        "conflicts": planned.conflicts,
        "patch": None if written else planned.patch(),
    }
