"""Which plan is meant, and what its workspace says about it, without the cost of reading YAML where that is not needed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from scaffold import path_containment
from scaffold.plan.document.server_loop_protocol import LOG_NAME
from scaffold.workspace import ANSWERS_FILE, USUAL_ROOTS, explain_unusable_path, find_workspace, is_path_accessible

if TYPE_CHECKING:
    from scaffold.conventions.endless_scripts import EndlessScript

ANSWER = re.compile(r"^(experiment_root|tasks_path|research_server_url):[ \t]*(.*?)[ \t]*$", re.MULTILINE)
PLAIN = re.compile(r"[A-Za-z0-9./_][^\s#:&*!|>'\"%@`{}\[\],]*(?:://[^\s#'\"]*)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanLocation:
    """A plan's file, the work directory that its paths are relative to, and whether its workspace names a research server.

    `root` is the workspace's; None where the plan lies in none.
    """

    plan: Path
    workdir: Path
    root: str | None
    server: bool

    def endless_scripts(self) -> tuple[EndlessScript, ...]:
        """The scripts that go on until they are stopped, by the workspace's answers; a glance tells where there are none."""
        answers = self.workdir / (self.root or ".") / ANSWERS_FILE
        if self.root is None or "length_option:" not in path_containment.join_contained_path(
            self.workdir, answers
        ).read_text("utf-8", "replace"):
            return ()
        from scaffold.conventions.endless_scripts import read_endless_scripts

        return read_endless_scripts(find_workspace(self.workdir, self.root).answers)


def locate_plan(file: Path | None, start: Path) -> PlanLocation:
    """The plan at `file`, or the one of the workspace that `start` lies in.

    Raises ScaffoldError where no file is named and there is no workspace, or more than one.
    """
    folder = (file.parent if file is not None else start).resolve()
    nearest = nearest_workspace(folder)
    if nearest is not None:
        return _location_in_workspace(file, *nearest)
    if file is not None:
        return PlanLocation(plan=file, workdir=_repository_top(folder), root=None, server=False)
    workspace = find_workspace(start)
    server = bool(workspace.answers.get("research_server_url"))
    _check_beside(workspace.workdir, workspace.tasks)
    return PlanLocation(plan=workspace.tasks, workdir=workspace.workdir, root=workspace.root, server=server)


def nearest_workspace(start: Path) -> tuple[Path, str] | None:
    """Work directory and root of the workspace above `start`, where a glance tells; None where it takes a search."""
    for folder in (start, *start.parents):
        roots = [root for root in USUAL_ROOTS if is_path_accessible(folder / root / ANSWERS_FILE)]
        if len(roots) == 1:
            return folder, roots[0]
        own_root = (_plain_answers(folder / ANSWERS_FILE) or {}).get("experiment_root", "")
        if own_root and folder.as_posix().endswith(f"/{own_root}"):
            return Path(folder.as_posix().removesuffix(f"/{own_root}")), own_root
        if roots or is_path_accessible(folder / ".git"):
            break
    return None


def _location_in_workspace(file: Path | None, workdir: Path, root: str) -> PlanLocation:
    answers = _plain_answers(workdir / root / ANSWERS_FILE)
    tasks, server = ((answers or {}).get(name, "") for name in ("tasks_path", "research_server_url"))
    if answers is None or (file is None and explain_unusable_path(tasks) is not None):
        # not written plainly, or no path inside the work directory: reading all answers tells which
        workspace = find_workspace(workdir, root)
        tasks, server = str(workspace.answers["tasks_path"]), str(workspace.answers.get("research_server_url") or "")
    if file is None:
        _check_beside(workdir, workdir / tasks)
    return PlanLocation(plan=file or workdir / tasks, workdir=workdir, root=root, server=bool(server))


def _check_beside(workdir: Path, plan: Path) -> None:
    """Raise OutsidePathError where the workspace's plan, or a file that is kept beside it, leads to where nothing of it may lie."""
    for path in (plan, plan.with_name(LOG_NAME), plan.with_name(f"{plan.stem}.record.json"), plan.parent / "verify"):
        path_containment.join_contained_path(workdir, path)


def _plain_answers(path: Path) -> dict[str, str] | None:
    """The answers that a check needs, where they are written plainly; None where only a YAML parser can tell."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None
    answers = dict(ANSWER.findall(text))
    empty = ("", "''", '""', "null", "~")
    values = {name: "" if value in empty else value for name, value in answers.items()}
    return values if all(not value or PLAIN.fullmatch(value) for value in values.values()) else None


def _repository_top(start: Path) -> Path:
    """The top of the working tree that holds `start`, else `start` itself."""
    return next((folder for folder in (start, *start.parents) if is_path_accessible(folder / ".git")), start)
