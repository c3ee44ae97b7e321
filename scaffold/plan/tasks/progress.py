"""Plan -> how far it is: the current and the next task, what waits for what, as text and as a graph."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from scaffold.plan.document import phrase_patterns, task_commands
from scaffold.plan.document.field_values import deliverable_paths, dependency_ids
from scaffold.plan.document.markdown_inline import escape_for_message
from scaffold.plan.document.model import DONE, OPEN, STARTED, Phase, Plan, Task, TaskNearMiss

BAR = 20
STATES = {OPEN: "open", STARTED: "in progress", DONE: "done"}
SHOWN_APART = ("deliverable", "done-when", "depends", "command")


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanProgress:
    """Where a plan stands: `current` is in progress, `next` is what to take up now (the current task where there is one).

    `lost` are the lines that look like tasks and are none, where the plan does not set P208 aside: with one it is not finished.
    """

    current: Task | None
    next: Task | None
    blocked: tuple[tuple[Task, tuple[str, ...]], ...]
    gates: tuple[Task, ...]
    lost: tuple[TaskNearMiss, ...]
    done: int
    total: int


def list_open_dependents(plan: Plan, task: Task) -> list[str]:
    """The names of the tasks that depend on a task and are not done."""
    return [other.name for other in plan.tasks if other.state != DONE and task.id and task.id in dependency_ids(other)]


def open_dependencies(plan: Plan) -> dict[int, tuple[str, ...]]:
    """The line of each open task -> the ids of what it depends on and is not done (or not there)."""
    tasks = plan.tasks_by_id
    waiting = {}
    for task in plan.tasks:
        missing = tuple(name for name in dependency_ids(task) if name not in tasks or tasks[name].state != DONE)
        if task.state != DONE and missing:
            waiting[task.line] = missing
    return waiting


def measure_plan_progress(plan: Plan, *, server: bool = False) -> PlanProgress:
    """Where a plan stands; `server`: a research server reads it, and may take other lines for tasks than we do.

    The next task is the first in progress, else the first open one of the earliest unfinished phase that waits for nothing;
    where all of that phase wait, the first of a later phase that does not.
    """
    waiting = open_dependencies(plan)
    current = next((task for task in plan.tasks if task.state == STARTED), None)
    free = next((task for task in plan.tasks if task.state == OPEN and task.line not in waiting), None)
    return PlanProgress(
        current=current,
        next=current or free,
        blocked=tuple((task, waiting[task.line]) for task in plan.tasks if task.line in waiting and task.state == OPEN),
        gates=tuple(task for task in plan.tasks if phrase_patterns.is_reflection(task)),
        lost=_lost_lines(plan, server),
        done=sum(task.state == DONE for task in plan.tasks),
        total=len(plan.tasks),
    )


def _lost_lines(plan: Plan, server: bool) -> tuple[TaskNearMiss, ...]:
    lines = () if "P208" in plan.ignores else plan.near_misses
    return tuple(near_miss for near_miss in lines if server or not near_miss.only_on_server)


def progress_text(plan: Plan, limit: int = 0, *, server: bool = False) -> str:
    """Phases with progress bars, the current and the next task, blocked tasks, and gates; of each at most `limit` (0: all)."""
    state, count = measure_plan_progress(plan, server=server), limit or None
    lines = [_phase_line(phase) for phase in plan.phases[:count]]
    lines += ["", f"{state.done} of {state.total} tasks done"]
    if state.lost:
        first = ", ".join(str(near_miss.line) for near_miss in state.lost[:3])
        lines.append(
            f"lost     {len(state.lost)} lines look like tasks and are none (line {first}): scaffold plan check"
        )
    if state.current:
        lines.append(f"current  {_task_line(state.current)}")
    elif state.next:
        lines.append(f"next     {_task_line(state.next)}")
    lines += [
        f"blocked  {_task_line(task)} (waits for {', '.join(map(escape_for_message, names))})"
        for task, names in state.blocked[:count]
    ]
    lines += [f"gate {gate.state}   {_task_line(gate)}" for gate in state.gates[:count]]
    return "\n".join(lines)


def progress_json(plan: Plan, *, server: bool = False) -> dict[str, Any]:
    """What `plan show --json` prints."""
    state = measure_plan_progress(plan, server=server)
    return {
        "done": state.done,
        "total": state.total,
        "lost": len(state.lost),
        "phases": [
            {
                "number": phase.number,
                "title": phase.title,
                "done": sum(task.state == DONE for task in phase.tasks),
                "total": len(phase.tasks),
            }
            for phase in plan.phases
        ],
        "current": (state.current.id or None) if state.current else None,
        "next": (state.next.id or None) if state.next else None,
        "blocked": [{"task": task.id or None, "waits_for": list(names)} for task, names in state.blocked],
        "gates": [{"task": gate.id or None, "state": STATES[gate.state]} for gate in state.gates],
    }


def task_json(task: Task) -> dict[str, Any]:
    """A task as JSON, with what it takes to work on it."""
    return {
        "id": task.id or None,
        "line": task.line,
        "state": STATES[task.state],
        "description": task.description,
        "deliverables": deliverable_paths(task),
        "done_when": task.get("done-when"),
        "depends": dependency_ids(task),
        "fields": {field.name: task.get(field.name) for field in task.fields if field.name not in SHOWN_APART},
        "commands": task_commands.list_task_commands(task),
    }


def mermaid_graph(plan: Plan) -> str:
    """The dependencies as a Mermaid flow chart: one box for each phase, one node for each task."""
    lines = ["flowchart TD"]
    tasks = plan.tasks_by_id
    for index, phase in enumerate(plan.phases, start=1):
        lines.append(f'  subgraph phase{index}["{_escape_label(phase_title(phase))}"]')
        lines += [
            f'    {_node_name(task.id)}["{task.id} {_escape_label(task.description)}"]'
            for task in phase.tasks
            if task.id and tasks[task.id] is task
        ]
        lines.append("  end")
    for name, task in tasks.items():
        lines += [
            f"  {_node_name(wanted)} --> {_node_name(name)}" for wanted in dependency_ids(task) if wanted in tasks
        ]
    states = (("done", DONE, "fill:#d3f9d8,stroke:#2b8a3e"), ("started", STARTED, "fill:#fff3bf,stroke:#e67700"))
    for name, state, style in states:
        members = [_node_name(key) for key, task in tasks.items() if task.state == state]
        if members:
            lines += [f"  classDef {name} {style}", f"  class {','.join(members)} {name}"]
    return "\n".join(lines)


def phase_title(phase: Phase) -> str:
    """`Phase N - title`; a question mark where the number is not written in digits."""
    return f"Phase {'?' if phase.number is None else phase.number} - {phase.title}"


def _node_name(name: str) -> str:
    return name.replace("-", "_")


def _phase_line(phase: Phase) -> str:
    done, total = sum(task.state == DONE for task in phase.tasks), len(phase.tasks)
    filled = BAR * done // total if total else 0
    return f"[{'#' * filled}{'.' * (BAR - filled)}] {done}/{total}  {escape_for_message(phase_title(phase))}"


def _task_line(task: Task) -> str:
    return f"{task.id or 'line ' + str(task.line)}  {escape_for_message(task.description, 72)}"


def _escape_label(text: str) -> str:
    """Text inside a Mermaid label: its quotes, brackets and marks of HTML as entities."""
    return "".join(f"#{ord(letter)};" if letter in '#"<>&`[]\\' else letter for letter in escape_for_message(text, 50))
