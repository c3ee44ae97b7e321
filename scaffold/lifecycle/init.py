"""init: detect, render, compare, and create what is missing; nothing of the user's is changed."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from scaffold import git, transaction, workspace
from scaffold.conventions.model import Conventions
from scaffold.errors import ScaffoldError, WrongUsage
from scaffold.lifecycle import actions, answers, files, place, releases, settings
from scaffold.lifecycle.actions import Action
from scaffold.lifecycle.render import File, render
from scaffold.lifecycle.template_source import template_of
from scaffold.server.address import checked_url
from scaffold.workspace import ANSWERS, Workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What init is going to do; `changes` is what it writes."""

    workdir: Path
    root: str
    version: str
    answers: Mapping[str, Any]
    actions: tuple[Action, ...]
    changes: tuple[transaction.Change, ...]
    ignored: tuple[git.Ignored, ...]
    warnings: tuple[str, ...]
    existing: bool


def plan(
    workdir: Path,
    wishes: answers.Wishes,
    *,
    detect: Callable[[Path], Conventions],
    template: str | None = None,
) -> Plan:
    """What init would do in `workdir`; changes nothing. `template` is a checkout, bundle or Git URL instead of the own template.

    Raises ScaffoldError when the place, a wish, or what stands there makes a workspace impossible.
    """
    workdir, where = place.workdir(workdir)
    wishes = _relative_tasks(workdir, wishes)
    there = _existing(workdir, wishes)
    if there is not None:
        _unchanged_wishes(there, wishes, template)
        place.root(workdir, there.root)
    with _template(there, template) as source:
        if there is not None:
            given = dict(there.answers)
        else:
            given = answers.answers(detect(workdir), wishes)
            if wishes.goal is None and (goal := actions.carried_goal(workdir, given["tasks_path"])) is not None:
                given["experiment_goal"] = goal
            place.root(workdir, str(given["experiment_root"]))
        rendered = render(source.path, given, version=source.version, source=source.source)
        disk = files.look(workdir, rendered)
        if there is None and (kept := _kept(given, rendered, disk)):
            given["kept_files"] = kept
            rendered = render(source.path, given, version=source.version, source=source.source)
        version = source.version
    root = str(given["experiment_root"])
    todo = actions.of(given, rendered, disk, goal_given=wishes.goal is not None)
    actions.needed_files_can_be(given, todo)
    changes = [disk.change(a.path, rendered[a.path]) for a in todo if a.what in ("create", "replace")]
    return Plan(
        workdir=workdir,
        root=root,
        version=version,
        answers=given,
        actions=tuple(todo),
        changes=tuple(changes),
        ignored=tuple(_ignored_before(workdir, given, todo)),
        warnings=(*place.losses(workdir, where), *_newly_ignored(workdir, given, todo)),
        existing=there is not None,
    )


def no_workspace_above(folder: Path) -> None:
    """Raise ScaffoldError where `folder`, which nobody named, lies in the repository of a workspace: a second one is rarely meant."""
    if _root_in(folder) is not None:
        return
    for above in folder.parents:
        root = _root_in(above)
        if root is not None:
            raise ScaffoldError(
                f"{above} has a workspace already, in {root}",
                hint=f"scaffold status shows it; for a second one in {folder.relative_to(above)}: scaffold init --workdir .",
            )
        if (above / ".git").exists():
            return


def _root_in(folder: Path) -> str | None:
    """The usual root at which a workspace lies in `folder`."""
    return next((root for root in workspace.ROOTS if (folder / root / ANSWERS).is_file()), None)


def write(planned: Plan) -> Plan:
    """Carry a plan out: all of it or nothing. The plan comes back with what git says now about ignored paths."""
    with transaction.exclusive(planned.workdir):
        transaction.apply(planned.workdir, planned.changes)
    paths = [a.path for a in planned.actions if a.what != "linked"]
    return replace(planned, ignored=files.ignored(planned.workdir, planned.answers, paths))


@contextlib.contextmanager
def _template(there: Workspace | None, source: str | None) -> Iterator[releases.Template]:
    """The template to render: of the version that is there already, else the one asked for, else the own."""
    if there is not None:
        with template_of(there) as template:
            yield template
    elif source is not None:
        with releases.elsewhere(source) as template:
            yield template
    else:
        with releases.current() as template:
            yield template


def _existing(workdir: Path, wishes: answers.Wishes) -> Workspace | None:
    """The workspace that is in `workdir` already, at the wished root or at any."""
    if wishes.root is not None:
        root = answers.relative_path(wishes.root, what="--root")
        return workspace.load(workdir, root) if (workdir / root / ANSWERS).is_file() else None
    roots = workspace.roots(workdir)
    if len(roots) > 1:
        raise ScaffoldError(f"{workdir} has several workspaces: {', '.join(roots)}", hint="name one with --root")
    return workspace.load(workdir, roots[0]) if roots else None


def _unchanged_wishes(there: Workspace, wishes: answers.Wishes, template: str | None) -> None:
    """Refuse wishes that contradict the answers of the workspace that is there."""
    if template is not None:
        raise ScaffoldError(
            f"{there.root} is a workspace already", hint="to change its template: scaffold update --template"
        )
    if wishes.experiments and list(wishes.experiments) != there.answers["experiments"]:
        raise ScaffoldError(
            f"{there.root} is a workspace already, with the experiments {', '.join(there.answers['experiments'])}",
            hint="to add one: scaffold add NAME",
        )
    wished = {
        "experiment_goal": wishes.goal,
        "tasks_path": wishes.tasks_path,
        "workspace_layout": wishes.layout,
        "research_server_url": None if wishes.server_url is None else checked_url(wishes.server_url),
        "research_session_id": wishes.session_id,
        "steering_text": wishes.steering,
        "memories": list(wishes.memories) or None,
        "evolutionary_sweeps": wishes.evolutionary,
        "primary_metric": wishes.metric,
        "metric_direction": wishes.direction,
    }
    for name, value in wished.items():
        if value is not None and there.answers.get(name) != value:
            raise ScaffoldError(
                f"{there.root} is a workspace already, with {name} = {there.answers.get(name)!r}",
                hint=f"an update moves no files: {there.root} keeps its {name}; for a second workspace: --root"
                if name in settings.FIXED
                else f"to change it: scaffold update --set {name}=VALUE",
            )


def _relative_tasks(workdir: Path, wishes: answers.Wishes) -> answers.Wishes:
    """`--tasks-path` relative to the work directory; it may be given absolute, as the research server does."""
    if wishes.tasks_path is None or not Path(wishes.tasks_path).is_absolute():
        return wishes
    path = Path(wishes.tasks_path)
    resolved = Path(os.path.realpath(path.parent), path.name)
    if not resolved.is_relative_to(workdir):
        raise WrongUsage(
            f"--tasks-path {wishes.tasks_path} is not inside the work directory {workdir}",
            hint="give a path below it; the playbook goes beside the plan",
        )
    return replace(wishes, tasks_path=resolved.relative_to(workdir).as_posix())


def _kept(given: Mapping[str, Any], rendered: Mapping[str, File], disk: files.Disk) -> list[str]:
    """Files of the user that stand where the template has one of its own to manage."""
    not_managed = files.seeded(given) | {f"{given['experiment_root']}/{ANSWERS}"}
    return sorted(
        p for p in rendered if p in disk.files and disk.files[p].data != rendered[p].data and p not in not_managed
    )


def _newly_ignored(workdir: Path, given: Mapping[str, Any], actions: list[Action]) -> list[str]:
    """Folders of the user whose new files the workspace's .gitignore will keep out of git."""
    root = str(given["experiment_root"])
    if not any(a.path == f"{root}/.gitignore" and a.what == "create" for a in actions):
        return []
    folders = [f"{root}/{given['role_dirs'][role]}" for role in ("logs", "outputs")]
    used = [folder for folder in folders if (workdir / folder).is_dir() and any((workdir / folder).iterdir())]
    return [f"new files in {' and '.join(used)} stay out of git from now on ({root}/.gitignore)"] if used else []


def _ignored_before(workdir: Path, given: Mapping[str, Any], actions: list[Action]) -> list[git.Ignored]:
    """What git would ignore whatever the workspace's own .gitignore says; asked before anything is written."""
    root = str(given["experiment_root"])
    outside = [a.path for a in actions if not a.path.startswith(f"{root}/") and a.what != "linked"]
    return git.ignored(workdir, [f"{root}/anything", *outside])
