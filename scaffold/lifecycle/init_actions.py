"""What init does about each file that the template has: what is missing is created, what is the user's stays."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scaffold.errors import ScaffoldError
from scaffold.lifecycle import files
from scaffold.lifecycle.render import RenderedFile
from scaffold.plan.document.placeholder import placeholder_goal
from scaffold.workspace import ANSWERS_FILE

LINK = "it is a link, and yours"


@dataclass(frozen=True, slots=True, kw_only=True)
class InitAction:
    """What init does about one file: create, same, keep (the user's differs), replace (a placeholder) or linked."""

    path: str
    what: str
    note: str = ""


def choose_actions(
    given: Mapping[str, Any], rendered: Mapping[str, RenderedFile], disk: files.FilesOnDisk, *, goal_given: bool
) -> list[InitAction]:
    """One action for each file that is `rendered`, the answers file last; `goal_given`: the user said what the goal is."""
    last = f"{given['experiment_root']}/{ANSWERS_FILE}"
    return [
        _choose_action(p, given, rendered[p], disk, goal_given) for p in sorted(rendered, key=lambda p: (p == last, p))
    ]


def _choose_action(
    path: str, given: Mapping[str, Any], file: RenderedFile, disk: files.FilesOnDisk, goal_given: bool
) -> InitAction:
    if path in disk.linked:
        link = disk.linked[path]
        return InitAction(
            path=path, what="linked", note=LINK if link == path else f"{link} is a link; nothing is written through it"
        )
    if path not in disk.files:
        return InitAction(path=path, what="create")
    there = disk.files[path]
    if there.data == file.data:
        return InitAction(path=path, what="same")
    goal = placeholder_goal(there.data.decode("utf-8", "replace")) if path == given["tasks_path"] else None
    if goal is not None:
        return _placeholder_action(path, goal, given, goal_given)
    return InitAction(path=path, what="keep", note="yours is kept")


def _placeholder_action(path: str, goal: str, given: Mapping[str, Any], goal_given: bool) -> InitAction:
    """The research server's placeholder plan holds one thing of somebody's, its goal: that is never lost silently."""
    if goal == given.get("experiment_goal"):
        return InitAction(
            path=path, what="replace", note="the research server's placeholder; its goal was carried over"
        )
    if goal_given:
        return InitAction(
            path=path, what="replace", note="the research server's placeholder; the goal that was given stands in it"
        )
    return InitAction(
        path=path,
        what="keep",
        note="the research server's placeholder with another goal: scaffold update --set experiment_goal=GOAL, then init",
    )


def check_needed_files(given: Mapping[str, Any], actions: list[InitAction]) -> None:
    """Without its recorder, its answers and its plan a workspace is none. Raises ScaffoldError where one cannot be."""
    scripts = f"{given['experiment_root']}/{given['role_dirs']['scripts']}/"
    for action in actions:
        behind = action.what == "linked" and action.note != LINK
        if behind and (action.path.startswith(scripts) or action.path == given["tasks_path"]):
            raise ScaffoldError(
                f"{action.path} cannot be written: {action.note}",
                hint="make that folder a real one, or choose another place with --root or --tasks-path",
            )
        if action.path.endswith(ANSWERS_FILE) and action.what == "linked":
            raise ScaffoldError(f"{action.path} is a symbolic link", hint="replace it by the file itself")
        if action.what in ("keep", "linked") and action.path == f"{scripts}record_run.py":
            raise ScaffoldError(
                f"{action.path} is already there and is not the recorder", hint="rename it, or choose another --root"
            )


def read_placeholder_goal(workdir: Path, tasks_path: str) -> str | None:
    """The goal in the research server's placeholder plan, where one stands."""
    path = workdir / tasks_path
    with contextlib.suppress(OSError, UnicodeDecodeError):
        return placeholder_goal(path.read_text(encoding="utf-8")) if path.is_file() else None
    return None
