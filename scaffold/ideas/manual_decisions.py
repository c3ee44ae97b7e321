"""What a person decides about ideas, with or against the rule; and what may be quoted in the end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from scaffold.backends.interface import Warn
from scaffold.errors import NegativeAnswer, ScaffoldError
from scaffold.ideas import context, rebasing, replay, rule, study_files, trial_runs, verdict_application
from scaffold.ideas.context import IdeaContext
from scaffold.ideas.loop_state import JudgingStep
from scaffold.ideas.study import BASELINE, IdeaStudy
from scaffold.ideas.tree import idea_commits
from scaffold.workspace import Workspace

CLAIM_PAIRS = 8


def override_verdict(
    place: IdeaContext, name: str, number: int, *, keep: bool, because: str, say: Callable[[str], None]
) -> IdeaStudy:
    """Keep or drop an idea whatever the rule says, written down as such. What is kept is its change on top of the code that stands.

    Raises ScaffoldError where it is so already, and CannotRebase where the code that stands changes the same lines.
    """

    def change(study: IdeaStudy) -> IdeaStudy:
        record = study.idea_with_code(number) if keep else study.idea(number)
        if number == BASELINE or ((record.status == "kept") == keep and record.is_closed):
            raise ScaffoldError(f"idea {number} is {record.status} already", hint="see scaffold ideas list")
        status, was = ("kept" if keep else "dropped"), record.status
        note = f"{status} by hand ({was} before): {because}"
        if keep and record.base != study.incumbent:
            record = rebasing.rebase_idea(place, study, record)
        decided = replace(
            record,
            status="kept" if keep else "dropped",
            by_hand=because,
            notes=(*record.notes, note),
            application="pending" if study.apply else "none",
            tree=str(place.top),
            ended_at=context.format_current_time(),
        )
        study = study.with_idea(decided)
        stood = study.incumbent
        if keep:
            study = replace(study, incumbent=number)
        elif stood == number:
            study = replace(study, incumbent=record.base)
        if study.incumbent != stood:  # the record is of other code: it begins anew
            return study.with_event({"event": "closed", "idea": number, "outcome": "by hand"})
        return (
            study.with_event({"event": "closed", "idea": number, "outcome": "dropped"}) if was == "running" else study
        )

    study = study_files.change_idea_study(place.workspace, name, change)
    return verdict_application.apply_pending_verdicts(place, study, say)


def restore_idea_files(place: IdeaContext, name: str, number: int) -> tuple[str, ...]:
    """Bring the files of an idea back into the tree; the paths. Raises ScaffoldError where that would lose what nobody has kept."""
    study = study_files.read_idea_study(place.workspace, name)
    record = study.idea_with_code(number)
    paths = sorted({path for each in study.ideas for path in each.paths})
    commits = [each.commit for each in study.ideas if each.commit]
    lost = idea_commits.find_unmatched_paths(place.top, paths, "HEAD", *commits)
    if lost:
        raise ScaffoldError(
            f"{lost[0]} has changes that are no idea yet, and would be lost",
            hint="try them first (scaffold try '...'), or put them aside: git stash",
        )
    base = study.ideas[record.base].commit
    names = sorted({*paths, *record.paths})
    idea_commits.checkout_paths_unstaged(place.top, names, record.commit)
    return tuple(idea_commits.find_unmatched_paths(place.top, names, base))


@dataclass(frozen=True, slots=True, kw_only=True)
class IdeaClaim:
    """What a loop gained: the metric of the code that stands minus that of the baseline, with an interval of 95 %, on `seeds` that nothing
    else used."""

    idea: int
    change: float
    low: float
    high: float
    seeds: tuple[int, ...]
    at: str

    def as_json(self) -> dict[str, Any]:
        """For JSON, and for the study's file."""
        return {
            "idea": self.idea,
            "change": self.change,
            "low": self.low,
            "high": self.high,
            "seeds": list(self.seeds),
            "at": self.at,
        }


def measure_claim(workspace: Workspace, name: str, *, warn: Warn, show: trial_runs.Show) -> tuple[IdeaStudy, IdeaClaim]:
    """Baseline against the code that stands, on unused seeds. Raises NegativeAnswer where nothing was kept,
    and ScaffoldError where all runs are of one seed."""
    study = study_files.change_idea_study(workspace, name, _reserve_seeds)
    asked = study.history[-1]
    seeds = tuple(asked["claim"])
    step = JudgingStep(kind="run", incumbent=seeds, candidate=seeds)
    sides = trial_runs.IdeaTrialSides(workspace, study, warn=warn)
    results = trial_runs.run_judging_step(
        sides.side(study, study.ideas[BASELINE]),
        sides.side(study, study.ideas[asked["idea"]]),
        step,
        at_once=trial_runs.await_run_capacity(workspace, study, warn=warn),
        crashes={},
        show=show,
    )
    values = []
    for side in (results.incumbent, results.candidate):
        if failed := [result for result in side if result.value is None]:
            raise ScaffoldError(
                f"{failed[0].run} gave no {study.metric}: {failed[0].cause}",
                hint="a claim needs all of its runs: call it again",
            )
        values.append([(r.seed, study.turned(r.value)) for r in side if r.value is not None])
    estimate, low, high = rule.estimate_claim(*values)
    turn = -1 if study.direction == "minimize" else 1
    low, high = sorted((turn * low, turn * high))
    claim = IdeaClaim(
        idea=asked["idea"], change=turn * estimate, low=low, high=high, seeds=seeds, at=context.format_current_time()
    )
    study = study_files.change_idea_study(
        workspace, name, lambda newest: replace(newest, claims=(*newest.claims, claim.as_json()))
    )
    return study, claim


def _reserve_seeds(study: IdeaStudy) -> IdeaStudy:
    """Seeds for a claim that nothing else uses; a claim that was begun and has no end goes on with its own."""
    if study.one_seed:
        raise ScaffoldError(
            f"all runs are of one seed ({study.one_seed}), so that nothing can be claimed",
            hint="have the script take its seed, commit that, and start another study",
        )
    if study.incumbent == BASELINE:
        raise NegativeAnswer(
            "no idea was kept: against the baseline there is no gain to quote", hint="see scaffold ideas list"
        )
    last = study.history[-1]
    if last["event"] == "seeds" and last["idea"] == study.incumbent and len(study.claims) == last["number"]:
        return study
    loop = replay.replay_study_history(study).loop
    seeds = rule.unused_seeds(loop, CLAIM_PAIRS)
    return study.with_event(
        {
            "event": "seeds",
            "idea": study.incumbent,
            "claim": list(seeds),
            "last": seeds[-1],
            "number": len(study.claims),
        }
    )
