"""Which sweeps a workspace has, and where their files lie: their sheets, and those of launched ones."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from scaffold.atomic_write import MAKE_ROOM, write_file
from scaffold.errors import ScaffoldError, WrongUsage
from scaffold.runs import records_home
from scaffold.workspace import EXPERIMENT_NAME

if TYPE_CHECKING:
    from scaffold.workspace import Workspace


# what the files, folders and locks of one sweep end in: a sweep called so would take another one's
RESERVED_ENDINGS = (".", ".yml", ".json", ".ledger", ".study", ".pacer", ".evolve")


def sweeps_folder(workspace: Workspace) -> Path:
    """Where sweeps are kept."""
    return workspace.locate(workspace.role_folder("metadata") / "sweeps")


def sweep_path(workspace: Workspace, name: str) -> Path:
    """Where a sweep's file belongs."""
    return workspace.locate(sweeps_folder(workspace) / f"{name}.yml")


def locate_sweep_file(workspace: Workspace, name: str) -> Path:
    """Where a sweep's file is: in the working tree, else in the second home of records; where it belongs if it is nowhere."""
    return records_home.locate_record(sweep_path(workspace, name))


def sweep_names(workspace: Workspace) -> list[str]:
    """The names of all sweeps, sorted."""
    names = (Path(name) for name in records_home.list_record_names(sweeps_folder(workspace)))
    return sorted(name.stem for name in names if name.suffix == ".yml" and EXPERIMENT_NAME.fullmatch(name.stem))


def check_sweep_name(name: str) -> str:
    """`name` when it can be a sweep's. Raises WrongUsage."""
    if not EXPERIMENT_NAME.fullmatch(name) or name.endswith(RESERVED_ENDINGS):
        raise WrongUsage(
            f"{name!r} cannot be a sweep's name",
            hint="letters, digits and . _ + - (at most 64, first a letter or digit), and not a file's ending",
        )
    return name


class SweepPaths(NamedTuple):
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


def launched_sweep_paths(workspace: Workspace, name: str) -> SweepPaths:
    """The paths of a sweep, whether or not anything is there."""
    sweeps = sweeps_folder(workspace)
    logs = workspace.role_folder("logs") / "sweeps" / name
    files = [sweeps / f"{name}.ledger.json", sweeps / name, logs, sweeps / ".locks"]
    ledger, folder, logs, _ = [workspace.locate(path).absolute() for path in files]
    return SweepPaths(ledger=ledger, folder=folder, logs=logs)


def make_ignored_folder(folder: Path) -> Path:
    """A folder that git is told to leave alone; made where it is missing. Raises ScaffoldError."""
    if not os.path.isfile(f"{folder}/.gitignore"):  # noqa: PTH113 - a text: each step of a launch asks
        write_file(folder / ".gitignore", b"*\n", hint=MAKE_ROOM)
    return folder
