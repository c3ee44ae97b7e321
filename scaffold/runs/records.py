"""All manifests of a workspace -> its runs, newest first; what cannot be read is reported with its path.

They lie in the working tree and in a second home, which holds those of other branches and working trees too (`home_records.py`); one
attempt counts once, in the newer of its states.

An index in the user's cache directory (`index.py`) keeps what a list needs of each manifest; it is rebuilt wherever it is
missing, damaged or stale, and never believed over the file.
"""

from __future__ import annotations

import contextlib
import gc
import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from scaffold.path_containment import OutsidePathError
from scaffold.runs import manifests, withdrawals
from scaffold.runs.home_records import HomeAdditions, HomeReader
from scaffold.runs.index import IndexEntry, RunIndex, StoredRuns, parse_runs
from scaffold.runs.manifest_folders import DamagedManifest, list_manifests, read_settled_mtime
from scaffold.runs.model import Run

if TYPE_CHECKING:
    from scaffold.workspace import Workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecords:
    """All that a workspace's metadata directories and their second home hold: runs newest first, damaged manifests by path.

    `foreign` are the paths of JSON files there that are somebody else's. `has_more_in_home`: some runs may be in the second home only.
    """

    runs: Sequence[Run]
    damaged: tuple[DamagedManifest, ...]
    foreign: tuple[str, ...] = ()
    has_more_in_home: bool = True


def manifest_directories(workspace: Workspace) -> list[Path]:
    """Where manifests lie: one directory, or with a layout per experiment one for each."""
    if not workspace.per_experiment:
        return [workspace.role_folder("metadata")]
    if not workspace.path.is_dir():
        return []
    return sorted(workspace.role_folder("metadata", entry.name) for entry in workspace.path.iterdir() if entry.is_dir())


def read_records(workspace: Workspace, *, with_home: bool = True) -> RunRecords:
    """All runs of a workspace, newest first, and what is damaged; without `with_home` those of this working tree alone."""
    with _garbage_collector_off():
        reader = RecordReader(workspace, with_home=with_home)
        runs = reader.runs_newest_first()
        return RunRecords(
            runs=runs, damaged=reader.damaged, foreign=reader.foreign, has_more_in_home=reader.has_more_in_home
        )


def newest_first(run: Run) -> tuple[str, str, int]:
    """What lists of runs are sorted by, in reverse."""
    return run.started_at, run.name, run.attempt


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

    `damaged` are the manifests that could not be read the last time, by path. Without `with_home` those of the working tree alone count.
    """

    def __init__(
        self,
        workspace: Workspace,
        *,
        with_home: bool = True,
        read_by_name: Mapping[str, IndexEntry] = MappingProxyType({}),
    ) -> None:
        """`read_by_name` are rows that somebody else keeps up to date (`RunAttemptReader`): what is in them is not read again."""
        self._read_by_name = read_by_name
        self._workspace = workspace
        self._index = RunIndex.find(workspace)
        self._indexed = self._index.read("runs")
        self._home = HomeReader(workspace, self._index.read("homes"), self._indexed)
        self._with_home = with_home
        self._additions = HomeAdditions(runs=(), replaced=frozenset(), damaged=())
        self._row_count = len(self._indexed)
        self._rows: dict[str, dict[str, IndexEntry]] = {}
        self._damaged: dict[str, list[DamagedManifest]] = {}
        self._foreign: dict[str, list[str]] = {}
        self._times: dict[str, int] = {}
        self._stored = False
        self._is_as_indexed = True

    @property
    def damaged(self) -> tuple[DamagedManifest, ...]:
        """What could not be read, and why."""
        manifests_in_tree = itertools.chain(*self._damaged.values())
        return tuple(sorted([*manifests_in_tree, *self._additions.damaged], key=lambda manifest: manifest.path))

    @property
    def foreign(self) -> tuple[str, ...]:
        """The JSON files beside the manifests that are none of ours."""
        return tuple(sorted(itertools.chain(*self._foreign.values())))

    def runs(self) -> list[Run]:
        """All attempts as they are now, in no order."""
        folders = manifest_directories(self._workspace)
        self._read_folders(folders)
        return self._parse_all(self._read_withdrawals(folders))

    def runs_newest_first(self) -> Sequence[Run]:
        """All attempts as they are now, newest first; where the index has them all as they are, one is parsed when it is asked for."""
        folders = manifest_directories(self._workspace)
        self._read_folders(folders)
        reasons = self._read_withdrawals(folders)
        # what says that it is running may be lost by now
        if self._is_as_indexed and not self.has_more_in_home and not reasons:
            entries = list(self._indexed.values())
            if not any('"running"' in entry.text for entry in entries):
                return StoredRuns(entries)
        return tuple(sorted(self._parse_all(reasons), key=newest_first, reverse=True))

    @property
    def has_more_in_home(self) -> bool:
        """Whether the second home has anything that the working tree lacks, or newer states."""
        return bool(self._additions.runs)

    def _parse_all(self, reasons: Mapping[str, str]) -> list[Run]:
        """All attempts; those whose labels have `reasons` are withdrawn."""
        replaced = self._additions.replaced
        entries = (
            entry
            for rows in self._rows.values()
            for path, entry in rows.items()
            if not replaced or path not in replaced
        )
        runs = itertools.chain(parse_runs(entries), self._additions.runs)
        current = [manifests.mark_if_lost(run, self._workspace) for run in runs]
        if not reasons:
            return current
        return [run._replace(withdrawn=reasons[run.label]) if run.label in reasons else run for run in current]

    def _read_folders(self, folders: Sequence[Path]) -> None:
        """Bring all that is known of the manifests up to date, and the index with it."""
        opened = sum(map(self._read, folders))
        paths = {folder.relative_to(self._workspace.workdir).as_posix() for folder in folders}
        self._rows = {path: rows for path, rows in self._rows.items() if path in paths}
        row_count = sum(map(len, self._rows.values()))
        unchanged = not opened and row_count == self._row_count
        self._row_count = row_count
        self._is_as_indexed = self._is_as_indexed and unchanged
        homes_before = self._home.entries
        additions = self._home.read(self._rows, unchanged=unchanged)
        if not self._stored:
            if self._home.entries != homes_before:
                self._index.store(
                    "homes", {key: IndexEntry.pack("", entry) for key, entry in self._home.entries.items()}
                )
            if not unchanged:
                self._store_index()
            self._stored = True
        if self._with_home:
            self._additions = additions

    def _read_withdrawals(self, folders: Iterable[Path]) -> dict[str, str]:
        """The labels of withdrawn attempts -> why. Read anew each time: hardly ever is there anything to read."""
        reasons: dict[str, str] = {}
        for folder in folders:
            reasons.update(withdrawals.read_withdrawals(self._workspace.workdir, folder))
        return reasons

    def _store_index(self) -> None:
        """Keep the manifests' runs newest first, as lists show them."""
        rows = {path: entry for folder_rows in self._rows.values() for path, entry in folder_rows.items()}
        order = {path: newest_first(run) for path, run in zip(rows, parse_runs(rows.values()), strict=True)}
        self._index.store("runs", {path: rows[path] for path in sorted(rows, key=order.__getitem__, reverse=True)})

    def _read(self, folder: Path) -> int:
        """Bring one folder's rows up to date; how many manifests were opened for it."""
        folder_path = folder.relative_to(self._workspace.workdir).as_posix()
        changed = read_settled_mtime(folder)
        if changed is not None and self._times.get(folder_path) == changed:
            return 0
        indexed, rows, damaged, opened = self._rows.get(folder_path), {}, [], 0
        foreign: list[str] = []
        for name, stamp, is_link in list_manifests(folder):
            path = f"{folder_path}/{name}"
            row = (self._indexed if indexed is None else indexed).get(path)
            if row is None or row.stamp != stamp:
                row = self._read_by_name.get(path)
            if row is None or row.stamp != stamp:
                try:
                    if is_link:
                        self._workspace.locate(path)
                    row = IndexEntry.pack(stamp, manifests.read_summary(folder / name, path))
                except manifests.ForeignFile:
                    foreign.append(path)
                    continue
                except (ValueError, OutsidePathError) as error:
                    damaged.append(DamagedManifest(path=path, reason=str(error)))
                    continue
                opened += 1
            rows[path] = row
        self._rows[folder_path], self._damaged[folder_path] = rows, damaged
        self._foreign[folder_path] = foreign
        self._times.pop(folder_path, None)
        if changed is not None:
            self._times[folder_path] = changed
        return opened
