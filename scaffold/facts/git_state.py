"""Where a git repository stands: commit, branch, remote, what it keeps elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from scaffold import git


@dataclass(frozen=True, slots=True, kw_only=True)
class GitState:
    """Where the repository stands; `remote` without credentials, `unexamined` files that only a filter could tell from HEAD's."""

    commit: str | None
    branch: str | None
    dirty: bool
    remote: str | None
    lfs: bool
    submodules: tuple[str, ...]
    unexamined: tuple[str, ...] = ()


def read_git_state(
    survey: git.GitSurvey, commit: str | None, texts: Mapping[str, str], submodules: tuple[str, ...]
) -> GitState:
    """GitState's answers, with what the files say: large-file storage in the .gitattributes among `texts`."""
    attributes = (text for path, text in texts.items() if path.rpartition("/")[2] == ".gitattributes")
    state = survey.state.result()
    return GitState(
        commit=commit,
        branch=state.branch,
        dirty=state.dirty,
        remote=survey.remote.result(),
        lfs=any("filter=lfs" in text for text in attributes),
        submodules=submodules,
        unexamined=state.unexamined,
    )
