"""The kinds of a workspace's files, managed, seeded (written once, then the user's) and answers, and what is done about one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scaffold import git
from scaffold.workspace import ANSWERS_FILE, PLAYBOOK_FILE

RECORD_ROLES = ("logs", "outputs", "results", "analysis", "metadata")


@dataclass(frozen=True, slots=True)
class FileAction:
    """What a command does about one file, and why.

    init: create, same, keep (the user's differs), replace (a placeholder), linked. update: create, update, merge, conflict, delete;
    or nothing, since it is kept, deleted (by the user), yours, linked.
    """

    path: str
    what: str
    note: str = ""


def seeded_paths(answers: Mapping[str, Any]) -> frozenset[str]:
    """Paths that are written once and then the user's: the plan, the playbook, the guides inside record directories."""
    root = str(answers["experiment_root"])
    plan = str(answers["tasks_path"])
    flat = answers.get("workspace_layout") != "per-experiment"
    folders = [root] if flat else [f"{root}/{name}" for name in answers["experiments"]]
    guides = [f"{folder}/{answers['role_dirs'][role]}/README.md" for folder in folders for role in RECORD_ROLES]
    return frozenset([plan, Path(plan).with_name(PLAYBOOK_FILE).as_posix(), *guides])


def answers_path(root: str) -> str:
    """The answers file of the workspace at `root`, relative to the work directory."""
    return f"{root}/{ANSWERS_FILE}"


def ignored_workspace_paths(
    workdir: Path, answers: Mapping[str, Any], paths: Iterable[str]
) -> tuple[git.IgnoredPath, ...]:
    """Which of the workspace's `paths` git would lose, and by which rule; those that its own .gitignore leaves out on purpose are none."""
    seeded, own_rules = seeded_paths(answers), f"{answers['experiment_root']}/.gitignore"
    rows = git.ignored_paths(workdir, paths)
    return tuple(row for row in rows if not (row.path in seeded and row.source == own_rules))
