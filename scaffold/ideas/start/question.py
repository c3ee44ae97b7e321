"""What a study asks: metric, direction, command and seed option, from the options, else from detection."""

from __future__ import annotations

from dataclasses import dataclass, field

from scaffold.errors import WrongUsage
from scaffold.ideas import context, study_files
from scaffold.ideas.context import IdeaContext
from scaffold.ideas.study import IdeaStudy
from scaffold.ideas.tree import forbidden_changes
from scaffold.metric_directions import Direction, guess_direction
from scaffold.sweeps.spec import script_arguments, script_interface
from scaffold.sweeps.spec.model import NO_SEED_OPTION, BackendName, RunResources
from scaffold.workspace import Workspace


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
    backend: BackendName | None = None
    no_prefix: bool = False
    resources: RunResources = field(default_factory=RunResources)
    goal: str | None = None
    metric_from: tuple[str, ...] = ()


def make_study_from_options(place: IdeaContext, options: StudyOptions) -> IdeaStudy:
    """The study that the options ask for, with no idea yet. Raises WrongUsage where metric, direction or command is not known."""
    workspace = place.workspace
    command = options.command or context.read_baseline_command(workspace)
    if not command:
        raise WrongUsage(
            "no command is given, and detection knows none", hint="scaffold ideas start -- python train.py"
        )
    metric = options.metric or str(workspace.answers.get("primary_metric") or "")
    if not metric:
        raise WrongUsage(
            "no metric is named, and detection knows none", hint="scaffold ideas start --metric val_loss --minimize"
        )
    is_primary = metric == workspace.answers.get("primary_metric")
    detected = workspace.answers.get("metric_direction") if is_primary else None
    direction = options.direction or detected or guess_direction(metric)
    if direction not in ("minimize", "maximize"):
        raise WrongUsage(f"it is not known which way {metric} is better", hint="--minimize or --maximize")
    name = options.name or _free_name(workspace, metric)
    study_files.idea_study_path(workspace, name)
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
        never=tuple(p for p in never if not forbidden_changes.matches_any_path_pattern(p, options.only)),
        checks=options.checks,
        apply=options.apply,
        backend=options.backend,
        no_prefix=options.no_prefix,
        started_at=context.format_current_time(),
        earlier=_count_earlier(workspace, metric, command),
    )


def _free_name(workspace: Workspace, metric: str) -> str:
    base = "".join(c if c.isascii() and c.isalnum() else "-" for c in metric).strip("-")[:40] or "ideas"
    existing = set(study_files.idea_study_names(workspace))
    return next(n for i in range(1, 1000) if (n := base if i == 1 else f"{base}-{i}") not in existing)


def _seed_option(workspace: Workspace, seeds: str | None, command: tuple[str, ...]) -> str | None:
    """How the command takes its seed; None where it takes none, so that runs are mere repeats."""
    if seeds == "none":
        return None
    if seeds is not None:
        return script_interface.check_seed_option_syntax(seeds)
    script = script_interface.read_command_script(workspace, command, ".")
    style, _ = script_interface.detect_argument_style(workspace, command, script)
    if option := script_interface.known_seed_option(workspace, script, style):
        return option
    reads = script_arguments.reads_environment_seed(workspace, script, command, ".")
    return NO_SEED_OPTION if reads else None


def _count_earlier(workspace: Workspace, metric: str, command: tuple[str, ...]) -> int:
    studies = study_files.read_idea_studies(workspace)
    return sum(s.metric == metric and s.command == command and s.is_started for s in studies)
