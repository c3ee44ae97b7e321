"""The plan -> how far it is, as a part of the report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from scaffold.plan.document import field_values
from scaffold.plan.document.model import DONE, Plan, Task
from scaffold.plan.document.phrase_patterns import is_reflection
from scaffold.plan.tasks import progress
from scaffold.plan.tasks.deliverables import deliverable_files
from scaffold.results.report.links import FileLink, PageLinks
from scaffold.results.report.model import PhaseProgress, ReportPlanProgress, ReportTask
from scaffold.runs.model import Run

MOST_FILES = 6


def build_plan_progress(plan: Plan, links: PageLinks, runs: Sequence[Run]) -> ReportPlanProgress:
    """Phases with their tasks, and how many of `runs` each task has."""
    counts = Counter(run.task for run in runs if run.task)
    state, waits_for = progress.measure_plan_progress(plan), progress.open_dependencies(plan)
    phases = tuple(
        PhaseProgress(
            title=progress.phase_title(phase),
            done=sum(task.state == DONE for task in phase.tasks),
            tasks=tuple(_task_part(task, links, counts, waits_for.get(task.line, ())) for task in phase.tasks),
        )
        for phase in plan.phases
    )
    return ReportPlanProgress(done=state.done, total=state.total, next=_following(state), phases=phases)


def _following(state: progress.PlanProgress) -> str:
    if not state.total:
        return "it has no tasks yet"
    if task := state.next:
        return f"next: {task.id or f'line {task.line}'} {_one_line(task).replace('`', '')}"
    return "every open task waits for another" if state.done < state.total else ""


def _task_part(task: Task, links: PageLinks, runs: Mapping[str, int], waits_for: tuple[str, ...]) -> ReportTask:
    return ReportTask(
        id=task.id,
        text=_one_line(task),
        state=progress.STATES[task.state],
        gate=is_reflection(task),
        deliverables=_deliverables(task, links),
        runs=runs.get(task.id, 0) if task.id else 0,
        waits_for=waits_for,
    )


def _one_line(task: Task) -> str:
    return " ".join(task.description.split())


def _deliverables(task: Task, links: PageLinks) -> tuple[FileLink, ...]:
    file_links: list[FileLink] = []
    for path in field_values.deliverable_paths(task):
        # a pattern stands for the files it matches; a path that the plan's rules object to is never looked for on the disk
        matches = [] if field_values.explain_bad_path(path) else deliverable_files(path, links.workdir)
        existing = [links.link_to(match.relative_to(links.workdir).as_posix()) for match in matches]
        file_links += existing or [FileLink(path=path, href=None)]
    return tuple(file_links[:MOST_FILES])
