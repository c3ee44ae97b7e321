"""The rules about single task lines (P2, P605)."""

from __future__ import annotations

from collections.abc import Iterator

from scaffold.plan.document import phrase_patterns, task_ids
from scaffold.plan.document.field_values import deliverable_paths, explain_bad_path
from scaffold.plan.document.markdown_inline import escape_for_message
from scaffold.plan.document.model import DONE, OPEN, STARTED, Phase, Plan, Task
from scaffold.plan.rules.rule import Complaint, RuleContext, complain_about_task, register_plan_rule


@register_plan_rule(
    "P201",
    "every checkbox item under a phase has an id `[Pn-Tm]`",
    wrong="- [ ] Write the loader | deliverable: loader.py | done-when: its tests pass",
    right="- [ ] [P1-T2] Write the loader | deliverable: loader.py | done-when: its tests pass",
)
def check_id_present(plan: Plan, context: RuleContext) -> Iterator[Complaint]:
    names = task_ids.renumbered_ids(plan)
    for task in plan.tasks:
        fixable = task.line in names
        if task.id_numbers is None:
            hint = "`scaffold plan fix` numbers it" if fixable else "number the phases first, then `scaffold plan fix`"
            yield complain_about_task(task, f"the task {task.name} has no id", hint, fixable=fixable)
        elif task.written_id != f"[{task.id}]":
            yield complain_about_task(
                task,
                f"the id is written `{escape_for_message(task.written_id)}`",
                f"write `[{task.id}]`",
                fixable=fixable,
            )


@register_plan_rule(
    "P202",
    "ids are unique, `n` is the phase it stands in, `m` counts 1, 2, 3, ...",
    wrong="- [ ] [P1-T4] ...   (after [P1-T2])",
    right="- [ ] [P1-T3] ...",
)
def check_id_order(plan: Plan, context: RuleContext) -> Iterator[Complaint]:
    first_lines: dict[task_ids.IdNumbers, int] = {}
    # an id that stands for something else is left out of the count
    mentioned = task_ids.mentioned_ids(plan.text) - {task.id_numbers for task in plan.tasks if task.id_numbers}
    fixable = task_ids.renumbered_ids(plan) != task_ids.fill_in_task_ids(plan)
    hint = (
        "`scaffold plan fix` renumbers"
        if fixable
        else "by hand: what was started or is mentioned would change its meaning"
    )
    for phase in plan.phases:
        expected = 1
        for task in phase.tasks:
            if task.id_numbers is None:
                expected += 0 if task.nested else 1
                continue
            if (number := task.id_numbers)[0] == phase.number and expected < number[1]:
                expected = min(number[1], task_ids.next_task_number(number[0], expected - 1, mentioned))
            if problem := _id_problem(task, phase, first_lines, expected):
                yield complain_about_task(task, problem, hint, fixable=fixable)
            first_lines.setdefault(task.id_numbers, task.line)
            expected = task.id_numbers[1] + 1 if task.id_numbers[0] == phase.number else expected + 1


def _id_problem(task: Task, phase: Phase, first_lines: dict[task_ids.IdNumbers, int], expected: int) -> str | None:
    assert task.id_numbers is not None
    if task.id_numbers in first_lines:
        return f"{task.id} is already the task of line {first_lines[task.id_numbers]}"
    if phase.number is not None and task.id_numbers[0] != phase.number:
        return f"{task.id} stands in phase {phase.number}"
    if task.id_numbers[1] != expected:
        return f"{task.id} stands where P{task.id_numbers[0]}-T{expected} is expected"
    return None


@register_plan_rule(
    "P203",
    "a `deliverable` that is a relative path inside the work directory (no absolute path, no `..`, no placeholder)",
    wrong="| deliverable: /tmp/loss.csv",
    right="| deliverable: exp/results/loss.csv, exp/analysis/loss.png",
)
def check_deliverable(plan: Plan, context: RuleContext) -> Iterator[Complaint]:
    hint = "name the file it leaves behind, several with commas: `| deliverable: exp/results/table.csv`"
    for task in plan.tasks:
        paths = deliverable_paths(task)
        if not paths:
            yield complain_about_task(task, f"task {task.name} has no deliverable", hint, field="deliverable")
        for path in paths:
            if objection := explain_bad_path(path):
                message = f'the deliverable "{escape_for_message(path)}" of task {task.name} {objection}'
                yield complain_about_task(task, message, hint, field="deliverable")


@register_plan_rule(
    "P204",
    'a `done-when` that can be checked: not empty, not a placeholder, not just "done", "works", "complete", "finished" or "ok"',
    wrong="| done-when: it works",
    right="| done-when: 5 runs finished in baseline and val/loss <= 3.2 in baseline",
    words="vague words: done, works, complete, finished, ok, passes, good, successful; with it, is, all, the task around them",
)
def check_done_when(plan: Plan, context: RuleContext) -> Iterator[Complaint]:
    hint = "say what can be looked at: a command in back-ticks, `3 runs finished`, `val/loss <= 3.2 in baseline`"
    for task in plan.tasks:
        condition = task.get("done-when")
        if not condition:
            yield complain_about_task(task, f"task {task.name} has no done-when", hint)
        elif placeholder := phrase_patterns.find_placeholder(condition):
            message = f'the done-when of task {task.name} is a placeholder ("{escape_for_message(placeholder)}")'
            yield complain_about_task(task, message, hint, field="done-when")
        elif phrase_patterns.is_vague_condition(condition):
            message = f'task {task.name} has no checkable done-when ("{escape_for_message(condition)}")'
            yield complain_about_task(task, message, hint, field="done-when")


@register_plan_rule(
    "P205",
    "marks are ` `, `/` or `x` only",
    wrong="- [~] [P1-T2] Write the loader ...",
    right="- [/] [P1-T2] Write the loader ...",
)
def check_checkbox_mark(plan: Plan, context: RuleContext) -> Iterator[Complaint]:
    hint = "a space: not started, `/`: in progress, `x`: done"
    for task in plan.tasks:
        if task.mark not in " /xX":
            yield complain_about_task(task, f"task {task.name} has the mark `{escape_for_message(task.mark)}`", hint)


@register_plan_rule(
    "P206",
    "the description is not empty or a placeholder (`...`, `TODO`, `TBD`, `<...>`)",
    wrong="- [ ] [P1-T2] TODO | deliverable: loader.py | done-when: its tests pass",
    right="- [ ] [P1-T2] Write the loader | deliverable: loader.py | done-when: its tests pass",
    words="placeholders: `...` as a word, `TODO`, `TBD`, `FIXME` at the start, `<...>` and `<name>` outside back-ticks",
)
def check_task_description(plan: Plan, context: RuleContext) -> Iterator[Complaint]:
    hint = "say in a few words what is to be done"
    for task in plan.tasks:
        if not task.description.strip("*_- "):
            yield complain_about_task(task, f"task {task.name} says nothing", hint)
        elif placeholder := phrase_patterns.find_placeholder(task.description):
            message = f'the description of task {task.name} is a placeholder ("{escape_for_message(placeholder)}")'
            yield complain_about_task(task, message, hint)


@register_plan_rule(
    "P207",
    "at most one task is in progress",
    wrong="two tasks with the mark `/`",
    right="one task with the mark `/`",
    warning=True,
)
def check_one_in_progress(plan: Plan, context: RuleContext) -> Iterator[Complaint]:
    started = [task for task in plan.tasks if task.state == STARTED]
    for task in started[1:]:
        message = f"task {task.name} is in progress, and so is {started[0].name} (line {started[0].line})"
        yield complain_about_task(task, message, "finish one first")


@register_plan_rule(
    "P208",
    "no line looks like a task and is not one",
    wrong="-[ ] [P1-T2] Write the loader ...",
    right="- [ ] [P1-T2] Write the loader ...",
    words="a box behind a list marker, without one, with another mark, escaped, a symbol, in HTML, in a quote or in any cell of a table; "
    "an id without a box, or with something else in its place; a task outside every phase",
)
def check_near_misses(plan: Plan, context: RuleContext) -> Iterator[Complaint]:
    hint = "a task is `- [ ] [Pn-Tm] text`, under a heading `## Phase N - title`"
    for near_miss in plan.near_misses:
        if near_miss.only_on_server and not context.server:
            continue
        message = f"`{escape_for_message(near_miss.text)}` looks like a task and is not one: {near_miss.reason}"
        yield Complaint(near_miss.line, message, hint, near_miss.column, fixable=near_miss.fixable)


@register_plan_rule(
    "P605",
    "in a fresh plan (iteration 0) nothing is in progress or done",
    wrong="- [x] [P1-T1] ...   (in iteration 0)",
    right="- [ ] [P1-T1] ...",
    words="a plan is fresh where `--fresh` says so",
    warning=True,
)
def check_no_task_begun(plan: Plan, context: RuleContext) -> Iterator[Complaint]:
    for task in plan.tasks if context.fresh else ():
        if task.state != OPEN:
            state = "done" if task.state == DONE else "in progress"
            yield complain_about_task(
                task, f"task {task.name} is {state} in a fresh plan", "iteration 0 only plans: write `[ ]`"
            )
