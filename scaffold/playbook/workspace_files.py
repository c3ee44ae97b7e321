"""The playbook's files: as they are, as they should be; never over what somebody wrote."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from scaffold.errors import ScaffoldError

if TYPE_CHECKING:
    from scaffold.workspace import Workspace


@dataclass(frozen=True, slots=True)
class PlaybookFileUpdate:
    """A file as it is and as it should be; both empty where there is none."""

    path: Path
    old: str
    new: str


def make_skill_file_update(workspace: Workspace, path: Path, title: str, text: str) -> PlaybookFileUpdate:
    """SKILL.md with the loop and the playbook's `text`. Raises ScaffoldError where another skill stands there."""
    from scaffold.playbook import agent_skill
    from scaffold.playbook import document as pages

    existing = read_or_empty(path)
    refuse_edited_playbook(path, existing)
    body = agent_skill.format_workspace_skill(workspace, pages.text_between_marks(text))
    if existing.strip() and not pages.has_playbook_marks(existing):
        raise ScaffoldError(f"{path} is another skill", hint="name another directory with --skill")
    head = "" if existing.strip() else agent_skill.format_front_matter(title, workspace.root)
    return PlaybookFileUpdate(path, existing, head + pages.merge_playbook(existing, body, replaceable=True))


def refuse_edited_playbook(path: Path, existing: str) -> None:
    """Raise ScaffoldError where somebody wrote between the marks."""
    from scaffold.playbook import document as pages

    if pages.is_edited_playbook(existing):
        raise ScaffoldError(
            f"somebody wrote between the marks of {path}, and it would be lost",
            hint="move those lines below the end mark, where they stay; or delete the file",
        )


def read_or_empty(path: Path) -> str:
    """A file's text; empty where it is not there. Raises ScaffoldError."""
    try:
        return path.read_bytes().decode("utf-8", "surrogateescape")
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise ScaffoldError(f"{path} cannot be read: {error.strerror}") from error


def write_playbook_file(file: PlaybookFileUpdate) -> None:
    """Write a file as it should be, also where it is so already: a task of the plan takes a file that is older than its start for
    nobody's work. Raises ScaffoldError."""
    from scaffold.atomic_write import write_file

    write_file(file.path, file.new.encode("utf-8", "surrogateescape"), follow_link=True)


def built_in_playbook(workspace: Workspace) -> str:
    """The playbook that init of this package would write: what the template makes of the workspace's answers, so that it has one source.

    Raises ScaffoldError where the template refuses the answers.
    """
    from scaffold.lifecycle.template import releases
    from scaffold.lifecycle.template.render import render_template
    from scaffold.workspace import PLAYBOOK_FILE

    path = PurePosixPath(str(workspace.answers["tasks_path"])).with_name(PLAYBOOK_FILE).as_posix()
    with releases.open_current_template() as template:
        files = render_template(template, workspace.answers)
    return files[path].data.decode("utf-8")
