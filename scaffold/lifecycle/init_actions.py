"""What init does about each file that the template has: what is missing is created, what is the user's stays."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from scaffold import path_containment
from scaffold.errors import ScaffoldError
from scaffold.lifecycle import file_kinds
from scaffold.lifecycle.file_kinds import FileAction
from scaffold.lifecycle.files_on_disk import FilesOnDisk
from scaffold.lifecycle.template.render import RenderedFile, Rendering
from scaffold.plan.document.server_loop_protocol import read_placeholder_plan_goal
from scaffold.workspace import ANSWERS_FILE

LINK_NOTE = "it is a link, and yours"


def choose_init_file_actions(
    answers: Mapping[str, Any], rendered: Rendering, disk: FilesOnDisk, *, goal_given: bool
) -> list[FileAction]:
    """One action for each file that is `rendered`; `goal_given`: the user said what the goal is.

    The answers file is the last: it makes a folder a workspace, and so may stand only where all else does.
    """
    answers_path = file_kinds.answers_path(answers["experiment_root"])
    paths = sorted(rendered, key=lambda path: (path == answers_path, path))
    return [_choose_action(path, answers, rendered[path], disk, goal_given) for path in paths]


def _choose_action(
    path: str, answers: Mapping[str, Any], file: RenderedFile, disk: FilesOnDisk, goal_given: bool
) -> FileAction:
    if path in disk.linked:
        link = disk.linked[path]
        note = LINK_NOTE if link == path else f"{link} is a link; nothing is written through it"
        return FileAction(path, "linked", note)
    if path not in disk.files:
        return FileAction(path, "create")
    data = disk.files[path].data
    if data == file.data:
        return FileAction(path, "same")
    goal = read_placeholder_plan_goal(data.decode("utf-8", "replace")) if path == answers["tasks_path"] else None
    if goal is not None:
        return _placeholder_action(path, goal, answers, goal_given)
    return FileAction(path, "keep", "yours is kept")


def _placeholder_action(path: str, goal: str, answers: Mapping[str, Any], goal_given: bool) -> FileAction:
    """The research server's placeholder plan holds one thing of somebody's, its goal: that is never lost silently."""
    name = "the research server's placeholder"
    if goal == answers.get("experiment_goal"):
        return FileAction(path, "replace", f"{name}; its goal was carried over")
    if goal_given:
        return FileAction(path, "replace", f"{name}; the goal that was given stands in it")
    note = f"{name} with another goal: scaffold update --set experiment_goal=GOAL, then init"
    return FileAction(path, "keep", note)


def check_required_init_files(answers: Mapping[str, Any], actions: list[FileAction]) -> None:
    """Without its recorder, its answers and its plan a workspace is none. Raises ScaffoldError where one cannot be."""
    scripts = f"{answers['experiment_root']}/{answers['role_dirs']['scripts']}/"
    for action in actions:
        behind_link = action.what == "linked" and action.note != LINK_NOTE
        if behind_link and (action.path.startswith(scripts) or action.path == answers["tasks_path"]):
            raise ScaffoldError(
                f"{action.path} cannot be written: {action.note}",
                hint="make that folder a real one, or choose another place with --root or --tasks-path",
            )
        if action.path.endswith(ANSWERS_FILE) and action.what == "linked":
            raise ScaffoldError(f"{action.path} is a symbolic link", hint="replace it by the file itself")
        is_recorder = action.path == f"{scripts}record_run.py" or action.path.startswith(f"{scripts}_record_run/")
        if action.what in ("keep", "linked") and is_recorder:
            raise ScaffoldError(
                f"{action.path} is already there and is not the recorder", hint="rename it, or choose another --root"
            )


def read_placeholder_goal(workdir: Path, tasks_path: str) -> str | None:
    """The goal in the research server's placeholder plan, where one stands."""
    with contextlib.suppress(OSError, UnicodeDecodeError):
        path = path_containment.join_contained_path(workdir, tasks_path)
        return read_placeholder_plan_goal(path.read_text(encoding="utf-8")) if path.is_file() else None
    return None
