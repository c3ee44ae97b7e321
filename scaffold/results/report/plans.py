"""The plan -> how far it is, as a part of the report."""

from __future__ import annotations

from collections.abc import Mapping

from scaffold.plan.document import field_values
from scaffold.plan.document.keywords import is_reflection
from scaffold.plan.document.model import Plan, Task
from scaffold.plan.tasks import progress
from scaffold.plan.tasks.verify import deliverable_files
from scaffold.results.report.links import Links
from scaffold.results.report.model import Link, PhasePart, PlanPart, TaskPart

MOST_FILES = 6


def part(plan: Plan, links: Links, runs: Mapping[str, int]) -> PlanPart:
    """Phases with their tasks; `runs` counts the runs of each task, by id."""
    state, waits = progress.measure_progress(plan), progress.open_dependencies(plan)
    phases = tuple(
        PhasePart(
            title=f"Phase {phase.number or '?'} - {phase.title}",
            done=sum(task.state == "x" for task in phase.tasks),
            tasks=tuple(_task(task, links, runs, waits.get(task.line, ())) for task in phase.tasks),
        )
        for phase in plan.phases
    )
    following = (
        f"next: {state.next.id or 'line ' + str(state.next.line)} {_words(state.next).replace('`', '')}"
        if state.next
        else ""
    )
    if not following and state.done < state.total:
        following = "every open task waits for another"
    if not state.total:
        following = "it has no tasks yet"
    return PlanPart(done=state.done, total=state.total, next=following, phases=phases)


def _task(task: Task, links: Links, runs: Mapping[str, int], waits: tuple[str, ...]) -> TaskPart:
    return TaskPart(
        id=task.id,
        text=_words(task),
        state=progress.STATES[task.state],
        gate=is_reflection(task),
        deliverables=_deliverables(task, links),
        runs=runs.get(task.id, 0) if task.id else 0,
        waits=waits,
    )


def _words(task: Task) -> str:
    return " ".join(task.description.split())


def _deliverables(task: Task, links: Links) -> tuple[Link, ...]:
    found: list[Link] = []
    for path in field_values.deliverable_paths(task.get("deliverable")):
        if field_values.path_objection(path):
            found.append(Link(path=path, href=None))
            continue
        there = [p.relative_to(links.workdir).as_posix() for p in deliverable_files(path, links.workdir)]
        found += [links.to(p) for p in there] or [Link(path=path, href=None)]
    return tuple(found[:MOST_FILES])
