"""What `scaffold try` and `scaffold ideas` print."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import click

from scaffold.cli.common import output

if TYPE_CHECKING:
    from scaffold.ideas.background import BackgroundJudge
    from scaffold.ideas.judging import IdeaTryResult
    from scaffold.ideas.manual_decisions import IdeaClaim
    from scaffold.ideas.study import IdeaRecord, IdeaStudy
    from scaffold.workspace import Workspace

MARKS = {"kept": "+", "dropped": "-", "open": "?", "failed": "!", "running": "."}


def make_progress_reporter(quiet: bool) -> Callable[[str], None]:
    """What says on stderr how it goes, or nothing where `quiet`."""
    return (lambda text: None) if quiet else (lambda text: click.echo(text, err=True))


@contextlib.contextmanager
def hold_judging_lock(workspace: Workspace, *, wait_s: float = 0.0) -> Iterator[None]:
    """Hold this working tree's turn to judge an idea. Raises ScaffoldError where another `try` has it."""
    from scaffold import locks
    from scaffold.errors import ScaffoldError
    from scaffold.ideas.background import TRY_LOCK
    from scaffold.sweeps.launch import sweep_locks
    from scaffold.sweeps.spec import sweep_paths

    sweeps = sweep_paths.sweeps_folder(workspace)
    handle = sweep_locks.take_sweep_lock(sweeps, TRY_LOCK, doing="try", wait_s=wait_s)
    if handle is None:
        holder = sweep_locks.describe_holder(sweep_locks.last_lock_holder(sweeps, TRY_LOCK))
        raise ScaffoldError(
            f"an idea is being judged in this tree by {holder}",
            hint="wait for it (scaffold ideas watch), or try another one in a worktree of its own: git worktree add",
        )
    try:
        yield
    finally:
        locks.release_file_lock(handle)


def print_verdict(result: IdeaTryResult, *, json_output: bool) -> None:
    """One idea's verdict: two lines for people, an object for programs."""
    from scaffold.ideas import wording

    record, study = result.record, result.study
    advice = wording.suggest_study_action(study)
    if json_output:
        similar = [{"idea": s.record.number, "status": s.record.status, "how": s.how} for s in result.similar]
        answer = {"study": study.name, "idea": wording.idea_json(study, record), "known": result.judged_before}
        output.print_json({**answer, "similar": similar, "next": advice})
        return
    memory = " (known: the same code was judged before, nothing ran)" if result.judged_before else ""
    click.echo(f"idea {record.number}: {wording.describe_verdict(study, record)}{memory}")
    for line in (record.why, *record.notes[-3:]):
        if line:
            click.echo(f"  {line}")
    if record.application == "done":
        done = (
            f"committed as {record.result_commit[:12]}"
            if record.result_commit
            else "the tree is back at the code that stands"
        )
        click.echo(f"  {done}")
    elif record.status != "kept" and record.application == "none" and not result.judged_before:
        click.echo(f"  the tree is as it was; to take the change back: scaffold ideas restore {study.incumbent}")
    click.echo(f"  next: {advice}")


def log_idea_in_plan(workspace: Workspace, result: IdeaTryResult) -> None:
    """A line in the plan's log for an idea that has a task."""
    from scaffold.errors import ScaffoldError
    from scaffold.ideas import wording
    from scaffold.plan.document import plan_file, server_loop_protocol

    record = result.record
    text = f"idea {record.number} ({record.text}): {wording.describe_verdict(result.study, record)}"
    try:
        path = workspace.locate(plan_file.iteration_log_path(workspace.tasks))
        moment = (record.ended_at or record.started_at)[:16].replace("T", " ")
        plan_file.append_iteration_log(path, server_loop_protocol.format_log_entry(moment, text, task=record.task))
    except ScaffoldError as error:
        output.warn(f"the plan's log has no line of it: {error.message}")


def print_background_judge(
    study: IdeaStudy, record: IdeaRecord, process: BackgroundJudge, *, json_output: bool
) -> None:
    """That an idea is judged in the background."""
    from scaffold.ideas import wording

    if json_output:
        answer = {"study": study.name, "idea": wording.idea_json(study, record), "known": record.is_closed}
        output.print_json({**answer, "similar": [], "next": f"scaffold ideas show {record.number}"})
        return
    click.echo(f"idea {record.number} is judged by {process.who}, which writes to {process.log}")


def print_study_started(study: IdeaStudy, answer: dict[str, Any], *, json_output: bool) -> None:
    """What a study's baseline says."""
    if json_output:
        output.print_json(answer)
        return
    from scaffold.runs import timestamps

    for text in answer["warnings"]:
        output.warn(text)
    seeds = study.seed_option or "none: runs are repeats"
    click.echo(
        f"study {study.name}: {study.direction} {study.metric} of {' '.join(study.command)} (seed option: {seeds})"
    )
    values = ", ".join(f"{row['value']:.6g}" for row in answer["baseline"])
    click.echo(f"baseline: {values}; one run varies by {answer['noise']:.3g}")
    click.echo(f"effects from about {answer['smallest_effect']:.3g} on are mostly seen")
    if answer["seconds_an_idea"] is not None:
        click.echo(f"an idea takes about {timestamps.format_duration(answer['seconds_an_idea'])}")
    if study.never:
        some = ", ".join(study.never[:4]) + (", ..." if len(study.never) > 4 else "")
        click.echo(f"no idea may change {some}")
    click.echo("next: edit the code, then scaffold try 'what it is' --because 'why it should help'")


def print_ideas(study: IdeaStudy, records: list[IdeaRecord], abandoned: Sequence[IdeaRecord] = ()) -> None:
    """A line an idea, the newest first; and of those that nobody judges any more, how to go on."""
    from scaffold.ideas import wording

    rows = []
    for record in records:
        mark = "*" if record.number == study.incumbent else MARKS[record.status]
        of = f" (again {record.of})" if record.of is not None else ""
        rows.append(
            [mark, str(record.number), record.status, wording.describe_idea_effect(study, record), record.text + of]
        )
    output.print_aligned_rows(rows)
    for record in abandoned:
        click.echo(describe_abandoned_idea(record))


def describe_abandoned_idea(record: IdeaRecord) -> str:
    """That nobody judges an idea any more, and what goes on with it."""
    return f"nobody judges idea {record.number} any more: scaffold ideas again {record.number} goes on where it was"


def print_idea(study: IdeaStudy, record: IdeaRecord) -> None:
    """One idea, whole."""
    from scaffold.ideas import wording

    click.echo(f"idea {record.number} of {study.name}: {record.text}")
    shown = wording.idea_json(study, record)
    keys = ("because", "task", "status", "why", "by_hand", "base", "of", "runs", "sweep", "commit", "result_commit")
    rows = [[key, str(shown[key])] for key in (*keys, "started_at", "ended_at") if shown[key] is not None]
    rows.insert(3, ["effect", wording.describe_idea_effect(study, record) or "not known"])
    output.print_aligned_rows([*rows, ["paths", ", ".join(record.paths)]])
    for note in (*record.notes, *(f"left: {text}" for text in record.left)):
        click.echo(f"  {note}")


def print_claim(study: IdeaStudy, claim: IdeaClaim) -> None:
    """The number to quote."""
    click.echo(
        f"{study.metric} {claim.change:+.4g} [{claim.low:+.4g}, {claim.high:+.4g}] from the baseline to idea {claim.idea}, "
        f"{len(claim.seeds)} new seeds on both sides"
    )
    more = f"; the question was started {study.earlier} times before" if study.earlier else ""
    click.echo(f"this is claim {len(study.claims)} of this study{more}: quote that with it")


def format_idea_study_progress(
    study: IdeaStudy, running: list[IdeaRecord], last: list[IdeaRecord], abandoned: list[IdeaRecord]
) -> str:
    """What is going on in a study, in a few lines."""
    from scaffold.ideas import wording

    lines = [f"{study.name}: idea {study.incumbent} stands: {study.standing.text}"]
    lines += [f"  runs: idea {r.number} ({output.pluralize(r.runs, 'run')} done): {r.text}" for r in running]
    lines += [f"  {describe_abandoned_idea(r)}" for r in abandoned]
    lines += [f"  {r.ended_at}  idea {r.number}: {wording.describe_verdict(study, r)}: {r.text}" for r in last]
    return "\n".join(lines)
