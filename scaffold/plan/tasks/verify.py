"""Claimed is not done: a task's deliverables and its done-when, held against what is there."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess  # noqa: TID251 - a done-when in back-ticks is a command
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from scaffold import git
from scaffold.errors import ScaffoldError
from scaffold.plan.document import field_values
from scaffold.plan.document.model import Task
from scaffold.plan.tasks import done_when, task_journal
from scaffold.plan.tasks.done_when import CommandCondition, ConditionVerdict, ProseCondition
from scaffold.plan.tasks.run_summaries import RunSummary
from scaffold.plan.tasks.task_journal import TaskRecord

# file systems keep times to different precisions, and a task may be started in the second in which its file is written
SLACK_S = 2.0
# how long a signal may wait until it is heeded
LOOK_S = 0.2


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


@dataclass(frozen=True, slots=True, kw_only=True)
class VerificationContext:
    """What verification looks at: the work directory, the runs (None where `no_runs` says why), whether commands may run.

    The output of commands is kept in `output`.
    """

    workdir: Path
    runs: tuple[RunSummary, ...] | None
    run_commands: bool
    timeout_s: float
    output: Path
    no_runs: str = ""


def verify_task(task: Task, known: TaskRecord, evidence: VerificationContext) -> TaskVerification:
    """Look at every deliverable and every condition of a task."""
    checks = [
        _check_deliverable(path, known, evidence.workdir)
        for path in field_values.deliverable_paths(task.get("deliverable"))
    ]
    if not checks:
        checks.append(TaskCheck(what="deliverable", holds=False, text="none is named"))
    for condition in done_when.parse_done_when(task.get("done-when")):
        verdict = _judge_condition(condition, task, evidence)
        runnable = isinstance(condition, CommandCondition) and not evidence.run_commands
        checks.append(TaskCheck(what="done-when", holds=verdict.holds, text=verdict.text, runnable=runnable))
    return TaskVerification(task=task, checks=tuple(checks))


def deliverable_files(path: str, workdir: Path) -> list[Path]:
    """The files or directories that a deliverable names; a pattern may name several, and a bad one names nothing."""
    if any(mark in path for mark in "*?["):
        try:
            found = sorted(workdir.glob(path))
        except (ValueError, NotImplementedError, OSError):
            found = []
        if found:
            return found
    return [workdir / path] if os.path.lexists(workdir / path) else []


def hash_deliverables(task: Task, workdir: Path) -> dict[str, str]:
    """The SHA-256 of each deliverable that is there."""
    found = {}
    for path in field_values.deliverable_paths(task.get("deliverable")):
        for file in deliverable_files(path, workdir):
            try:
                found[file.relative_to(workdir).as_posix()] = task_journal.hash_path(file)
            except OSError:
                continue
    return found


def _check_deliverable(path: str, known: TaskRecord, workdir: Path) -> TaskCheck:
    objection = (
        field_values.path_objection(path)
        or _missing_reason(path, known, workdir)
        or _ignored_reason(path, workdir)
        or _changed_reason(path, known, workdir)
    )
    return TaskCheck(what="deliverable", holds=objection is None, text=f"{path} {objection or 'is there'}")


def _missing_reason(path: str, known: TaskRecord, workdir: Path) -> str | None:
    found = deliverable_files(path, workdir)
    if not found:
        return "does not exist"
    try:
        inner = [file for top in found for file in _contained_files(top)]
        if not inner:
            return "is an empty directory"
        if not all(file.resolve().is_relative_to(workdir.resolve()) for file in found):
            return "leads out of the work directory"
        if not any(file.stat().st_size for file in inner):
            return "is empty"
        if closed := [file for file in inner if not os.access(file, os.R_OK)]:
            return f"cannot be read ({closed[0].relative_to(workdir)})"
        newest = max(file.stat().st_mtime for file in inner)
    except OSError as error:
        return f"cannot be read ({error.strerror})"
    if known.started is not None and newest < known.started - SLACK_S:
        return f"is older than the task's start ({known.started_at})"
    return None


def _contained_files(top: Path) -> list[Path]:
    """The files of a deliverable: itself, or all that a directory holds. Raises OSError where one cannot look into it."""
    if not top.is_dir():
        return [top]
    os.scandir(top).close()
    return [file for file in top.rglob("*") if file.is_file()]


def _ignored_reason(path: str, workdir: Path) -> str | None:
    names = [file.relative_to(workdir).as_posix() for file in deliverable_files(path, workdir)]
    rule = next(iter(git.ignored_paths(workdir, names)), None) if git.toplevel(workdir) else None
    return f"is ignored by git ({rule.source}:{rule.line}: {rule.pattern})" if rule else None


def _changed_reason(path: str, known: TaskRecord, workdir: Path) -> str | None:
    for file in deliverable_files(path, workdir):
        before = known.deliverables.get(file.relative_to(workdir).as_posix())
        try:
            if before is not None and task_journal.hash_path(file) != before:
                return f"changed after the task was done ({known.done_at})"
        except OSError as error:
            return f"cannot be read ({error.strerror})"
    gone = [name for name in known.deliverables if fnmatchcase(name, path) and not os.path.lexists(workdir / name)]
    return f"lacks {gone[0]}, which was there when the task was done ({known.done_at})" if gone else None


def _judge_condition(condition: done_when.Condition, task: Task, evidence: VerificationContext) -> ConditionVerdict:
    if isinstance(condition, ProseCondition):
        return ConditionVerdict(holds=None, text=f'"{condition.text}" is for a reader to check')
    if isinstance(condition, CommandCondition):
        if not evidence.run_commands:
            return ConditionVerdict(holds=None, text=f"`{condition.text}` was not run (--run runs it)")
        return _run_command(condition.text, task, evidence)
    if evidence.runs is None:
        return ConditionVerdict(holds=None, text=f'"{condition.text}" cannot be checked: {evidence.no_runs}')
    return done_when.judge_condition(condition, evidence.runs, task.id)


def _run_command(command: str, task: Task, evidence: VerificationContext) -> ConditionVerdict:
    """Run a command in the work directory; past its time limit, and when we are ended, it is ended with all that it started."""
    kept = evidence.output / f"{task.id or 'task'}.log"
    try:
        evidence.output.mkdir(parents=True, exist_ok=True)
        log = kept.open("ab")
    except OSError as error:
        raise ScaffoldError(f"the output of a done-when cannot be kept in {kept}: {error.strerror}") from error
    with log, _deferred_signals() as stops:
        log.write(f"$ {command}\n".encode("utf-8", "surrogateescape"))
        log.flush()
        try:
            process = subprocess.Popen(
                ["bash", "-c", command],
                cwd=evidence.workdir,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            raise ScaffoldError(f"`{command}` cannot be started: {error}", hint="a done-when is run by bash") from error
        status = _wait_for_exit(process, evidence.timeout_s, stops)
    if status is None:
        return ConditionVerdict(
            holds=False, text=f"`{command}` took longer than {evidence.timeout_s:g} s (output: {kept})"
        )
    return ConditionVerdict(holds=status == 0, text=f"`{command}` exited with {status} (output: {kept})")


def _wait_for_exit(process: subprocess.Popen[bytes], timeout_s: float, stops: list[int]) -> int | None:
    """How a process exited; None where it was ended past its time. A noted signal ends it, and then us."""
    until = time.monotonic() + timeout_s
    while process.poll() is None and not stops and (left := until - time.monotonic()) > 0:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=min(left, LOOK_S))
    if process.returncode is not None and not stops:
        return process.returncode
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    if stops:
        raise KeyboardInterrupt if stops[0] == signal.SIGINT else SystemExit(128 + stops[0])
    return None


@contextlib.contextmanager
def _deferred_signals() -> Iterator[list[int]]:
    """Note the signals that ask to stop instead of dying of them: a process that is just being started would be left behind."""
    noted: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield noted
        return
    heard = [n for n in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP) if signal.getsignal(n) is not signal.SIG_IGN]
    before = {number: signal.signal(number, lambda got, _: noted.append(got)) for number in heard}
    try:
        yield noted
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
