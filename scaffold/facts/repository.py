"""Where a git repository stands: commit, branch, remote, what it keeps elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

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


def read(workdir: Path, texts: Mapping[str, str], submodules: tuple[str, ...]) -> Git:
    """Ask git; large-file storage is what the .gitattributes among `texts` say."""
    attributes = (text for path, text in texts.items() if path.rpartition("/")[2] == ".gitattributes")
    return Git(
        commit=git.head(workdir),
        branch=git.branch(workdir),
        dirty=git.is_dirty(workdir),
        remote=git.remote(workdir),
        lfs=any("filter=lfs" in text for text in attributes),
        submodules=submodules,
    )
