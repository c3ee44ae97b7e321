"""A study is opened: its question is settled, the code as it is becomes the incumbent, and its baseline runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from statistics import fmean
from typing import Any

from scaffold import git
from scaffold.backends.interface import Warn
from scaffold.errors import ScaffoldError
from scaffold.ideas import context, study_files, trial_runs
from scaffold.ideas.context import IdeaContext
from scaffold.ideas.loop_state import sum_of_squares
from scaffold.ideas.replay import LoopReplay, replay_study_history
from scaffold.ideas.start import baseline
from scaffold.ideas.start.question import StudyOptions, make_study_from_options
from scaffold.ideas.study import BASELINE, IdeaStudy
from scaffold.sweeps.spec import sweep_file
from scaffold.sweeps.spec.model import NO_SEED_OPTION
from scaffold.sweeps.spec.plan import SweepOptions, plan_sweep
from scaffold.workspace import Workspace

# runs that one idea takes, over a loop (benchmarks/idea_rules.py)
RUNS_AN_IDEA = 3.5
# effects below this many standard deviations of one run are mostly missed
VISIBLE = 0.75


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyBaselineSummary:
    """What a study's baseline says: values by seed, the standard deviation of one run, the smallest effect that is mostly seen, how long
    one idea takes (seconds; None: not known), and what has to be said first."""

    values: tuple[tuple[int, float], ...]
    noise: float
    smallest_effect: float
    seconds_an_idea: float | None
    warnings: tuple[str, ...]


def start_idea_study(
    workspace: Workspace, options: StudyOptions, *, warn: Warn, show: trial_runs.Show, note: Callable[[str], None]
) -> tuple[IdeaStudy, StudyBaselineSummary]:
    """Open a study, or go on with one whose baseline was not over. Raises ScaffoldError: a dirty tree, a metric that no run gives."""
    place = context.open_idea_context(workspace)
    study = _resume(place, options) or _open(place, options, note=note)
    side = trial_runs.IdeaTrialSides(workspace, study, warn=warn).side(study, study.ideas[BASELINE])
    results = baseline.run_study_baseline(workspace, study, side, show)
    study = study_files.change_idea_study(
        workspace, study.name, lambda s: baseline.add_baseline_values_to_study(workspace, s, results)
    )
    at_once = trial_runs.await_run_capacity(workspace, study, warn=warn)
    return study, summarize_baseline(study, [r.seconds for r in results if r.seconds is not None], at_once)


def _resume(place: IdeaContext, options: StudyOptions) -> IdeaStudy | None:
    """A study whose baseline is not over yet: the one of this name, else one of the same question. Raises ScaffoldError where the one of
    this name is over, or asks something else."""
    workspace = place.workspace
    if options.name is None:
        question = make_study_from_options(place, options)
        studies = study_files.read_idea_studies(workspace)
        same = [study for study in studies if _is_same_question(study, question) and not study.is_started]
        return same[-1] if same and same[-1].ideas[BASELINE].state == _head_state(place) else None
    if options.name not in study_files.idea_study_names(workspace):
        return None
    study = study_files.read_idea_study(workspace, options.name)
    if study.is_started or (options.command and options.command != study.command):
        raise ScaffoldError(
            f"there is a study {study.name} already",
            hint="go on with it: scaffold try '...'; for another question choose another name",
        )
    return study


def _head_state(place: IdeaContext) -> str:
    return place.code_state(git.run_git_checked(place.top, "rev-parse", "HEAD").text)


def _is_same_question(a: IdeaStudy, b: IdeaStudy) -> bool:
    return (a.metric, a.direction, a.command) == (b.metric, b.direction, b.command)


def _open(place: IdeaContext, options: StudyOptions, *, note: Callable[[str], None]) -> IdeaStudy:
    """The study, written, with its baseline planned as a sweep and nothing run."""
    workspace = place.workspace
    study = make_study_from_options(place, options)
    base, untracked = baseline.capture_baseline_idea(place, study)
    first = baseline.find_largest_seed(workspace, study) + 1
    seeds = tuple(range(first, first + baseline.BASELINE_RUNS))
    seed_option = study.seed_option or NO_SEED_OPTION
    planned = plan_sweep(
        workspace,
        SweepOptions(
            name=trial_runs.first_idea_sweep_name(study.name, BASELINE),
            command=study.command,
            goal=options.goal or f"the baseline of {study.name}",
            seeds=",".join(map(str, seeds)),
            seed_option=seed_option,
            experiment=study.name if not workspace.per_experiment else None,
            backend=options.backend,
            resources=options.resources,
            metric_from=options.metric_from,
        ),
        workspace.workdir,
    )
    for text in planned.notes:
        if "seeds" not in text:
            note(text)
    code = replace(planned.sweep.code, state=base.state, commit=base.commit, patch=None, pin=None, tracked=None)
    sweep_file.write_sweep(workspace, replace(planned.sweep, labels={"idea": str(BASELINE)}, code=code))
    event = {"event": "baseline", "seeds": list(seeds), "largest_seed": seeds[0] - 1}
    study = replace(study, ideas=(base,), untracked=untracked, history=(event,))
    with study_files.hold_idea_study_lock(workspace, study.name):
        return study_files.write_idea_study(workspace, study)


def summarize_baseline(study: IdeaStudy, seconds: Sequence[float], at_once: int) -> StudyBaselineSummary:
    """What the baseline says of the noise, and what a loop under it can see; so many runs go on at once."""
    values = [(int(seed), study.turned(value)) for seed, value in study.history[0]["runs"]]
    state: LoopReplay = replay_study_history(study)
    noise = (sum_of_squares([v for _, v in values]) / (len(values) - 1)) ** 0.5
    warnings = []
    if study.earlier:
        times = "once" if study.earlier == 1 else f"{study.earlier} times"
        warnings.append(f"this question was started {times} before: each study has its own 10 % of false keeps")
    if state.loop.deterministic and study.one_seed:
        warnings.append(
            f"no two runs differ, because the seed is fixed ({study.one_seed}): every harmless edit is a new draw, and half of them come "
            "out better, so that every keep is marked `on one seed, unproven` and nothing can be claimed. Have the script take its seed "
            "(--seed, or $RUN_SEED), and start again"
        )
    taken = RUNS_AN_IDEA * fmean(seconds) / at_once if seconds else None
    return StudyBaselineSummary(
        values=tuple(values),
        noise=noise,
        smallest_effect=VISIBLE * noise,
        seconds_an_idea=taken,
        warnings=tuple(warnings),
    )


def study_question_json(study: IdeaStudy) -> dict[str, Any]:
    """The question of a study, for JSON."""
    return {
        "study": study.name,
        "metric": study.metric,
        "direction": study.direction,
        "command": list(study.command),
        "seed_option": study.seed_option,
        "max_pairs": study.max_pairs,
        "only": list(study.only),
        "never": list(study.never),
        "checks": list(study.checks),
        "apply": study.apply,
    }
