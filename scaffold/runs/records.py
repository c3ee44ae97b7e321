"""All manifests of a workspace -> its runs, newest first; what cannot be read is reported with its path.

They lie in the working tree and in a second home, which holds those of other branches and working trees too; one
attempt counts once, in the newer of its states.

An index in the user's cache directory (`index.py`) keeps what a list needs of each manifest; it is rebuilt wherever it is
missing, damaged or stale, and never believed over the file.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path, PurePosixPath
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from scaffold.path_containment import OutsidePathError
from scaffold.runs import manifests, withdrawals
from scaffold.runs.index import ManifestIndexEntry, RunIndex
from scaffold.runs.index_columns import FolderListing, IndexedRun, garbage_collector_off
from scaffold.runs.manifest_folders import DamagedManifest, read_listing, read_settled_mtime
from scaffold.runs.model import Run
from scaffold.runs.record_home_additions import RecordHomeAdditions, RecordHomeReader

if TYPE_CHECKING:
    from scaffold.workspace import Workspace


class RunRecords(NamedTuple):
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
    with garbage_collector_off():
        reader = RecordReader(workspace, with_home=with_home)
        runs = reader.runs_newest_first()
        return RunRecords(
            runs=runs, damaged=reader.damaged, foreign=reader.foreign, has_more_in_home=reader.has_more_in_home
        )


def run_start_sort_key(run: Run) -> tuple[str, str, int]:
    """What lists of runs are sorted by, in reverse."""
    return run.started_at, run.name, run.attempt


class RecordReader:
    """Reads a workspace's manifests again and again: only what changed since is opened, and a folder where nothing did is not listed.

    `damaged` are the manifests that could not be read the last time, by path. Without `with_home` those of the working tree alone count.
    """

    def __init__(
        self,
        workspace: Workspace,
        *,
        with_home: bool = True,
        read_by_name: Mapping[str, IndexedRun] = MappingProxyType({}),
    ) -> None:
        """`read_by_name` are rows that somebody else keeps up to date (`RunAttemptReader`): what is in them is not read again."""
        self._read_by_name = read_by_name
        self._workspace = workspace
        self._index = RunIndex.find(workspace)
        self._table = self._index.read_runs()
        self._home = RecordHomeReader(workspace, self._index.read("homes"), self._table)
        self._with_home = with_home
        self._additions = RecordHomeAdditions(runs=(), replaced=frozenset(), damaged=())
        self._row_count = len(self._table.runs)
        # each folder's manifests, path -> row; None as long as they are those of the table
        self._rows: dict[str, dict[str, IndexedRun]] | None = None
        self._listings: dict[str, FolderListing] = {}
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
        return self._current_runs(self._read_withdrawals(folders))

    def runs_newest_first(self) -> Sequence[Run]:
        """All attempts as they are now, newest first; where the index has them all as they are, one is read when it is asked for."""
        folders = manifest_directories(self._workspace)
        self._read_folders(folders)
        reasons = self._read_withdrawals(folders)
        # what says that it is running may be lost by now
        if self._is_as_indexed and not self.has_more_in_home and not reasons and not self._table.has_live:
            return self._table.runs
        return tuple(sorted(self._current_runs(reasons), key=run_start_sort_key, reverse=True))

    @property
    def has_more_in_home(self) -> bool:
        """Whether the second home has anything that the working tree lacks, or newer states."""
        return bool(self._additions.runs)

    def _current_runs(self, reasons: Mapping[str, str]) -> list[Run]:
        """All attempts; those whose labels have `reasons` are withdrawn."""
        replaced = self._additions.replaced
        runs: Iterable[Run] = self._table.runs
        if self._rows is not None:
            runs = (row.run for rows in self._rows.values() for row in rows.values())
        if replaced:
            runs = (run for run in runs if run.path not in replaced)
        current = [manifests.mark_if_lost(run, self._workspace) for run in itertools.chain(runs, self._additions.runs)]
        if not reasons:
            return current
        return [run._replace(withdrawn=reasons[run.label]) if run.label in reasons else run for run in current]

    def _read_folders(self, folders: Sequence[Path]) -> None:
        """Bring all that is known of the manifests up to date, and the index with it."""
        unchanged = self._read_changed({f.relative_to(self._workspace.workdir).as_posix(): f for f in folders})
        self._is_as_indexed = self._is_as_indexed and unchanged
        homes_before = self._home.entries
        additions = self._home.read(self._tree_rows, unchanged=unchanged)
        if not self._stored:
            if self._home.entries != homes_before:
                self._index.store(
                    "homes", {key: ManifestIndexEntry.pack("", entry) for key, entry in self._home.entries.items()}
                )
            if not unchanged:
                self._store_index()
            self._stored = True
        if self._with_home:
            self._additions = additions

    def _read_changed(self, folders: Mapping[str, Path]) -> bool:
        """Read what changed in the folders (by path); whether nothing did since the last time, or since the index was stored."""
        listings: dict[str, FolderListing] = {}
        for path, folder in folders.items():
            changed = read_settled_mtime(folder)
            if changed is None or self._times.pop(path, None) != changed:
                listings[path] = read_listing(folder)
            if changed is not None:
                self._times[path] = changed
        if self._rows is None:
            if self._table.listings.keys() <= folders.keys() and all(
                self._table.has_listed(path, listing) for path, listing in listings.items()
            ):
                return True
            self._rows = self._table.rows()
        opened = sum(self._read(path, folders[path], listing) for path, listing in listings.items())
        self._rows = {path: rows for path, rows in self._rows.items() if path in folders}
        before, self._row_count = self._row_count, sum(map(len, self._rows.values()))
        return not opened and self._row_count == before

    def _tree_rows(self, folder: str) -> Mapping[str, IndexedRun]:
        """The rows of one folder of the working tree."""
        return (self._table.rows() if self._rows is None else self._rows).get(folder, {})

    def _read_withdrawals(self, folders: Iterable[Path]) -> dict[str, str]:
        """The labels of withdrawn attempts -> why. Read anew each time: hardly ever is there anything to read."""
        reasons: dict[str, str] = {}
        for folder in folders:
            reasons.update(withdrawals.read_withdrawals(self._workspace.workdir, folder))
        return reasons

    def _store_index(self) -> None:
        """Keep the manifests' runs newest first, as lists show them."""
        rows = self._rows or {}
        runs = sorted(
            (row.run for of_folder in rows.values() for row in of_folder.values()), key=run_start_sort_key, reverse=True
        )
        names = {path: {PurePosixPath(manifest).name for manifest in of_folder} for path, of_folder in rows.items()}
        self._index.store_runs(runs, {path: self._listings[path].select(names[path]) for path in rows})

    def _read(self, folder_path: str, folder: Path, listing: FolderListing) -> int:
        """Bring one folder's rows up to date with its listing; how many manifests were opened for it."""
        assert self._rows is not None
        before = self._rows.get(folder_path, {})
        rows: dict[str, IndexedRun] = {}
        damaged: list[DamagedManifest] = []
        foreign: list[str] = []
        opened = 0
        for name, stamp in zip(listing.names, listing.stamp_texts(), strict=True):
            path = f"{folder_path}/{name}"
            row = before.get(path)
            if row is None or row.stamp != stamp:
                row = self._read_by_name.get(path)
            if row is None or row.stamp != stamp:
                try:
                    if (folder / name).is_symlink():
                        self._workspace.locate(path)
                    row = IndexedRun(stamp, manifests.read_run_from_manifest(folder / name, path))
                except manifests.ForeignFile:
                    foreign.append(path)
                    continue
                except (ValueError, OutsidePathError) as error:
                    damaged.append(DamagedManifest(path=path, reason=str(error)))
                    continue
                opened += 1
            rows[path] = row
        self._rows[folder_path], self._damaged[folder_path] = rows, damaged
        self._foreign[folder_path], self._listings[folder_path] = foreign, listing
        return opened
