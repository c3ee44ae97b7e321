"""A sweep's name -> what launches it: its sheet, its runs, and the code that they run with."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from scaffold.errors import ScaffoldError
from scaffold.sweeps.launch import ledger, original_code, run_scripts
from scaffold.sweeps.launch.observer import Place
from scaffold.sweeps.launch.scheduler import Pacer
from scaffold.sweeps.spec import code_state, run_names, sweep_file
from scaffold.sweeps.spec.model import PlannedRun, Sweep
from scaffold.workspace import Workspace

# while a sweep is paced the code is looked at again this often: a run of other code would have another name
CHECK_S = 10.0
SHOWN = 8


class CodeChanged(ScaffoldError):
    """The code is not the one that a sweep was planned with: it worked, and the answer is no. Exit code 3."""

    exit_code = 3


class Source:
    """Writes launchers, with the code that the sweep was planned with or not at all."""

    def __init__(self, workspace: Workspace, sweep: Sweep, *, original: bool) -> None:
        self._workspace = workspace
        self._sweep = sweep
        self._original = original
        self._tree: run_scripts.Tree | None = None
        self._checked: float | None = None
        self._agreed = original  # the worktree of the original code has today's recorder

    def __call__(self, runs: Sequence[PlannedRun]) -> Mapping[str, Path]:
        """The launchers of runs, written where they are missing or differ. Raises ScaffoldError, CodeChanged among them.

        Only for who holds the ledger's lock: two who made the worktree of the original code at once would take it from each other.
        """
        if self._original and self._tree is None:
            self._tree = original_code.original(self._workspace, self._sweep)
        self.check()
        if runs and not self._agreed:
            run_names.check_recorder(self._workspace, self._sweep, runs[0])
            self._agreed = True
        return run_scripts.write(self._workspace, self._sweep, runs, self._tree)

    def check(self) -> None:
        """Raise CodeChanged where the code has changed, as of a few seconds ago. The original code does not change."""
        if self._original:
            return
        if self._checked is None or time.monotonic() - self._checked > CHECK_S:
            found = code_state.compare_code(self._workspace, self._sweep)
            if not found.same:
                raise changed(self._sweep.name, found.files)
            self._checked = time.monotonic()


def changed(name: str, files: Sequence[str]) -> CodeChanged:
    """The error that the code of the sweep `name` has changed, with the first of the `files` that differ and both choices."""
    some = ", ".join(files[:SHOWN]) + (f" and {len(files) - SHOWN} more" if len(files) > SHOWN else "")
    return CodeChanged(
        f"the code has changed since the sweep {name} was planned" + (f": {some}" if files else ""),
        hint="--code current plans it again with the code as it is now (new names, new runs); "
        "--code original runs it with the code as it was, in a worktree",
    )


def opened(
    workspace: Workspace, name: str, *, warn: Callable[[str], None], code: str | None = None, dry_run: bool = False
) -> Pacer:
    """What paces a sweep. `code` is `current`, to plan it again with the code as it is now, `original`, or None: as it was said before.

    With `dry_run` nothing is written. Whether the code has changed is asked by `Pacer.check`, and before anything is started.
    Raises ScaffoldError.
    """
    sweep = sweep_file.read_sweep(workspace, name)
    if code == "current":
        sweep = code_state.with_current_code(workspace, sweep, keep=not dry_run)
        if not dry_run:
            sweep_file.write_sweep(workspace, sweep)
    elif code is None:
        code = ledger.read(Place.of(workspace, name).ledger, name).orders.code
    source = Source(workspace, sweep, original=code == "original")
    return Pacer(
        workspace, sweep, run_names.planned_runs(workspace, sweep), launchers=source, check=source.check, warn=warn
    )
