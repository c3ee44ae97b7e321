"""How a workspace's recorder is started: the environment's run prefix, then Python without site, then the recorder."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from scaffold import structured_text
from scaffold.errors import ScaffoldError
from scaffold.facts.search_path import find_program
from scaffold.runs import recorder

if TYPE_CHECKING:
    from scaffold.workspace import Workspace

PYTHON_OPTIONS = ("-IS",)
# shlex takes time by the square of a word's length
LONGEST_PREFIX = 8_000


def recorder_path(workspace: Workspace) -> Path:
    """The workspace's own recorder. Raises ScaffoldError when it is not there."""
    path = workspace.locate(workspace.role_folder("scripts") / "record_run.py")
    if not path.is_file():
        raise ScaffoldError(f"{path} is missing", hint="bring the workspace's files back: scaffold update")
    return path


def load_recorder_workspace(workspace: Workspace) -> recorder.workspace.Workspace:
    """The workspace as its recorder sees it. Raises ScaffoldError where that is missing, or finds no workspace around it."""
    try:
        return recorder.workspace.locate(os.path.realpath(recorder_path(workspace).parent))
    except recorder.messages.RecorderError as error:
        raise ScaffoldError(
            f"the recorder finds no workspace: {error}", hint="bring it back: scaffold update"
        ) from error


def read_environment_run_prefix(
    workspace: Workspace,
    otherwise: str = "activate the environment yourself and give --no-prefix",
    *,
    cwd: Path | None = None,
) -> list[str]:
    """What activates the repository's environment, such as `uv run`. Raises ScaffoldError when it cannot be read, or run in `cwd`."""
    words = read_run_prefix(workspace)
    if words and find_program(words[0], cwd=cwd) is None:
        raise ScaffoldError(
            f"the environment of this repository is entered by `{shlex.join(words)}`, and there is no {words[0]} on PATH",
            hint=f"install {words[0]}, or {otherwise}",
        )
    return words


def read_run_prefix(workspace: Workspace) -> list[str]:
    """The run prefix as the workspace has it, whether or not it is on PATH here. Raises ScaffoldError when it cannot be read."""
    path = workspace.locate(workspace.role_folder("scripts") / "workspace.json")
    try:
        prefix = str(structured_text.parse_json(path.read_text(encoding="utf-8")).get("run_prefix") or "")
        if len(prefix) > LONGEST_PREFIX:
            raise ValueError("its run_prefix is too long")
        return shlex.split(prefix)
    except FileNotFoundError:
        return []
    except (OSError, ValueError, AttributeError) as error:
        reason = " ".join(str(error).split())
        raise ScaffoldError(f"{path} cannot be read: {reason}", hint="bring it back: scaffold update") from error


def recorder_command(workspace: Workspace, args: Sequence[str], *, prefix: bool = True) -> list[str]:
    """The command line that records a run. Raises ScaffoldError."""
    prefix_words = read_environment_run_prefix(workspace) if prefix else []
    return [*prefix_words, sys.executable, *PYTHON_OPTIONS, str(recorder_path(workspace)), *args]


def recorder_usage() -> str:
    """The recorder's own list of options."""
    text = str(recorder.request.USAGE)
    return text.partition("\n\n")[2]
