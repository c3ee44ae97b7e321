"""The code as it is becomes the baseline of a study: captured as idea 0, and run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from scaffold import git
from scaffold.errors import ScaffoldError
from scaffold.ideas import context, trial_runs
from scaffold.ideas.context import IdeaContext
from scaffold.ideas.loop_state import JudgingStep
from scaffold.ideas.study import BASELINE, IdeaRecord, IdeaStudy
from scaffold.ideas.tree import snapshot
from scaffold.runs import records
from scaffold.workspace import Workspace

BASELINE_RUNS = 5


def find_largest_seed(workspace: Workspace, study: IdeaStudy) -> int:
    """The largest seed that is recorded for this command, so that no old result can pass for a new run."""
    script = study.command[-1] if len(study.command) == 1 else study.command[1]
    runs = (run for run in records.read_records(workspace).runs if run.seed is not None)
    return max((run.seed or 0 for run in runs if script in run.form or run.experiment == study.name), default=0)


def capture_baseline_idea(place: IdeaContext, study: IdeaStudy) -> tuple[IdeaRecord, tuple[str, ...]]:
    """The code as it is, as idea 0, and what git does not track. Raises ScaffoldError where it differs from HEAD."""
    head = git.run_git_checked(place.top, "rev-parse", "HEAD").text
    every = tuple(git.untracked_files(place.top))
    rules = replace(place.rules(None, study.command), untracked=frozenset(every))
    tree = snapshot.take_snapshot(place.top, head, rules)
    dirty = [path for path in tree.paths if path not in every]
    if dirty:
        raise ScaffoldError(
            f"the code differs from HEAD ({', '.join(dirty[:5])}), so that it is not said what stands",
            hint="commit it, or put it aside (git stash), start, and bring it back as the first idea (git stash pop; scaffold try '...')",
        )
    commit = head
    if tree.paths:  # untracked files that the command reads: a run without them would fail
        message = snapshot.idea_message("the baseline", {"Study": study.name})
        commit = snapshot.commit_tree(place.top, tree.tree, head, message)
    snapshot.pin_commit(place.top, study.name, BASELINE, commit)
    record = IdeaRecord(
        number=BASELINE,
        text="the baseline",
        commit=commit,
        state=place.code_state(commit),
        paths=tree.paths,
        status="kept",
        started_at=context.format_current_time(),
    )
    return record, snapshot.list_excluded_files(place.top, rules)


def run_study_baseline(
    workspace: Workspace, study: IdeaStudy, side: trial_runs.IdeaTrialSide, show: trial_runs.Show
) -> list[trial_runs.IdeaTrialRunResult]:
    """The runs of the baseline. Raises ScaffoldError where they give no metric.

    All of them, also where the first are equal: an accuracy on 600 examples is the same for two seeds of nine by chance.
    """
    seeds = tuple(study.history[0]["seeds"])
    at_once = trial_runs.await_run_capacity(workspace, study, warn=side.warn)
    step = JudgingStep(kind="run", incumbent=seeds)
    results = trial_runs.run_judging_step(side, None, step, at_once=at_once, crashes={}, show=show).incumbent
    _check_baseline(study, results)
    return list(results)


def _check_baseline(study: IdeaStudy, results: Sequence[trial_runs.IdeaTrialRunResult]) -> None:
    failed = [result for result in results if result.value is None]
    if failed:
        raise ScaffoldError(
            f"the baseline does not give {study.metric}: {failed[0].run}: {failed[0].cause}",
            hint=f"see scaffold runs show {failed[0].run}; mend it, commit, and start again under another name",
        )


def add_baseline_values_to_study(
    workspace: Workspace, study: IdeaStudy, results: Sequence[trial_runs.IdeaTrialRunResult]
) -> IdeaStudy:
    """The study with the values of its baseline, so that ideas can be judged; as it is where it has them already."""
    if study.is_started:
        return study
    values = [[r.seed, study.turned(r.value)] for r in results if r.value is not None]
    event = {**study.history[0], "runs": values}
    baseline = replace(study.ideas[BASELINE], runs=len(values), ended_at=context.format_current_time())
    is_fixed = study.seed_option is None and len({value for _, value in values}) == 1
    one_seed = context.find_seed_constant(workspace, study.command) if is_fixed else None
    return replace(study.with_idea(baseline), history=(event, *study.history[1:]), one_seed=one_seed)
