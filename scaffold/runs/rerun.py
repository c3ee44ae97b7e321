"""A recorded run -> the same code, command and seed again, as a new attempt; its metrics beside the old ones."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scaffold import git, path_containment
from scaffold.errors import ScaffoldError
from scaffold.runs import (
    code_worktrees,
    compare,
    foreground,
    recorder,
    recorder_command,
    records_home,
    worktree_imports,
    worktrees,
)
from scaffold.runs.worktrees import HIDDEN
from scaffold.scratch import scratch_directory
from scaffold.stop_signals import raise_on_stop_signals

if TYPE_CHECKING:
    from scaffold.runs.model import Run, Scalar
    from scaffold.workspace import Workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class RerunResult:
    """What running again gave: the new attempt, metrics that differ, whether there were any to compare, and what could not be made the
    same. Where it did not finish, nothing is compared."""

    run: Run
    compared: bool
    unequal: tuple[compare.RunDifference, ...]
    notes: tuple[str, ...]


def rerun_recorded_run(
    workspace: Workspace,
    run: Run,
    manifest: Mapping[str, Any],
    *,
    tolerance: float,
    links: Sequence[str] = (),
    prefix: bool = True,
    metrics_of: Callable[[Run], Mapping[str, Scalar]],
    metric_sources: Mapping[str, Mapping[str, Any]],
) -> RerunResult:
    """Run `run`, whose whole manifest is `manifest`, again in a detached worktree with its code; records go into this workspace.

    `metrics_of` says what a run gave, by its manifest, its files and its logs; `metric_sources` how it printed metrics, by the manifest
    and what was read off its logs later. `links` are paths (data that git does not hold) that
    the worktree gets as links. Raises ScaffoldError where the run cannot be repeated: no commit, a hidden secret in its command, a
    patch that does not apply.
    """
    _check_repeatable(run, manifest)
    top = git.toplevel(workspace.workdir)
    if top is None:
        raise ScaffoldError(f"{workspace.workdir} is no longer in a git repository")
    code = code_worktrees.manifest_code(manifest, workspace.workdir)
    with raise_on_stop_signals(), _worktree(top) as tree:
        notes = code_worktrees.checkout_code(workspace, top, code, tree)
        experiment = records_home.experiment_folder(workspace, run)
        linked = worktrees.link_workspace(workspace, tree, top, experiment, links)
        folder = tree / manifest["command"]["cwd"]
        if not folder.is_dir():
            raise ScaffoldError(f"the run's directory {manifest['command']['cwd']} is not in its code")
        trees = worktree_imports.find_repository_worktrees(top, tree)
        argv = worktree_imports.command_in_worktree(trees, manifest["command"]["argv"], folder)
        arguments = _recorder_arguments(
            workspace, manifest, argv, _named_configs(manifest, argv, linked, folder), metric_sources
        )
        words = recorder_command.read_environment_run_prefix(workspace) if prefix else []
        variables = worktree_imports.worktree_variables(trees, argv, folder, words)
        variables[recorder.naming.SCHEME_VARIABLE] = str(_scheme(manifest))
        variables[recorder.manifest.PURPOSE_VARIABLE] = "rerun"
        if (source := manifest.get("seed_source")) in ("arguments", "environment"):
            variables[recorder.seed_source.SOURCE_VARIABLE] = source
        _, new = foreground.run_with_recorder(
            workspace,
            arguments,
            prefix=prefix,
            recorder_workspace=linked,
            cwd=folder,
            variables=variables,
            stdin=_stdin_script(workspace, run, manifest),
        )
    if new is None:
        raise ScaffoldError(f"running {run.label} again left no record", hint="its messages are above")
    if new.name != run.name:
        notes = [*notes, f"the code is not quite the same: the new run is {new.name}"]
    before, after = (metrics_of(run), metrics_of(new)) if new.status == "finished" else ({}, {})
    unequal = compare.unequal_metrics(before, after, tolerance)
    return RerunResult(run=new, compared=bool(before or after), unequal=tuple(unequal), notes=tuple(notes))


def _check_repeatable(run: Run, manifest: Mapping[str, Any]) -> None:
    if not (manifest["git"] or {}).get("code"):
        raise ScaffoldError(f"{run.label} has no commit, so its code is not known")
    hides = _scheme(manifest) == 1 or "secrets_left_out" in manifest["command"]  # `***` may have been typed
    if hides and any(HIDDEN in word for word in manifest["command"]["argv"]):
        raise ScaffoldError(
            f"the command of {run.label} held a secret, which is not recorded",
            hint=f"start it by hand: scaffold run -- {manifest['command']['shell']}",
        )


def _scheme(manifest: Mapping[str, Any]) -> int:
    return int(manifest["recorder"].get("name_scheme", 1))


def _stdin_script(workspace: Workspace, run: Run, manifest: Mapping[str, Any]) -> bytes | None:
    """The script that the run read from its standard input; None where it read none. Raises ScaffoldError where that is not to be had."""
    path = manifest["paths"].get("stdin")
    if path is None:
        return None
    try:
        script = path_containment.join_contained_path(workspace.workdir, path).read_bytes()
    except OSError as error:
        raise ScaffoldError(
            f"the script {path} that {run.label} read cannot be read: {error.strerror or error}"
        ) from error
    if HIDDEN.encode() in script:
        raise ScaffoldError(
            f"the script that {run.label} read held a secret, which is not recorded", hint=f"it is {path}"
        )
    return script


@contextmanager
def _worktree(top: Path) -> Iterator[Path]:
    """A place for a worktree, which is taken away afterwards."""
    with scratch_directory() as folder:
        tree = folder.resolve() / top.name
        try:
            yield tree
        finally:
            worktrees.remove_worktree(top, tree)


def _recorder_arguments(
    workspace: Workspace,
    manifest: Mapping[str, Any],
    argv: Sequence[str],
    configs: Sequence[str],
    metric_sources: Mapping[str, Mapping[str, Any]],
) -> list[str]:
    words = ["--experiment", manifest["run"]["experiment"]]
    if manifest["seed"] is not None:
        words += ["--seed", str(manifest["seed"])]
    for key, value in manifest["params"].items():
        if value != HIDDEN:
            words += ["--param", f"{key}={'null' if value is None else value}"]
    for path in configs:
        words += ["--config", str(workspace.locate(path))]
    workspace_patterns = {
        row.get("pattern") for row in workspace.answers.get("printed_metrics") or () if isinstance(row, dict)
    }
    for pattern in dict.fromkeys(source.get("pattern") for source in metric_sources.values()):
        if isinstance(pattern, str) and pattern not in workspace_patterns:  # it was given for this run
            words += ["--metric-from", pattern]
    for option in ("task", "sweep"):
        if manifest["tracking"][option]:
            words += [f"--{option}", manifest["tracking"][option]]
    return [*words, "--", *argv]


def _named_configs(manifest: Mapping[str, Any], argv: Sequence[str], linked: Workspace, folder: Path) -> list[str]:
    """The config files that --config named. Those of the workspace that the command itself names are kept too, behind them, and count
    by themselves when it runs again."""
    words = {
        word
        for word in recorder.config_files.file_words(argv, _scheme(manifest))
        if word.endswith(recorder.config_files.CONFIG_FILES)
    }
    paths = {Path(os.path.normpath(folder / word)) for word in words}
    remaining = list(manifest["paths"]["configs"])
    for path in sorted(path for path in paths if path.is_relative_to(linked.path) and path.is_file()):
        ending = "-" + recorder.naming.safe_name(path.name)[-60:]
        copies = [index for index, config in enumerate(remaining) if config.endswith(ending)]
        if copies:
            del remaining[copies[-1]]
    return remaining
