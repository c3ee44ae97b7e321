"""Taking up and finishing tasks on disk: the mark in the plan, the record beside it, the entry in the log."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from scaffold.errors import ScaffoldError
from scaffold.plan.document import edit, protocol, store
from scaffold.plan.document.inline import shown
from scaffold.plan.document.model import DONE, STARTED, Task
from scaffold.plan.document.parse import parse
from scaffold.plan.document.placeholder import placeholder_goal
from scaffold.plan.document.plan_location import Place, read
from scaffold.plan.rules.check import check
from scaffold.plan.rules.rule import Context
from scaffold.plan.rules.structure import is_aborted
from scaffold.plan.tasks import progress, run_summaries, task_journal, verify
from scaffold.plan.tasks.task_journal import TaskRecord

IN_LAST_PHASE = (
    "the final reflection stays last: add the task to an earlier phase, or write a phase before the last one"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What an edit did: the task as it is now, and what the user should know about it."""

    task: Task
    warnings: tuple[str, ...] = ()


def start(plan: Path, wanted: str, now: str) -> Change:
    """Mark a task as in progress and write down when. Raises ScaffoldError where it is done already."""
    with store.locked(plan.resolve()):
        before = parse(read(plan))
        task = edit.task_of(before, wanted)
        if task.state == DONE:
            raise ScaffoldError(f"{task.id} is done", hint="add a follow-up: scaffold plan add")
        others = [other.name for other in before.tasks if other.state == STARTED and other is not task]
        waiting = progress.waits_for(before).get(task.line, ())
        records = task_journal.load(task_journal.path_for(plan))
        known = records.get(task.id, TaskRecord())
        if task.state != STARTED or known.started_at is None:
            task_journal.save(task_journal.path_for(plan), {**records, task.id: TaskRecord(started_at=now)})
        store.rewrite(plan, lambda text: edit.marked(text, wanted, STARTED))
    warnings = [f"{name} is in progress too" for name in others]
    warnings += [f"{task.id} depends on {shown(name)}, which is not done" for name in waiting]
    return Change(task=task, warnings=tuple(warnings))


def verified(where: Place, wanted: Sequence[str], evidence: verify.Evidence) -> list[verify.Verification]:
    """Look at the tasks with these ids; without ids, at every task that is marked done."""
    plan = parse(read(where.plan))
    tasks = [edit.task_of(plan, name) for name in wanted] or [task for task in plan.tasks if task.state == DONE]
    records = task_journal.load(task_journal.path_for(where.plan))
    return [verify.verify(task, records.get(task.id, TaskRecord()), evidence) for task in tasks]


def done(where: Place, wanted: str, evidence: verify.Evidence, now: str, force: str | None) -> verify.Verification:
    """Mark a task as done where it verifies, with a hash of each deliverable; what does not verify needs a reason.

    The reason goes into the record and into the iteration log. Where the verification does not hold and no reason is given,
    nothing changes.
    """
    task = edit.task_of(parse(read(where.plan)), wanted)
    path = task_journal.path_for(where.plan)
    known = task_journal.load(path).get(task.id, TaskRecord())
    # hashes of an earlier `done` say nothing about the files of now: finishing again writes new ones
    verification = verify.verify(task, replace(known, deliverables={}), evidence)
    if not holds(verification) and force is None:
        return verification
    hashes = verify.hashes(task, where.workdir)
    with store.locked(where.plan.resolve()):
        records = task_journal.load(path)
        known = records.get(task.id, TaskRecord())
        forced = force if not holds(verification) else None
        entry = replace(known, done_at=now, deliverables=hashes, forced=forced)
        task_journal.save(path, {**records, task.id: entry})
        store.rewrite(where.plan, lambda text: edit.marked(text, wanted, DONE))
    if forced is not None:
        problems = "\n".join(f"- {one.what}: {one.text}" for one in open_checks(verification))
        entry_text = f"Marked as done although it does not verify: {forced}\n\n{problems}"
        store.append(log_path(where.plan), protocol.log_entry(now, entry_text, task=task.id))
    return verification


def open_checks(verification: verify.Verification) -> list[verify.Check]:
    """What keeps a task from being done: what does not hold, and commands that were not run."""
    return [one for one in verification.checks if one.holds is False or one.runnable]


def holds(verification: verify.Verification) -> bool:
    """Whether a task may be marked as done."""
    return not open_checks(verification)


def add(plan: Path, phase: int, description: str, fields: Sequence[tuple[str, str]], context: Context) -> Change:
    """Add a task to the end of a phase. Raises ScaffoldError where the plan would then break a rule that it kept before."""

    def added(text: str) -> str:
        new, name = edit.added(text, phase, description, fields)
        names.append(name)
        before = check(text, context=context).findings
        after = [f for f in check(new, context=context).findings if f.severity == "error"]
        more = Counter((f.code, f.task) for f in after) - Counter((f.code, f.task) for f in before)
        said = {f.message for f in before}
        broken = [f for f in after if (f.code, f.task) in more and f.message not in said]
        if broken:
            found = "; ".join(f"{f.code} {f.message}" for f in broken)
            hint = IN_LAST_PHASE if broken[0].code == "P403" else broken[0].hint
            raise ScaffoldError(f"with that task the plan would break the contract: {found}", hint=hint or None)
        return new

    names: list[str] = []
    store.change(plan, added)
    return Change(task=edit.task_of(parse(read(plan)), names[-1]))


def is_named_elsewhere(where: Place) -> bool:
    """Whether a task of the plan stands in its record or in the manifest of a run, so that its id has to stay."""
    return bool(task_journal.load(task_journal.path_for(where.plan))) or any(
        run.task for run in run_summaries.known(where)[0] or ()
    )


def log_path(plan: Path) -> Path:
    """The iteration log, which lies beside the plan."""
    return plan.with_name(protocol.LOG)


def refuse_unfinished(plan: Path) -> None:
    """Raise ScaffoldError where a plan has tasks that are not done, or lines that were meant as tasks; an aborted plan has none."""
    parsed = parse(read(plan))
    if is_aborted(parsed):
        return
    left = [task.name for task in parsed.tasks if task.state != DONE]
    if left:
        hint = "promise WAITING while runs are going, or finish them: scaffold plan next"
        raise ScaffoldError(f"{len(left)} task(s) of the plan are not done: {shown(', '.join(left), 120)}", hint=hint)
    for lost in progress.of(parsed).lost:
        message = f"line {lost.line} of the plan looks like a task and is not one: {lost.reason}"
        raise ScaffoldError(message, hint="mend it (scaffold plan check), then go on: scaffold plan next")


def abort(plan: Path, reason: str) -> Path | None:
    """Write the abort checklist in the place of the plan; a plan that was there is kept beside it, and its path given.

    Raises ScaffoldError where the folder cannot be written.
    """
    text = protocol.abort_checklist(reason)
    try:
        plan.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ScaffoldError(f"{plan.parent} cannot be made: {error.strerror}") from error
    with store.locked(plan.resolve()):
        kept = None
        if plan.exists() and (text_before := read(plan)).strip() and not is_aborted(parse(text_before)):
            kept = _free(plan.with_name(f"{plan.stem}.before-abort{plan.suffix}"))
            store.create(kept, plan.read_bytes(), like=plan)
        store.create(plan, text.encode())
    return kept


def is_nobodys(plan: Path) -> bool:
    """Whether a plan is missing, empty, aborted, or the placeholder that the research server puts there."""
    if not plan.exists():
        return True
    text = read(plan)
    return not text.strip() or placeholder_goal(text) is not None or is_aborted(parse(text))


def abort_beside(plan: Path, reason: str) -> Path:
    """Write the abort checklist beside a plan that is somebody's work; its path. An earlier one is replaced."""
    beside = plan.with_name(f"{plan.stem}.aborted{plan.suffix}")
    if not is_nobodys(beside):
        beside = _free(beside)
    store.create(beside, protocol.abort_checklist(reason).encode())
    return beside


def _free(path: Path) -> Path:
    """`path`, or the same with the first number that nothing bears."""
    number, free = 1, path
    while free.exists():
        number += 1
        free = path.with_name(f"{path.stem}-{number}{path.suffix}")
    return free
