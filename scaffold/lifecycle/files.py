"""The three classes of a workspace's files, and what stands on disk where the template has one."""

from __future__ import annotations

import stat
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scaffold.errors import ScaffoldError
from scaffold.render import File
from scaffold.workspace import ANSWERS, Workspace

RECORD_ROLES = ("logs", "outputs", "results", "analysis", "metadata")


def seeded(answers: Mapping[str, Any]) -> frozenset[str]:
    """Paths that are written once and then the user's: the plan, the playbook, the guides inside record directories."""
    root = str(answers["experiment_root"])
    plan = str(answers["tasks_path"])
    flat = answers.get("workspace_layout") != "per-experiment"
    folders = [root] if flat else [f"{root}/{name}" for name in answers["experiments"]]
    guides = [f"{folder}/{answers['role_dirs'][role]}/README.md" for folder in folders for role in RECORD_ROLES]
    return frozenset([plan, (Path(plan).parent / "prompt_skill_playbook.md").as_posix(), *guides])


def answers_path(workspace: Workspace) -> str:
    """The answers file, relative to the work directory."""
    return f"{workspace.root}/{ANSWERS}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Disk:
    """What stands at some paths: the files that are there, and the paths that lie behind a symbolic link (path -> link)."""

    files: Mapping[str, File]
    linked: Mapping[str, str]


def look(workdir: Path, paths: Iterable[str]) -> Disk:
    """What stands at `paths`. Raises ScaffoldError where a folder stands in a file's place, or a file in a folder's."""
    files: dict[str, File] = {}
    linked: dict[str, str] = {}
    for path in paths:
        link = _link_above(workdir, path)
        if link is not None:
            linked[path] = link
            continue
        target = workdir / path
        try:
            mode = target.lstat().st_mode
        except FileNotFoundError:
            continue
        except NotADirectoryError as error:
            raise ScaffoldError(
                f"{path} cannot be written: one of its folders is a file",
                hint="rename that file, or choose another --root",
            ) from error
        except OSError as error:
            raise ScaffoldError(f"{path} cannot be read: {error.strerror}") from error
        if not (stat.S_ISREG(mode) or stat.S_ISLNK(mode)):
            raise ScaffoldError(f"{path} is not a file", hint="rename what stands there, or choose another --root")
        files[path] = File(_content(target), bool(mode & 0o100))
    return Disk(files=files, linked=linked)


def _content(target: Path) -> bytes:
    try:
        return target.read_bytes()
    except FileNotFoundError:  # a link that leads nowhere: it is the user's, and not what the template has
        return b""
    except OSError as error:
        raise ScaffoldError(f"{target} cannot be read: {error.strerror}") from error


def _link_above(workdir: Path, path: str) -> str | None:
    """The first folder on the way to `path` that is a symbolic link."""
    folder = workdir
    for part in Path(path).parts[:-1]:
        folder = folder / part
        if folder.is_symlink():
            return folder.relative_to(workdir).as_posix()
    return None
