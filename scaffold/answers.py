"""Conventions + what the user asked for -> the answers that the template is rendered from. Pure functions."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from scaffold.conventions.model import Conventions, Slurm
from scaffold.errors import WrongUsage
from scaffold.workspace import ROLES

# Characters that no shell, Makefile, gitignore rule or #SBATCH line can be trusted with.
UNSAFE_IN_PATHS = re.compile(r"[\x00-\x1f\x7f*?\[\]\\\"'`$!#:~<>|;&]")
EXPERIMENT_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,63}")
# The research server writes this before anybody has planned (server API, section 7).
PLACEHOLDER_PLAN = re.compile(
    r"# Tasks\s+## Goal\s+(?P<goal>.*?)\s+## Tasks\s+- \[ \] \(Agent will decompose the goal into tasks on iteration 1\)\s*",
    re.DOTALL,
)
SMALLER_IS_BETTER = (
    "loss",
    "error",
    "err",
    "perplexity",
    "ppl",
    "nll",
    "bpb",
    "bpc",
    "mse",
    "rmse",
    "mae",
    "fid",
    "wer",
    "cer",
)
LARGER_IS_BETTER = (
    "acc", "acc1", "acc5", "top1", "top5", "accuracy", "f1", "auc", "auroc", "map", "ap", "bleu", "rouge", "reward", "return", "score",
    "precision", "recall", "iou", "miou", "dice", "psnr", "ssim", "r2",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
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


def answers(found: Conventions, wishes: Wishes) -> dict[str, Any]:
    """Every answer that init gives. Raises WrongUsage when a wish cannot be an answer."""
    root = relative_path(wishes.root, what="--root") if wishes.root is not None else found.experiment_root
    metric = wishes.metric if wishes.metric is not None else next(iter(found.metrics), "")
    given = {
        "experiment_root": root,
        "tasks_path": plan_path(wishes.tasks_path) if wishes.tasks_path else f"{root}/tasks.md",
        "primary_metric": metric,
        "metric_direction": wishes.direction or direction(metric),
        "role_dirs": role_names(root, found.role_dirs),
        "workspace_layout": wishes.layout or "flat",
        "experiments": [experiment_name(name) for name in wishes.experiments] or ["baseline"],
    }
    optional = {
        "experiment_goal": wishes.goal,
        "research_server_url": None if wishes.server_url is None else server_url(wishes.server_url),
        "research_session_id": wishes.session_id,
        "steering_text": wishes.steering,
        "memories": list(wishes.memories) or None,
        "evolutionary_sweeps": wishes.evolutionary,
    }
    return given | facts(found) | {key: value for key, value in optional.items() if value is not None}


def facts(found: Conventions) -> dict[str, Any]:
    """The answers that are facts: read off the repository, never asked."""
    environment = asdict(found.environment)
    return {
        "environment": {key: list(value) if isinstance(value, tuple) else value for key, value in environment.items()},
        "config_systems": list(found.config_systems),
        "trackers": list(found.trackers),
        "launchers": list(found.launchers),
        "slurm": _slurm(found),
        "entry_points": [asdict(point) for point in found.entry_points],
        "repository_findings": findings(found),
        "repository_risks": list(found.risks),
        "repository_metrics": list(found.metrics),
    }


def _slurm(found: Conventions) -> dict[str, Any] | None:
    """Slurm's options, each list's first source beside it; None where neither repository nor machine knows Slurm."""
    if found.slurm is None and not found.machine.slurm:
        return None
    options: dict[str, Any] = {key: list(value) for key, value in asdict(found.slurm or Slurm()).items()}
    where = {key: said(found, f"slurm.{key}") for key in options}
    return options | {"evidence": {key: place for key, place in where.items() if place}}


def said(found: Conventions, name: str) -> str:
    """Where a value was read, as `path:line`; empty where nothing says so."""
    for item in found.evidence.get(name, ()):
        return item.path if item.line is None else f"{item.path}:{item.line}"
    return ""


def findings(found: Conventions) -> list[str]:
    """What a planner should know about the repository, one sentence each, with the place that says so."""
    lines = []
    if found.environment.manager != "none":
        lines.append(_finding(f"environment: {found.environment.manager}", said(found, "environment.manager")))
    for point in found.entry_points[:5]:
        seed = f"seed option {point.seed_flag}" if point.seed_flag else "no seed option"
        lines.append(f"entry point {point.path} ({point.kind}), {seed}")
    for subject, values in (
        ("configuration", found.config_systems),
        ("trackers", found.trackers),
        ("launchers", found.launchers),
        ("metrics in the code", found.metrics[:5]),
        ("existing experiment folders", found.existing_experiment_dirs),
    ):
        field = {"configuration": "config_systems", "metrics in the code": "metrics"}.get(
            subject, subject.replace(" ", "_")
        )
        if values:
            lines.append(_finding(f"{subject}: {', '.join(values)}", said(found, field)))
    if found.slurm is not None:
        asked = [*found.slurm.partitions[:1], *found.slurm.accounts[:1], *found.slurm.qos[:1]]
        lines.append(
            _finding(f"Slurm: {', '.join(asked) or 'used, no partition named'}", said(found, "slurm.partitions"))
        )
    if found.tests.runner:
        lines.append(
            _finding(f"tests: {found.tests.runner} {' '.join(found.tests.paths)}".rstrip(), said(found, "tests.runner"))
        )
    if found.agent_guides:
        lines.append(f"agent guides: {', '.join(found.agent_guides)}")
    return lines


def _finding(text: str, place: str) -> str:
    return f"{text} ({place})" if place else text


def role_names(root: str, used: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """The folder of each role below `root`: the name that the repository already uses there, else the role's own."""
    names: dict[str, str] = {}
    for role in ROLES:
        inside = [path.removeprefix(f"{root}/") for path in used.get(role, ()) if path.startswith(f"{root}/")]
        free = [name for name in inside if name and not UNSAFE_IN_PATHS.search(name) and name not in names.values()]
        names[role] = free[0] if free else role
    return names


def direction(metric: str) -> str:
    """Whether a metric of this name is to be minimized or maximized; empty where its name does not say."""
    words = re.split(r"[^a-z0-9]+", metric.lower())
    if any(word in SMALLER_IS_BETTER for word in words):
        return "minimize"
    return "maximize" if any(word in LARGER_IS_BETTER for word in words) else ""


def placeholder_goal(plan: str) -> str | None:
    """The goal in the research server's placeholder plan; None where `plan` is anything else, and so somebody's work."""
    match = PLACEHOLDER_PLAN.fullmatch(plan.strip().replace("\r\n", "\n"))
    return match["goal"].strip() if match else None


def relative_path(path: str, *, what: str) -> str:
    """`path` with `/` between its parts, when it is one below the work directory. Raises WrongUsage otherwise."""
    text = path.removesuffix("/")
    bad = UNSAFE_IN_PATHS.search(text)
    parts = text.split("/")
    reason = None
    if not text or Path(text).is_absolute():
        reason = "is not a path relative to the work directory"
    elif bad:
        reason = f"has the character {bad.group()!r}, which shells, git or Slurm would trip over"
    elif any(part in ("", ".", "..", ".git") for part in parts):
        reason = "has an empty part, `.`, `..` or `.git` in it"
    elif any(part != part.strip() for part in parts) or text.startswith("-"):
        reason = "has a part that begins or ends with a space, or begins with a dash"
    if reason:
        raise WrongUsage(f"{what} {path!r} {reason}", hint="give a folder below the work directory, such as exp")
    return text


def plan_path(path: str) -> str:
    """Where the plan goes, checked. Raises WrongUsage when it is no Markdown file below the work directory."""
    text = relative_path(path, what="--tasks-path")
    if not text.endswith(".md") or text.rpartition("/")[2] == "prompt_skill_playbook.md":
        raise WrongUsage(
            f"--tasks-path {path!r} is no place for a plan", hint="name a Markdown file, such as exp/tasks.md"
        )
    return text


def experiment_name(name: str) -> str:
    """`name` when it can be an experiment's. Raises WrongUsage otherwise."""
    if not EXPERIMENT_NAME.fullmatch(name) or name in ROLES:
        raise WrongUsage(
            f"{name!r} cannot be an experiment's name",
            hint="letters, digits and . _ + - (at most 64, first a letter or digit), and not the name of a role folder",
        )
    return name


def server_url(url: str) -> str:
    """The research server's URL without a trailing slash. Raises WrongUsage when it is none, or carries a secret."""
    parts = urlsplit(url)
    if url and (parts.scheme not in ("http", "https") or not parts.hostname or re.search(r"\s", url)):
        raise WrongUsage(
            f"--server-url {parts.scheme}://... is not an http URL", hint="http://127.0.0.1:10000, for instance"
        )
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise WrongUsage(
            "--server-url carries a user, password, query or fragment, and answers are kept in git",
            hint="give http://host:port; the token goes into $RESEARCH_AGENT_USER_AUTH_TOKEN",
        )
    return url.rstrip("/")
