"""The three classes of a workspace's files, and what stands on disk where the template has one."""

from __future__ import annotations

import stat
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scaffold import git, transaction
from scaffold.errors import ScaffoldError
from scaffold.lifecycle.render import RenderedFile
from scaffold.workspace import ANSWERS_FILE, PLAYBOOK_FILE, Workspace

RECORD_ROLES = ("logs", "outputs", "results", "analysis", "metadata")


def seeded_paths(answers: Mapping[str, Any]) -> frozenset[str]:
    """Paths that are written once and then the user's: the plan, the playbook, the guides inside record directories."""
    root = str(answers["experiment_root"])
    plan = str(answers["tasks_path"])
    flat = answers.get("workspace_layout") != "per-experiment"
    folders = [root] if flat else [f"{root}/{name}" for name in answers["experiments"]]
    guides = [f"{folder}/{answers['role_dirs'][role]}/README.md" for folder in folders for role in RECORD_ROLES]
    return frozenset([plan, Path(plan).with_name(PLAYBOOK_FILE).as_posix(), *guides])


def answers_path(workspace: Workspace) -> str:
    """The answers file, relative to the work directory."""
    return f"{workspace.root}/{ANSWERS_FILE}"


def ignored_workspace_paths(
    workdir: Path, answers: Mapping[str, Any], paths: Iterable[str]
) -> tuple[git.IgnoredPath, ...]:
    """Which of the workspace's `paths` git would lose, and by which rule; those that its own .gitignore leaves out on purpose are none."""
    meant, own = seeded_paths(answers), f"{answers['experiment_root']}/.gitignore"
    return tuple(row for row in git.ignored_paths(workdir, paths) if not (row.path in meant and row.source == own))


@dataclass(frozen=True, slots=True, kw_only=True)
class FilesOnDisk:
    """What stands at some paths: `files` as the template would have them (line ends as LF), `raw` as they are, and `linked`:
    the paths that are a symbolic link or lie behind one, with that link. A link is never read and never written through.
    """

    files: Mapping[str, RenderedFile]
    raw: Mapping[str, bytes]
    linked: Mapping[str, str]

    def change(self, path: str, new: RenderedFile | None, *, executable: bool | None = None) -> transaction.FileChange:
        """Replace what stands at `path` by `new` (None: delete), in the line ends that it has; the bit where it is to change."""
        old = self.raw.get(path)
        if old is None and new is not None:
            executable = new.executable
        data = None if new is None else new.data
        if data is not None and old is not None and _is_crlf(old):
            data = data.replace(b"\n", b"\r\n")
        return transaction.FileChange(path=path, old=old, new=data, executable=executable)


def read_files(workdir: Path, paths: Iterable[str]) -> FilesOnDisk:
    """What stands at `paths`. Raises ScaffoldError where a folder stands in a file's place, or a file in a folder's."""
    files: dict[str, RenderedFile] = {}
    raw: dict[str, bytes] = {}
    linked: dict[str, str] = {}
    for path in paths:
        link = _first_link(workdir, path)
        if link is not None:
            linked[path] = link
            continue
        target = workdir / path
        try:
            mode = target.lstat().st_mode
            if not stat.S_ISREG(mode):
                raise ScaffoldError(f"{path} is not a file", hint="rename what stands there, or choose another --root")
            data = target.read_bytes()
        except FileNotFoundError:
            continue
        except NotADirectoryError as error:
            raise ScaffoldError(
                f"{path} cannot be written: one of its folders is a file",
                hint="rename that file, or choose another --root",
            ) from error
        except OSError as error:
            raise ScaffoldError(
                f"{path} cannot be read: {error.strerror}", hint="make it readable, then try again"
            ) from error
        raw[path] = data
        files[path] = RenderedFile(data.replace(b"\r\n", b"\n") if _is_crlf(data) else data, bool(mode & 0o100))
    return FilesOnDisk(files=files, raw=raw, linked=linked)


def _is_crlf(data: bytes) -> bool:
    """Whether every line ends in CR LF, as git checks files out where `core.autocrlf` says so."""
    lines = data.count(b"\n")
    return lines > 0 and data.count(b"\r\n") == lines


def _first_link(workdir: Path, path: str) -> str | None:
    """The first symbolic link on the way to `path`, which may be `path` itself."""
    folder = workdir
    for part in Path(path).parts:
        folder = folder / part
        if folder.is_symlink():
            return folder.relative_to(workdir).as_posix()
    return None
