"""Runs by their names -> their attempts as they are now, without a look at the manifests of others.

`records.RecordReader` lists folders, which takes the longer the more is in them. Who waits for a few runs of thousands asks for those.
"""

from __future__ import annotations

import itertools
import os
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from scaffold.path_containment import OutsidePathError
from scaffold.runs import manifests, records_home
from scaffold.runs.index import file_stamp
from scaffold.runs.index_columns import IndexedRun
from scaffold.runs.model import Run

if TYPE_CHECKING:
    from scaffold.workspace import Workspace


class RunAttemptReader:
    """Reads the attempts of runs of one experiment, in the working tree and in the second home.

    `rows` has what was read in the working tree: path -> stamp and run.
    """

    def __init__(self, workspace: Workspace, experiment: str) -> None:
        self._workspace = workspace
        self.rows: dict[str, IndexedRun] = {}
        folder = workspace.role_folder("metadata", experiment)
        # as texts: they are asked for again and again
        self._folder, self._outputs = str(folder), str(workspace.role_folder("outputs", experiment))
        self._logs = str(workspace.role_folder("logs", experiment))
        inside = folder.relative_to(workspace.path)
        self._homes = [str(home / inside) for home in records_home.list_record_home_folders(workspace)]

    def read(self, name: str, before: Sequence[Run]) -> list[Run]:
        """All attempts of a run, as `RecordReader.runs` has them, where `before` are those that it had the last time."""
        last_seen = {run.attempt: run for run in before}
        newest = max(last_seen, default=0)
        runs = []
        for number, stem in self._stems(name):
            run = last_seen.get(number)
            # one that is over stays as it is; one that is missing by now is still remembered
            if run is None or run.status in ("running", "lost"):
                run = self._read_attempt(stem) or run
            if run is not None:
                runs.append(run)
            elif number > newest and not self._is_claimed(stem):
                break
        return runs

    def has_logs(self, name: str, after: int) -> bool:
        """Whether a recorder opened the logs of a run's script in an attempt later than `after`."""
        for number, stem in self._stems(name):
            if number <= after:
                continue
            if any(map(os.path.lexists, (f"{self._logs}/{stem}.out", f"{self._logs}/{stem}.err"))):
                return True
            # an attempt that was claimed and went no further is passed over by the next
            if not os.path.lexists(f"{self._outputs}/{stem}"):
                break
        return False

    def _stems(self, name: str) -> Iterator[tuple[int, str]]:
        """The numbers of attempts, and how their files begin."""
        return ((number, name if number == 1 else f"{name}.{number}") for number in itertools.count(1))

    def _is_claimed(self, stem: str) -> bool:
        """Whether a recorder took the number of an attempt, of which there is no manifest (yet)."""
        places = (f"{self._outputs}/{stem}", *(f"{home}/{stem}.json" for home in self._homes))
        return any(map(os.path.lexists, places))

    def _read_attempt(self, stem: str) -> Run | None:
        """What the manifest of an attempt tells now; None where there is none that can be believed."""
        for folder in (self._folder, *self._homes):
            place = f"{folder}/{stem}.json"
            try:
                info = os.lstat(place)
            except OSError:
                continue
            in_home = folder != self._folder
            if in_home and not (stat.S_ISREG(info.st_mode) and info.st_size):
                continue  # a claim
            try:
                return self._read_manifest(place, info, in_home=in_home)
            except (ValueError, OutsidePathError):
                continue  # it is damaged, which is said where folders are listed
        return None

    def _read_manifest(self, place: str, info: os.stat_result, *, in_home: bool) -> Run:
        if stat.S_ISLNK(info.st_mode):
            info = self._workspace.locate(Path(place)).stat()
        if in_home:
            path = records_home.record_home_display_path(self._workspace, Path(place))
            run = manifests.read_run_from_manifest(Path(place), path)
            return manifests.mark_if_lost(run._replace(only_in_home=True), self._workspace)
        path, stamp = place.removeprefix(f"{self._workspace.workdir}/"), file_stamp(info)
        row = self.rows.get(path)
        if row is None or row.stamp != stamp:
            row = self.rows[path] = IndexedRun(stamp, manifests.read_run_from_manifest(Path(place), path))
        return manifests.mark_if_lost(row.run, self._workspace)
