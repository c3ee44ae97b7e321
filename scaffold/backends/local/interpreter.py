"""Which Python a command that says `python` gets on this machine, before a run is lost for want of one."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from scaffold.errors import ScaffoldError
from scaffold.facts import search_path
from scaffold.workspace import Workspace

PYTHON = re.compile(r"python(?:3(?:\.\d+)?)?")


def find_launcher_interpreter(workspace: Workspace, command: Sequence[str], cwd: str) -> Path | None:
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
    folder = Path(workspace.workdir, cwd)
    if program := search_path.find_program(command[0], cwd=folder):
        return Path(program)
    others = (
        f"{name} is {other}" for name in ("python3", "python") if (other := search_path.find_program(name, cwd=folder))
    )
    also = next(others, "nor any other")
    raise ScaffoldError(
        f"the command says `{command[0]}`, and there is none on PATH ({also})",
        hint="build the environment (setup_env.sh), or plan the sweep with the interpreter's name as it is here",
    )


def is_scaffold_interpreter(interpreter: Path) -> bool:
    """Whether an interpreter is the one that scaffold itself lives in, in a virtual environment: what a script needs is rarely there."""
    own = Path(sys.executable)
    return sys.prefix != sys.base_prefix and os.path.realpath(interpreter.parent) == os.path.realpath(own.parent)
