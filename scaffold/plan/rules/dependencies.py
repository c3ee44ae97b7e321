"""The rules about what depends on what (P3)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from scaffold.plan.document.field_values import dependency_ids
from scaffold.plan.document.markdown_inline import escape_for_message
from scaffold.plan.document.model import DONE, OPEN, Plan
from scaffold.plan.rules.rule import Complaint, RuleContext, complain_about_task, register_plan_rule


@register_plan_rule(
    "P301", "every id in `depends` exists", wrong="| depends: P1-T9   (there is no P1-T9)", right="| depends: P1-T2"
)
def check_dependencies_exist(plan: Plan, context: RuleContext) -> Iterator[Complaint]:
    tasks = plan.tasks_by_id
    for task in plan.tasks:
        for dependency in dependency_ids(task):
            if dependency not in tasks:
                hint = "name tasks of this plan, separated by commas: `depends: P1-T1, P1-T2`"
                yield complain_about_task(
                    task,
                    f"task {task.name} depends on `{escape_for_message(dependency)}`, which is no task of this plan",
                    hint,
                    field="depends",
                )


@register_plan_rule(
    "P302",
    "dependencies have no cycle, and no task depends on itself",
    wrong="[P1-T1] depends: P1-T2, and [P1-T2] depends: P1-T1",
    right="[P1-T2] depends: P1-T1",
)
def check_no_cycle(plan: Plan, context: RuleContext) -> Iterator[Complaint]:
    tasks = plan.tasks_by_id
    edges = {
        name: [dependency for dependency in dependency_ids(task) if dependency in tasks] for name, task in tasks.items()
    }
    for name, dependencies in edges.items():
        if name in dependencies:
            yield complain_about_task(
                tasks[name], f"task {name} depends on itself", "take it out of its own `depends`", field="depends"
            )
    for cycle in _find_cycles(edges):
        path = " -> ".join([*cycle, cycle[0]])
        yield complain_about_task(
            tasks[cycle[0]],
            f"tasks depend on each other in a circle: {escape_for_message(path, 200)}",
            "take one of them out",
            field="depends",
        )


def _find_cycles(edges: Mapping[str, list[str]]) -> Iterator[list[str]]:
    """One circle of at least two tasks for each place where a walk along the dependencies comes back, without recursion."""
    settled: set[str] = set()
    for start in edges:
        path: list[str] = []
        on_path: dict[str, int] = {}
        stack = [(start, iter(edges[start]))] if start not in settled else []
        if stack:
            path, on_path = [start], {start: 0}
        while stack:
            name, following = stack[-1]
            following_name = next(following, None)
            if following_name is None:
                stack.pop()
                path.pop()
                del on_path[name]
                settled.add(name)
            elif following_name in on_path:
                if following_name != name:
                    yield _rotate_to_first(path[on_path[following_name] :], edges)
            elif following_name not in settled:
                on_path[following_name] = len(path)
                path.append(following_name)
                stack.append((following_name, iter(edges[following_name])))


def _rotate_to_first(cycle: list[str], edges: Mapping[str, list[str]]) -> list[str]:
    """The same circle, beginning with the task that stands first in the file."""
    members = set(cycle)
    start = cycle.index(next(name for name in edges if name in members))
    return cycle[start:] + cycle[:start]


@register_plan_rule(
    "P303",
    "no task depends on a task of a later phase; none is done or in progress before what it depends on is done",
    wrong="- [x] [P2-T1] ... | depends: P1-T2   (P1-T2 is open)",
    right="- [ ] [P2-T1] ... | depends: P1-T2",
    warning=True,
)
def check_dependency_order(plan: Plan, context: RuleContext) -> Iterator[Complaint]:
    tasks = plan.tasks_by_id
    phase_of = {id(task): index for index, phase in enumerate(plan.phases) for task in phase.tasks}
    for task in plan.tasks:
        for dependency in dependency_ids(task):
            other = tasks.get(dependency)
            if other is None or other is task:
                continue
            if phase_of[id(other)] > phase_of[id(task)]:
                yield complain_about_task(
                    task,
                    f"task {task.name} depends on {dependency} of a later phase",
                    "move one of them",
                    field="depends",
                )
            if task.state != OPEN and other.state != DONE:
                state = "done" if task.state == DONE else "in progress"
                yield complain_about_task(
                    task,
                    f"task {task.name} is {state}, and {dependency}, on which it depends, is not done",
                    field="depends",
                )
