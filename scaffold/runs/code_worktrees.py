"""The code of a recorded run -> a worktree that has it: from its pin, else its commit and patch, else a commit of the same code state."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scaffold import git
from scaffold.errors import ScaffoldError
from scaffold.runs import commit_retention, compare, recorder, timestamps, worktrees

if TYPE_CHECKING:
    from scaffold.workspace import Workspace

SHOWN = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class CodePin:
    """The commits that keep the code of a run: `commit` is exactly what ran, `tracked` the same without untracked files."""

    commit: str
    tracked: str | None
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedCode:
    """What a record says of the code: the commit, the code state, the patch's text (empty: none), the pin, and when it ran."""

    commit: str | None
    state: str | None
    patch: str
    pin: CodePin | None
    moment: datetime
    submodules: Mapping[str, RecordedCode] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeSource:
    """What a worktree with some code is made of: `base` is checked out, then the files of the commit `tracked` replace the tracked ones,
    and those of `files` and the patch come besides; `notes` say what is not as it was."""

    base: str
    tracked: str | None = None
    files: str | None = None
    patch: str = ""
    notes: tuple[str, ...] = ()


def manifest_code(manifest: Mapping[str, Any], workdir: Path) -> RecordedCode:
    """What a manifest says of the code of its run."""
    recorded = manifest["git"] or {}
    moment = timestamps.parse_timestamp(manifest["time"]["started_at"])
    submodules = {each["path"]: _parse_code(each, workdir, moment) for each in recorded.get("submodules", ())}
    return replace(_parse_code(recorded, workdir, moment), submodules=submodules)


def _parse_code(recorded: Mapping[str, Any], workdir: Path, moment: datetime) -> RecordedCode:
    return RecordedCode(
        commit=recorded.get("commit"),
        state=recorded.get("code"),
        patch=compare.recorded_patch({"git": recorded}, workdir),
        pin=parse_code_pin(recorded.get("pin")),
        moment=moment,
    )


def parse_code_pin(value: Mapping[str, Any] | None) -> CodePin | None:
    """The pin of a manifest; None where there is none."""
    if value is None:
        return None
    return CodePin(commit=value["commit"], tracked=value["tracked"], left_out=tuple(value["left_out"]))


def find_code_source(workspace: Workspace, top: Path, code: RecordedCode) -> CodeSource:
    """What brings the code back. Raises ScaffoldError where it is gone."""
    pin = code.pin
    names = [name for name in (code.commit, *((pin.commit, pin.tracked) if pin else ())) if name]
    existing = commit_retention.existing_commits(top, names)
    if pin is not None and pin.commit in existing:
        left = ", ".join(pin.left_out[:SHOWN]) + (" and others" if len(pin.left_out) > SHOWN else "")
        notes = (f"not in the pinned code, as they may hold secrets or are very big: {left}",) if left else ()
        base = code.commit if code.commit in existing else pin.tracked or pin.commit
        return CodeSource(base=base or pin.commit, tracked=pin.tracked, files=pin.commit, notes=notes)
    if code.commit is not None and code.commit in existing:
        return CodeSource(base=code.commit, patch=code.patch)
    other = commit_retention.CommitCodeStates(workspace).nearest(code.state, code.moment) if code.state else None
    if other is not None:
        text = "its commit is gone" if code.commit is None else f"its commit {code.commit[:12]} is gone"
        return CodeSource(base=other, notes=(f"{text}; {other[:12]} has the same code state and is used in its place",))
    if code.commit is None:
        raise ScaffoldError("it ran before the first commit and is not pinned, so its code cannot be brought back")
    raise ScaffoldError(
        f"commit {code.commit} is not in {top}, and no other commit has the same code state",
        hint="where it was pinned in another clone, fetch it from there: git fetch CLONE '+refs/scaffold/*:refs/scaffold/*'",
    )


def checkout_code(workspace: Workspace, top: Path, code: RecordedCode, place: Path) -> list[str]:
    """Make a detached worktree at `place` that has the code, and that of its submodules, from their clones in the main tree; notes on what
    could not be brought back. Raises ScaffoldError where the code is gone, or a clone is not there or lacks it."""
    notes = _checkout(top, find_code_source(workspace, top, code), place)
    return notes + _checkout_submodules(workspace, top, place, "", code)


def _checkout_submodules(workspace: Workspace, top: Path, place: Path, prefix: str, code: RecordedCode) -> list[str]:
    """Fill the submodules of the worktree at `place`, those inside of them too. `prefix` leads to it from the repository's own top."""
    notes = []
    for path, commit in worktrees.list_submodules(place).items():
        recorded = code.submodules.get(prefix + path)
        is_there = (top / path / ".git").exists()
        if recorded is None and (code.submodules or not is_there):
            continue  # it was not checked out when the run ran, or nothing says that it was
        if not is_there:
            raise ScaffoldError(
                f"the submodule {prefix}{path} is not checked out in {top}, so that the run cannot have it",
                hint=f"git -C {top} submodule update --init {path}",
            )
        plain = RecordedCode(commit=commit, state=None, patch="", pin=None, moment=code.moment)
        try:
            source = find_code_source(workspace, top / path, recorded or plain)
        except ScaffoldError as error:
            raise ScaffoldError(
                f"the submodule {prefix}{path} cannot be had as it was: {error.message}",
                hint=f"git -C {top / path} fetch",
            ) from error
        notes += [f"{prefix}{path}: {note}" for note in _checkout(top / path, source, place / path)]
        notes += _checkout_submodules(workspace, top / path, place / path, f"{prefix}{path}/", code)
    return notes


def _checkout(top: Path, source: CodeSource, place: Path) -> list[str]:
    worktrees.add_worktree(top, source.base, place)
    if source.tracked is not None and source.tracked != source.base:
        # a submodule's entry changes with it; its files come later
        git.run_git_checked_as_user(place, "read-tree", "--reset", "-u", source.tracked)
    if source.files is not None and source.files != source.tracked:
        _add_untracked_files(place, source.tracked, source.files)
    return [*source.notes, *worktrees.apply_patch(place, source.patch)]


def _add_untracked_files(place: Path, tracked: str | None, files: str) -> None:
    """Write the files that the commit `files` has besides those of `tracked`, and that no index knows."""
    if tracked is None:
        git.run_git_checked_as_user(place, "rm", "-rq", "--cached", ".")
        return
    options = ("--binary", "--full-index", "--no-renames", "--no-ext-diff", "--no-textconv")
    difference = git.run_git_checked(place, "diff-tree", "-p", *options, tracked, files).stdout
    answer = git.run_git_as_user(place, "apply", "--whitespace=nowarn", "-", stdin=difference)
    if answer.status != 0:
        raise ScaffoldError(f"untracked files of the pinned code cannot be written: {answer.stderr.strip()}")


def make_patch_between_runs(
    workspace: Workspace, a: Mapping[str, Any], b: Mapping[str, Any], names: tuple[str, str]
) -> str:
    """The patch from the code of one manifest to that of the other, without secrets; empty where they are the same.

    Where one of them is not pinned here: a diff of the saved patches. Raises ScaffoldError where git does not answer.
    """
    top = git.toplevel(workspace.workdir)
    pins = [parse_code_pin((manifest["git"] or {}).get("pin")) for manifest in (a, b)]
    commits = [pin.commit for pin in pins if pin is not None]
    if top is None or len(commits) < 2 or not commit_retention.existing_commits(top, commits) >= set(commits):
        return compare.diff_saved_patches(a, b, workspace.workdir, names)
    excluded = [f":(exclude,top,literal){path}" for path in commit_retention.list_non_code_paths(workspace, top)]
    options = ("--no-color", "--no-ext-diff", "--no-textconv", "--no-renames", "--src-prefix=a/", "--dst-prefix=b/")
    difference = git.run_git_checked(top, "diff", *options, *commits, "--", ".", *excluded).stdout
    # scripts of the workspace that the commands named are code as well
    named = sorted({path for manifest in (a, b) for path in manifest["command"].get("files") or {}})
    if named:
        difference += git.run_git_checked(
            top, "diff", *options, *commits, "--", *(f":(top,literal){p}" for p in named)
        ).stdout
    return os.fsdecode(recorder.patches.redact_patch(difference, os.devnull))
