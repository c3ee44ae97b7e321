"""init: detect, render, compare, and create what is missing; nothing of the user's is changed."""

from __future__ import annotations

import contextlib
import itertools
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from scaffold import git, transaction
from scaffold.conventions.model import Conventions
from scaffold.errors import ScaffoldError, WrongUsage
from scaffold.lifecycle import agent_hooks, answer_changes, file_kinds, files_on_disk, init_actions, location_checks
from scaffold.lifecycle.answers_from_conventions import (
    InitOptions,
    checked_relative_path,
    make_init_answers,
    make_workspace_id,
)
from scaffold.lifecycle.content_hashes import write_template_hashes
from scaffold.lifecycle.file_kinds import FileAction
from scaffold.lifecycle.files_on_disk import FilesOnDisk
from scaffold.lifecycle.template import releases
from scaffold.lifecycle.template.render import Rendering, render_template
from scaffold.lifecycle.template.source import open_recorded_template
from scaffold.runs import records_home
from scaffold.workspace import (
    ANSWERS_FILE,
    USUAL_ROOTS,
    Workspace,
    list_workspace_roots,
    load_workspace,
    workspaces_below,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class InitPlan:
    """What init is going to do with what `template` makes of the `answers`; `changes` is what it writes."""

    workdir: Path
    root: str
    template: releases.TemplateVersion
    answers: Mapping[str, Any]
    rendered: Rendering
    answers_file: bytes
    actions: tuple[FileAction, ...]
    changes: tuple[transaction.FileChange, ...]
    ignored: tuple[git.IgnoredPath, ...]
    warnings: tuple[str, ...]
    existing: bool


def plan_init(
    workdir: Path,
    options: InitOptions,
    *,
    detect: Callable[[Path], Conventions],
    template_source: str | None = None,
    learn: Callable[[dict[str, Any]], dict[str, Any]] = dict,
) -> InitPlan:
    """What init would do in `workdir`; changes nothing. `template_source`: a checkout, bundle or Git URL in place of the own template;
    `learn` adds to the answers of a new workspace what was found out by trying.

    Raises ScaffoldError when the work directory, an option, or what stands there makes a workspace impossible.
    """
    workdir, location = location_checks.check_workspace_location(workdir)
    options = _with_relative_tasks_path(workdir, options)
    existing = _existing_workspace(workdir, options)
    if existing is not None:
        _refuse_contradicting_options(existing, options, template_source)
        location_checks.check_experiment_root(workdir, existing.root)
    with _open_template(existing, template_source) as template:
        answers = (
            dict(existing.answers)
            if existing is not None
            else learn(_new_answers(workdir, options, detect, location.toplevel))
        )
        rendered = render_template(template, answers)
        disk = files_on_disk.read_files_on_disk(workdir, rendered)
        if existing is None and (kept := _user_files_in_the_way(answers, rendered, disk)):
            answers["kept_files"] = kept
            rendered = render_template(template, answers)
    root = str(answers["experiment_root"])
    answers_path = file_kinds.answers_path(root)
    actions = init_actions.choose_init_file_actions(answers, rendered, disk, goal_given=options.goal is not None)
    init_actions.check_required_init_files(answers, actions)
    changes = [disk.make_change(a.path, rendered[a.path]) for a in actions if a.what in ("create", "replace")]
    hooks = [agent_hooks.plan_agent_hook_file(workdir, agent) for agent in dict.fromkeys(options.agent_hooks)]
    return InitPlan(
        workdir=workdir,
        root=root,
        template=template,
        answers=answers,
        rendered=rendered,
        answers_file=disk.files.get(answers_path, rendered[answers_path]).data,
        actions=(*actions, *(action for action, _ in hooks)),
        # the answers file stays the last: where it is, the workspace is complete
        changes=(*(change for _, change in hooks if change is not None), *changes),
        ignored=tuple(_paths_ignored_already(workdir, root, actions)),
        warnings=(
            *location_checks.git_warnings(workdir, location),
            *_newly_ignored_warnings(workdir, answers, actions),
        ),
        existing=existing is not None,
    )


def apply_init(planned: InitPlan) -> InitPlan:
    """Carry a plan out: all of it or nothing. The plan comes back with what git says now about ignored paths."""
    with transaction.hold_workdir_lock(planned.workdir):
        transaction.apply_file_changes(planned.workdir, planned.changes)
        write_template_hashes(planned.workdir, planned.root, planned.template, planned.answers_file, planned.rendered)
    paths = [action.path for action in planned.actions if action.what != "linked"]
    return replace(planned, ignored=file_kinds.ignored_workspace_paths(planned.workdir, planned.answers, paths))


def refuse_nested_workspace(folder: Path) -> None:
    """Raise ScaffoldError where `folder`, which nobody named, lies in the repository of a workspace: a second one is rarely meant."""
    if _usual_root_in(folder) is not None:
        return
    for parent in folder.parents:
        root = _usual_root_in(parent)
        if root is not None:
            raise ScaffoldError(
                f"{parent} has a workspace already, in {root}",
                hint=f"scaffold status shows it; for a second one in {folder.relative_to(parent)}: scaffold init --workdir .",
            )
        if (parent / ".git").exists():
            return


def _usual_root_in(folder: Path) -> str | None:
    """The usual root at which a workspace lies in `folder`."""
    return next((root for root in USUAL_ROOTS if (folder / root / ANSWERS_FILE).is_file()), None)


@contextlib.contextmanager
def _open_template(existing: Workspace | None, source: str | None) -> Iterator[releases.TemplateVersion]:
    """The template to render: of the version that the existing workspace has, else the one asked for, else the own."""
    if existing is not None:
        with open_recorded_template(existing) as template:
            yield template
    elif source is not None:
        with releases.open_external_template(source) as template:
            yield template
    else:
        with releases.open_current_template() as template:
            yield template


def _new_answers(
    workdir: Path, options: InitOptions, detect: Callable[[Path], Conventions], top: Path | None
) -> dict[str, Any]:
    """The answers of a workspace that is not there yet."""
    answers = make_init_answers(detect(workdir), options)
    goal = init_actions.read_placeholder_goal(workdir, answers["tasks_path"]) if options.goal is None else None
    if goal is not None:
        answers["experiment_goal"] = goal
    location_checks.check_experiment_root(workdir, str(answers["experiment_root"]))
    answers["workspace_id"] = _free_workspace_id(workdir, str(answers["experiment_root"]), top)
    return answers


def _free_workspace_id(workdir: Path, root: str, top: Path | None) -> str:
    """The id of the place, or where a workspace that was moved from here has that one, the next."""
    own_id = make_workspace_id(workdir, root, top)
    place = Workspace(workdir=workdir, root=root, answers={"workspace_id": own_id})
    # only where records are kept of this place can there be a workspace that they belong to
    if top is None or not any(folder.is_dir() for folder in records_home.list_record_home_folders(place)[:1]):
        return own_id
    taken = set()
    for folder, other in workspaces_below(top):
        with contextlib.suppress(ScaffoldError):
            taken.add(load_workspace(folder, other).answers.get("workspace_id"))
    numbered = (make_workspace_id(workdir, f"{root}#{number}", top) for number in itertools.count(2))
    return own_id if own_id not in taken else next(each for each in numbered if each not in taken)


def _existing_workspace(workdir: Path, options: InitOptions) -> Workspace | None:
    """The workspace that is in `workdir` already, at the root that was asked for or at any."""
    if options.root is not None:
        root = checked_relative_path(options.root, option="--root")
        return load_workspace(workdir, root) if (workdir / root / ANSWERS_FILE).is_file() else None
    roots = list_workspace_roots(workdir)
    if len(roots) > 1:
        raise ScaffoldError(f"{workdir} has several workspaces: {', '.join(roots)}", hint="name one with --root")
    return load_workspace(workdir, roots[0]) if roots else None


def _refuse_contradicting_options(existing: Workspace, options: InitOptions, template_source: str | None) -> None:
    """Refuse options that contradict the answers of the workspace that is there."""
    root, answers = existing.root, existing.answers
    if template_source is not None:
        raise ScaffoldError(f"{root} is a workspace already", hint="to change its template: scaffold update --template")
    if options.experiments and list(options.experiments) != answers["experiments"]:
        raise ScaffoldError(
            f"{root} is a workspace already, with the experiments {', '.join(answers['experiments'])}",
            hint="to add one: scaffold add NAME",
        )
    for name, value in options.chosen_answers().items():
        # a workspace of before short plans has a full one
        if answers.get(name, "full" if name == "plan_kind" else None) != value:
            raise ScaffoldError(
                f"{root} is a workspace already, with {name} = {answers.get(name)!r}",
                hint=f"an update moves no files: {root} keeps its {name}; for a second workspace: --root"
                if name in answer_changes.UNCHANGEABLE
                else f"to change it: scaffold update --set {name}=VALUE",
            )


def _with_relative_tasks_path(workdir: Path, options: InitOptions) -> InitOptions:
    """`--tasks-path` relative to the work directory; it may be given absolute, as the research server does."""
    if options.tasks_path is None or not Path(options.tasks_path).is_absolute():
        return options
    path = Path(options.tasks_path)
    # of the folder alone: the plan itself may be a link, which is then the user's
    resolved = Path(os.path.realpath(path.parent), path.name)
    if not resolved.is_relative_to(workdir):
        raise WrongUsage(
            f"--tasks-path {options.tasks_path} is not inside the work directory {workdir}",
            hint="give a path below it; the playbook goes beside the plan",
        )
    return replace(options, tasks_path=resolved.relative_to(workdir).as_posix())


def _user_files_in_the_way(answers: Mapping[str, Any], rendered: Rendering, disk: FilesOnDisk) -> list[str]:
    """Files of the user that stand where the template has one of its own to manage."""
    not_managed = file_kinds.seeded_paths(answers) | {file_kinds.answers_path(answers["experiment_root"])}
    return sorted(
        p for p in rendered if p in disk.files and disk.files[p].data != rendered[p].data and p not in not_managed
    )


def _newly_ignored_warnings(workdir: Path, answers: Mapping[str, Any], actions: list[FileAction]) -> list[str]:
    """Folders of the user whose new files the workspace's .gitignore will keep out of git."""
    root = str(answers["experiment_root"])
    if not any(action.path == f"{root}/.gitignore" and action.what == "create" for action in actions):
        return []
    folders = [f"{root}/{answers['role_dirs'][role]}" for role in ("logs", "outputs")]
    filled = [folder for folder in folders if (workdir / folder).is_dir() and any((workdir / folder).iterdir())]
    return [f"new files in {' and '.join(filled)} stay out of git from now on ({root}/.gitignore)"] if filled else []


def _paths_ignored_already(workdir: Path, root: str, actions: list[FileAction]) -> list[git.IgnoredPath]:
    """What git would ignore whatever the workspace's own .gitignore says; asked before anything is written."""
    outside = [a.path for a in actions if not a.path.startswith(f"{root}/") and a.what != "linked"]
    return git.ignored_paths(workdir, [f"{root}/anything", *outside])
