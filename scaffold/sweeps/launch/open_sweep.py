"""A sweep's name -> what launches it: its file, its runs, and the code that they run with."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from scaffold.backends.interface import Warn
from scaffold.errors import ScaffoldError
from scaffold.sweeps.launch.ledger import read_ledger
from scaffold.sweeps.launch.scheduler import Scheduler, WriteScripts
from scaffold.sweeps.spec import code_state, run_names, sweep_file
from scaffold.sweeps.spec.model import PlannedRun, Sweep
from scaffold.sweeps.spec.sweep_paths import launched_sweep_paths
from scaffold.workspace import Workspace

# while a sweep is scheduled, code and settings are looked at again this often: a run of other code would have another name
CHECK_S = 10.0
SHOWN = 8


class SweepCodeChanged(ScaffoldError):
    """The code is not the one that a sweep was planned with: it worked, and the answer is no. Exit code 3."""

    exit_code = 3


class LauncherWriter:
    """Writes the launchers of a sweep's runs, with the code that the sweep was planned with or not at all."""

    def __init__(
        self,
        workspace: Workspace,
        sweep: Sweep,
        *,
        original: bool,
        no_prefix: bool = False,
        links: Sequence[str] = (),
    ) -> None:
        """`links` are paths that git does not hold, which the worktree of the original code gets as links."""
        self._workspace = workspace
        self._sweep = sweep
        self._original = original
        self._no_prefix = no_prefix
        self._links = tuple(links)
        self._tree: Workspace | None = None
        self._variables: Mapping[str, str] = {}
        self._checked_at: float | None = None
        self._write_scripts: WriteScripts | None = None
        self._settings_read_at = 0.0
        self._recorder_agrees = original  # the worktree of the original code has today's recorder

    def write(self, runs: Sequence[PlannedRun]) -> Mapping[str, Path]:
        """The launchers of runs, written where they are missing or differ. Raises ScaffoldError, CodeChanged among them.

        Only for who holds the ledger's lock: two who made the worktree of the original code at once would take it from each other.
        """
        from scaffold.sweeps.launch import run_scripts  # who only looks at a sweep needs none of this

        if self._original and self._tree is None:
            from scaffold.sweeps.spec import original_code

            self._tree = original_code.checkout_original(self._workspace, self._sweep, links=self._links)
            self._variables = original_code.original_code_variables(
                self._workspace, self._sweep, self._tree, no_prefix=self._no_prefix
            )
        self.check_code()
        if runs and not self._recorder_agrees:
            run_names.check_recorder_run_name(self._workspace, self._sweep, runs[0])
            self._recorder_agrees = True
        if self._write_scripts is None or time.monotonic() - self._settings_read_at > CHECK_S:
            self._write_scripts = run_scripts.make_launcher_writer(
                self._workspace,
                self._sweep,
                self._tree,
                self._variables,
                enters_environment=not self._no_prefix,
            )
            self._settings_read_at = time.monotonic()
        return self._write_scripts(runs)

    def check_code(self) -> None:
        """Raise CodeChanged where the code has changed, as of a few seconds ago. The original code does not change."""
        if self._original:
            return
        if self._checked_at is None or time.monotonic() - self._checked_at > CHECK_S:
            comparison = code_state.compare_with_planned_code(self._workspace, self._sweep)
            if not comparison.is_same:
                raise code_changed_error(self._sweep.name, comparison.files)
            self._checked_at = time.monotonic()


def code_changed_error(name: str, files: Sequence[str]) -> SweepCodeChanged:
    """The error that the code of the sweep `name` has changed, with the first of the `files` that differ and both choices."""
    some = ", ".join(files[:SHOWN]) + (f" and {len(files) - SHOWN} more" if len(files) > SHOWN else "")
    return SweepCodeChanged(
        f"the code has changed since the sweep {name} was planned" + (f": {some}" if files else ""),
        hint="--code current plans it again with the code as it is now (new names, new runs); "
        "--code original runs it with the code as it was, in a worktree",
    )


def open_sweep_scheduler(
    workspace: Workspace,
    name: str,
    *,
    warn: Warn,
    code: str | None = None,
    no_prefix: bool = False,
    dry_run: bool = False,
) -> Scheduler:
    """What schedules a sweep. `code` is `current`, to plan it again with the code as it is now, `original`, or None: as the ledger says.

    `no_prefix` leaves the run prefix out, as does a ledger that says so.
    With `dry_run` nothing is written. Whether the code has changed is asked by `Scheduler.check_code`, and before anything is started.
    Raises ScaffoldError.
    """
    sweep = sweep_file.read_sweep(workspace, name)
    if code == "current":
        sweep = code_state.replan_with_current_code(workspace, sweep, keep=not dry_run)
        if not dry_run:
            sweep_file.write_sweep(workspace, sweep)
    ledger_options = read_ledger(launched_sweep_paths(workspace, name).ledger, name).options
    original = (code or ledger_options.code) == "original"
    return make_scheduler(
        workspace, sweep, original=original, no_prefix=no_prefix or ledger_options.no_prefix, warn=warn
    )


def make_scheduler(
    workspace: Workspace, sweep: Sweep, *, original: bool, warn: Warn, no_prefix: bool = False
) -> Scheduler:
    """What schedules a sweep that is planned and written, with the code as it was planned (`original`) or as it is."""
    writer = LauncherWriter(workspace, sweep, original=original, no_prefix=no_prefix)
    runs = run_names.planned_runs(workspace, sweep)
    return Scheduler(workspace, sweep, runs, write_scripts=writer.write, check_code=writer.check_code, warn=warn)
