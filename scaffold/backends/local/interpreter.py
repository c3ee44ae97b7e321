"""Which Python a command that says `python` gets on this machine, before a run is lost for want of one."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from scaffold.errors import ScaffoldError
from scaffold.workspace import Workspace

PYTHON = re.compile(r"python(?:3(?:\.\d+)?)?")


def find_on_path(name: str) -> str | None:
    """The program on PATH that would be started by this name.

    `shutil.which` asks what the real user may, without the capabilities that a process in a container has, and so misses some that start.
    """
    for folder in os.get_exec_path():
        path = Path(folder, name)
        # first whether it may be started: a folder that is closed is an error to `is_file`
        if os.access(path, os.X_OK, effective_ids=os.access in os.supports_effective_ids) and path.is_file():
            return str(path)
    return None


def find_interpreter(
    workspace: Workspace, command: Sequence[str], cwd: str, which: Callable[[str], str | None] = find_on_path
) -> Path | None:
    """The interpreter that a launcher's command would find where no run prefix and no module brings one; None where it names none.

    Raises ScaffoldError where it names one that is not there.
    """
    if not PYTHON.fullmatch(command[0]):
        return None
    for folder in (Path(workspace.workdir, cwd), workspace.workdir):
        for environment in (".venv", ".conda"):
            path = folder / environment / "bin" / command[0]
            if path.exists():
                return path
    if found := which(command[0]):
        return Path(found)
    others = (f"{name} is {place}" for name in ("python3", "python") if (place := which(name)))
    other = next(others, "nor any other")
    raise ScaffoldError(
        f"the command says `{command[0]}`, and there is none on PATH ({other})",
        hint="build the environment (setup_env.sh), or plan the sweep with the interpreter's name as it is here",
    )


def is_scaffolds_own(interpreter: Path) -> bool:
    """Whether an interpreter is the one that scaffold itself lives in, in a virtual environment: what a script needs is rarely there."""
    own = Path(sys.executable)
    return sys.prefix != sys.base_prefix and os.path.realpath(interpreter.parent) == os.path.realpath(own.parent)
