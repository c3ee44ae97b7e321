"""What is on record of a sweep, for its audits: its ledger, and the attempts that have a manifest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from scaffold.runs import records_home
from scaffold.runs.model import Run
from scaffold.sweeps.launch.ledger import Ledger, read_ledger
from scaffold.sweeps.spec import sweep_paths
from scaffold.sweeps.spec.sweep_paths import SweepPaths, launched_sweep_paths
from scaffold.workspace import Workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepRecords:
    """What is on record of one sweep. `path` is the ledger's in the work directory; `runs` are attempts by the run's name, of all
    sweeps."""

    name: str
    paths: SweepPaths
    path: str
    ledger: Ledger
    runs: Mapping[str, Sequence[Run]]


def read_sweep_records(workspace: Workspace, name: str, runs: Mapping[str, Sequence[Run]]) -> SweepRecords:
    """The records of a sweep. Raises ScaffoldError where its ledger is damaged."""
    paths = launched_sweep_paths(workspace, name)
    path = path_in_workdir(workspace, paths.ledger)
    return SweepRecords(name=name, paths=paths, path=path, ledger=read_ledger(paths.ledger, name), runs=runs)


def launched_sweeps(workspace: Workspace) -> list[str]:
    """Sweeps that something was asked for: those with a ledger, or a folder of launchers."""
    folder = sweep_paths.sweeps_folder(workspace)
    ending = ".ledger.json"
    with_ledger = {
        name.removesuffix(ending) for name in records_home.list_record_names(folder) if name.endswith(ending)
    }
    return sorted(with_ledger | {path.name for path in folder.glob("[!.]*") if path.is_dir()})


def path_in_workdir(workspace: Workspace, path: Path) -> str:
    """An absolute path as findings name it."""
    return path.relative_to(workspace.workdir.absolute()).as_posix()
