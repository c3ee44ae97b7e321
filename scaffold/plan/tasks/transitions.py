"""Taking up and finishing tasks on disk: the mark in the plan, the record beside it, the entry in the log."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from scaffold.errors import ScaffoldError
from scaffold.plan.document import edit, loop_protocol, plan_file
from scaffold.plan.document.markdown_inline import printable
from scaffold.plan.document.model import DONE, STARTED, Task
from scaffold.plan.document.parse import parse_plan
from scaffold.plan.document.placeholder import placeholder_goal
from scaffold.plan.document.plan_location import PlanLocation, read_plan
from scaffold.plan.rules.check import check_plan
from scaffold.plan.rules.rule import RuleContext
from scaffold.plan.rules.structure import is_aborted
from scaffold.plan.tasks import progress, run_summaries, task_journal, verify
from scaffold.plan.tasks.task_journal import TaskRecord

IN_LAST_PHASE = (
    "the final reflection stays last: add the task to an earlier phase, or write a phase before the last one"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskChange:
    """What an edit did: the task as it is now, and what the user should know about it."""

    task: Task
    warnings: tuple[str, ...] = ()


def start_task(plan: Path, wanted: str, now: str) -> TaskChange:
    """Mark a task as in progress and write down when. Raises ScaffoldError where it is done already."""
    with plan_file.locked(plan.resolve()):
        before = parse_plan(read_plan(plan))
        task = edit.find_task(before, wanted)
        if task.state == DONE:
            raise ScaffoldError(f"{task.id} is done", hint="add a follow-up: scaffold plan add")
        others = [other.name for other in before.tasks if other.state == STARTED and other is not task]
        waiting = progress.open_dependencies(before).get(task.line, ())
        records = task_journal.load(task_journal.journal_path(plan))
        known = records.get(task.id, TaskRecord())
        if task.state != STARTED or known.started_at is None:
            task_journal.save(task_journal.journal_path(plan), {**records, task.id: TaskRecord(started_at=now)})
        plan_file.rewrite_plan(plan, lambda text: edit.set_mark(text, wanted, STARTED))
    warnings = [f"{name} is in progress too" for name in others]
    warnings += [f"{task.id} depends on {printable(name)}, which is not done" for name in waiting]
    return TaskChange(task=task, warnings=tuple(warnings))


def verify_tasks(
    where: PlanLocation, wanted: Sequence[str], evidence: verify.VerificationContext
) -> list[verify.TaskVerification]:
    """Look at the tasks with these ids; without ids, at every task that is marked done."""
    plan = parse_plan(read_plan(where.plan))
    tasks = [edit.find_task(plan, name) for name in wanted] or [task for task in plan.tasks if task.state == DONE]
    records = task_journal.load(task_journal.journal_path(where.plan))
    return [verify.verify_task(task, records.get(task.id, TaskRecord()), evidence) for task in tasks]


def finish_task(
    where: PlanLocation, wanted: str, evidence: verify.VerificationContext, now: str, force: str | None
) -> verify.TaskVerification:
    """Mark a task as done where it verifies, with a hash of each deliverable; what does not verify needs a reason.

    The reason goes into the record and into the iteration log. Where the verification does not hold and no reason is given,
    nothing changes.
    """
    task = edit.find_task(parse_plan(read_plan(where.plan)), wanted)
    path = task_journal.journal_path(where.plan)
    known = task_journal.load(path).get(task.id, TaskRecord())
    # hashes of an earlier `done` say nothing about the files of now: finishing again writes new ones
    verification = verify.verify_task(task, replace(known, deliverables={}), evidence)
    if not holds(verification) and force is None:
        return verification
    hashes = verify.hash_deliverables(task, where.workdir)
    with plan_file.locked(where.plan.resolve()):
        records = task_journal.load(path)
        known = records.get(task.id, TaskRecord())
        forced = force if not holds(verification) else None
        entry = replace(known, done_at=now, deliverables=hashes, forced=forced)
        task_journal.save(path, {**records, task.id: entry})
        plan_file.rewrite_plan(where.plan, lambda text: edit.set_mark(text, wanted, DONE))
    if forced is not None:
        problems = "\n".join(f"- {one.what}: {one.text}" for one in blocking_checks(verification))
        entry_text = f"Marked as done although it does not verify: {forced}\n\n{problems}"
        plan_file.append_log(log_path(where.plan), loop_protocol.log_entry(now, entry_text, task=task.id))
    return verification


def blocking_checks(verification: verify.TaskVerification) -> list[verify.TaskCheck]:
    """What keeps a task from being done: what does not hold, and commands that were not run."""
    return [one for one in verification.checks if one.holds is False or one.runnable]


def holds(verification: verify.TaskVerification) -> bool:
    """Whether a task may be marked as done."""
    return not blocking_checks(verification)


def add_task(
    plan: Path, phase: int, description: str, fields: Sequence[tuple[str, str]], context: RuleContext
) -> TaskChange:
    """Add a task to the end of a phase. Raises ScaffoldError where the plan would then break a rule that it kept before."""

    def added(text: str) -> str:
        new, name = edit.append_task(text, phase, description, fields)
        names.append(name)
        before = check_plan(text, context=context).findings
        after = [f for f in check_plan(new, context=context).findings if f.severity == "error"]
        more = Counter((f.code, f.task) for f in after) - Counter((f.code, f.task) for f in before)
        said = {f.message for f in before}
        broken = [f for f in after if (f.code, f.task) in more and f.message not in said]
        if broken:
            found = "; ".join(f"{f.code} {f.message}" for f in broken)
            hint = IN_LAST_PHASE if broken[0].code == "P403" else broken[0].hint
            raise ScaffoldError(f"with that task the plan would break the contract: {found}", hint=hint or None)
        return new

    names: list[str] = []
    plan_file.change_plan(plan, added)
    return TaskChange(task=edit.find_task(parse_plan(read_plan(plan)), names[-1]))


def has_recorded_ids(where: PlanLocation) -> bool:
    """Whether a task of the plan stands in its record or in the manifest of a run, so that its id has to stay."""
    return bool(task_journal.load(task_journal.journal_path(where.plan))) or any(
        run.task for run in run_summaries.runs_of_plan(where)[0] or ()
    )


def log_path(plan: Path) -> Path:
    """The iteration log, which lies beside the plan."""
    return plan.with_name(loop_protocol.LOG_NAME)


def refuse_unfinished(plan: Path) -> None:
    """Raise ScaffoldError where a plan has tasks that are not done, or lines that were meant as tasks; an aborted plan has none."""
    parsed = parse_plan(read_plan(plan))
    if is_aborted(parsed):
        return
    left = [task.name for task in parsed.tasks if task.state != DONE]
    if left:
        hint = "promise WAITING while runs are going, or finish them: scaffold plan next"
        raise ScaffoldError(
            f"{len(left)} task(s) of the plan are not done: {printable(', '.join(left), 120)}", hint=hint
        )
    for lost in progress.measure_progress(parsed).lost:
        message = f"line {lost.line} of the plan looks like a task and is not one: {lost.reason}"
        raise ScaffoldError(message, hint="mend it (scaffold plan check), then go on: scaffold plan next")


def abort_plan(plan: Path, reason: str) -> Path | None:
    """Write the abort checklist in the place of the plan; a plan that was there is kept beside it, and its path given.

    Raises ScaffoldError where the folder cannot be written.
    """
    text = loop_protocol.abort_checklist(reason)
    try:
        plan.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ScaffoldError(f"{plan.parent} cannot be made: {error.strerror}") from error
    with plan_file.locked(plan.resolve()):
        kept = None
        if plan.exists() and (text_before := read_plan(plan)).strip() and not is_aborted(parse_plan(text_before)):
            kept = _free_path(plan.with_name(f"{plan.stem}.before-abort{plan.suffix}"))
            plan_file.write_file(kept, plan.read_bytes(), like=plan)
        plan_file.write_file(plan, text.encode())
    return kept


def is_unwritten(plan: Path) -> bool:
    """Whether a plan is missing, empty, aborted, or the placeholder that the research server puts there."""
    if not plan.exists():
        return True
    text = read_plan(plan)
    return not text.strip() or placeholder_goal(text) is not None or is_aborted(parse_plan(text))


def abort_beside(plan: Path, reason: str) -> Path:
    """Write the abort checklist beside a plan that is somebody's work; its path. An earlier one is replaced."""
    beside = plan.with_name(f"{plan.stem}.aborted{plan.suffix}")
    if not is_unwritten(beside):
        beside = _free_path(beside)
    plan_file.write_file(beside, loop_protocol.abort_checklist(reason).encode())
    return beside


def _free_path(path: Path) -> Path:
    """`path`, or the same with the first number that nothing bears."""
    number, free = 1, path
    while free.exists():
        number += 1
        free = path.with_name(f"{path.stem}-{number}{path.suffix}")
    return free
