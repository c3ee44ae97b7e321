"""Commits -> what keeps them in this repository, and which of them have a code state."""

from __future__ import annotations

import functools
import os
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING

from scaffold import git
from scaffold.errors import ScaffoldError
from scaffold.runs import recorder, recorder_command

if TYPE_CHECKING:
    from scaffold.workspace import Workspace

BRANCHES = ("--branches", "--tags", "--remotes")
PINS = "--glob=refs/scaffold/*"
STUDIES = "--glob=refs/scaffold/ideas/*"
MOST_COMMITS = 2000


class CommitKeeper(Enum):
    """What keeps a commit: a branch or a tag, which clones get; a study of ideas, or a pin, which they do not; nothing, until git forgets
    it; it is gone."""

    BRANCH = "branch"
    STUDY = "study"
    PIN = "pin"
    NOTHING = "nothing"
    GONE = "gone"


def find_commit_keepers(workdir: Path, commits: Collection[str]) -> dict[str, CommitKeeper]:
    """What keeps each of `commits`. Raises ScaffoldError where there is no repository, or git refuses it."""
    location = git.locate_in_git(workdir)
    if trouble := git.git_refusal_error(workdir, location):
        raise trouble
    if location.toplevel is None:
        raise ScaffoldError(f"{workdir} is in no git repository", hint="audit in a clone of it")
    existing = existing_commits(workdir, commits)
    off_branch = _unreachable(workdir, existing, BRANCHES)
    of_no_study = _unreachable(workdir, off_branch, (*BRANCHES, STUDIES))
    kept_by_nothing = _unreachable(workdir, of_no_study, (*BRANCHES, PINS))
    keepers = dict.fromkeys(commits, CommitKeeper.GONE) | dict.fromkeys(existing, CommitKeeper.BRANCH)
    keepers |= dict.fromkeys(off_branch, CommitKeeper.STUDY) | dict.fromkeys(of_no_study, CommitKeeper.PIN)
    return keepers | dict.fromkeys(kept_by_nothing, CommitKeeper.NOTHING)


def existing_commits(directory: Path, commits: Iterable[str]) -> frozenset[str]:
    """Those of `commits` that the repository has. Raises ScaffoldError where git does not answer."""
    request = "".join(f"{commit}\n" for commit in sorted(set(commits)))
    answer = git.run_git_checked(directory, "cat-file", "--batch-check", stdin=request.encode())
    return frozenset(line.split()[0] for line in answer.text.splitlines() if line.split()[1:2] == ["commit"])


def _unreachable(directory: Path, commits: Collection[str], refs: tuple[str, ...]) -> frozenset[str]:
    """Those of `commits` that none of `refs` (options of `git rev-list`) leads to."""
    if not commits:
        return frozenset()
    request = "".join(f"{commit}\n" for commit in sorted(commits)).encode()
    answer = git.run_git_checked(directory, "rev-list", "--stdin", "--not", *refs, stdin=request)
    return frozenset(commits) & frozenset(answer.text.split())


class CommitCodeStates:
    """The code states of the newest 2,000 commits of a workspace's repository, found out when they are first asked for."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    def nearest(self, state: str, moment: datetime) -> str | None:
        """The commit with the code state `state` that was made nearest to `moment`; None where there is none. Raises ScaffoldError."""
        same = [(abs(moment.timestamp() - time), commit) for time, commit in self._commits.get(state, ())]
        return min(same)[1] if same else None

    @functools.cached_property
    def _commits(self) -> dict[str, list[tuple[int, str]]]:
        """State -> time and id of its commits."""
        top = git.toplevel(self._workspace.workdir)
        if top is None:
            return {}
        listed = git.run_git_checked(top, "log", "--all", f"--max-count={MOST_COMMITS}", "--format=%H %ct").text
        times = {line.split()[0]: int(line.split()[1]) for line in listed.splitlines()}
        states: dict[str, list[tuple[int, str]]] = {}
        for commit, state in compute_commit_states(self._workspace, top, list(times)).items():
            states.setdefault(state, []).append((times[commit], commit))
        return states


def compute_commit_states(workspace: Workspace, top: Path, commits: Sequence[str]) -> dict[str, str]:
    """The code state of each commit, of those that have any code. Raises ScaffoldError where git does not answer."""
    excluded = list_non_code_paths(workspace, top)
    folders = sorted({"", *(folder for path in excluded for folder in recorder.git.parent_folders(path))})
    request = "".join(f"{commit}:{folder}\n" for commit in commits for folder in folders)
    answer = git.run_git_checked(top, "cat-file", "--batch", stdin=os.fsencode(request)).stdout
    objects = iter(recorder.trees.read_objects(answer))
    states = {}
    for commit in commits:
        trees = recorder.trees.parse_trees(folders, [next(objects) for _ in folders])
        if trees[""]:
            states[commit] = recorder.trees.CodeTree(trees, {}, excluded).digest()
    return states


def list_non_code_paths(workspace: Workspace, top: Path) -> list[str]:
    """What is no code, relative to the repository's top: the workspace, the plan, agents' files."""
    place = recorder_command.load_recorder_workspace(workspace)
    prefix = os.path.relpath(os.path.realpath(workspace.workdir), os.path.realpath(top))
    paths: list[str] = recorder.code_state.uncounted_folders(place, "" if prefix == "." else prefix + "/")
    return paths
