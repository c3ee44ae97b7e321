"""Code that only this repository's pins keep -> a git bundle beside the runs that ran it, for `git fetch` in a clone."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from scaffold import git
from scaffold.results.evidence.ro_crate import BUNDLE, CrateRun
from scaffold.runs import commit_retention
from scaffold.runs.commit_retention import CommitKeeper

if TYPE_CHECKING:
    from scaffold.workspace import Workspace

PINNED = {CommitKeeper.PIN, CommitKeeper.STUDY}
LOCAL = "its uncommitted code holds lines that a patch hides"


def write_code_bundle(workspace: Workspace, runs: Sequence[CrateRun], directory: Path) -> int | None:
    """Write the pinned code that no branch or tag has as `code.bundle`; its size, or None where the runs need none. Raises ScaffoldError.

    What is marked local stays out.
    """
    top = git.toplevel(workspace.workdir)
    commits = {run.run.commit for run in runs if run.run.commit}
    if top is None or not PINNED & set(commit_retention.find_commit_keepers(top, commits).values()):
        return None
    refs = git.run_git_checked(top, "for-each-ref", "--format=%(refname)", "refs/scaffold/pins").text.split()
    if not refs:
        return None
    file = directory / BUNDLE
    git.run_git_checked(top, "bundle", "create", "-q", str(file.resolve()), *refs, "--not", *commit_retention.BRANCHES)
    return file.stat().st_size


def list_runs_without_code(runs: Sequence[CrateRun]) -> list[str]:
    """Which runs have code that is left out, and why."""
    pins = ((run.run.label, (run.manifest["git"] or {}).get("pin")) for run in runs)
    return [f"{label} ({LOCAL})" for label, pin in pins if pin and pin["local"]]
