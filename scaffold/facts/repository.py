"""Where a git repository stands: commit, branch, remote, what it keeps elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scaffold import git


@dataclass(frozen=True, slots=True, kw_only=True)
class Git:
    """Where the repository stands; `remote` without credentials."""

    commit: str | None
    branch: str | None
    dirty: bool
    remote: str | None
    lfs: bool
    submodules: tuple[str, ...]


def read(workdir: Path) -> dict[str, Any]:
    """What git alone can say, but for the commit."""
    return {
        "branch": git.branch(workdir),
        "dirty": git.is_dirty(workdir),
        "remote": git.remote(workdir),
    }


def git_of(commit: str | None, asked: Mapping[str, Any], texts: Mapping[str, str], submodules: tuple[str, ...]) -> Git:
    """Git's answers, with what the files say: large-file storage in the .gitattributes among `texts`."""
    attributes = (text for path, text in texts.items() if path.rpartition("/")[2] == ".gitattributes")
    return Git(commit=commit, **asked, lfs=any("filter=lfs" in text for text in attributes), submodules=submodules)
