"""The bytecode that Python keeps of the recorder and the other scripts of a workspace."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from scaffold import git
from scaffold.runs import recorder

if TYPE_CHECKING:
    from scaffold.workspace import Workspace

CACHE = "__pycache__"


def list_bytecode_files(workspace: Workspace) -> list[Path]:
    """What Python has left behind of the scripts of the template, temporary files included."""
    scripts = workspace.role_folder("scripts")
    ours = [f"{path.stem}.*" for path in (Path(recorder.ENTRY), Path("summarize.py"))]
    patterns = [(scripts / CACHE, pattern) for pattern in ours] + [(scripts / recorder.PACKAGE / CACHE, "*")]
    return sorted(path for folder, pattern in patterns for path in folder.glob(pattern) if ".pyc" in path.suffixes)


def find_tracked_bytecode(workspace: Workspace) -> list[str]:
    """Bytecode of the recorder among git's files, relative to the work directory: such is never used."""
    folder = (workspace.role_folder("scripts") / recorder.PACKAGE / CACHE).relative_to(workspace.workdir).as_posix()
    return git.run_git(workspace.workdir, "--literal-pathspecs", "ls-files", "-z", "--", folder).paths
