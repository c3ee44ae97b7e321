"""A recorded run -> the same code, command and seed again, as a new attempt; its metrics beside the old ones."""

from __future__ import annotations

import subprocess  # noqa: TID251 - it starts the recorder
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scaffold import git
from scaffold.errors import ScaffoldError
from scaffold.runs import compare, manifests, start, worktrees
from scaffold.runs.manifests import Run
from scaffold.runs.worktrees import HIDDEN
from scaffold.workspace import Workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class Rerun:
    """What running again gave: the new attempt's manifest, metrics that differ, and what could not be made the same."""

    run: Run
    manifest: Mapping[str, Any]
    unequal: tuple[compare.Difference, ...]
    notes: tuple[str, ...]


def rerun(workspace: Workspace, run: Run, *, tolerance: float, links: Sequence[str] = (), prefix: bool = True) -> Rerun:
    """Run `run` again in a detached worktree of its commit and patch; records go into this workspace.

    `links` are paths (data that git does not hold) that the worktree gets as links. Raises ScaffoldError where the run
    cannot be repeated: no commit, a hidden secret in its command, a patch that does not apply.
    """
    old = manifests.read(workspace.workdir / run.path)
    commit = _repeatable(run, old)
    top = git.top(workspace.workdir)
    if top is None:
        raise ScaffoldError(f"{workspace.workdir} is no longer in a git repository")
    before = {r.path for r in manifests.records(workspace).runs}
    with _worktree(top, commit) as tree:
        notes = worktrees.apply(tree, compare.patch(old, workspace.workdir))
        experiment = Path(run.path).parent.relative_to(workspace.root).parts[0] if workspace.per_experiment else None
        inside = worktrees.furnish(workspace, tree, top, experiment, links)
        command = start.command(inside, _arguments(workspace, old, top, tree), prefix=prefix)
        folder = tree / old["command"]["cwd"]
        if not folder.is_dir():
            raise ScaffoldError(f"the run's directory {old['command']['cwd']} is not in commit {commit[:12]}")
        subprocess.run(command, cwd=folder, stdout=2, check=False)
    new = [r for r in manifests.records(workspace).runs if r.path not in before and r.status != "running"]
    if not new:
        raise ScaffoldError(f"running {run.label} again left no record", hint="its messages are above")
    manifest = manifests.read(workspace.workdir / new[0].path)
    if new[0].name != run.name:
        notes = [*notes, f"the code is not quite the same: the new run is {new[0].name}"]
    unequal = compare.unequal_metrics(old["metrics"], manifest["metrics"], tolerance)
    return Rerun(run=new[0], manifest=manifest, unequal=tuple(unequal), notes=tuple(notes))


def _repeatable(run: Run, manifest: Mapping[str, Any]) -> str:
    commit = (manifest["git"] or {}).get("commit")
    if not commit:
        raise ScaffoldError(f"{run.label} has no commit, so its code is not known")
    if any(HIDDEN in word for word in manifest["command"]["argv"]):
        raise ScaffoldError(
            f"the command of {run.label} held a secret, which is not recorded",
            hint=f"start it by hand: scaffold run -- {manifest['command']['shell']}",
        )
    return str(commit)


@contextmanager
def _worktree(top: Path, commit: str) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="rerun-") as folder:
        tree = Path(folder).resolve() / top.name
        worktrees.add(top, commit, tree)
        try:
            yield tree
        finally:
            worktrees.remove(top, tree)


def _arguments(workspace: Workspace, old: Mapping[str, Any], top: Path, tree: Path) -> list[str]:
    words = ["--experiment", old["run"]["experiment"]]
    if old["seed"] is not None:
        words += ["--seed", str(old["seed"])]
    for key, value in old["params"].items():
        if value != HIDDEN:
            words += ["--param", f"{key}={'null' if value is None else value}"]
    for path in old["paths"]["configs"]:
        words += ["--config", str(workspace.workdir / path)]
    for option in ("task", "sweep"):
        if old["tracking"][option]:
            words += [f"--{option}", old["tracking"][option]]
    return [*words, "--", *(word.replace(f"{top}/", f"{tree}/") for word in old["command"]["argv"])]
