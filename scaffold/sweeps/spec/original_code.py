"""The code that a sweep was planned with, brought back in a worktree of its own."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

from scaffold import git
from scaffold.errors import ScaffoldError
from scaffold.runs import code_worktrees, recorder_command, worktree_imports, worktrees
from scaffold.runs.code_worktrees import CodePin, RecordedCode
from scaffold.sweeps.spec import code_state, sweep_paths
from scaffold.sweeps.spec.sweep_paths import launched_sweep_paths, make_ignored_folder

if TYPE_CHECKING:
    from scaffold.sweeps.spec.model import Sweep
    from scaffold.workspace import Workspace


def checkout_original(workspace: Workspace, sweep: Sweep, *, links: Sequence[str] = ()) -> Workspace:
    """A detached worktree with the code that the sweep remembers, in the sweep's own folder, for `run_scripts.write_launchers`; one
    that is there already is used again. Records of its runs go into `workspace`.

    `links` are paths (data that git does not hold) that it gets as links. Raises ScaffoldError where the code cannot be had as it
    was: no commit, a patch that does not apply or held secrets, somebody's changes in the worktree.
    """
    top = git.toplevel(workspace.workdir)
    if top is None or (sweep.code.commit or sweep.code.pin) is None or sweep.code.state is None:
        raise ScaffoldError(
            f"the sweep {sweep.name} has no commit, so its code cannot be brought back",
            hint=f"run it with the code as it is now: scaffold sweep launch {sweep.name} --code current",
        )
    folder = make_ignored_folder(launched_sweep_paths(workspace, sweep.name).folder)
    tree = folder / f"code-{sweep.code.state[:12]}" / top.name
    fresh = not tree.is_dir()
    try:
        if fresh:
            code_worktrees.checkout_code(workspace, top, _recorded(workspace, sweep), tree)
        experiment = sweep.experiment if workspace.per_experiment else None
        inside = worktrees.link_workspace(workspace, tree, top, experiment, links)
        _check_original(inside, sweep, tree)
    except BaseException:
        if fresh:
            worktrees.remove_worktree(top, tree)
        raise
    return inside


def original_code_variables(
    workspace: Workspace, sweep: Sweep, inside: Workspace, *, no_prefix: bool = False
) -> dict[str, str]:
    """The variables with which the sweep's command runs the code of the worktree that `inside` lies in. Raises ScaffoldError where it
    would load other code."""
    main = git.toplevel(workspace.workdir)
    if main is None:
        return {}
    below = len(workspace.workdir.resolve().relative_to(main.resolve()).parts)
    tree = inside.workdir.parents[below - 1] if below else inside.workdir
    trees = worktree_imports.find_repository_worktrees(main, tree)
    prefix = [] if no_prefix else recorder_command.read_run_prefix(workspace)
    cwd = (inside.workdir / sweep.cwd).resolve()
    environments = [
        folder / name for folder in (cwd, inside.workdir, workspace.workdir.resolve()) for name in (".venv", ".conda")
    ]
    return worktree_imports.worktree_variables(trees, sweep.command, cwd, prefix, environments)


def _recorded(workspace: Workspace, sweep: Sweep) -> RecordedCode:
    """What the sweep says of its code. Raises ScaffoldError where it stands on a patch whose file is gone."""
    pin = CodePin(commit=sweep.code.pin, tracked=sweep.code.tracked) if sweep.code.pin else None
    moment = datetime.fromtimestamp(sweep_paths.sweep_path(workspace, sweep.name).stat().st_mtime, timezone.utc)
    try:
        patch = code_state.read_sweep_patch(workspace, sweep.code)
    except ScaffoldError:
        if pin is None:
            raise
        patch = ""
    return RecordedCode(commit=sweep.code.commit, state=sweep.code.state, patch=patch, pin=pin, moment=moment)


def _check_original(inside: Workspace, sweep: Sweep, tree: Path) -> None:
    now, _ = code_state.read_current_sweep_code(inside, sweep, with_patch=False)
    if now.state == sweep.code.state and code_state.command_file_states(now) == code_state.command_file_states(
        sweep.code
    ):
        return
    why = " (secrets in uncommitted code are not kept, so that such code cannot come back)" if sweep.code.patch else ""
    raise ScaffoldError(
        f"the code in {tree} is not what the sweep {sweep.name} was planned with{why}",
        hint=f"take the worktree away (git worktree remove --force {tree}), or plan again: --code current",
    )
