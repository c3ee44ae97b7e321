"""Facts -> Conventions, one file per subject, each value with its evidence."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from scaffold.errors import ScaffoldError

if TYPE_CHECKING:
    from scaffold.conventions.model import Conventions

__all__ = ["detect"]


def detect_conventions(workdir: Path, *, history: bool = False) -> Conventions:
    """What the repository at `workdir` does, and what this machine offers; `history` also reads earlier launches.

    Raises ScaffoldError when `workdir` cannot be read as a repository.
    """
    from scaffold import git
    from scaffold.workspace import resolve_workdir

    workdir = resolve_workdir(workdir)
    survey = git.GitSurvey(workdir)  # git answers while all else is imported
    from scaffold.conventions.detect_all import derive_conventions
    from scaffold.facts import collect_repository_facts

    facts = collect_repository_facts(workdir, history=history, survey=survey)
    return mark_confirmed_commands(derive_conventions(facts), workdir, facts.notable)


def mark_confirmed_commands(conventions: Conventions, workdir: Path, files: Iterable[str]) -> Conventions:
    """The conventions with the commands that the answers of a workspace in `workdir` call confirmed, as far as they are still the same.

    Workspaces are looked for at the usual roots and among `files`: asking git for others as well would take as long as all the rest.
    """
    from scaffold.workspace import ANSWERS_FILE, USUAL_ROOTS, load_workspace

    tracked = (f.removesuffix("/" + ANSWERS_FILE) for f in files if f.endswith("/" + ANSWERS_FILE))
    usual = (root for root in USUAL_ROOTS if (workdir / root / ANSWERS_FILE).is_file())
    stored: list[object] = []
    for root in dict.fromkeys((*usual, *tracked)):
        with contextlib.suppress(ScaffoldError):  # answers that cannot be read confirm nothing
            stored += load_workspace(workdir, root).answers.get("entry_points") or []
    works = {str(e.get("command")) for e in stored if isinstance(e, dict) and e.get("confirmed") is True}
    if not works:
        return conventions
    from scaffold.conventions.output_rewrite import rewrite_for_recorded_run

    same = (e.command for e in conventions.entry_points if rewrite_for_recorded_run(e.command, e.kind) in works)
    return dataclasses.replace(conventions, confirmed=tuple(same))
