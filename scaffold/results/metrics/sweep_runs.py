"""A sweep's name -> the runs that it means: those that its file plans, whichever sweep or command they were started for."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from scaffold.errors import ScaffoldError

if TYPE_CHECKING:
    from scaffold.runs.model import Run
    from scaffold.sweeps.spec.model import Sweep
    from scaffold.workspace import Workspace


class SweepFileReader:
    """Reads the files of sweeps, each once and only where it is asked for; without a workspace a run belongs to the sweep of its record.

    Why not the sweep that a run's record names: a run has one name and one record, and belongs to every sweep that plans it.
    """

    def __init__(self, workspace: Workspace | None = None) -> None:
        self._workspace = workspace
        self._sweeps: dict[str, Sweep | None] = {}
        self._planned: dict[str, frozenset[str]] = {}
        self._names: frozenset[str] | None = None

    @property
    def names(self) -> frozenset[str]:
        """All sweeps that have a file."""
        if self._names is None:
            from scaffold.sweeps.spec import sweep_paths

            self._names = frozenset(sweep_paths.sweep_names(self._workspace) if self._workspace is not None else ())
        return self._names

    def holds(self, sweep: str, run: Run) -> bool:
        """Whether a run belongs to a sweep: its record says so, or the sweep's file plans a run of its name."""
        if run.sweep == sweep:
            return True
        plan = self._read(sweep)
        # names take a while to compute: only where a run could be one of them
        return plan is not None and run.experiment == plan.experiment and run.name in self.planned_names(sweep)

    def planned_names(self, sweep: str) -> frozenset[str]:
        """The names of the runs that a sweep's file plans; none where there is no such file that can be read."""
        if sweep not in self._planned:
            from scaffold.sweeps.spec import run_names

            plan = self._read(sweep)
            runs = run_names.planned_runs(self._workspace, plan) if plan is not None and self._workspace else ()
            self._planned[sweep] = frozenset(run.name for run in runs)
        return self._planned[sweep]

    def sweeps_of(self, runs: Iterable[Run]) -> tuple[str, ...]:
        """The sweeps that the records of runs name, and those whose files plan one of them; sorted."""
        runs = list(runs)
        named = {run.sweep for run in runs if run.sweep}
        planned = {name for name in self.names - named if any(self.holds(name, run) for run in runs)}
        return tuple(sorted(named | planned))

    def count_planned(self, sweep: str) -> int | None:
        """How many runs a sweep's file plans; None where there is no such file that can be read."""
        plan = self._read(sweep)
        return None if plan is None else len(plan.configurations) * max(1, len(plan.seeds))

    def _read(self, sweep: str) -> Sweep | None:
        if sweep not in self._sweeps:
            self._sweeps[sweep] = self._read_file(sweep)
        return self._sweeps[sweep]

    def _read_file(self, sweep: str) -> Sweep | None:
        if self._workspace is None or sweep not in self.names:
            return None
        from scaffold.sweeps.spec import sweep_file

        try:
            return sweep_file.read_sweep(self._workspace, sweep)
        except ScaffoldError:  # what its records say is still there
            return None
