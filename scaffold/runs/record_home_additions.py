"""What the second home of records adds to those of the working tree: records that it lacks, and newer states of those that it has.

A folder that has not changed since is not looked at file by file, and of one that has, only what the working tree does not hold as
the very same file is opened.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from scaffold.runs import manifests, records_home
from scaffold.runs.manifest_folders import DamagedManifest, list_manifests, read_settled_mtime
from scaffold.runs.model import Run, run_from_fields

if TYPE_CHECKING:
    from scaffold.runs.index import ManifestIndexEntry
    from scaffold.runs.index_columns import IndexedRun, RunTable
    from scaffold.workspace import Workspace

# a manifest's stamp, and the run that it tells of
Row = list[Any]


class RecordHomeAdditions(NamedTuple):
    """What the second home adds: `runs`, and the `replaced` manifests of the working tree (by path) of which it has a newer state."""

    runs: tuple[Run, ...]
    replaced: frozenset[str]
    damaged: tuple[DamagedManifest, ...]


class _Folder(NamedTuple):
    """One folder of manifests in the home: where it is, and which folder of the working tree holds the same records."""

    place: Path
    path: str
    counterpart: str


class RecordHomeReader:
    """Reads the second home of a workspace again and again. `entries` is what the index keeps of each folder:

    `at` when it last changed (None: too lately to tell), `rows` name -> [stamp, run] of what it adds, `twins` name -> [its stamp, the
    stamp in the working tree] of what both hold in different files, `damaged` [name, reason] of what cannot be believed.
    """

    def __init__(self, workspace: Workspace, indexed_homes: Mapping[str, ManifestIndexEntry], table: RunTable) -> None:
        """`table` are the runs that the index has of the working tree."""
        self._workspace = workspace
        self._table = table
        self.entries: dict[str, dict[str, Any]] = {key: entry.value for key, entry in indexed_homes.items()}

    @functools.cached_property
    def _indexed_runs(self) -> dict[str, IndexedRun]:
        return {path: row for rows in self._table.rows().values() for path, row in rows.items()}

    def read(self, tree_rows: Callable[[str], Mapping[str, IndexedRun]], *, unchanged: bool) -> RecordHomeAdditions:
        """What the home adds to the manifests of the working tree (of each folder path -> row), `unchanged` since the last time."""
        entries: dict[str, dict[str, Any]] = {}
        runs: dict[str, Run] = {}
        replaced: set[str] = set()
        damaged: list[DamagedManifest] = []
        for folder in self._folders():
            at, key = read_settled_mtime(folder.place), str(folder.place)
            entry = self.entries.get(key)
            if entry is None or not unchanged or at is None or entry["at"] != at:
                entry = {**self._scan(folder, tree_rows(folder.counterpart), entry or {}), "at": at}
            entries[key] = entry
            for name, (_, fields) in entry["rows"].items():
                run = run_from_fields(fields)
                # a record that two folders of the home have, since its workspace was moved, is one
                runs.setdefault(f"{run.uuid} {run.label}", run)
                if not run.only_in_home:
                    replaced.add(f"{folder.counterpart}/{name}")
            damaged += [DamagedManifest(path=f"{folder.path}/{name}", reason=why) for name, why in entry["damaged"]]
        self.entries = entries
        return RecordHomeAdditions(runs=tuple(runs.values()), replaced=frozenset(replaced), damaged=tuple(damaged))

    def _folders(self) -> Iterator[_Folder]:
        workspace = self._workspace
        for base in records_home.list_existing_record_homes(workspace):
            names = sorted(p.name for p in base.iterdir() if p.is_dir()) if workspace.per_experiment else [None]
            for experiment in names:
                counterpart = workspace.role_folder("metadata", experiment)
                place = base / counterpart.relative_to(workspace.path)
                if place.is_dir():
                    yield _Folder(
                        place=place,
                        path=records_home.record_home_display_path(workspace, place),
                        counterpart=counterpart.relative_to(workspace.workdir).as_posix(),
                    )

    def _scan(self, folder: _Folder, tree_rows: Mapping[str, IndexedRun], before: Mapping[str, Any]) -> dict[str, Any]:
        rows: dict[str, Row] = {}
        twins: dict[str, list[str]] = {}
        damaged: list[list[str]] = []
        for name, stamp in list_manifests(folder.place):
            tree_row = tree_rows.get(f"{folder.counterpart}/{name}")
            # the same file, or a claim: an attempt's number is taken by an empty file until there is a manifest
            if (tree_row is not None and tree_row.stamp == stamp) or stamp.split(":")[1] == "0":
                continue
            if (folder.place / name).is_symlink():
                damaged.append([name, "it is a link, and the recorder makes none"])
                continue
            pair = [stamp, tree_row.stamp if tree_row is not None else ""]
            if before.get("twins", {}).get(name) == pair:
                twins[name] = pair
                continue
            try:
                run = self._read_run(folder, name, stamp, before)
            except ValueError as error:
                if not _is_one_file(folder.place / name, self._workspace.workdir / folder.counterpart / name):
                    damaged.append([name, str(error)])
                continue
            tree_run = tree_row.run if tree_row is not None else None
            if tree_run is None or tree_run.uuid != run.uuid:
                rows[name] = [stamp, [*run._replace(only_in_home=True)]]
            elif tree_run.status == "running" and run.status != "running":
                rows[name] = [stamp, [*run._replace(only_in_home=False)]]
            else:
                twins[name] = pair
        return {"rows": rows, "twins": twins, "damaged": damaged}

    def _read_run(self, folder: _Folder, name: str, stamp: str, before: Mapping[str, Any]) -> Run:
        """The run of one manifest. Raises ValueError where it cannot be read, or is another run's."""
        path = f"{folder.path}/{name}"
        if (row := before.get("rows", {}).get(name)) is not None and row[0] == stamp:
            return run_from_fields(row[1])._replace(path=path)
        indexed = self._indexed_runs.get(f"{folder.counterpart}/{name}")
        if indexed is not None and indexed.stamp == stamp:
            return indexed.run._replace(path=path)
        run = manifests.read_run_from_manifest(folder.place / name, path)
        if run.label != name.removesuffix(".json"):
            raise ValueError(f"it is the record of {run.label}")
        return run


def _is_one_file(copy: Path, record: Path) -> bool:
    """Whether both names are of one file, of which enough is said by one of them."""
    try:
        return copy.samefile(record)
    except OSError:
        return False
