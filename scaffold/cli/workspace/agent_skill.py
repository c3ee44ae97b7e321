"""`scaffold init --agent-skill`: the playbook of a workspace that is being written, as an Agent Skill."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from scaffold.lifecycle.init import InitPlan
from scaffold.lifecycle.init_actions import InitAction
from scaffold.playbook import files
from scaffold.playbook.files import FileUpdate
from scaffold.workspace import Workspace


@dataclass(frozen=True, slots=True)
class SkillPlan:
    """What becomes of SKILL.md; `file` is None where what stands there stays."""

    action: InitAction
    file: FileUpdate | None = None

    @property
    def writes(self) -> bool:
        """Whether there is something to write."""
        return self.file is not None and self.file.old != self.file.new


def plan_skill(planned: InitPlan, folder: str | None) -> SkillPlan | None:
    """What to do about the skill in `folder`, which is relative to the repository (`.`: the usual place; None: no skill).

    Raises WrongUsage where the folder's name cannot be a skill's; somebody's own file there is kept.
    """
    from scaffold.errors import ScaffoldError
    from scaffold.playbook import agent_skill
    from scaffold.playbook.files import built_in_playbook

    if folder is None:
        return None
    there = Workspace(workdir=planned.workdir, root=planned.root, answers=planned.answers)
    place = Path(os.path.normpath(planned.workdir / (agent_skill.FOLDER if folder == "." else folder)))
    title = agent_skill.check_skill_name(place.name)
    path = place / agent_skill.FILE
    inside = path.is_relative_to(planned.workdir)
    shown = path.relative_to(planned.workdir).as_posix() if inside else str(path)
    if inside and not path.resolve().is_relative_to(planned.workdir.resolve()):
        return SkillPlan(InitAction(path=shown, what="linked", note="a link leads out of the repository"))
    text = files.read_or_empty(there.playbook) or built_in_playbook(there)
    try:
        file = files.skill_file(there, path, title, text)
    except ScaffoldError as error:
        return SkillPlan(
            InitAction(
                path=shown,
                what="keep",
                note=f"yours is kept: {error.message.removeprefix(f'{path} ').removeprefix('is ')}",
            )
        )
    what = "create" if not file.old else "same" if file.old == file.new else "replace"
    return SkillPlan(InitAction(path=shown, what=what), file)


def write_skill(skill: SkillPlan) -> None:
    """Write it, where there is something to write. Raises ScaffoldError."""
    if skill.file is not None and skill.writes:
        files.write_update(skill.file)
