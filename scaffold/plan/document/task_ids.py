"""Plan -> the ids that its tasks should have."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Mapping

from scaffold.plan.document.model import OPEN, Plan

MENTION = re.compile(r"(?<![\w/.-])P(\d{1,9})-T(\d{1,9})(?![\w/-]|\.\w)", re.IGNORECASE)
# a mention in any spelling, also in a file's name: what a reader may take for this task must not become another one
LOOSE_MENTION = re.compile(r"(?<![A-Za-z0-9])P ?(\d{1,9}) ?[-_]? ?T ?(\d{1,9})(?!\d)", re.IGNORECASE)

IdNumbers = tuple[int, int]


def mentioned_ids(text: str) -> set[IdNumbers]:
    """The n and m of every id that a text mentions, in whatever spelling."""
    return {(int(n), int(m)) for n, m in LOOSE_MENTION.findall(text)}


def fill_in_task_ids(plan: Plan, reserved: Collection[IdNumbers] = ()) -> dict[int, str]:
    """The line of each task -> its id; a task without one gets the number that is missing there, or the next free one.

    Free is a number that no task has, that the plan mentions nowhere, and that is not `reserved` (runs and records name it):
    else what depends on an id that nobody recognised would depend on another task.
    """
    phases = Counter(phase.number for phase in plan.phases)
    taken = {task.id_numbers for task in plan.tasks if task.id_numbers} | mentioned_ids(plan.text) | set(reserved)
    ids: dict[int, str] = {}
    for phase in plan.phases:
        n, m = phase.number, 0
        for task in phase.tasks:
            if task.id_numbers:
                ids[task.line] = task.id
                m = task.id_numbers[1] if task.id_numbers[0] == n else m
            elif n is not None and phases[n] == 1:
                m = next_task_number(n, m, taken)
                taken.add((n, m))
                ids[task.line] = f"P{n}-T{m}"
    return ids


def next_task_number(phase: int, after: int, taken: Collection[IdNumbers]) -> int:
    """The first number of a phase behind `after` that is not taken."""
    number = after + 1
    while (phase, number) in taken:
        number += 1
    return number


def renumbered_ids(plan: Plan, reserved: Collection[IdNumbers] = ()) -> Mapping[int, str]:
    """The line of each task -> the id that it should have: one that counts within its phase, where no meaning is lost by it.

    Ids stay as they are where some stand elsewhere (`reserved`) or something was started (they stand in run manifests), where
    phases are misnumbered, and where a mention of no task would then find one.
    """
    current = fill_in_task_ids(plan, reserved)
    numbers = [phase.number for phase in plan.phases]
    if reserved or any(task.mark != OPEN for task in plan.tasks) or None in numbers or len(set(numbers)) < len(numbers):
        return current
    counted = {t.line: f"P{phase.number}-T{m}" for phase in plan.phases for m, t in enumerate(phase.tasks, start=1)}
    dangling = {f"P{n}-T{m}" for n, m in mentioned_ids(plan.text)} - set(current.values())
    return current if dangling & set(counted.values()) else counted
