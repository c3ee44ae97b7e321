"""Facts -> Conventions, one file per subject, each value with its evidence."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from scaffold.conventions.model import Conventions

__all__ = ["detect"]


def detect(workdir: Path, *, history: bool = False) -> Conventions:
    """What the repository at `workdir` does, and what this machine offers; `history` also reads earlier launches.

    Raises ScaffoldError when `workdir` cannot be read as a repository.
    """
    from scaffold import git
    from scaffold.workspace import resolve_workdir

    workdir = resolve_workdir(workdir)
    survey = git.GitSurvey(workdir)  # git answers while all else is imported
    from scaffold.conventions.detect_all import detect_all
    from scaffold.facts import read_facts

    return detect_all(read_facts(workdir, history=history, survey=survey))
