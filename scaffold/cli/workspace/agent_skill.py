"""`scaffold init --agent-skill`: the playbook of a workspace that is being written, as an Agent Skill."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from scaffold.lifecycle.file_kinds import FileAction
from scaffold.lifecycle.init import InitPlan
from scaffold.playbook import workspace_files
from scaffold.playbook.workspace_files import PlaybookFileUpdate
from scaffold.workspace import Workspace


@dataclass(frozen=True, slots=True)
class SkillFilePlan:
    """What becomes of SKILL.md; `file` is None where what stands there stays."""

    action: FileAction
    file: PlaybookFileUpdate | None = None

    @property
    def writes(self) -> bool:
        """Whether there is something to write."""
        return self.file is not None and self.file.old != self.file.new


def plan_skill_file(planned: InitPlan, folder: str | None) -> SkillFilePlan | None:
    """What to do about the skill in `folder`, which is relative to the repository (`.`: the usual place; None: no skill).

    Raises WrongUsage where the folder's name cannot be a skill's; somebody's own file there is kept.
    """
    from scaffold.errors import ScaffoldError
    from scaffold.playbook import agent_skill
    from scaffold.playbook.workspace_files import built_in_playbook

    if folder is None:
        return None
    # not there yet, so that it cannot be found
    workspace = Workspace(workdir=planned.workdir, root=planned.root, answers=planned.answers)
    skill_folder = Path(os.path.normpath(planned.workdir / (agent_skill.FOLDER if folder == "." else folder)))
    title = agent_skill.check_skill_name(skill_folder.name)
    path = skill_folder / agent_skill.FILE
    in_workdir = path.is_relative_to(planned.workdir)
    shown = path.relative_to(planned.workdir).as_posix() if in_workdir else str(path)
    if in_workdir and not path.resolve().is_relative_to(planned.workdir.resolve()):
        return SkillFilePlan(FileAction(shown, "linked", "a link leads out of the repository"))
    text = workspace_files.read_or_empty(workspace.playbook) or built_in_playbook(workspace)
    try:
        file = workspace_files.make_skill_file_update(workspace, path, title, text)
    except ScaffoldError as error:
        reason = error.message.removeprefix(f"{path} ").removeprefix("is ")
        return SkillFilePlan(FileAction(shown, "keep", f"yours is kept: {reason}"))
    what = "create" if not file.old else "same" if file.old == file.new else "replace"
    return SkillFilePlan(FileAction(shown, what), file)


def write_skill(skill: SkillFilePlan) -> None:
    """Write it, where there is something to write. Raises ScaffoldError."""
    if skill.file is not None and skill.writes:
        workspace_files.write_playbook_file(skill.file)
