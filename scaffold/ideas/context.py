"""Where ideas are judged: the workspace, its repository, what counts as code there, and what detection knows of the question."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from scaffold import git
from scaffold.errors import ScaffoldError
from scaffold.ideas import study_files
from scaffold.ideas.study import IdeaStudy
from scaffold.ideas.tree import forbidden_changes
from scaffold.ideas.tree.snapshot import SnapshotRules
from scaffold.runs import commit_retention, recorder, recorder_command, timestamps
from scaffold.sweeps.spec import script_arguments, script_interface
from scaffold.workspace import Workspace

_SEED_CONSTANT = re.compile(
    r"(?:seed\w*|RandomState|default_rng|PRNGKey|random\.Random)\s*\(\s*\d+|\bseed\w*\s*=\s*\d+", re.IGNORECASE
)


@dataclass(frozen=True, slots=True, kw_only=True)
class IdeaContext:
    """A workspace in a git repository with a commit: `top` of its working tree, `uncounted` what is no code there."""

    workspace: Workspace
    top: Path
    uncounted: tuple[str, ...]

    def rules(self, study: IdeaStudy | None = None, command: Sequence[str] = ()) -> SnapshotRules:
        """What is part of an idea of this study."""
        rules = SnapshotRules(uncounted=self.uncounted, untracked=frozenset())
        if study is None:
            return replace(rules, needed=self.needed_files(command))
        needed = self.needed_files(study.command)
        return replace(rules, untracked=frozenset(study.untracked), needed=needed, only=study.only)

    def needed_files(self, command: Sequence[str]) -> frozenset[str]:
        """The files that a command reads as code or configuration, relative to the top: what it names, and what its script imports."""
        words = tuple(command)
        prefix = self.workspace.workdir.resolve().relative_to(self.top.resolve()).as_posix()
        named = {word for word in recorder.config_files.file_words(words, 2)} if words else set()
        script = script_interface.read_command_script(self.workspace, words, ".") if words else None
        if script is not None and script.path is not None:
            named |= {script.path, *script_arguments.imported_files(self.workspace, script.path)}
        return frozenset(path if prefix == "." else f"{prefix}/{path}" for path in named)

    def refs(self, prefix: str) -> list[str]:
        """The commits of the refs that begin with `prefix`."""
        rows = git.run_git_checked(self.top, "for-each-ref", "--format=%(objectname)", f"{prefix}*").text
        return rows.split()

    def code_state(self, commit: str) -> str:
        """The code state of a commit. Raises ScaffoldError where it has no code."""
        state = commit_retention.compute_commit_states(self.workspace, self.top, [commit]).get(commit)
        if state is None:
            raise ScaffoldError(f"commit {commit[:12]} has no code")
        return state


def open_idea_context(workspace: Workspace) -> IdeaContext:
    """The context of a workspace. Raises ScaffoldError: no repository, no commit yet, git refuses it."""
    location = git.locate_in_git(workspace.workdir)
    if trouble := git.git_refusal_error(workspace.workdir, location):
        raise trouble
    if location.toplevel is None:
        raise ScaffoldError(
            f"{workspace.workdir} is in no git repository, so that no idea can be kept", hint="git init"
        )
    if location.head is None:
        raise ScaffoldError(
            f"{location.toplevel} has no commit yet, so that nothing stands that an idea could be held against",
            hint="commit the code as it is first: git add -A && git commit -m 'the baseline'",
        )
    uncounted = tuple(commit_retention.list_non_code_paths(workspace, location.toplevel))
    return IdeaContext(workspace=workspace, top=location.toplevel, uncounted=uncounted)


def find_idea_study(workspace: Workspace, name: str | None) -> IdeaStudy:
    """The study of a name, the one that was started last where none is named. Raises ScaffoldError where there is none."""
    if name is not None:
        return study_files.read_idea_study(workspace, name)
    studies = study_files.read_idea_studies(workspace)
    if not studies:
        raise _no_study_error(workspace)
    return studies[-1]


def _no_study_error(workspace: Workspace) -> ScaffoldError:
    """What to say where nothing was started: the line that starts it, as detection knows it."""
    command = " ".join(read_baseline_command(workspace)) or "python train.py"
    metric = str(workspace.answers.get("primary_metric") or "")
    words = "" if metric else " --metric val_loss --minimize"
    return ScaffoldError("no study of ideas is open", hint=f"start one: scaffold ideas start{words} -- {command}")


def read_baseline_command(workspace: Workspace) -> tuple[str, ...]:
    """The command that detection knows to be the main one, without what enters the environment; empty where it knows none."""
    points = workspace.answers.get("entry_points")
    point = next((p for p in points if isinstance(p, Mapping)), None) if isinstance(points, list) else None
    if point is None or not isinstance(point.get("command"), str) or "[choice" in point["command"]:
        return ()
    try:
        words = shlex.split(point["command"])
    except ValueError:
        return ()
    prefix = recorder_command.read_run_prefix(workspace)
    return tuple(words[len(prefix) :] if prefix and words[: len(prefix)] == prefix else words)


def find_metric_print_places(workspace: Workspace, metric: str) -> list[str]:
    """Where detection saw the metric printed, as `path:line`."""
    rows = workspace.answers.get("printed_metrics")
    metrics: list[Mapping[str, Any]] = (
        [row for row in rows if isinstance(row, Mapping)] if isinstance(rows, list) else []
    )
    return [str(row["source"]) for row in metrics if row.get("name") == metric and row.get("source")]


def guarded_files(context: IdeaContext, command: Sequence[str], metric: str) -> tuple[str, ...]:
    """The files that no idea may change unless somebody says otherwise."""
    from scaffold.runs.script_file import find_script_file

    script = find_script_file(context.workspace.workdir, tuple(command))
    name = None
    if script is not None and script.resolve().is_relative_to(context.top.resolve()):
        name = script.resolve().relative_to(context.top.resolve()).as_posix()
    evaluation = evaluation_files(context.workspace, command, metric) - {name}
    tracked = (path for path in git.list_tracked_files(context.top) if not context.rules().is_uncounted(path))
    return tuple(
        sorted({*forbidden_changes.guarded_paths(tracked, name), *(path for path in evaluation if path is not None)})
    )


def evaluation_files(workspace: Workspace, command: Sequence[str], metric: str) -> set[str | None]:
    """The files that define what a metric is the result of (`val_bpb = evaluate_bpb(...)`), relative to the work directory."""
    texts = _read_code(workspace, command)
    names = _find_functions(texts, metric)
    defines = [re.compile(rf"^def {re.escape(name)}\(", re.MULTILINE) for name in sorted(names)]
    return {path for path, text in texts.items() if any(pattern.search(text) for pattern in defines)}


def evaluation_functions(workspace: Workspace, command: Sequence[str], metric: str) -> set[str]:
    """The names of the functions that a metric is the result of."""
    return _find_functions(_read_code(workspace, command), metric)


def _find_functions(texts: Mapping[str, str], metric: str) -> set[str]:
    makes = re.compile(
        rf"^[ \t]*(?:\w+\s*,\s*)*{re.escape(metric)}(?:\s*,\s*\w+)*\s*=\s*(?:[\w.]+\.)?(\w+)\(", re.MULTILINE
    )
    return {name for text in texts.values() for name in makes.findall(text)}


def _read_code(workspace: Workspace, command: Sequence[str]) -> dict[str, str]:
    """The script of a command and what it imports: path -> text."""
    script = script_interface.read_command_script(workspace, tuple(command), ".")
    paths = script_arguments.imported_files(workspace, script.path) if script.path else ()
    return {path: _read(workspace, path) for path in paths}


def _read(workspace: Workspace, path: str) -> str:
    try:
        return Path(workspace.workdir, path).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def format_current_time() -> str:
    """This moment, as records have it."""
    return timestamps.utc_now().strftime("%Y-%m-%dT%H:%M:%SZ")


def find_seed_constant(workspace: Workspace, command: Sequence[str]) -> str | None:
    """Where a command's own code fixes its seed, as `path:line`; None where it is not seen to."""
    script = script_interface.read_command_script(workspace, tuple(command), ".")
    for path in script_arguments.imported_files(workspace, script.path) if script.path else ():
        for number, line in enumerate(_read(workspace, path).splitlines(), 1):
            if _SEED_CONSTANT.search(line.partition("#")[0]):
                return f"{path}:{number}"
    return None
