"""Comparisons that the plan named before their runs began: one question that was put beforehand is not one of many that were tried.

The proof is in the records: a run of a task says at which commit it began, and the plan of that commit names both sides in one task.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from scaffold import git
from scaffold.errors import ScaffoldError

if TYPE_CHECKING:
    from scaffold.plan.document.model import Plan, Task
    from scaffold.runs.model import Run
    from scaffold.workspace import Workspace

# the plan is looked up at each commit that a run began at: of more than these the comparison is no single one
MOST_COMMITS = 8
_COMPARES = re.compile(r"\bcompar|\bagainst\b|\bversus\b|\bvs\b", re.IGNORECASE)
_COMMAND = re.compile(r"results compare ([^`|\n]+)")
_WORD = re.compile(r"[\w.=,+@:-]+")


class PlannedComparisonReader:
    """Reads the plans of the past, each once; without a workspace there is none."""

    def __init__(self, workspace: Workspace | None = None) -> None:
        self._workspace = workspace
        self._plans: dict[str, Plan | None] = {}

    def find(self, a: str, b: str, runs: Sequence[Run]) -> tuple[str, int] | None:
        """The task that named the comparison of `b`, which these runs are of, with `a`, and how many it named beside it (one at least).

        None where the plan of the commit at which one of them began does not name it, or a run belongs to no task.
        """
        commits = {run.commit for run in runs}
        if not runs or len(commits) > MOST_COMMITS or any(run.task is None or run.commit is None for run in runs):
            return None
        named: list[tuple[str, int]] = []
        for commit in sorted(commit for commit in commits if commit is not None):
            plan = self._plan_at(commit)
            entry = next((entry for task in plan.tasks if (entry := _names(task, a, b))), None) if plan else None
            if entry is None:
                return None
            named.append(entry)
        return named[0][0], max(count for _, count in named)

    def _plan_at(self, commit: str) -> Plan | None:
        if commit not in self._plans:
            self._plans[commit] = self._read(commit)
        return self._plans[commit]

    def _read(self, commit: str) -> Plan | None:
        from scaffold.plan.document.parse import parse_plan

        workspace = self._workspace
        top = git.toplevel(workspace.workdir) if workspace is not None else None
        if workspace is None or top is None:
            return None
        try:
            path = workspace.tasks.resolve().relative_to(top.resolve()).as_posix()
            answer = git.run_git(top, "cat-file", "blob", f"{commit}:{path}")
        except (ScaffoldError, ValueError):
            return None
        return parse_plan(answer.stdout.decode("utf-8", "replace")) if answer.status == 0 else None


def _names(task: Task, a: str, b: str) -> tuple[str, int] | None:
    """The task's name, and how many comparisons it names, where it names that of `b` with `a`."""
    text = "\n".join([task.description, *(field.value for field in task.fields), *(line.text for line in task.body)])
    commands = [_words(match) for match in _COMMAND.findall(text)]
    counts = [len(words) - 1 for words in commands if words and words[0] == a and b in words[1:]]
    if counts:
        return task.name, sum(len(words) - 1 for words in commands)
    words = set(_words(text))
    return (task.name, 1) if not commands and _COMPARES.search(text) and {a, b} <= words else None


def _words(text: str) -> list[str]:
    """The names in a text, without the options of a command, and without the point at the end of a sentence."""
    words: Iterable[str] = (word.rstrip(".,:") for word in _WORD.findall(text))
    return [word for word in words if word and not word.startswith("--")]
