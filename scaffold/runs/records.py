"""All manifests of a workspace -> its runs, newest first; what cannot be read is reported with its path.

An index in the user's cache directory (`index.py`) keeps what a list needs of each manifest; it is rebuilt wherever it is
missing, damaged or stale, and never believed over the file.
"""

from __future__ import annotations

import contextlib
import gc
import itertools
import os
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scaffold.containment import LeadsOutside
from scaffold.errors import ScaffoldError
from scaffold.runs import manifests
from scaffold.runs.index import RunIndex, file_stamp
from scaffold.runs.model import Run
from scaffold.workspace import Workspace

# clocks of file systems are coarse, and those of other hosts differ
SETTLED_NS = 3_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class DamagedManifest:
    """A manifest that cannot be read: its path below the work directory, and why."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecords:
    """All that a workspace's metadata directories hold: runs newest first, damaged manifests by path."""

    runs: tuple[Run, ...]
    damaged: tuple[DamagedManifest, ...]


def manifest_directories(workspace: Workspace) -> list[Path]:
    """Where manifests lie: one directory, or with a layout per experiment one for each."""
    if not workspace.per_experiment:
        return [workspace.role_folder("metadata")]
    if not workspace.path.is_dir():
        return []
    return sorted(workspace.role_folder("metadata", entry.name) for entry in workspace.path.iterdir() if entry.is_dir())


def read_records(workspace: Workspace) -> RunRecords:
    """All runs of a workspace, newest first, and what is damaged."""
    with _garbage_collector_off():
        reader = RecordReader(workspace)
        runs = sorted(reader.runs(), key=lambda r: (r.started_at, r.name, r.attempt), reverse=True)
        return RunRecords(runs=tuple(runs), damaged=reader.damaged)


@contextlib.contextmanager
def _garbage_collector_off() -> Iterator[None]:
    """Ten thousand manifests are no garbage: searching them for some takes a third of the time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


class RecordReader:
    """Reads a workspace's manifests again and again: only what changed since is opened, and a folder where nothing did is not listed.

    `damaged` are the manifests that could not be read the last time, by path.
    """

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._index = RunIndex.load(workspace)
        self._rows: dict[str, dict[str, list[Any]]] = {}
        self._damaged: dict[str, list[DamagedManifest]] = {}
        self._times: dict[str, int] = {}
        self._stored = False

    @property
    def damaged(self) -> tuple[DamagedManifest, ...]:
        """What could not be read, and why."""
        return tuple(sorted(itertools.chain(*self._damaged.values()), key=lambda manifest: manifest.path))

    def runs(self) -> list[Run]:
        """All attempts as they are now, in no order."""
        opened = 0
        for folder in manifest_directories(self._workspace):
            opened += self._read(folder)
        if not self._stored:
            rows = {path: row for folder_rows in self._rows.values() for path, row in folder_rows.items()}
            if opened or len(rows) != len(self._index.rows):
                outputs = {Run(*row[1]).outputs for row in rows.values()}
                digests = {k: v for k, v in self._index.digests.items() if k in outputs}
                self._index.store(rows=rows, digests=digests)
            self._stored = True
        rows_now = (row for folder_rows in self._rows.values() for row in folder_rows.values())
        return [manifests.mark_if_lost(Run(*row[1]), self._workspace) for row in rows_now]

    def _read(self, folder: Path) -> int:
        """Bring one folder's rows up to date; how many manifests were opened for it."""
        folder_path = folder.relative_to(self._workspace.workdir).as_posix()
        changed = _changed_at(folder)
        if changed is not None and self._times.get(folder_path) == changed:
            return 0
        indexed, rows, damaged, opened = self._rows.get(folder_path), {}, [], 0
        for name, stamp, is_link in _manifest_files(folder):
            path = f"{folder_path}/{name}"
            row = (self._index.rows if indexed is None else indexed).get(path)
            if row is None or row[0] != stamp:
                try:
                    if is_link:
                        self._workspace.locate(path)
                    row = [stamp, manifests.read_summary(folder / name, path)]
                except (ValueError, LeadsOutside) as error:
                    damaged.append(DamagedManifest(path=path, reason=str(error)))
                    continue
                opened += 1
            rows[path] = row
        self._rows[folder_path], self._damaged[folder_path] = rows, damaged
        self._times.pop(folder_path, None)
        if changed is not None:
            self._times[folder_path] = changed
        return opened


def _changed_at(folder: Path) -> int | None:
    """When a folder's list of files last changed; None where that is too fresh to be told from a change still to come."""
    try:
        at = folder.stat().st_mtime_ns
    except OSError:
        return None
    return at if time.time_ns() - at > SETTLED_NS else None


def _manifest_files(folder: Path) -> Iterator[tuple[str, str, bool]]:
    """Names, stamps, and which are links; none where there is no folder. Raises ScaffoldError where it may not be listed."""
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.name.endswith(".json") and not entry.name.startswith("."):
                    with contextlib.suppress(FileNotFoundError):
                        yield entry.name, file_stamp(entry.stat()), entry.is_symlink()
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        raise ScaffoldError(
            f"the records in {folder} cannot be read: {error.strerror}",
            hint="`ls -ld` says whose they are, and who may",
        ) from error


def select_attempts(runs: Iterable[Run]) -> tuple[list[Run], list[tuple[Run, str]]]:
    """Of each run the attempt that counts: the latest that finished, else the latest. And the others, with the label that counts."""
    by_name: dict[str, list[Run]] = {}
    for run in runs:
        by_name.setdefault(run.name, []).append(run)
    chosen, superseded = [], []
    for attempts in by_name.values():
        if len(attempts) > 1:
            attempts.sort(key=lambda r: (r.status == "finished", r.attempt), reverse=True)
            superseded += [(run, attempts[0].label) for run in attempts[1:]]
        chosen.append(attempts[0])
    return chosen, superseded
