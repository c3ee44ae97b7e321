"""Putting a planned sweep where it belongs: never over one that says something else, or that was launched."""

from __future__ import annotations

import contextlib
from dataclasses import replace as changed
from typing import TYPE_CHECKING, Literal

from scaffold.errors import ScaffoldError
from scaffold.runs import records_home
from scaffold.sweeps.spec import code_state, sweep_file, sweep_paths
from scaffold.sweeps.spec.model import Sweep, SweepCode
from scaffold.sweeps.spec.sweep_paths import launched_sweep_paths

if TYPE_CHECKING:
    from scaffold.workspace import Workspace

NO_CODE = SweepCode(state=None, commit=None, patch=None)


def store_sweep(workspace: Workspace, sweep: Sweep, *, replace: bool) -> Literal["new", "same", "replaced"]:
    """Write a planned sweep and keep its patch; `same` where it is there already, whatever code it was planned with.

    Raises ScaffoldError where another one of that name is there, without `replace` or launched; and where the code is no longer
    the one that it was planned with.
    """
    exists = sweep_paths.locate_sweep_file(workspace, sweep.name).is_file()
    if exists and not replace:
        if _says_the_same(workspace, sweep):
            if not sweep_paths.sweep_path(workspace, sweep.name).is_file():  # of another branch: it is wanted here too
                sweep_file.write_sweep(workspace, sweep_file.read_sweep(workspace, sweep.name))
            return "same"
        raise ScaffoldError(
            f"the sweep {sweep.name} is there already and says something else: {sweep_paths.locate_sweep_file(workspace, sweep.name)}",
            hint=f"choose another name, or give --replace to plan it anew (look first: scaffold sweep show {sweep.name})",
        )
    if records_home.locate_record(launched_sweep_paths(workspace, sweep.name).ledger).exists():
        raise ScaffoldError(
            f"the sweep {sweep.name} was launched, so it cannot be replaced: its runs and its ledger belong to it",
            hint="choose another name",
        )
    code = code_state.capture_sweep_code(workspace, sweep)
    if code != sweep.code:
        raise ScaffoldError("the code was changed while the sweep was planned", hint="plan it again")
    if exists:
        _delete_launchers(workspace, sweep.name)
    sweep_file.write_sweep(workspace, changed(sweep, code=code))
    return "replaced" if exists else "new"


def _says_the_same(workspace: Workspace, sweep: Sweep) -> bool:
    return changed(sweep_file.read_sweep(workspace, sweep.name), code=NO_CODE) == changed(sweep, code=NO_CODE)


def sweep_code_differs(workspace: Workspace, sweep: Sweep) -> bool:
    """Whether the sweep that is there was planned with other code than `sweep`."""
    stored = sweep_file.read_sweep(workspace, sweep.name).code
    return (stored.state, stored.named) != (sweep.code.state, sweep.code.named)


def _delete_launchers(workspace: Workspace, name: str) -> None:
    """Launchers of runs that are planned no more; only what was written by us."""
    for path in launched_sweep_paths(workspace, name).folder.glob("*.sh"):
        with contextlib.suppress(OSError):
            path.unlink()
