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
from scaffold.lifecycle import answer_changes, answers, files, init_actions, location_checks, releases
from scaffold.lifecycle.init_actions import InitAction
from scaffold.lifecycle.render import RenderedFile, render_template
from scaffold.lifecycle.template_source import open_recorded_template
from scaffold.server.address import check_url
from scaffold.workspace import ANSWERS_FILE, Workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class InitPlan:
    """What init is going to do; `changes` is what it writes."""

    workdir: Path
    root: str
    version: str
    answers: Mapping[str, Any]
    actions: tuple[InitAction, ...]
    changes: tuple[transaction.FileChange, ...]
    ignored: tuple[git.IgnoredPath, ...]
    warnings: tuple[str, ...]
    existing: bool


def plan_init(
    workdir: Path,
    wishes: answers.InitOptions,
    *,
    detect: Callable[[Path], Conventions],
    template: str | None = None,
) -> InitPlan:
    """What init would do in `workdir`; changes nothing. `template` is a checkout, bundle or Git URL instead of the own template.

    Raises ScaffoldError when the place, a wish, or what stands there makes a workspace impossible.
    """
    workdir, where = location_checks.check_workdir(workdir)
    wishes = _with_relative_tasks_path(workdir, wishes)
    there = _existing_workspace(workdir, wishes)
    if there is not None:
        _refuse_contradicting_options(there, wishes, template)
        location_checks.check_root(workdir, there.root)
    with _template_for(there, template) as source:
        if there is not None:
            given = dict(there.answers)
        else:
            given = answers.make_answers(detect(workdir), wishes)
            if (
                wishes.goal is None
                and (goal := init_actions.read_placeholder_goal(workdir, given["tasks_path"])) is not None
            ):
                given["experiment_goal"] = goal
            location_checks.check_root(workdir, str(given["experiment_root"]))
        rendered = render_template(source.path, given, version=source.version, source=source.source)
        disk = files.read_files(workdir, rendered)
        if there is None and (kept := _user_files_in_the_way(given, rendered, disk)):
            given["kept_files"] = kept
            rendered = render_template(source.path, given, version=source.version, source=source.source)
        version = source.version
    root = str(given["experiment_root"])
    todo = init_actions.choose_actions(given, rendered, disk, goal_given=wishes.goal is not None)
    init_actions.check_needed_files(given, todo)
    changes = [disk.change(a.path, rendered[a.path]) for a in todo if a.what in ("create", "replace")]
    return InitPlan(
        workdir=workdir,
        root=root,
        version=version,
        answers=given,
        actions=tuple(todo),
        changes=tuple(changes),
        ignored=tuple(_paths_ignored_already(workdir, given, todo)),
        warnings=(*location_checks.git_warnings(workdir, where), *_newly_ignored_warnings(workdir, given, todo)),
        existing=there is not None,
    )


def refuse_nested_workspace(folder: Path) -> None:
    """Raise ScaffoldError where `folder`, which nobody named, lies in the repository of a workspace: a second one is rarely meant."""
    if _usual_root_in(folder) is not None:
        return
    for above in folder.parents:
        root = _usual_root_in(above)
        if root is not None:
            raise ScaffoldError(
                f"{above} has a workspace already, in {root}",
                hint=f"scaffold status shows it; for a second one in {folder.relative_to(above)}: scaffold init --workdir .",
            )
        if (above / ".git").exists():
            return


def _usual_root_in(folder: Path) -> str | None:
    """The usual root at which a workspace lies in `folder`."""
    return next((root for root in workspace.USUAL_ROOTS if (folder / root / ANSWERS_FILE).is_file()), None)


def apply_init(planned: InitPlan) -> InitPlan:
    """Carry a plan out: all of it or nothing. The plan comes back with what git says now about ignored paths."""
    with transaction.workdir_lock(planned.workdir):
        transaction.apply_changes(planned.workdir, planned.changes)
    paths = [a.path for a in planned.actions if a.what != "linked"]
    return replace(planned, ignored=files.ignored_workspace_paths(planned.workdir, planned.answers, paths))


@contextlib.contextmanager
def _template_for(there: Workspace | None, source: str | None) -> Iterator[releases.TemplateVersion]:
    """The template to render: of the version that is there already, else the one asked for, else the own."""
    if there is not None:
        with open_recorded_template(there) as template:
            yield template
    elif source is not None:
        with releases.open_elsewhere(source) as template:
            yield template
    else:
        with releases.open_current() as template:
            yield template


def _existing_workspace(workdir: Path, wishes: answers.InitOptions) -> Workspace | None:
    """The workspace that is in `workdir` already, at the wished root or at any."""
    if wishes.root is not None:
        root = answers.checked_relative_path(wishes.root, what="--root")
        return workspace.load_workspace(workdir, root) if (workdir / root / ANSWERS_FILE).is_file() else None
    roots = workspace.list_roots(workdir)
    if len(roots) > 1:
        raise ScaffoldError(f"{workdir} has several workspaces: {', '.join(roots)}", hint="name one with --root")
    return workspace.load_workspace(workdir, roots[0]) if roots else None


def _refuse_contradicting_options(there: Workspace, wishes: answers.InitOptions, template: str | None) -> None:
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
        "research_server_url": None if wishes.server_url is None else check_url(wishes.server_url),
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
                if name in answer_changes.UNCHANGEABLE
                else f"to change it: scaffold update --set {name}=VALUE",
            )


def _with_relative_tasks_path(workdir: Path, wishes: answers.InitOptions) -> answers.InitOptions:
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


def _user_files_in_the_way(
    given: Mapping[str, Any], rendered: Mapping[str, RenderedFile], disk: files.FilesOnDisk
) -> list[str]:
    """Files of the user that stand where the template has one of its own to manage."""
    not_managed = files.seeded_paths(given) | {f"{given['experiment_root']}/{ANSWERS_FILE}"}
    return sorted(
        p for p in rendered if p in disk.files and disk.files[p].data != rendered[p].data and p not in not_managed
    )


def _newly_ignored_warnings(workdir: Path, given: Mapping[str, Any], actions: list[InitAction]) -> list[str]:
    """Folders of the user whose new files the workspace's .gitignore will keep out of git."""
    root = str(given["experiment_root"])
    if not any(a.path == f"{root}/.gitignore" and a.what == "create" for a in actions):
        return []
    folders = [f"{root}/{given['role_dirs'][role]}" for role in ("logs", "outputs")]
    used = [folder for folder in folders if (workdir / folder).is_dir() and any((workdir / folder).iterdir())]
    return [f"new files in {' and '.join(used)} stay out of git from now on ({root}/.gitignore)"] if used else []


def _paths_ignored_already(workdir: Path, given: Mapping[str, Any], actions: list[InitAction]) -> list[git.IgnoredPath]:
    """What git would ignore whatever the workspace's own .gitignore says; asked before anything is written."""
    root = str(given["experiment_root"])
    outside = [a.path for a in actions if not a.path.startswith(f"{root}/") and a.what != "linked"]
    return git.ignored_paths(workdir, [f"{root}/anything", *outside])
