"""The abort checklist on disk: in the place of the plan, or beside one that is somebody's work; and the way back."""

from __future__ import annotations

import glob
import os
import re
from pathlib import Path

from scaffold.errors import ScaffoldError
from scaffold.plan.document import plan_file
from scaffold.plan.document.parse import parse_plan
from scaffold.plan.document.plan_file import read_plan
from scaffold.plan.document.server_loop_protocol import (
    SENTINEL,
    format_abort_checklist,
    is_abort_checklist,
    read_placeholder_plan_goal,
)
from scaffold.plan.rules.structure import is_plan_aborted

NEW_PLAN = "write a new plan: scaffold brief says what is known"


def abort_plan(plan_path: Path, reason: str) -> Path | None:
    """Write the abort checklist in the place of the plan; a plan that was there is kept beside it, and its path given.

    Raises ScaffoldError where the folder cannot be written.
    """
    try:
        plan_path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ScaffoldError(f"{plan_path.parent} cannot be made: {error.strerror}") from error
    with plan_file.hold_plan_lock(plan_path.resolve()):
        backup = None
        if plan_path.exists() and (text := read_plan(plan_path)).strip() and not is_plan_aborted(parse_plan(text)):
            backup = find_unused_path(plan_path.with_name(f"{plan_path.stem}.before-abort{plan_path.suffix}"))
            plan_file.write_file_with_permissions(backup, plan_path.read_bytes(), like=plan_path)
        plan_file.write_file_with_permissions(plan_path, format_abort_checklist(reason).encode())
    return backup


def write_abort_beside_plan(plan_path: Path, reason: str) -> Path:
    """Write the abort checklist beside a plan that is somebody's work; its path. An earlier one is replaced."""
    beside = plan_path.with_name(f"{plan_path.stem}.aborted{plan_path.suffix}")
    if beside.is_symlink() or not is_plan_unwritten(beside):
        beside = find_unused_path(beside)
    plan_file.write_file_with_permissions(beside, format_abort_checklist(reason).encode())
    return beside


def restore_aborted_plan(plan_path: Path) -> Path:
    """Put the plan that an abort kept beside the checklist back into its place; where it lay.

    Raises ScaffoldError where the plan is not aborted, where no plan was kept, and where somebody wrote into the checklist.
    """
    with plan_file.hold_plan_lock(plan_path.resolve()):
        text = read_plan(plan_path)
        if SENTINEL not in text:
            raise ScaffoldError(f"{plan_path} is not aborted", hint="scaffold plan next names the task to take up")
        backup = find_plan_kept_by_abort(plan_path)
        if backup is None:
            raise ScaffoldError(f"no earlier plan is kept beside {plan_path}", hint=NEW_PLAN)
        if not is_abort_checklist(text):
            hint = f"take out what is yours, then put {backup} in its place"
            raise ScaffoldError(
                f"something was written into the checklist in {plan_path}, and would be lost", hint=hint
            )
        plan_file.write_file_with_permissions(plan_path, backup.read_bytes(), like=backup)
        try:
            backup.unlink()
        except OSError as error:
            raise ScaffoldError(f"{backup} is back in its place, and cannot be removed: {error.strerror}") from error
    return backup


def find_plan_kept_by_abort(plan_path: Path) -> Path | None:
    """The plan that the latest abort kept; None where there is none."""
    numbered = {}
    for path in plan_path.parent.glob(f"{glob.escape(plan_path.stem)}.before-abort*{plan_path.suffix}"):
        number = path.stem.removeprefix(f"{plan_path.stem}.before-abort")
        if re.fullmatch(r"|-\d{1,9}", number) and not path.is_symlink():
            numbered[int(number[1:] or 1)] = path
    return numbered[max(numbered)] if numbered else None


def explain_abort_recovery(plan_path: Path) -> str | None:
    """What to say of a plan that is aborted, and what leads back; None where it is not."""
    try:
        if SENTINEL not in read_plan(plan_path):
            return None
    except ScaffoldError:  # whoever needs the plan says what is wrong with it
        return None
    backup = find_plan_kept_by_abort(plan_path)
    advice = f"`scaffold plan resume` puts {backup.name} back" if backup else NEW_PLAN
    return f"the plan is aborted: {advice}"


def is_plan_unwritten(plan_path: Path) -> bool:
    """Whether a plan is missing, empty, aborted, or the placeholder that the research server puts there."""
    if not plan_path.exists():
        return True
    text = read_plan(plan_path)
    return not text.strip() or read_placeholder_plan_goal(text) is not None or is_plan_aborted(parse_plan(text))


def find_unused_path(path: Path) -> Path:
    """`path`, or the same with the first number that nothing bears."""
    number, free = 1, path
    while os.path.lexists(free):
        number += 1
        free = path.with_name(f"{path.stem}-{number}{path.suffix}")
    return free
