"""The rules about single task lines (P2)."""

from __future__ import annotations

from collections.abc import Iterator

from scaffold.plan.document import deliverables, keywords, numbering
from scaffold.plan.document.inline import shown
from scaffold.plan.document.model import STARTED, Phase, Plan, Task
from scaffold.plan.rules.rule import Complaint, Context, about, rule


@rule(
    "P201",
    "every checkbox item under a phase has an id `[Pn-Tm]`",
    wrong="- [ ] Write the loader | deliverable: loader.py | done-when: its tests pass",
    right="- [ ] [P1-T2] Write the loader | deliverable: loader.py | done-when: its tests pass",
)
def has_id(plan: Plan, context: Context) -> Iterator[Complaint]:
    names = numbering.ids(plan)
    for task in plan.tasks:
        fixable = task.line in names
        if task.number is None:
            hint = "`scaffold plan fix` numbers it" if fixable else "number the phases first, then `scaffold plan fix`"
            yield about(task, f"the task {task.name} has no id", hint, fixable=fixable)
        elif task.tag != f"[{task.id}]":
            yield about(task, f"the id is written `{shown(task.tag)}`", f"write `[{task.id}]`", fixable=fixable)


@rule(
    "P202",
    "ids are unique, `n` is the phase it stands in, `m` counts 1, 2, 3, ...",
    wrong="- [ ] [P1-T4] ...   (after [P1-T2])",
    right="- [ ] [P1-T3] ...",
)
def ids_count(plan: Plan, context: Context) -> Iterator[Complaint]:
    first: dict[tuple[int, int], int] = {}
    fixable = numbering.ids(plan) != numbering.first_ids(plan)
    hint = (
        "`scaffold plan fix` renumbers"
        if fixable
        else "by hand: what was started or is mentioned would change its meaning"
    )
    for phase in plan.phases:
        expected = 1
        for task in phase.tasks:
            if task.number is None:
                expected += 0 if task.nested else 1
                continue
            if problem := _id_problem(task, phase, first, expected):
                yield about(task, problem, hint, fixable=fixable)
            first.setdefault(task.number, task.line)
            expected = task.number[1] + 1 if task.number[0] == phase.number else expected + 1


def _id_problem(task: Task, phase: Phase, first: dict[tuple[int, int], int], expected: int) -> str | None:
    assert task.number is not None
    if task.number in first:
        return f"{task.id} is already the task of line {first[task.number]}"
    if phase.number is not None and task.number[0] != phase.number:
        return f"{task.id} stands in phase {phase.number}"
    if task.number[1] != expected:
        return f"{task.id} stands where P{task.number[0]}-T{expected} is expected"
    return None


@rule(
    "P203",
    "a `deliverable` that is a relative path inside the work directory (no absolute path, no `..`, no placeholder)",
    wrong="| deliverable: /tmp/loss.csv",
    right="| deliverable: exp/results/loss.csv, exp/analysis/loss.png",
)
def has_deliverable(plan: Plan, context: Context) -> Iterator[Complaint]:
    hint = "name the file it leaves behind, several with commas: `| deliverable: exp/results/table.csv`"
    for task in plan.tasks:
        paths = deliverables.paths(task.get("deliverable"))
        if not paths:
            yield about(task, f"task {task.name} has no deliverable", hint, field="deliverable")
        for path in paths:
            if objection := deliverables.objection(path):
                yield about(
                    task, f'the deliverable "{shown(path)}" of task {task.name} {objection}', hint, field="deliverable"
                )


@rule(
    "P204",
    'a `done-when` that can be checked: not empty, not a placeholder, not just "done", "works", "complete", "finished" or "ok"',
    wrong="| done-when: it works",
    right="| done-when: 5 runs finished in baseline and val/loss <= 3.2 in baseline",
    words="vague words: done, works, complete, finished, ok, passes, good, successful; with it, is, all, the task around them",
)
def has_condition(plan: Plan, context: Context) -> Iterator[Complaint]:
    hint = "say what can be looked at: a command in back-ticks, `3 runs finished`, `val/loss <= 3.2 in baseline`"
    for task in plan.tasks:
        condition = task.get("done-when")
        if not condition:
            yield about(task, f"task {task.name} has no done-when", hint)
        elif found := keywords.placeholder_in(condition):
            yield about(
                task, f'the done-when of task {task.name} is a placeholder ("{shown(found)}")', hint, field="done-when"
            )
        elif keywords.is_vague(condition):
            yield about(
                task, f'task {task.name} has no checkable done-when ("{shown(condition)}")', hint, field="done-when"
            )


@rule(
    "P205",
    "marks are ` `, `/` or `x` only",
    wrong="- [~] [P1-T2] Write the loader ...",
    right="- [/] [P1-T2] Write the loader ...",
)
def marks(plan: Plan, context: Context) -> Iterator[Complaint]:
    for task in plan.tasks:
        if task.mark not in " /xX":
            yield about(
                task,
                f"task {task.name} has the mark `{shown(task.mark)}`",
                "a space: not started, `/`: in progress, `x`: done",
            )


@rule(
    "P206",
    "the description is not empty or a placeholder (`...`, `TODO`, `TBD`, `<...>`)",
    wrong="- [ ] [P1-T2] TODO | deliverable: loader.py | done-when: its tests pass",
    right="- [ ] [P1-T2] Write the loader | deliverable: loader.py | done-when: its tests pass",
    words="placeholders: `...` as a word, `TODO`, `TBD`, `FIXME` at the start, `<...>` and `<name>` outside back-ticks",
)
def has_description(plan: Plan, context: Context) -> Iterator[Complaint]:
    hint = "say in a few words what is to be done"
    for task in plan.tasks:
        if not task.description.strip("*_- "):
            yield about(task, f"task {task.name} says nothing", hint)
        elif found := keywords.placeholder_in(task.description):
            yield about(task, f'the description of task {task.name} is a placeholder ("{shown(found)}")', hint)


@rule(
    "P207",
    "at most one task is in progress",
    wrong="two tasks with the mark `/`",
    right="one task with the mark `/`",
    warning=True,
)
def one_in_progress(plan: Plan, context: Context) -> Iterator[Complaint]:
    started = [task for task in plan.tasks if task.state == STARTED]
    for task in started[1:]:
        yield about(
            task,
            f"task {task.name} is in progress, and so is {started[0].name} (line {started[0].line})",
            "finish one first",
        )


@rule(
    "P208",
    "no line looks like a task and is not one",
    wrong="-[ ] [P1-T2] Write the loader ...",
    right="- [ ] [P1-T2] Write the loader ...",
    words="a box behind a list marker, without one, with another mark, escaped, in a table or a quote; "
    "an id without a box, or with something else in its place; a task outside every phase",
)
def no_lost_task(plan: Plan, context: Context) -> Iterator[Complaint]:
    hint = "a task is `- [ ] [Pn-Tm] text`, under a heading `## Phase N - title`"
    for odd in plan.oddities:
        message = f"`{shown(odd.text)}` looks like a task and is not one: {odd.reason}"
        yield Complaint(odd.line, message, hint, odd.column, fixable=odd.fixable)
