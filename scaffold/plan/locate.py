"""Which plan is meant, and what its workspace says about it, without the cost of reading YAML where that is not needed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from scaffold.errors import ScaffoldError
from scaffold.workspace import ANSWERS, ROOTS, find

ANSWER = re.compile(r"^(tasks_path|research_server_url):[ \t]*(.*?)[ \t]*$", re.MULTILINE)
PLAIN = re.compile(r"[A-Za-z0-9./_][^#:&*!|>'\"%@`{}\[\],]*(?:://[^\s#'\"]*)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A plan's file, the work directory that its paths are relative to, and whether its workspace names a research server."""

    plan: Path
    workdir: Path
    server: bool


def place(file: Path | None, start: Path) -> Place:
    """The plan at `file`, or the one of the workspace that `start` lies in.

    Raises ScaffoldError where no file is named and there is no workspace, or more than one.
    """
    below = (file.parent if file is not None else start).resolve()
    for folder in (below, *below.parents):
        roots = [root for root in ROOTS if (folder / root / ANSWERS).is_file()]
        if len(roots) == 1:
            return _place(file, folder, _answers(folder / roots[0] / ANSWERS), roots[0])
        if roots or (folder / ".git").exists():
            break
    if file is not None:
        return Place(plan=file, workdir=_top(below), server=False)
    workspace = find(start)
    return Place(
        plan=workspace.tasks, workdir=workspace.workdir, server=bool(workspace.answers.get("research_server_url"))
    )


def read(path: Path) -> str:
    """The text of a plan; bytes that are no UTF-8 survive as surrogates. Raises ScaffoldError where it cannot be read."""
    try:
        return path.read_bytes().decode("utf-8", "surrogateescape")
    except FileNotFoundError as error:
        raise ScaffoldError(f"there is no plan at {path}", hint="write one: scaffold init --goal '...'") from error
    except OSError as error:
        raise ScaffoldError(f"the plan {path} cannot be read: {error.strerror}") from error


def _place(file: Path | None, workdir: Path, answers: dict[str, str] | None, root: str) -> Place:
    if answers is None:
        workspace = find(workdir)
        plan, server = workspace.tasks, bool(workspace.answers.get("research_server_url"))
    else:
        plan, server = (
            workdir / (answers.get("tasks_path") or f"{root}/tasks.md"),
            bool(answers.get("research_server_url")),
        )
    return Place(plan=file or plan, workdir=workdir, server=server)


def _answers(path: Path) -> dict[str, str] | None:
    """The two answers that a check needs, where they are written plainly; None where only a YAML parser can tell."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None
    found = dict(ANSWER.findall(text))
    empty = ("", "''", '""', "null", "~")
    values = {name: "" if value in empty else value for name, value in found.items()}
    return values if all(not value or PLAIN.fullmatch(value) for value in values.values()) else None


def _top(start: Path) -> Path:
    """The top of the working tree that holds `start`, else `start` itself."""
    return next((folder for folder in (start, *start.parents) if (folder / ".git").exists()), start)
