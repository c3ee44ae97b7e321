"""The abort checklist on disk: in the place of the plan, or beside one that is somebody's work."""

from __future__ import annotations

from pathlib import Path

from scaffold.errors import ScaffoldError
from scaffold.plan.document import plan_file
from scaffold.plan.document.loop_protocol import abort_checklist, placeholder_goal
from scaffold.plan.document.parse import parse_plan
from scaffold.plan.document.plan_file import read_plan
from scaffold.plan.rules.structure import is_aborted


def abort_plan(plan_path: Path, reason: str) -> Path | None:
    """Write the abort checklist in the place of the plan; a plan that was there is kept beside it, and its path given.

    Raises ScaffoldError where the folder cannot be written.
    """
    try:
        plan_path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ScaffoldError(f"{plan_path.parent} cannot be made: {error.strerror}") from error
    with plan_file.locked(plan_path.resolve()):
        kept = None
        if plan_path.exists() and (text := read_plan(plan_path)).strip() and not is_aborted(parse_plan(text)):
            kept = _free_path(plan_path.with_name(f"{plan_path.stem}.before-abort{plan_path.suffix}"))
            plan_file.write_file(kept, plan_path.read_bytes(), like=plan_path)
        plan_file.write_file(plan_path, abort_checklist(reason).encode())
    return kept


def abort_beside(plan_path: Path, reason: str) -> Path:
    """Write the abort checklist beside a plan that is somebody's work; its path. An earlier one is replaced."""
    beside = plan_path.with_name(f"{plan_path.stem}.aborted{plan_path.suffix}")
    if not is_unwritten(beside):
        beside = _free_path(beside)
    plan_file.write_file(beside, abort_checklist(reason).encode())
    return beside


def is_unwritten(plan_path: Path) -> bool:
    """Whether a plan is missing, empty, aborted, or the placeholder that the research server puts there."""
    if not plan_path.exists():
        return True
    text = read_plan(plan_path)
    return not text.strip() or placeholder_goal(text) is not None or is_aborted(parse_plan(text))


def _free_path(path: Path) -> Path:
    """`path`, or the same with the first number that nothing bears."""
    number, free = 1, path
    while free.exists():
        number += 1
        free = path.with_name(f"{path.stem}-{number}{path.suffix}")
    return free
