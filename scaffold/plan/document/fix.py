"""Mends what is mechanical in a plan: ids, marks, spacing, field order. Text -> text; what is right already stays as it is.

Meaning is kept: every task keeps its state, its words, its fields and what it depends on. Where a change could make two things
mean something else, it is left for a person: no id of a plan in which a task was started changes (ids stand in run manifests).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

from scaffold.plan.document import task_fields, task_ids
from scaffold.plan.document.model import Plan, Task
from scaffold.plan.document.near_misses import BEFORE_ID, MENDABLE
from scaffold.plan.document.parse import CHECKBOX, parse_plan

ORDER = ("depends", "deliverable", "done-when", "evidence", "follow-up-when", "continue-if", "kind")


def fix_plan(text: str, *, reserved: Collection[task_ids.IdNumbers] = ()) -> str:
    """`text` with everything mended that is mechanical; mending it again changes nothing.

    `reserved`: the ids that runs or records name. They are given to no task, and those that are there stay.
    """
    text = mend_task_boxes(text)
    plan = parse_plan(text)
    current, final = task_ids.fill_in_task_ids(plan, reserved), task_ids.renumbered_ids(plan, reserved)
    # of two tasks with one id a mention means the first, so that one is written last
    renames = {current[task.line]: final[task.line] for task in reversed(plan.tasks) if task.line in current}
    lines: dict[int, str] = {}
    tasks = {task.line: task for task in plan.tasks}
    for line in plan.lines:
        task = tasks.get(line.number)
        mended = _mend_task_line(line.text, task, final, renames) if task else _rename_ids(line.text, renames)
        if mended != line.text:
            lines[line.number] = mended
    return _replace_lines(plan, lines)


def _replace_lines(plan: Plan, lines: Mapping[int, str]) -> str:
    pieces, position = [], 0
    for number, replacement in sorted(lines.items()):
        line = plan.lines[number - 1]
        pieces += [plan.text[position : line.start], replacement]
        position = line.start + len(line.text)
    return "".join([*pieces, plan.text[position:]])


def mend_task_boxes(text: str) -> str:
    """`text` with the boxes mended that only lack a space, or have one too many."""
    plan = parse_plan(text)
    lines = {}
    for near_miss in plan.near_misses:
        if near_miss.fixable and (match := MENDABLE.match(plan.lines[near_miss.line - 1].text)):
            indent, marker, before, mark, behind, rest = match.groups()
            lines[near_miss.line] = f"{indent}{marker}{before or ' '}[{mark.lower() or ' '}]{behind or ' '}{rest}"
    return _replace_lines(plan, lines)


def mend_near_misses(plan: Plan) -> str:
    """The plan's text, line by line, with a plain box in each line that looks like a task and has an id, or a box that can be mended.

    Only to be read by rules: it does not say whether such a task was begun.
    """
    lines = {}
    for near_miss in plan.near_misses:
        text = plan.lines[near_miss.line - 1].text
        if match := MENDABLE.match(text) if near_miss.fixable else BEFORE_ID.match(text):
            indent, task = (match[1], match[6]) if near_miss.fixable else match.groups()
            lines[near_miss.line] = f"{indent}- [ ] {task}"
    return _replace_lines(plan, lines)


def _rename_ids(text: str, renames: Mapping[str, str]) -> str:
    def replacement(match: re.Match[str]) -> str:
        canonical = f"P{int(match[1])}-T{int(match[2])}"
        renamed = renames.get(canonical, canonical)
        return renamed if renamed != canonical else match[0]

    return task_ids.MENTION.sub(replacement, text)


def _mend_task_line(text: str, task: Task, ids: Mapping[int, str], renames: Mapping[str, str]) -> str:
    match = CHECKBOX.match(text)
    assert match is not None
    rest = match[2]
    body = _rename_ids(rest[len(task.written_id) :].lstrip(), renames)
    mark = match[1].lower() if match[1] == "X" else match[1]
    head = text[: match.start(1)] + mark + text[match.end(1) : match.start(2)]
    task_id = ids.get(task.line)
    wrapped = any(line.kind == "text" for line in task.body[:1])
    return f"{head}[{task_id}] {_order_fields(body, wrapped=wrapped)}".rstrip() if task_id else head + rest


def _order_fields(body: str, *, wrapped: bool) -> str:
    """Description and fields with one space around each separator, the fields in the contract's order.

    Where the task goes on in the next line its order stays: what follows belongs to the last field, or is one behind a last separator.
    """
    cuts = task_fields.find_separators(body)
    pieces = [
        body[start:end].strip() for start, end in zip([0, *(cut + 1 for cut in cuts)], [*cuts, len(body)], strict=True)
    ]
    ranked, description = [], [pieces[0]]
    for piece in pieces[1:]:
        name = task_fields.NAME.match(piece)
        if name is None:
            description.append(piece)
        else:
            rank = ORDER.index(key) if (key := task_fields.canonical_field_name(name[1])) in ORDER else len(ORDER)
            label = piece[: name.end()].rstrip().removesuffix(":").rstrip()
            ranked.append((rank, f"{label}: {piece[name.end() :]}".rstrip()))
    if not wrapped:
        ranked.sort(key=lambda pair: pair[0])
        pieces = [*description, *(piece for _, piece in ranked)]
    open_end = " |" if wrapped and task_fields.ends_with_field_separator(body) else ""
    reordered = " | ".join(piece for piece in pieces if piece) + open_end
    return reordered if _meaning(reordered) == _meaning(body) else body


def _meaning(body: str) -> tuple[str, list[tuple[str, str]]]:
    """What a task line says, whatever the order of its fields."""
    description, fields = task_fields.parse_task_fields(body, 0, 0)
    return description, sorted((field.name, field.value) for field in fields)
