"""Conventions + what the user asked for -> the answers that the template is rendered from. Pure functions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from scaffold import metric_directions
from scaffold.conventions import slurm
from scaffold.conventions.model import Conventions, EntryPoint, Slurm
from scaffold.conventions.output_rewrite import as_recorded_run
from scaffold.errors import WrongUsage
from scaffold.server.address import check_url
from scaffold.workspace import EXPERIMENT_NAME, PLAYBOOK_FILE, ROLES, UNSAFE_IN_PATHS, path_problem


@dataclass(frozen=True, slots=True, kw_only=True)
class InitOptions:
    """What the user asked for; None means: as detected, or the template's default."""

    root: str | None = None
    goal: str | None = None
    tasks_path: str | None = None
    layout: str | None = None
    experiments: tuple[str, ...] = ()
    server_url: str | None = None
    session_id: str | None = None
    steering: str | None = None
    memories: tuple[str, ...] = ()
    evolutionary: bool | None = None
    metric: str | None = None
    direction: str | None = None


def make_answers(found: Conventions, wishes: InitOptions) -> dict[str, Any]:
    """Every answer that init gives. Raises WrongUsage when a wish cannot be an answer."""
    root = checked_relative_path(wishes.root, what="--root") if wishes.root is not None else found.experiment_root
    metric = wishes.metric if wishes.metric is not None else next(iter(found.metrics), "")
    given = {
        "experiment_root": root,
        "tasks_path": checked_plan_path(wishes.tasks_path) if wishes.tasks_path else f"{root}/tasks.md",
        "primary_metric": metric,
        "metric_direction": wishes.direction or metric_directions.guess_direction(metric) or "",
        "role_dirs": role_folder_names(root, found.role_dirs),
        "workspace_layout": wishes.layout or "flat",
        "experiments": [checked_experiment_name(name) for name in wishes.experiments] or ["baseline"],
    }
    optional = {
        "experiment_goal": wishes.goal,
        "research_server_url": None if wishes.server_url is None else check_url(wishes.server_url),
        "research_session_id": wishes.session_id,
        "steering_text": wishes.steering,
        "memories": list(wishes.memories) or None,
        "evolutionary_sweeps": wishes.evolutionary,
    }
    wished = given | {key: value for key, value in optional.items() if value is not None}
    for name, value in wished.items():
        if _is_not_utf8(value):
            raise WrongUsage(f"{name} is no text in UTF-8", hint="give it in UTF-8")
    return wished | fact_answers(found)


def fact_answers(found: Conventions) -> dict[str, Any]:
    """The answers that are facts: read off the repository, never asked."""
    environment = asdict(found.environment)
    read = {
        "environment": {key: list(value) if isinstance(value, tuple) else value for key, value in environment.items()},
        "config_systems": list(found.config_systems),
        "trackers": list(found.trackers),
        "launchers": list(found.launchers),
        "slurm": _slurm_answer(found),
        "entry_points": [_entry_point_answer(point) for point in found.entry_points],
        "repository_findings": describe_repository(found),
        "repository_risks": list(found.risks),
        "repository_metrics": list(found.metrics),
    }
    return {name: _without_non_utf8(value) for name, value in read.items()}


def _entry_point_answer(point: EntryPoint) -> dict[str, Any]:
    return asdict(point) | {"command": as_recorded_run(point.command, point.kind)}


def _is_not_utf8(value: object) -> bool:
    """Whether text anywhere in `value` holds what is no UTF-8, such as a file name in another encoding."""
    if isinstance(value, dict):
        return any(map(_is_not_utf8, value.values()))
    if isinstance(value, list):
        return any(map(_is_not_utf8, value))
    return isinstance(value, str) and not value.isascii() and any("\ud800" <= c <= "\udfff" for c in value)


def _without_non_utf8(value: Any) -> Any:
    """`value` without the items of lists, and without the texts, that no answers file could hold."""
    if isinstance(value, dict):
        return {key: _without_non_utf8(item) for key, item in value.items()}
    if isinstance(value, list):
        return [item for item in value if not _is_not_utf8(item)]
    return "" if _is_not_utf8(value) else value


def _slurm_answer(found: Conventions) -> dict[str, Any] | None:
    """Slurm's options, each list's first source beside it; None where neither repository nor machine knows Slurm.

    They end up in a script, and so are taken only where they can be nothing but options, modules and set-up lines.
    """
    if found.slurm is None and not found.machine.slurm:
        return None
    options: dict[str, Any] = {key: list(value) for key, value in asdict(found.slurm or Slurm()).items()}
    for key in ("partitions", "accounts", "qos", "gres", "time", "modules"):
        options[key] = [value for value in options[key] if slurm.SAFE_VALUE.fullmatch(value)]
    options["setup"] = [
        row for row in options["setup"] if slurm.CONDA_HOOK.fullmatch(row) or not slurm.STARTS_MORE.search(row)
    ]
    where = {key: evidence_place(found, f"slurm.{key}") for key in options if options[key]}
    return options | {"evidence": {key: place for key, place in where.items() if place}}


def evidence_place(found: Conventions, name: str) -> str:
    """Where a value was read, as `path:line`; empty where nothing says so."""
    for item in found.evidence.get(name, ()):
        return item.path if item.line is None else f"{item.path}:{item.line}"
    return ""


def describe_repository(found: Conventions) -> list[str]:
    """What a planner should know about the repository, one sentence each, with the place that says so."""
    lines = []
    if found.environment.manager != "none":
        lines.append(
            _with_place(f"environment: {found.environment.manager}", evidence_place(found, "environment.manager"))
        )
    for point in found.entry_points[:5]:
        seed = f"seed option {point.seed_flag}" if point.seed_flag else "no seed option"
        own = (e for e in found.evidence.get("entry_points", ()) if e.path == point.path and e.line is not None)
        place = next((f"{e.path}:{e.line}" for e in own), "")
        lines.append(_with_place(f"entry point {point.path} ({point.kind}), {seed}", place))
    for subject, field, values in (
        ("configuration", "config_systems", found.config_systems),
        ("trackers", "trackers", found.trackers),
        ("launchers", "launchers", found.launchers),
        ("metrics in the code", "metrics", found.metrics[:5]),
    ):
        if values:
            lines.append(_with_place(f"{subject}: {', '.join(values)}", evidence_place(found, field)))
    if found.existing_experiment_dirs:
        lines.append(f"existing experiment folders: {', '.join(found.existing_experiment_dirs)}")
    if found.slurm is not None:
        asked = [*found.slurm.partitions[:1], *found.slurm.accounts[:1], *found.slurm.qos[:1]]
        lines.append(
            _with_place(
                f"Slurm: {', '.join(asked) or 'used, no partition named'}", evidence_place(found, "slurm.partitions")
            )
        )
    if found.tests.runner:
        lines.append(
            _with_place(
                f"tests: {found.tests.runner} {' '.join(found.tests.paths)}".rstrip(),
                evidence_place(found, "tests.runner"),
            )
        )
    if found.agent_guides:
        lines.append(f"agent guides: {', '.join(found.agent_guides)}")
    return lines


def _with_place(text: str, place: str) -> str:
    return f"{text} ({place})" if place else text


def role_folder_names(root: str, used: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """The folder of each role below `root`: the name that the repository already uses there, else the role's own."""
    names: dict[str, str] = {}
    for role in ROLES:
        inside = [path.removeprefix(f"{root}/") for path in used.get(role, ()) if path.startswith(f"{root}/")]
        free = [name for name in inside if name and not UNSAFE_IN_PATHS.search(name) and name not in names.values()]
        names[role] = free[0] if free else role
    return names


def checked_relative_path(path: str, *, what: str) -> str:
    """`path` with `/` between its parts, when it is one below the work directory. Raises WrongUsage otherwise."""
    text = path.removesuffix("/")
    reason = path_problem(text)
    if reason:
        raise WrongUsage(f"{what} {path!r} {reason}", hint="give a folder below the work directory, such as exp")
    return text


def checked_plan_path(path: str) -> str:
    """Where the plan goes, checked. Raises WrongUsage when it is no Markdown file below the work directory."""
    text = checked_relative_path(path, what="--tasks-path")
    if not text.endswith(".md") or text.rpartition("/")[2] in (PLAYBOOK_FILE, "README.md", "AGENTS.md"):
        raise WrongUsage(
            f"--tasks-path {path!r} is no place for a plan", hint="name a Markdown file, such as exp/tasks.md"
        )
    return text


def checked_experiment_name(name: str) -> str:
    """`name` when it can be an experiment's. Raises WrongUsage otherwise."""
    if not EXPERIMENT_NAME.fullmatch(name) or name in ROLES or name.endswith(".md"):
        raise WrongUsage(
            f"{name!r} cannot be an experiment's name",
            hint="letters, digits and . _ + - (at most 64, first a letter or digit), and not the name of a role folder or a page",
        )
    return name
