"""A verdict is written down, and then done: a kept idea is committed, any other taken back, and nothing else in the tree is touched."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from scaffold.ideas import context, rebasing, study_files
from scaffold.ideas.context import IdeaContext
from scaffold.ideas.loop_state import JudgingStep
from scaffold.ideas.study import IdeaRecord, IdeaStudy, Status
from scaffold.ideas.tree import idea_commits, snapshot
from scaffold.ideas.wording import describe_run_location, describe_verdict, list_ideas_in_incumbent

Say = Callable[[str], None]
STATUSES: dict[str, Status] = {"keep": "kept", "drop": "dropped", "open": "open", "stop": "open"}


def close_idea_with_verdict(
    place: IdeaContext, study: IdeaStudy, number: int, step: JudgingStep, *, pairs: int = 0
) -> IdeaStudy:
    """The study with an idea closed as the rule's last step says."""
    record = study.idea(number)
    status: Status = "failed" if step.kind == "drop" and step.why.startswith("crashed:") else STATUSES[step.kind]
    applies = study.apply and (record.tree is not None or status == "kept")
    notes = record.notes
    if status == "kept" and study.one_seed:
        notes = (*notes, f"on one seed ({study.one_seed}), unproven")
    closed = replace(
        record,
        status=status,
        why=step.why,
        effect=step.effect,
        low=step.low,
        high=step.high,
        estimate=step.estimate,
        level=step.level,
        pairs=pairs,
        notes=notes,
        application="pending" if applies else "none",
        tree=record.tree or (str(place.top) if applies else None),
        ended_at=context.format_current_time(),
    )
    study = study.with_idea(closed).with_event({"event": "closed", "idea": number, "outcome": step.kind})
    return replace(study, incumbent=number) if status == "kept" else study


def rebase_stale_idea(place: IdeaContext, study: IdeaStudy, number: int, say: Say) -> IdeaStudy:
    """The study with an idea on the code that stands now; it has to be confirmed anew. Where that cannot be, it stays open."""
    record = study.idea(number)
    if record.is_closed or record.base == study.incumbent:
        return study
    try:
        record = rebasing.rebase_idea(place, study, record)
    except rebasing.IdeaRebaseConflict as error:
        say(error.message)
        return close_idea_with_verdict(place, study, number, JudgingStep(kind="open", why=error.message))
    say(f"idea {study.incumbent} was kept since: idea {number} is judged on top of it")
    confirms = any(
        e["idea"] == number and (e["confirm"] if e["event"] == "began" else e["level"] is not None)
        for e in study.history
        if e["event"] in ("began", "asked")
    )
    return study.with_idea(record).with_event({"event": "began", "idea": number, "confirm": confirms})


def apply_pending_verdicts(place: IdeaContext, study: IdeaStudy, say: Say) -> IdeaStudy:
    """Do to this working tree what verdicts ask for and nobody has done yet. Raises ScaffoldError where git does not answer."""
    for record in study.ideas:
        if record.application == "pending" and record.tree == str(place.top):
            study = _apply(place, study, record, say)
    return study


def _apply(place: IdeaContext, study: IdeaStudy, record: IdeaRecord, say: Say) -> IdeaStudy:
    """Commit an idea, or take it back. A tree that somebody went on editing is not touched."""
    is_kept = record.status == "kept"
    done = replace(record, application="done")
    # another idea may have been kept in another tree, and this one lacks it still
    chain = list_ideas_in_incumbent(study)
    paths = sorted({*record.paths, *(path for each in chain for path in each.paths)})
    reason = _edited(place, study, record, paths, [each.commit for each in chain])
    if reason is not None:
        note = f"the tree is not touched, since {reason}; by hand: {describe_manual_verdict_steps(study, record)}"
        say(note)
        done = replace(record, application="by hand", notes=(*record.notes, note))
    elif is_kept:
        idea_commits.checkout_paths(place.top, paths, record.commit)
        try:
            commit = idea_commits.commit_paths(place.top, paths, kept_idea_commit_message(study, record))
            done = replace(done, result_commit=commit)
        except idea_commits.CannotCommit as error:
            say(f"idea {record.number} is kept, and not committed: {error.message}")
            done = replace(record, application="by hand", notes=(*record.notes, f"not committed: {error.message}"))
        else:
            if place.code_state(commit) != record.state:
                note = (
                    "the commit's code is another one than that which was judged: a hook changed it, or HEAD had more"
                )
                say(note)
                done = replace(done, notes=(*done.notes, note))
    else:
        idea_commits.checkout_and_stage_paths(place.top, paths, study.standing.commit)

    def store(newest: IdeaStudy) -> IdeaStudy:
        return replace(newest.with_idea(done), untracked=snapshot.list_excluded_files(place.top, place.rules()))

    return study_files.change_idea_study(place.workspace, study.name, store)


def _edited(
    place: IdeaContext, study: IdeaStudy, record: IdeaRecord, paths: Sequence[str], chain: Sequence[str]
) -> str | None:
    """Why the tree is no longer the idea's, or partly the one that it is to become; None where it is."""
    # most often all is the idea's, and nothing more is asked
    changed = idea_commits.find_unmatched_paths(place.top, paths, record.commit)
    if changed:
        changed = idea_commits.find_unmatched_paths(place.top, changed, *chain)
    if changed and (earlier := place.refs(f"{snapshot.REFS}/{study.name}/{record.number}-on-")):
        changed = idea_commits.find_unmatched_paths(place.top, changed, *earlier)
    if changed:
        return f"{changed[0]} was changed while the idea was judged"
    every = snapshot.find_changed_paths(place.top, study.ideas[record.base].commit, place.rules(study))
    others = sorted(set(every) - set(paths))
    return f"{others[0]} was changed while the idea was judged" if others else None


def describe_manual_verdict_steps(study: IdeaStudy, record: IdeaRecord) -> str:
    """The way by hand to what a verdict asks for."""
    if record.status == "kept":
        return f"scaffold ideas restore {record.number}, then git commit"
    return f"scaffold ideas restore {study.incumbent} brings the code back that stands"


def kept_idea_commit_message(study: IdeaStudy, record: IdeaRecord) -> str:
    """The message of a kept idea's commit: what it is, why, and what was found."""
    trailers = {
        "Idea": f"{record.number} of {study.name}",
        "Because": record.because,
        "Task": record.task,
        "Verdict": describe_verdict(study, record),
        "Decided-by": record.by_hand,
        "Runs": describe_run_location(study, record),
    }
    return snapshot.idea_message(record.text, trailers)
