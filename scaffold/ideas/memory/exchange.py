"""Ideas from elsewhere and for elsewhere: `results.tsv` of other loops is read in, a study is written as a table and as a branch."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from scaffold import git
from scaffold.errors import ScaffoldError, WrongUsage
from scaffold.ideas import context, study_files
from scaffold.ideas.context import IdeaContext
from scaffold.ideas.study import IdeaRecord, IdeaStudy, Status
from scaffold.ideas.tree import changes, snapshot
from scaffold.ideas.wording import describe_verdict, list_ideas_in_incumbent, metric_change, metric_change_interval
from scaffold.observations.trial_log_tsv import read_trials

STATUSES: dict[str, Status] = {"keep": "kept", "discard": "dropped", "crash": "failed"}
COLUMNS = ("idea", "status", "change", "low", "high", "pairs", "runs", "base", "commit", "text", "because", "by_hand")


def import_trials_as_ideas(
    place: IdeaContext, name: str, path: Path, warn: Callable[[str], None]
) -> tuple[IdeaStudy, int]:
    """Read the trials of a `results.tsv` into a study, as ideas of elsewhere: they are remembered, and count for nothing in the rule. The
    study, and how many are new. Raises ScaffoldError where the file cannot be read."""
    try:
        trials = list(read_trials(path, warn))
    except OSError as error:
        raise ScaffoldError(f"{path} cannot be read: {error.strerror or error}") from error
    named = {trial.commit for trial in trials if trial.commit}
    commits = {short: full for short in named if (full := _resolve(place, short)) is not None}
    count = 0

    def add(study: IdeaStudy) -> IdeaStudy:
        nonlocal count
        old = {record.notes[-1] for record in study.ideas if record.origin is not None}
        for trial in trials:
            note = f"from {path.name}, line {trial.line}, commit {trial.commit or 'unknown'}"
            if note in old or trial.description.strip().lower() == "baseline":
                continue
            value = next((v for k, v in trial.values.items() if k == study.metric), None)
            reason = f"{study.metric} {value:.6g} there, by one run" if value is not None else "no value"
            record = _foreign_record(place, study, commits.get(trial.commit), trial.description or trial.commit)
            status = STATUSES.get(trial.status, "open")
            study = study.with_idea(replace(record, status=status, why=reason, notes=(note,), origin=path.name))
            count += 1
        return study

    return study_files.change_idea_study(place.workspace, name, add), count


def _resolve(place: IdeaContext, short: str) -> str | None:
    answer = git.run_git(place.top, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{short}^{{commit}}")
    return answer.text if answer.status == 0 else None


def _foreign_record(place: IdeaContext, study: IdeaStudy, commit: str | None, text: str) -> IdeaRecord:
    moment, number = context.format_current_time(), len(study.ideas)
    base = study.ideas[0]
    record = IdeaRecord(number=number, text=text, commit="", state="", started_at=moment, ended_at=moment)
    if commit is None:
        return record
    parent = git.run_git(place.top, "rev-parse", "--verify", "--quiet", f"{commit}^").text or base.commit
    hunks = changes.read_hunks(place.top, parent, commit)
    snapshot.pin_commit(place.top, study.name, number, commit)
    return replace(
        record,
        commit=commit,
        state=place.code_state(commit),
        paths=tuple(sorted({hunk.path for hunk in hunks})),
        lines=changes.fingerprint_changed_lines(hunks),
        constants=changes.fingerprint_without_numbers(hunks),
    )


def format_ideas_tsv(study: IdeaStudy) -> str:
    """All ideas as tab-separated values."""
    out = io.StringIO()
    writer = csv.writer(out, delimiter="\t", lineterminator="\n")
    writer.writerow(COLUMNS)
    for record in study.ideas:
        low, high = metric_change_interval(study, record)
        cells = {
            "idea": record.number,
            "status": record.status,
            "change": metric_change(study, record.effect),
            "low": low,
            "high": high,
            "pairs": record.pairs,
            "runs": record.runs,
            "base": record.base,
            "commit": record.commit,
            "text": _cell(record.text),
            "because": _cell(record.because or ""),
            "by_hand": _cell(record.by_hand or ""),
        }
        writer.writerow(["" if cells[name] is None else cells[name] for name in COLUMNS])
    return out.getvalue()


def _cell(text: str) -> str:
    """A text that no spreadsheet takes for a formula."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@") else text


def write_ideas_branch(place: IdeaContext, study: IdeaStudy, branch: str) -> tuple[str, int]:
    """Make a branch with a commit for each idea that the code that stands is made of; its tip, and how many. No tree and no other branch
    changes. Raises ScaffoldError where the branch exists, WrongUsage for what cannot be a branch's name."""
    if git.run_git(place.top, "check-ref-format", "--branch", branch).status != 0:
        raise WrongUsage(f"{branch!r} cannot be a branch's name", hint="--branch ideas/kept")
    if git.run_git(place.top, "rev-parse", "--verify", "--quiet", f"refs/heads/{branch}").status == 0:
        raise ScaffoldError(f"there is a branch {branch} already", hint="choose another name")
    first, *ideas = list_ideas_in_incumbent(study)
    tip = first.commit
    for record in ideas:
        tree = git.run_git_checked(place.top, "rev-parse", f"{record.commit}^{{tree}}").text
        trailers = {"Idea": f"{record.number} of {study.name}", "Verdict": describe_verdict(study, record)}
        message = snapshot.idea_message(record.text, {**trailers, "Because": record.because})
        tip = snapshot.commit_tree(place.top, tree, tip, message)
    git.run_git_checked(place.top, "update-ref", f"refs/heads/{branch}", tip, "")
    return tip, len(ideas)
