"""A study is opened: its question is settled, the code as it is becomes the incumbent, and its baseline runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from statistics import fmean
from typing import Any

from scaffold import git
from scaffold.backends.interface import Warn
from scaffold.errors import ScaffoldError, WrongUsage
from scaffold.ideas import context, study_files, trial
from scaffold.ideas.context import IdeaContext
from scaffold.ideas.history import LoopReplay, replay
from scaffold.ideas.loop_state import Step, sum_of_squares
from scaffold.ideas.study import BASELINE, IdeaRecord, IdeaStudy
from scaffold.ideas.tree import fences, snapshot
from scaffold.metric_directions import Direction, guess_direction
from scaffold.runs import records
from scaffold.sweeps.spec import script_arguments, script_interface, sweep_file
from scaffold.sweeps.spec.model import NO_SEED_OPTION, RunResources
from scaffold.sweeps.spec.plan import SweepOptions, plan_sweep
from scaffold.workspace import Workspace

BASELINE_RUNS, FEWEST_RUNS = 5, 2
# runs that one idea takes, over a loop (benchmarks/idea_rules.py)
RUNS_AN_IDEA = 3.5
# effects below this many standard deviations of one run are mostly missed
VISIBLE = 0.75


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyOptions:
    """What `ideas start` was told; None: detection decides."""

    name: str | None = None
    command: tuple[str, ...] = ()
    metric: str | None = None
    direction: Direction | None = None
    seeds: str | None = None
    max_pairs: int = 24
    least: float = 0.0
    margin: float = 0.0
    only: tuple[str, ...] = ()
    never: tuple[str, ...] | None = None
    checks: tuple[str, ...] = ()
    apply: bool = False
    backend: str | None = None
    no_prefix: bool = False
    resources: RunResources = field(default_factory=RunResources)
    goal: str | None = None
    metric_from: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class StudySummary:
    """What a study's baseline says: values by seed, the standard deviation of one run, the smallest effect that is mostly seen, how long
    one idea takes (seconds; None: not known), and what has to be said first."""

    values: tuple[tuple[int, float], ...]
    noise: float
    smallest_effect: float
    seconds_an_idea: float | None
    warnings: tuple[str, ...]


def start_study(
    workspace: Workspace, options: StudyOptions, *, warn: Warn, show: trial.Show, note: Callable[[str], None]
) -> tuple[IdeaStudy, StudySummary]:
    """Open a study, or go on with one whose baseline was not over. Raises ScaffoldError: a dirty tree, a metric that no run gives."""
    place = context.open_context(workspace)
    study = _resume(place, options) or _open(place, options, note=note)
    side = trial.CodeSide(workspace, study, study.ideas[BASELINE], warn=warn)
    results = _run_baseline(workspace, study, side, show)
    study = study_files.change_study(workspace, study.name, lambda s: _with_baseline(workspace, s, results))
    at_once = trial.runs_at_once(workspace, study, warn=warn)
    return study, summarize(study, [r.seconds for r in results if r.seconds is not None], at_once)


def _resume(place: IdeaContext, options: StudyOptions) -> IdeaStudy | None:
    """A study whose baseline is not over yet: the one of this name, else one of the same question. Raises ScaffoldError where the one of
    this name is over, or asks something else."""
    workspace = place.workspace
    if options.name is None:
        wanted = _settle_question(place, options)
        same = [s for s in study_files.read_all_studies(workspace) if _is_same_question(s, wanted) and not s.is_started]
        return same[-1] if same and same[-1].ideas[BASELINE].state == _head_state(place) else None
    if options.name not in study_files.study_names(workspace):
        return None
    study = study_files.read_study(workspace, options.name)
    if study.is_started or (options.command and options.command != study.command):
        raise ScaffoldError(
            f"there is a study {study.name} already",
            hint="go on with it: scaffold try '...'; for another question choose another name",
        )
    return study


def _head_state(place: IdeaContext) -> str:
    return place.code_state(git.run_checked(place.top, "rev-parse", "HEAD").text)


def _is_same_question(a: IdeaStudy, b: IdeaStudy) -> bool:
    return (a.metric, a.direction, a.command) == (b.metric, b.direction, b.command)


def _open(place: IdeaContext, options: StudyOptions, *, note: Callable[[str], None]) -> IdeaStudy:
    """The study, written, with its baseline planned as a sweep and nothing run."""
    workspace = place.workspace
    study = _settle_question(place, options)
    base, untracked = _capture_baseline(place, study)
    number = BASELINE
    seeds = tuple(range(_largest_seed(workspace, study) + 1, _largest_seed(workspace, study) + 1 + BASELINE_RUNS))
    seed_option = study.seed_option or NO_SEED_OPTION
    planned = plan_sweep(
        workspace,
        SweepOptions(
            name=trial.side_name(study.name, number),
            command=study.command,
            goal=options.goal or f"the baseline of {study.name}",
            seeds=",".join(map(str, seeds)),
            seed_option=seed_option,
            experiment=study.name if not workspace.per_experiment else None,
            backend=options.backend,  # type: ignore[arg-type]
            resources=options.resources,
            metric_from=options.metric_from,
        ),
        workspace.workdir,
    )
    for text in planned.notes:
        if "seeds" not in text:
            note(text)
    code = replace(planned.sweep.code, state=base.state, commit=base.commit, patch=None, pin=None, tracked=None)
    sweep_file.write_sweep(workspace, replace(planned.sweep, labels={"idea": str(number)}, code=code))
    event = {"event": "baseline", "seeds": list(seeds), "largest_seed": seeds[0] - 1}
    study = replace(study, ideas=(base,), untracked=untracked, history=(event,))
    with study_files.study_lock(workspace, study.name):
        return study_files.write_study(workspace, study)


def _settle_question(place: IdeaContext, options: StudyOptions) -> IdeaStudy:
    """Metric, direction, command and seed option, from the options, else from detection. Raises WrongUsage where one is not known."""
    workspace = place.workspace
    command = options.command or context.baseline_command(workspace)
    if not command:
        raise WrongUsage(
            "no command is given, and detection knows none", hint="scaffold ideas start -- python train.py"
        )
    metric = options.metric or str(workspace.answers.get("primary_metric") or "")
    if not metric:
        raise WrongUsage(
            "no metric is named, and detection knows none", hint="scaffold ideas start --metric val_loss --minimize"
        )
    known = workspace.answers.get("metric_direction") if metric == workspace.answers.get("primary_metric") else None
    direction = options.direction or known or guess_direction(metric)
    if direction not in ("minimize", "maximize"):
        raise WrongUsage(f"it is not known which way {metric} is better", hint="--minimize or --maximize")
    name = options.name or _free_name(workspace, metric)
    study_files.study_path(workspace, name)
    never = options.never if options.never is not None else context.guarded_files(place, command, metric)
    return IdeaStudy(
        name=name,
        metric=metric,
        direction=direction,
        command=command,
        seed_option=_seed_option(workspace, options.seeds, command),
        max_pairs=options.max_pairs,
        least=options.least,
        margin=options.margin,
        only=options.only,
        never=tuple(p for p in never if not fences.matches_any(p, options.only)),
        checks=options.checks,
        apply=options.apply,
        backend=options.backend,
        no_prefix=options.no_prefix,
        started_at=context.timestamp(),
        earlier=_count_earlier(workspace, metric, command),
    )


def _free_name(workspace: Workspace, metric: str) -> str:
    base = "".join(c if c.isascii() and c.isalnum() else "-" for c in metric).strip("-")[:40] or "ideas"
    existing = set(study_files.study_names(workspace))
    return next(n for i in range(1, 1000) if (n := base if i == 1 else f"{base}-{i}") not in existing)


def _seed_option(workspace: Workspace, seeds: str | None, command: tuple[str, ...]) -> str | None:
    """How the command takes its seed; None where it takes none, so that runs are mere repeats."""
    if seeds == "none":
        return None
    if seeds is not None:
        return script_interface.check_seed_option(seeds)
    script = script_interface.read_script(workspace, command, ".")
    style, _ = script_interface.detect_style(workspace, command, script)
    if option := script_interface.known_seed_option(workspace, script, style):
        return option
    reads = script_arguments.reads_environment_seed(workspace, script, command, ".")
    return NO_SEED_OPTION if reads else None


def _count_earlier(workspace: Workspace, metric: str, command: tuple[str, ...]) -> int:
    studies = study_files.read_all_studies(workspace)
    return sum(s.metric == metric and s.command == command and s.is_started for s in studies)


def _largest_seed(workspace: Workspace, study: IdeaStudy) -> int:
    """The largest seed that is recorded for this command, so that no old result can pass for a new run."""
    script = study.command[-1] if len(study.command) == 1 else study.command[1]
    runs = (run for run in records.read_records(workspace).runs if run.seed is not None)
    return max((run.seed or 0 for run in runs if script in run.form or run.experiment == study.name), default=0)


def _capture_baseline(place: IdeaContext, study: IdeaStudy) -> tuple[IdeaRecord, tuple[str, ...]]:
    """The code as it is, as idea 0, and what git does not track. Raises ScaffoldError where it differs from HEAD."""
    head = git.run_checked(place.top, "rev-parse", "HEAD").text
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
        started_at=context.timestamp(),
    )
    return record, snapshot.untracked_now(place.top, rules)


def _run_baseline(
    workspace: Workspace, study: IdeaStudy, side: trial.CodeSide, show: trial.Show
) -> list[trial.SideResult]:
    """The runs of the baseline: two first, since two that are equal need no more. Raises ScaffoldError where they give no metric."""
    seeds = study.history[0]["seeds"]
    at_once = trial.runs_at_once(workspace, study, warn=side.warn)
    first = FEWEST_RUNS if at_once < BASELINE_RUNS else BASELINE_RUNS
    results: list[trial.SideResult] = []
    for part in (seeds[:first], seeds[first:]):
        if part and not (results and len({r.value for r in results}) == 1):
            step = Step(kind="run", incumbent=tuple(part))
            done = trial.run_step(side, None, step, at_once=at_once, crashes={}, show=show).incumbent
            _check_baseline(study, done)
            results += done
    return results


def _check_baseline(study: IdeaStudy, results: Sequence[trial.SideResult]) -> None:
    failed = [result for result in results if result.value is None]
    if failed:
        raise ScaffoldError(
            f"the baseline does not give {study.metric}: {failed[0].run}: {failed[0].cause}",
            hint=f"see scaffold runs show {failed[0].run}; mend it, commit, and start again under another name",
        )


def _with_baseline(workspace: Workspace, study: IdeaStudy, results: Sequence[trial.SideResult]) -> IdeaStudy:
    if study.is_started:
        return study
    values = [[r.seed, study.turned(r.value)] for r in results if r.value is not None]
    event = {**study.history[0], "runs": values}
    baseline = replace(study.ideas[BASELINE], runs=len(values), ended_at=context.timestamp())
    is_fixed = study.seed_option is None and len({value for _, value in values}) == 1
    one_seed = context.find_seed_constant(workspace, study.command) if is_fixed else None
    return replace(study.with_idea(baseline), history=(event, *study.history[1:]), one_seed=one_seed)


def summarize(study: IdeaStudy, seconds: Sequence[float], at_once: int) -> StudySummary:
    """What the baseline says of the noise, and what a loop under it can see; so many runs go on at once."""
    values = [(int(seed), study.turned(value)) for seed, value in study.history[0]["runs"]]
    state: LoopReplay = replay(study)
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
    return StudySummary(
        values=tuple(values),
        noise=noise,
        smallest_effect=VISIBLE * noise,
        seconds_an_idea=taken,
        warnings=tuple(warnings),
    )


def describe_question(study: IdeaStudy) -> dict[str, Any]:
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
