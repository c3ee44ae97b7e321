"""Studies on disk: `<metadata>/ideas/NAME.json`, and its copy in the second home of records; of two copies the newer counts.

All worktrees of a repository share the second home, so that who judges in one of them sees what was decided in another.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from scaffold import locks, structured_text
from scaffold.errors import ScaffoldError, WrongUsage, suggest_spelling
from scaffold.runs import records_home
from scaffold.workspace import EXPERIMENT_NAME, Workspace

if TYPE_CHECKING:
    # commands that only ask whether there are studies do without
    from scaffold.ideas.study import IdeaStudy

LOCK_WAIT_S = 60.0


def idea_studies_folder(workspace: Workspace) -> Path:
    """Where studies are kept in the working tree."""
    return workspace.locate(workspace.role_folder("metadata") / "ideas")


def idea_study_path(workspace: Workspace, name: str) -> Path:
    """Where a study's file belongs. Raises WrongUsage for what cannot be a name."""
    if not EXPERIMENT_NAME.fullmatch(name) or len(name) > 48 or name.endswith("."):
        raise WrongUsage(
            f"{name!r} cannot be a study's name",
            hint="letters, digits and . _ + - (at most 48, first a letter or digit)",
        )
    return workspace.locate(idea_studies_folder(workspace) / f"{name}.json")


def idea_study_names(workspace: Workspace) -> list[str]:
    """The names of all studies, sorted."""
    names = (Path(name) for name in records_home.list_record_names(idea_studies_folder(workspace)))
    return sorted(name.stem for name in names if name.suffix == ".json" and EXPERIMENT_NAME.fullmatch(name.stem))


def read_idea_study(workspace: Workspace, name: str) -> IdeaStudy:
    """A study. Raises ScaffoldError where there is none of that name, or it cannot be read."""
    from scaffold.ideas.study import parse_idea_study

    copies, reason = [], ""
    contents: set[bytes] = set()
    for place in records_home.candidate_record_paths(idea_study_path(workspace, name)):
        if not records_home.is_complete_record(place):
            continue
        try:
            content = place.read_bytes()
            if content in contents:  # most often both are one file
                continue
            contents.add(content)
            copies.append(parse_idea_study(structured_text.parse_json(content)))
        except (OSError, ValueError) as error:
            reason = f"{place} cannot be read: {' '.join(str(error).split())}"
    if copies:
        return max(copies, key=lambda study: study.revision)
    if reason:
        raise ScaffoldError(reason, hint="restore it from git, or start another study: scaffold ideas start")
    existing = idea_study_names(workspace)
    otherwise = f"there are {', '.join(existing)}" if existing else "start one: scaffold ideas start"
    raise ScaffoldError(f"there is no study {name}", hint=suggest_spelling(name, existing, otherwise))


def read_idea_studies(workspace: Workspace) -> list[IdeaStudy]:
    """All studies that can be read, in the order in which they were started."""
    studies = []
    for name in idea_study_names(workspace):
        with contextlib.suppress(ScaffoldError):
            studies.append(read_idea_study(workspace, name))
    return sorted(studies, key=lambda study: (study.started_at, study.name))


def write_idea_study(workspace: Workspace, study: IdeaStudy) -> IdeaStudy:
    """Write a study as its next revision, which comes back. Raises ScaffoldError where it cannot be written."""
    from scaffold.ideas.study import format_idea_study_file

    newer = replace(study, revision=study.revision + 1)
    records_home.write_record(workspace, idea_study_path(workspace, study.name), format_idea_study_file(newer))
    return newer


def change_idea_study(workspace: Workspace, name: str, change: Callable[[IdeaStudy], IdeaStudy]) -> IdeaStudy:
    """The study after `change`, which sees the newest one and has it for itself. Raises ScaffoldError."""
    with hold_idea_study_lock(workspace, name):
        study = read_idea_study(workspace, name)
        changed = change(study)
        return study if changed is study else write_idea_study(workspace, changed)


@contextlib.contextmanager
def hold_idea_study_lock(workspace: Workspace, name: str) -> Iterator[None]:
    """Hold a study for a moment, against all worktrees. Raises ScaffoldError where somebody has it for a minute."""
    folders = records_home.list_record_home_folders(workspace)
    folder = folders[0] / "ideas" if folders else idea_studies_folder(workspace)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ScaffoldError(f"{folder} cannot be made: {error.strerror or error}") from error
    busy = ScaffoldError(f"another process is changing the study {name}", hint="try again when it is done")
    with locks.hold_file_lock(folder / f".{name}.lock", wait_s=LOCK_WAIT_S, busy=busy):
        yield
