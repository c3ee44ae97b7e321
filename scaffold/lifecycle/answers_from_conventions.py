"""Conventions + the options of init -> the answers that the template is rendered from. Pure functions."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from scaffold import metric_directions, visible_text
from scaffold.conventions import activation, slurm
from scaffold.conventions.model import SEED_EVIDENCE, Conventions, EntryPoint, SlurmConventions
from scaffold.conventions.output_rewrite import rewrite_for_recorded_run
from scaffold.errors import WrongUsage
from scaffold.server.address import validate_server_url
from scaffold.workspace import EXPERIMENT_NAME, PLAYBOOK_FILE, ROLES, explain_unusable_path, find_unsafe_character


@dataclass(frozen=True, slots=True, kw_only=True)
class InitOptions:
    """What the user asked init for; None means: as detected, or the template's default. `agent_hooks` names agents, and is no answer."""

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
    plan_kind: str | None = None
    agent_hooks: tuple[str, ...] = ()
    metric: str | None = None
    direction: str | None = None

    def chosen_answers(self) -> dict[str, Any]:
        """The answers that the options settle by themselves, by the template's names for them.

        Root and experiments are none of these: what they mean depends on what is there. Raises WrongUsage for a server's URL that
        cannot be one.
        """
        answers = {
            "tasks_path": self.tasks_path,
            "primary_metric": self.metric,
            "metric_direction": self.direction,
            "workspace_layout": self.layout,
            "experiment_goal": self.goal,
            "research_server_url": None if self.server_url is None else validate_server_url(self.server_url),
            "research_session_id": self.session_id,
            "steering_text": self.steering,
            "memories": list(self.memories) or None,
            "evolutionary_sweeps": self.evolutionary,
            "plan_kind": self.plan_kind,
        }
        return {name: value for name, value in answers.items() if value is not None}


def make_init_answers(conventions: Conventions, options: InitOptions) -> dict[str, Any]:
    """Every answer that init gives. Raises WrongUsage when an option cannot be an answer."""
    root = conventions.experiment_root
    if options.root is not None:
        root = checked_relative_path(options.root, option="--root")
    detected = conventions.primary_metric
    metric = options.metric if options.metric is not None else detected.name or ""
    direction = detected.direction if metric == detected.name else metric_directions.guess_direction(metric)
    answers = {
        "experiment_root": root,
        "tasks_path": "",
        "primary_metric": metric,
        "metric_direction": direction or "",
        "role_dirs": role_folder_names(root, conventions.role_dirs),
        "workspace_layout": "flat",
        "plan_kind": "full",
        "experiments": [checked_experiment_name(name) for name in options.experiments] or ["baseline"],
    } | options.chosen_answers()
    answers["tasks_path"] = checked_plan_path(options.tasks_path) if options.tasks_path else f"{root}/tasks.md"
    for name, value in answers.items():
        if _is_not_utf8(value):
            raise WrongUsage(f"{name} is no text in UTF-8", hint="give it in UTF-8")
    return answers | fact_answers(conventions)


def make_workspace_id(workdir: Path, root: str, top: Path | None) -> str:
    """The id of a workspace that is written at `workdir/root`: eight hex digits of where that lies below the repository's `top`, if any.

    Why not by chance? A workspace that went with its branch, and is written anew at the same place, finds its records again.
    """
    path = root if top is None else os.path.normpath(os.path.relpath(workdir / root, top))
    return hashlib.sha256(os.fsencode(path)).hexdigest()[:8]


def fact_answers(conventions: Conventions) -> dict[str, Any]:
    """The answers that are facts: read off the repository, never asked."""
    environment = asdict(conventions.environment)
    answers = {
        "environment": {key: list(value) if isinstance(value, tuple) else value for key, value in environment.items()},
        "config_systems": list(conventions.config_systems),
        "trackers": list(conventions.trackers),
        "launchers": list(conventions.launchers),
        "slurm": _slurm_answer(conventions),
        "entry_points": [_entry_point_answer(point) for point in conventions.entry_points],
        "repository_findings": describe_repository(conventions),
        "repository_risks": list(conventions.risks),
        "repository_metrics": list(conventions.metrics),
        "metric_candidates": list(conventions.primary_metric.candidates),
        "printed_metrics": [asdict(pattern) for pattern in conventions.printed_metrics],
    }
    return {name: _with_visible_texts(_without_non_utf8(value)) for name, value in answers.items()}


def _with_visible_texts(value: Any) -> Any:
    """The same, every text in one line that one sees: they go into pages that people and programs read."""
    if isinstance(value, dict):
        return {key: _with_visible_texts(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_with_visible_texts(inner) for inner in value]
    return visible_text.escape_to_one_line(value) if isinstance(value, str) else value


def _entry_point_answer(point: EntryPoint) -> dict[str, Any]:
    answer = asdict(point) | {"command": rewrite_for_recorded_run(point.command, point.kind)}
    if point.length_option is None:  # few scripts have one, and answers of before do not say so
        del answer["length_option"]
    return answer


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


def _slurm_answer(conventions: Conventions) -> dict[str, Any] | None:
    """Slurm's options, each list's first source beside it; None where neither repository nor machine knows Slurm.

    They end up in a script, and so are taken only where they can be nothing but options, modules and set-up lines.
    """
    if conventions.slurm is None and not conventions.machine.slurm:
        return None
    options: dict[str, Any] = {
        key: list(value) for key, value in asdict(conventions.slurm or SlurmConventions()).items()
    }
    for key in ("partitions", "accounts", "qos", "gres", "time", "modules"):
        options[key] = [value for value in options[key] if slurm.SAFE_VALUE.fullmatch(value)]
    options["setup"], _ = activation.select_activation_lines(options["setup"])
    places = {key: evidence_location(conventions, f"slurm.{key}") for key in options if options[key]}
    return options | {"evidence": {key: place for key, place in places.items() if place}}


def evidence_location(conventions: Conventions, name: str) -> str:
    """Where a value was read, as `path:line`; empty where nothing says so."""
    for item in conventions.evidence.get(name, ()):
        return item.path if item.line is None else f"{item.path}:{item.line}"
    return ""


def describe_repository(conventions: Conventions) -> list[str]:
    """What a planner should know about the repository, one sentence each, with the place that says so."""
    return [f"{text} ({place})" if place else text for text, place in _described_findings(conventions)]


def _described_findings(conventions: Conventions) -> Iterator[tuple[str, str]]:
    """What was found out, each with the place that says so (empty: none does)."""
    if conventions.environment.manager != "none":
        yield f"environment: {conventions.environment.manager}", evidence_location(conventions, "environment.manager")
    for point in conventions.entry_points[:5]:
        yield _describe_entry_point(conventions, point)
    for subject, field, values in (
        ("configuration", "config_systems", conventions.config_systems),
        ("trackers", "trackers", conventions.trackers),
        ("launchers", "launchers", conventions.launchers),
        ("metrics in the code", "metrics", conventions.metrics[:5]),
    ):
        if values:
            yield f"{subject}: {', '.join(values)}", evidence_location(conventions, field)
    if conventions.existing_experiment_dirs:
        yield f"existing experiment folders: {', '.join(conventions.existing_experiment_dirs)}", ""
    if conventions.slurm is not None:
        options = [*conventions.slurm.partitions[:1], *conventions.slurm.accounts[:1], *conventions.slurm.qos[:1]]
        text = f"Slurm: {', '.join(options) or 'used, no partition named'}"
        yield text, evidence_location(conventions, "slurm.partitions")
    for row in activation.select_activation_lines(conventions.slurm.setup)[1] if conventions.slurm is not None else ():
        text = (
            f"run.sbatch does not take over `{row}` of the job scripts: write into it how a job enters the environment"
        )
        yield text, evidence_location(conventions, "slurm.setup")
    if conventions.tests.runner:
        text = f"tests: {conventions.tests.runner} {' '.join(conventions.tests.paths)}".rstrip()
        yield text, evidence_location(conventions, "tests.runner")
    if conventions.agent_guides:
        yield f"agent guides: {', '.join(conventions.agent_guides)}", ""


def _describe_entry_point(conventions: Conventions, point: EntryPoint) -> tuple[str, str]:
    """A script with its seed option, and the place of that; where no line declares one, the place of the script's own beginning."""
    evidence = [e for e in conventions.evidence.get("entry_points", ()) if e.line is not None]
    place = next((f"{e.path}:{e.line}" for e in evidence if e.path == point.path), "")
    if point.seed_flag is None:
        return f"entry point {point.path} ({point.kind}), no seed option", place
    # of a script that imports the option the declaration may stand in another file: the nearest that follows in the list
    rest = evidence[next((i for i, e in enumerate(evidence) if e.path == point.path), 0) :]
    declared = next((f"{e.path}:{e.line}" for e in rest if e.text == SEED_EVIDENCE + point.seed_flag), "")
    begins = f", {place}" if declared and place else ""
    return f"entry point {point.path} ({point.kind}{begins}), seed option {point.seed_flag}", declared or place


def role_folder_names(root: str, existing: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """The folder of each role below `root`: the name that the repository already uses there, else the role's own."""
    names: dict[str, str] = {}
    for role in ROLES:
        below_root = [path.removeprefix(f"{root}/") for path in existing.get(role, ()) if path.startswith(f"{root}/")]
        usable = (
            name for name in below_root if name and find_unsafe_character(name) is None and name not in names.values()
        )
        names[role] = next(usable, role)
    return names


def checked_relative_path(path: str, *, option: str) -> str:
    """`path` with `/` between its parts, when it is one below the work directory. Raises WrongUsage otherwise."""
    text = path.removesuffix("/")
    reason = explain_unusable_path(text)
    if reason:
        raise WrongUsage(f"{option} {path!r} {reason}", hint="give a folder below the work directory, such as exp")
    return text


def checked_plan_path(path: str) -> str:
    """Where the plan goes, checked. Raises WrongUsage when it is no Markdown file below the work directory."""
    text = checked_relative_path(path, option="--tasks-path")
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
