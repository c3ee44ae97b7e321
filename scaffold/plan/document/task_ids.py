"""Plan -> the ids that its tasks should have."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping

from scaffold.plan.document.model import OPEN, Plan

MENTION = re.compile(r"(?<![\w/.-])P(\d{1,9})-T(\d{1,9})(?![\w/-]|\.\w)", re.IGNORECASE)


def complete_ids(plan: Plan) -> dict[int, str]:
    """The line of each task -> its id; a task without one gets the number that is missing there, or the next free one."""
    numbers = Counter(phase.number for phase in plan.phases)
    taken = {task.id_numbers for task in plan.tasks if task.id_numbers}
    highest: dict[int, int] = {}
    for phase_number, task_number in taken:
        highest[phase_number] = max(task_number, highest.get(phase_number, 0))
    ids: dict[int, str] = {}
    for phase in plan.phases:
        n, m = phase.number, 0
        for task in phase.tasks:
            if task.id_numbers:
                ids[task.line] = task.id
                m = task.id_numbers[1] if task.id_numbers[0] == n else m
            elif n is not None and numbers[n] == 1:
                m = m + 1 if (n, m + 1) not in taken else highest.get(n, 0) + 1
                taken.add((n, m))
                highest[n] = max(m, highest.get(n, 0))
                ids[task.line] = f"P{n}-T{m}"
    return ids


def renumbered_ids(plan: Plan, *, stay: bool = False) -> Mapping[int, str]:
    """The line of each task -> the id that it should have: one that counts within its phase, where no meaning is lost by it.

    Ids stay as they are where the caller knows that they stand elsewhere (`stay`) or something was started (they stand in run
    manifests), where phases are misnumbered, and where a mention of no task would then find one.
    """
    current = complete_ids(plan)
    numbers = [phase.number for phase in plan.phases]
    if stay or any(task.mark != OPEN for task in plan.tasks) or None in numbers or len(set(numbers)) < len(numbers):
        return current
    counted = {t.line: f"P{phase.number}-T{m}" for phase in plan.phases for m, t in enumerate(phase.tasks, start=1)}
    mentioned = {f"P{int(n)}-T{int(m)}" for n, m in MENTION.findall(plan.text)}
    return current if (mentioned - set(current.values())) & set(counted.values()) else counted
