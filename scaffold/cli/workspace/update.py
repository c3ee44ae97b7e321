"""`scaffold update` and `scaffold add`."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from scaffold.cli.common import options, output

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
    check: bool,
    dry_run: bool,
    json_output: bool,
) -> None:
    """Bring a workspace up to a newer template, or change its answers.

    Your edits are merged with the template's; where both changed the same lines, the file gets conflict markers and the exit
    code is 3. The plan, the playbook and the records are never touched, nor is any other file of the repository.
    """
    from scaffold.lifecycle import releases
    from scaffold.lifecycle import update as lifecycle
    from scaffold.lifecycle.answer_changes import lacks_facts, parse_settings
    from scaffold.lifecycle.template_source import open_newest_template, open_recorded_template

    if check:
        beside = {"--to": version, "--set": settings, "--template": template, "--base": base, "--dry-run": dry_run}
        _alone("--check", [option for option, value in beside.items() if value])
    there = options.find_writable_workspace(workdir, root)
    if check:
        _check(there, json_output=json_output)
        return
    changed = parse_settings(there, settings)
    with contextlib.ExitStack() as stack:
        old = stack.enter_context(open_recorded_template(there, base=base))
        if template is not None:
            new = stack.enter_context(releases.open_elsewhere(template, version))
        elif version is not None or not settings:
            new = stack.enter_context(open_newest_template(there, wanted=version, base=base))
        else:
            new = old
        detected = _facts(there) if lacks_facts(there, new) else None
        planned = lifecycle.plan_update(there, old, new, answers=changed, detected=detected)
    finish(planned, dry_run=dry_run, json_output=json_output)


@click.command()
@click.argument("name")
@options.workspace_options
@click.option("--dry-run", is_flag=True, help="Print the change as a patch, and change nothing.")
@options.json_option
def add(name: str, workdir: Path, root: str | None, dry_run: bool, json_output: bool) -> None:
    """Add experiment NAME, with folders of its own, to a per-experiment workspace."""
    from scaffold.lifecycle import update as lifecycle
    from scaffold.lifecycle.answer_changes import add_experiment
    from scaffold.lifecycle.answers import checked_experiment_name
    from scaffold.lifecycle.template_source import open_recorded_template

    there = options.find_writable_workspace(workdir, root)
    changed = add_experiment(there, checked_experiment_name(name))
    with open_recorded_template(there) as template:
        planned = lifecycle.plan_update(there, template, template, answers=changed)
    finish(planned, dry_run=dry_run, json_output=json_output)


def finish(planned: UpdatePlan, *, dry_run: bool, json_output: bool) -> None:
    """Write a plan (or show its patch), say what happened, and exit 3 where there are conflicts."""
    from scaffold import git
    from scaffold.lifecycle import update as lifecycle

    if not dry_run:
        lifecycle.apply_update(planned)
    if json_output:
        output.print_json(_json(planned, written=not dry_run))
    elif dry_run:
        click.echo(planned.patch(), nl=False)
        output.print_rows(
            [
                [f"# {s.what}", s.path, f"({s.note})" if s.note else ""]
                for s in planned.steps
                if s.what not in ("update", "create")
            ]
        )
    else:
        output.print_rows([[s.what, s.path, f"({s.note})" if s.note else ""] for s in planned.steps])
        click.echo(_sentence(planned))
        created = [c.path for c in planned.changes if c.old is None]
        output.warn_ignored(planned.workspace.root, git.ignored_paths(planned.workspace.workdir, created))
    if planned.conflicts:
        click.echo(
            f"conflicts in {', '.join(planned.conflicts)}: settle the lines between <<<<<<< and >>>>>>>", err=True
        )
        sys.exit(3)


def _sentence(planned: UpdatePlan) -> str:
    if not planned.changes:
        return f"nothing to do: {planned.workspace.root} is up to date (template {planned.new_version})"
    changed = output.pluralize(len(planned.changes), "file")
    if planned.old_version == planned.new_version:
        return f"changed {changed} (template {planned.new_version})"
    return f"updated {planned.workspace.root} from {planned.old_version} to {planned.new_version}: {changed} changed"


def _facts(there: Workspace) -> dict[str, Any]:
    from scaffold.conventions import detect
    from scaffold.lifecycle.answers import fact_answers

    return fact_answers(detect(there.workdir))


def _alone(option: str, others: Sequence[str]) -> None:
    """Refuse `others`, which would have no effect beside an option. Raises WrongUsage."""
    from scaffold.errors import WrongUsage

    if others:
        raise WrongUsage(f"{option} and {others[0]} cannot go together", hint="give one of them")


def _check(there: Workspace, *, json_output: bool) -> None:
    from scaffold.lifecycle import releases, template_source

    with template_source.open_newest_template(there) as template:
        newest = template.version
    now = template_source.recorded_version(there)
    newer = releases.is_newer(newest, now)
    if json_output:
        output.print_json({"root": there.root, "template": now, "newest": newest, "update_available": newer})
    else:
        click.echo(f"{there.root}: template {now}, newest {newest}" + (": run scaffold update" if newer else ""))
    if newer:
        sys.exit(3)


def _json(planned: UpdatePlan, *, written: bool) -> dict[str, Any]:
    return {
        "root": planned.workspace.root,
        "from": planned.old_version,
        "to": planned.new_version,
        "written": written and bool(planned.changes),
        "files": [{"path": s.path, "action": s.what, "note": s.note} for s in planned.steps],
        "conflicts": planned.conflicts,
        "patch": None if written else planned.patch(),
    }
