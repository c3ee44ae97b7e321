"""Taking up, finishing and adding tasks on disk: the mark in the plan, the record beside it, the entry in the log."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from scaffold.errors import ScaffoldError
from scaffold.plan.document import edit, plan_file, server_loop_protocol, task_ids
from scaffold.plan.document.markdown_inline import escape_for_message
from scaffold.plan.document.model import DONE, STARTED, Task
from scaffold.plan.document.parse import parse_plan
from scaffold.plan.document.plan_file import read_plan
from scaffold.plan.document.plan_location import PlanLocation
from scaffold.plan.rules.check import check_plan
from scaffold.plan.rules.rule import RuleContext
from scaffold.plan.rules.structure import is_plan_aborted
from scaffold.plan.tasks import progress, run_summaries, task_journal
from scaffold.plan.tasks.deliverables import hash_deliverables
from scaffold.plan.tasks.task_journal import TaskRecord
from scaffold.plan.tasks.verify import TaskVerification, VerificationContext, verify_task

IN_LAST_PHASE = (
    "the final reflection stays last: add the task to an earlier phase, or write a phase before the last one"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskChange:
    """What an edit did: the task as it is now, and what the user should know about it."""

    task: Task
    warnings: tuple[str, ...] = ()


def start_task(plan_path: Path, task_id: str, time: str) -> TaskChange:
    """Mark a task as in progress and write down when. Raises ScaffoldError where it is done already."""
    with plan_file.hold_plan_lock(plan_path.resolve()):
        plan = parse_plan(read_plan(plan_path))
        task = edit.find_task(plan, task_id)
        if task.state == DONE:
            raise ScaffoldError(f"{task.id} is done", hint="add a follow-up: scaffold plan add")
        others = [other.name for other in plan.tasks if other.state == STARTED and other is not task]
        waiting = progress.open_dependencies(plan).get(task.line, ())
        journal = task_journal.task_journal_path(plan_path)
        records = task_journal.load_task_records(journal)
        # a task that is in progress keeps the time at which it was started; one that is taken up anew begins a new record
        if task.state != STARTED or records.get(task.id, TaskRecord()).started_at is None:
            task_journal.save_task_records(journal, {**records, task.id: TaskRecord(started_at=time)})
        plan_file.rewrite_plan(plan_path, lambda text: edit.set_task_mark(text, task_id, STARTED))
    warnings = [f"{name} is in progress too" for name in others]
    warnings += [f"{task.id} depends on {escape_for_message(name)}, which is not done" for name in waiting]
    return TaskChange(task=task, warnings=tuple(warnings))


def verify_tasks(
    location: PlanLocation, task_ids: Sequence[str], context: VerificationContext
) -> list[TaskVerification]:
    """Look at the tasks with these ids; without ids, at every task that is marked done."""
    plan = parse_plan(read_plan(location.plan))
    tasks = [edit.find_task(plan, task_id) for task_id in task_ids]
    records = task_journal.load_task_records(task_journal.task_journal_path(location.plan))
    return [
        verify_task(task, records.get(task.id, TaskRecord()), context)
        for task in tasks or [task for task in plan.tasks if task.state == DONE]
    ]


def finish_task(
    location: PlanLocation, task_id: str, context: VerificationContext, time: str, force: str | None
) -> TaskVerification:
    """Mark a task as done where it verifies, with a hash of each deliverable; what does not verify needs a reason.

    The reason goes into the record and into the iteration log. Where the verification does not hold and no reason is given,
    nothing changes. The lock is not held while it verifies: a command of a done-when may take its time, and may use the plan.
    """
    plan = parse_plan(read_plan(location.plan))
    task = edit.find_task(plan, task_id)
    waits_for = progress.open_dependencies(plan).get(task.line, ())
    reasons = {name: "is not done" if name in plan.tasks_by_id else "is no task of this plan" for name in waits_for}
    journal = task_journal.task_journal_path(location.plan)
    record = task_journal.load_task_records(journal).get(task.id, TaskRecord())
    # hashes of an earlier `done` say nothing about the files of now: finishing again writes new ones
    verification = verify_task(task, replace(record, deliverables={}), context, reasons)
    if verification.blocking and force is None:
        return verification
    forced = force if verification.blocking else None
    hashes = hash_deliverables(task, location.workdir)
    with plan_file.hold_plan_lock(location.plan.resolve()):
        records = task_journal.load_task_records(journal)
        record = records.get(task.id, TaskRecord())
        finished = replace(record, done_at=time, deliverables=hashes, forced=forced)
        task_journal.save_task_records(journal, {**records, task.id: finished})
        plan_file.rewrite_plan(location.plan, lambda text: edit.set_task_mark(text, task_id, DONE))
    if forced is not None:
        problems = "\n".join(f"- {check.what}: {check.text}" for check in verification.blocking)
        text = f"Marked as done although it does not verify: {forced}\n\n{problems}"
        plan_file.append_iteration_log(
            plan_file.iteration_log_path(location.plan), server_loop_protocol.format_log_entry(time, text, task=task.id)
        )
    return verification


def add_task(location: PlanLocation, phase: int, description: str, fields: Sequence[tuple[str, str]]) -> TaskChange:
    """Add a task to the end of a phase. Raises ScaffoldError where the plan would then break a rule that it kept before."""

    def append(text: str) -> str:
        longer, new_id = edit.append_task(text, phase, description, fields, reserved)
        new_ids.append(new_id)
        _refuse_new_errors(text, longer, RuleContext(server=location.server))
        return longer

    plan_path, reserved = location.plan, recorded_task_ids(location)
    new_ids: list[str] = []
    plan_file.change_plan(plan_path, append)
    return TaskChange(task=edit.find_task(parse_plan(read_plan(plan_path)), new_ids[-1]))


def _refuse_new_errors(before: str, after: str, context: RuleContext) -> None:
    """Raise ScaffoldError where a plan breaks more of the contract than before; a finding that only moved is none of these."""
    findings = check_plan(before, context=context).findings
    errors = [finding for finding in check_plan(after, context=context).findings if finding.severity == "error"]
    more = Counter((f.code, f.task) for f in errors) - Counter((f.code, f.task) for f in findings)
    messages = {finding.message for finding in findings}
    new = [error for error in errors if (error.code, error.task) in more and error.message not in messages]
    if new:
        listed = "; ".join(f"{error.code} {error.message}" for error in new)
        hint = IN_LAST_PHASE if new[0].code == "P403" else new[0].hint
        raise ScaffoldError(f"with that task the plan would break the contract: {listed}", hint=hint or None)


def recorded_task_ids(location: PlanLocation) -> set[task_ids.IdNumbers]:
    """The ids of tasks that stand in the plan's record or in the manifest of a run, so that they mean these tasks for good."""
    records = task_journal.load_task_records(task_journal.task_journal_path(location.plan))
    runs = run_summaries.runs_of_plan(location)[0] or ()
    return task_ids.mentioned_ids("\n".join([*records, *(run.task for run in runs if run.task)]))


def refuse_unfinished_plan(location: PlanLocation) -> None:
    """Raise ScaffoldError where a plan has tasks that are not done, or lines that were meant as tasks; an aborted plan has none."""
    plan = parse_plan(read_plan(location.plan))
    if is_plan_aborted(plan):
        return
    if not plan.tasks and not plan.near_misses:
        raise ScaffoldError("the plan has no tasks, so nothing is done", hint="scaffold brief says how to write one")
    unfinished = [task.name for task in plan.tasks if task.state != DONE]
    if unfinished:
        names = escape_for_message(", ".join(unfinished), 120)
        hint = "promise WAITING while runs are going, or finish them: scaffold plan next"
        raise ScaffoldError(f"{len(unfinished)} task(s) of the plan are not done: {names}", hint=hint)
    for near_miss in progress.measure_plan_progress(plan, server=location.server).lost:
        message = f"line {near_miss.line} of the plan looks like a task and is not one: {near_miss.reason}"
        raise ScaffoldError(message, hint="mend it (scaffold plan check), then go on: scaffold plan next")
