"""Edits of a plan as text -> text: each changes or adds one line and keeps every other character."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from scaffold.errors import ScaffoldError
from scaffold.plan.document import task_ids
from scaffold.plan.document.markdown_inline import escape_for_message, mask_markup
from scaffold.plan.document.model import Phase, Plan, Task
from scaffold.plan.document.parse import parse_plan

ENDING = re.compile(r"\r\n|\r|\n")


def find_task(plan: Plan, task_id: str) -> Task:
    """The task with an id. Raises ScaffoldError where there is none, or where two bear it."""
    canonical = task_id.strip().strip("[]").upper()
    matches = [task for task in plan.tasks if task.id and task.id == canonical]
    if len(matches) > 1:
        lines = ", ".join(str(task.line) for task in matches)
        raise ScaffoldError(f"{task_id} is the id of {len(matches)} tasks (lines {lines})", hint="scaffold plan check")
    if not matches:
        ids = ", ".join(task.id for task in plan.tasks if task.id) or "it has no tasks with ids"
        raise ScaffoldError(f"the plan has no task {task_id}", hint=f"its tasks: {escape_for_message(ids, 300)}")
    return matches[0]


def set_task_mark(text: str, task_id: str, mark: str) -> str:
    """`text` with another mark in the box of one task: one character changes, or none."""
    task = find_task(parse_plan(text), task_id)
    return text[: task.mark_offset] + mark + text[task.mark_offset + 1 :]


def append_task(
    text: str,
    phase: int,
    description: str,
    fields: Sequence[tuple[str, str]],
    reserved: Collection[task_ids.IdNumbers] = (),
) -> tuple[str, str]:
    """`text` with one more task at the end of a phase, and the new task's id: none that the plan mentions, or that is `reserved`.

    Raises ScaffoldError where there is no such phase, where two bear its number, and where an open comment would swallow it.
    """
    plan = parse_plan(text)
    target = _find_phase(plan, phase)
    numbers = [task.id_numbers[1] for task in plan.tasks if task.id_numbers and task.id_numbers[0] == phase]
    mentioned = task_ids.mentioned_ids(text)
    new_id = f"P{phase}-T{task_ids.next_task_number(phase, max(numbers, default=0), mentioned | set(reserved))}"
    pieces = [
        f"[{new_id}] {_escape_for_task_line(description)}",
        *(f"{name}: {_escape_for_task_line(value)}" for name, value in fields),
    ]
    offset, indent = _insertion_point(plan, target)
    ending = next(iter(ENDING.findall(text)), "\n")
    skipped = sorted(f"P{phase}-T{m}" for n, m in reserved if n == phase and (n, m) not in mentioned)
    # said in the plan, so that nobody wonders at the gap, and the rule that ids count does not either
    note = f" <!-- of earlier tasks: {', '.join(skipped)} -->" if skipped else ""
    line = f"{indent}- [ ] {' | '.join(pieces)}{note}"
    line_end = ending if offset and text[offset - 1] not in "\r\n" else ""
    gap = "" if target.tasks else ending
    below = next((line for line in plan.lines if line.start >= offset), None)
    # a paragraph right below would go on with the new task
    apart = ending if below is not None and below.kind in ("text", "comment") else ""
    longer = "".join((text[:offset], line_end, gap, line, ending, apart, text[offset:]))
    if all(task.id != new_id for task in parse_plan(longer).tasks):
        raise ScaffoldError(
            f"phase {phase} ends in a comment that is not closed", hint="scaffold plan check names its line"
        )
    return longer, new_id


def _find_phase(plan: Plan, number: int) -> Phase:
    matches = [phase for phase in plan.phases if phase.number == number]
    if len(matches) != 1:
        numbers = ", ".join(str(phase.number) for phase in plan.phases) or "none"
        reason = "no phase" if not matches else f"{len(matches)} phases"
        raise ScaffoldError(f"the plan has {reason} {number}", hint=f"its phases: {numbers}")
    return matches[0]


def _insertion_point(plan: Plan, phase: Phase) -> tuple[int, str]:
    """Where a new task of a phase begins in the text, and the indentation of its neighbours."""
    tasks = [task for task in phase.tasks if not task.nested]
    last_line = tasks[-1].line if tasks else phase.line
    inner = [task for task in phase.tasks if task.line >= last_line]
    last = max([phase.line, *(task.body[-1].number if task.body else task.line for task in inner)])
    start = plan.lines[last].start if last < len(plan.lines) else len(plan.text)
    text = plan.lines[last_line - 1].text
    return start, text[: len(text) - len(text.lstrip())] if tasks else ""


def _escape_for_task_line(text: str) -> str:
    """Text from outside as part of a task line: no line break, no comment, no separator but in code, no code that stays open."""
    flat = " ".join(text.split()).replace("<!--", "< !--")
    mask = mask_markup(flat)
    return "".join(f"\\{letter}" if plain in "|`" else letter for letter, plain in zip(flat, mask, strict=True))
