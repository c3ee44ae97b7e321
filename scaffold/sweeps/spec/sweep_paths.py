"""Where the files of a launched sweep lie."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from scaffold.atomic_write import MAKE_ROOM, write_file
from scaffold.errors import ScaffoldError
from scaffold.sweeps.spec import sweep_file

if TYPE_CHECKING:
    from scaffold.workspace import Workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepPaths:
    """Where a sweep's files lie, absolute: its ledger, the folder of launchers and start tokens, and what backends say."""

    ledger: Path
    folder: Path
    logs: Path

    @property
    def sweeps(self) -> Path:
        """Where all sweeps lie."""
        return self.ledger.parent

    def make_folders(self) -> None:
        """Make the folders that launchers, start tokens and backends write to. Raises ScaffoldError where that cannot be done."""
        try:
            if not self.logs.is_dir():
                self.logs.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ScaffoldError(f"{self.logs} cannot be made: {error.strerror or error}") from error
        make_ignored_folder(self.folder)


def sweep_paths(workspace: Workspace, name: str) -> SweepPaths:
    """The paths of a sweep, whether or not anything is there."""
    sweeps = sweep_file.sweeps_folder(workspace)
    logs = workspace.role_folder("logs") / "sweeps" / name
    files = [sweeps / f"{name}.ledger.json", sweeps / name, logs, sweeps / ".locks"]
    ledger, folder, logs, _ = [workspace.locate(path).absolute() for path in files]
    return SweepPaths(ledger=ledger, folder=folder, logs=logs)


def make_ignored_folder(folder: Path) -> Path:
    """A folder that git is told to leave alone; made where it is missing. Raises ScaffoldError."""
    if not (folder / ".gitignore").is_file():
        write_file(folder / ".gitignore", b"*\n", hint=MAKE_ROOM)
    return folder
