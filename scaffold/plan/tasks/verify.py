"""Claimed is not done: a task's deliverables and its done-when, held against what is there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from scaffold.plan.document.field_values import deliverable_paths
from scaffold.plan.document.markdown_inline import escape_for_message
from scaffold.plan.document.model import Task
from scaffold.plan.tasks.command_runner import run_done_when_command
from scaffold.plan.tasks.deliverables import explain_bad_deliverable
from scaffold.plan.tasks.done_when_parser import (
    CommandCondition,
    Condition,
    ConditionVerdict,
    ProseCondition,
    judge_condition,
    parse_done_when,
)
from scaffold.plan.tasks.run_summaries import RunSummary
from scaffold.plan.tasks.task_journal import TaskRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskCheck:
    """One thing that was looked at: `holds` is None where no machine can check it, or where nothing allowed it to.

    `runnable` marks the command that would have to be run first.
    """

    what: str
    holds: bool | None
    text: str
    runnable: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskVerification:
    """All that was looked at for one task."""

    task: Task
    checks: tuple[TaskCheck, ...]

    @property
    def failed(self) -> tuple[TaskCheck, ...]:
        """What does not hold."""
        return tuple(check for check in self.checks if check.holds is False)

    @property
    def blocking(self) -> tuple[TaskCheck, ...]:
        """What keeps the task from being done: what does not hold, and commands that were not run."""
        return tuple(check for check in self.checks if check.holds is False or check.runnable)


@dataclass(frozen=True, slots=True, kw_only=True)
class VerificationContext:
    """What verification looks at: the work directory, the runs (None where `missing_runs_reason` says why), whether commands may run.

    A command may take `timeout_s` seconds; what it prints goes into `log_folder`.
    """

    workdir: Path
    runs: tuple[RunSummary, ...] | None
    run_commands: bool
    timeout_s: float
    log_folder: Path
    missing_runs_reason: str = ""


def verify_task(
    task: Task, record: TaskRecord, context: VerificationContext, open_dependencies: Mapping[str, str] | None = None
) -> TaskVerification:
    """Look at every deliverable and every condition of a task. Raises ScaffoldError where a command cannot be run at all.

    `open_dependencies`: what keeps the task from being finished now, by the id of the task that it depends on.
    """
    checks = [
        TaskCheck(what="depends", holds=False, text=f"{escape_for_message(name)} {reason}")
        for name, reason in (open_dependencies or {}).items()
    ]
    checks += [_check_deliverable(path, record, context.workdir) for path in deliverable_paths(task)]
    if not deliverable_paths(task):
        checks.append(TaskCheck(what="deliverable", holds=False, text="none is named"))
    for condition in parse_done_when(task.get("done-when")):
        verdict = _judge(condition, task, context)
        runnable = isinstance(condition, CommandCondition) and not context.run_commands
        checks.append(TaskCheck(what="done-when", holds=verdict.holds, text=verdict.text, runnable=runnable))
    return TaskVerification(task=task, checks=tuple(checks))


def _check_deliverable(path: str, record: TaskRecord, workdir: Path) -> TaskCheck:
    objection = explain_bad_deliverable(path, record, workdir)
    return TaskCheck(what="deliverable", holds=objection is None, text=f"{path} {objection or 'is there'}")


def _judge(condition: Condition, task: Task, context: VerificationContext) -> ConditionVerdict:
    if isinstance(condition, ProseCondition):
        return ConditionVerdict(holds=None, text=f'"{condition.text}" is for a reader to check')
    if isinstance(condition, CommandCondition):
        if not context.run_commands:
            return ConditionVerdict(holds=None, text=f"`{condition.text}` was not run (--run runs it)")
        log = context.log_folder / f"{task.id or 'task'}.log"
        return _judge_exit(condition.text, log, context)
    if context.runs is None:
        return ConditionVerdict(holds=None, text=f'"{condition.text}" cannot be checked: {context.missing_runs_reason}')
    return judge_condition(condition, context.runs, task.id)


def _judge_exit(command: str, log: Path, context: VerificationContext) -> ConditionVerdict:
    status = run_done_when_command(command, context.workdir, log, context.timeout_s)
    if status is None:
        return ConditionVerdict(
            holds=False, text=f"`{command}` took longer than {context.timeout_s:g} s (output: {log})"
        )
    return ConditionVerdict(holds=status == 0, text=f"`{command}` exited with {status} (output: {log})")
