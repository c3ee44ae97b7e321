"""A sweep, its ledger -> the backends that execute it; and how much room there is where no sweep is planned yet."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from scaffold.backends import choose
from scaffold.backends.capacity import Capacity, compute_capacity
from scaffold.backends.interface import Backend, BackendContext, Warn
from scaffold.backends.local import interpreter
from scaffold.runs import recorder_command
from scaffold.sweeps.launch.ledger import Ledger
from scaffold.sweeps.launch.ledger_entries import LaunchOptions
from scaffold.sweeps.spec import sweep_paths
from scaffold.sweeps.spec.model import Sweep
from scaffold.sweeps.spec.sweep_paths import SweepPaths
from scaffold.workspace import Workspace


class SweepBackends:
    """The backends of one sweep, each made once for the same options: a server's knows what it has asked already."""

    def __init__(self, workspace: Workspace, sweep: Sweep, paths: SweepPaths, *, warn: Warn) -> None:
        self._workspace = workspace
        self._sweep = sweep
        self._paths = paths
        self._warn = warn
        self._made: dict[str, tuple[LaunchOptions, Backend]] = {}
        # whether the run prefix is used -> that what runs need is on this machine, which is looked for once
        self._checked: set[bool] = set()

    def choose_name(self, options: LaunchOptions) -> str:
        """The name of the backend that starts runs under these options. Raises ScaffoldError."""
        name = choose.choose_backend(self._workspace, options.backend, self._sweep.backend)
        enters = not options.no_prefix
        if name == "local" and enters not in self._checked:  # elsewhere it may be there though it is not here
            self._check_environment(enters=enters)
            self._checked.add(enters)
        return name

    def _check_environment(self, *, enters: bool) -> None:
        """Raise ScaffoldError where the runs would find no environment or no Python on this machine; say where it is scaffold's own."""
        otherwise = "activate the environment yourself and give --no-prefix (for good: scaffold update --set environment.run_prefix=)"
        cwd = Path(self._workspace.workdir, self._sweep.cwd)
        prefix = recorder_command.read_environment_run_prefix(self._workspace, otherwise, cwd=cwd) if enters else []
        declared = self._workspace.answers.get("environment")
        if prefix or (isinstance(declared, dict) and declared.get("modules")):
            return
        python = interpreter.find_launcher_interpreter(self._workspace, self._sweep.command, self._sweep.cwd)
        if python is not None and interpreter.is_scaffold_interpreter(python):
            self._warn(f"`{self._sweep.command[0]}` is {python}, of the environment that scaffold itself lives in")

    def get_backend(self, name: str, ledger: Ledger) -> Backend:
        """The backend of this name. Raises ScaffoldError where it cannot be made (no server is named, options of sbatch are wrong)."""
        # another launch may have changed the options meanwhile; that one stopped is nothing to a backend
        options = replace(ledger.options, stopped=False) if ledger.options.stopped else ledger.options
        cached = self._made.get(name)
        if cached is None or cached[0] != options:
            cached = self._made[name] = (options, choose.make_backend(name, self._backend_context(name, ledger)))
        return cached[1]

    def _backend_context(self, name: str, ledger: Ledger) -> BackendContext:
        sweep, options = self._sweep, ledger.options
        return BackendContext(
            workspace=self._workspace,
            sweep=sweep.name,
            goal=sweep.goal,
            experiment=sweep.experiment,
            folder=self._paths.folder,
            logs=self._paths.logs,
            gpus_per_run=sweep.resources.gpus if options.gpus_per_run is None else options.gpus_per_run,
            cpus_per_run=sweep.resources.cpus if options.cpus_per_run is None else options.cpus_per_run,
            timeout_s=sweep.resources.timeout_s,
            sbatch=sweep.resources.sbatch,
            max_parallel=options.max_parallel,
            session=options.session,
            anyway=options.anyway,
            notes=dict(ledger.notes.get(name, {})),
            warn=self._warn,
            job_ids={j: run for run in ledger.run_names for s in ledger.submissions(run) for j in s.job_ids},
        )


def workspace_capacity(workspace: Workspace, options: LaunchOptions) -> Capacity:
    """The capacity for a sweep of which nothing is known yet, so that nothing is queued. Raises ScaffoldError."""
    context = BackendContext(
        workspace=workspace,
        sweep="a sweep",
        folder=sweep_paths.sweeps_folder(workspace),
        logs=workspace.role_folder("logs"),
        gpus_per_run=options.gpus_per_run,
        cpus_per_run=options.cpus_per_run,
        max_parallel=options.max_parallel,
        warn=lambda text: None,
    )
    backend = choose.make_backend(choose.choose_backend(workspace, options.backend, None), context)
    return compute_capacity(backend.availability(), queued=0, own_active=0, cap=options.max_parallel)
