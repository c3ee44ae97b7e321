"""Run manifests on disk -> Runs; what cannot be read is reported with its path.

An index in the user's cache directory (`index.py`) keeps what a list needs of each manifest; it is rebuilt wherever it is
missing, damaged or stale, and never believed over the file.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from scaffold.errors import ScaffoldError
from scaffold.runs import liveness, moments, recorder, schema
from scaffold.runs.index import Index, stamp
from scaffold.workspace import Workspace

# clocks of file systems are coarse, and those of other hosts differ
SETTLED_NS = 3_000_000_000
Scalar = str | int | float | bool | None
SCALAR = (str, int, float, bool, type(None))
LONGEST_NAME = 255
# what the fields of a Run may be
KINDS = (
    (str, ("name", "experiment", "status", "started_at", "hostname", "outputs")),
    ((str, type(None)), ("task", "sweep", "commit", "signal", "code")),
    (int, ("attempt",)),
    ((int, type(None)), ("seed", "exit_code")),
    ((int, float, type(None)), ("duration_s",)),
    ((bool, type(None)), ("dirty",)),
    (dict, ("params", "metrics")),
)


class Run(NamedTuple):
    """One attempt of a run, as far as lists and tables need it. `status` may be `lost`; paths are below the work directory.

    `code` is the code state's SHA-256, None outside git.

    A tuple, because lists make ten thousand of them.
    """

    name: str
    attempt: int
    experiment: str
    status: str
    seed: int | None
    params: Mapping[str, Scalar]
    metrics: Mapping[str, Scalar]
    task: str | None
    sweep: str | None
    commit: str | None
    dirty: bool | None
    started_at: str
    duration_s: float | None
    exit_code: int | None
    signal: str | None
    hostname: str
    outputs: str
    path: str
    code: str | None = None

    @property
    def label(self) -> str:
        """The name, with `.N` for a later attempt: what `runs show` takes."""
        return self.name if self.attempt == 1 else f"{self.name}.{self.attempt}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Damaged:
    """A manifest that cannot be read: its path below the work directory, and why."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Records:
    """All that a workspace's metadata directories hold: runs newest first, damaged manifests by path."""

    runs: tuple[Run, ...]
    damaged: tuple[Damaged, ...]


def summary(manifest: Mapping[str, Any], path: str) -> Run:
    """What lists need of a manifest. Raises KeyError, TypeError or ValueError where it is no manifest."""
    run, git, tracking = manifest["run"], manifest["git"], manifest["tracking"]
    made = Run(
        name=run["name"],
        attempt=run["attempt"],
        experiment=run["experiment"],
        status=manifest["status"],
        seed=manifest["seed"],
        params=manifest["params"],
        metrics=manifest["metrics"],
        task=tracking["task"],
        sweep=tracking["sweep"],
        commit=git["commit"] if git else None,
        dirty=git["dirty"] if git else None,
        started_at=manifest["time"]["started_at"],
        duration_s=manifest["time"]["duration_s"],
        exit_code=manifest["exit"]["code"],
        signal=manifest["exit"]["signal"],
        hostname=manifest["host"]["hostname"],
        outputs=manifest["paths"]["outputs"],
        path=path,
        code=git.get("code") if git else None,
    )
    _check(made)
    return made


def _check(run: Run) -> None:
    """Raise TypeError or ValueError where lists could not rely on a run; all of a manifest is held against the schema when it is read
    whole."""
    for kinds, names in KINDS:
        for name in names:
            if not isinstance(getattr(run, name), kinds):
                raise TypeError(f"{name} is {json.dumps(getattr(run, name))[:80]}")
    if not all(isinstance(value, SCALAR) for values in (run.params, run.metrics) for value in values.values()):
        raise TypeError("params and metrics hold single values only")
    if moments.parsed(run.started_at).tzinfo is None:
        raise ValueError(f"started_at has no time zone: {run.started_at}")
    parts = run.outputs.split("/")
    if run.outputs.startswith("/") or ".." in parts or "\0" in run.outputs or max(map(len, parts)) > LONGEST_NAME:
        raise ValueError(f"its outputs are no path below the work directory: {run.outputs[:80]!r}")


def metadata_directories(workspace: Workspace) -> list[Path]:
    """Where manifests lie: one directory, or with a layout per experiment one for each."""
    if not workspace.per_experiment:
        return [workspace.role("metadata")]
    if not workspace.path.is_dir():
        return []
    return sorted(workspace.role("metadata", entry.name) for entry in workspace.path.iterdir() if entry.is_dir())


def read(path: Path) -> dict[str, Any]:
    """One manifest, whole. Raises ValueError with the reason where it cannot be read."""
    try:
        found = json.loads(path.read_bytes())
    except OSError as error:
        raise ValueError(error.strerror or str(error)) from error
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    if not isinstance(found, dict):
        raise ValueError("it is no JSON object")
    if found.get("schema_version") != 1:
        raise ValueError(f"schema_version is {found.get('schema_version')!r}; this scaffold reads 1")
    return found


def read_whole(path: Path) -> dict[str, Any]:
    """One manifest as the schema demands it. Raises ValueError with the first thing that it lacks, or has of another kind."""
    found = read(path)
    if fault := schema.fault(found):
        raise ValueError(fault)
    return found


def run(workspace: Workspace, file: Path) -> Run:
    """The run that one manifest of the workspace tells of, as it is now. Raises ValueError with the reason where it cannot be read."""
    path = file.relative_to(workspace.workdir).as_posix()
    try:
        return _told(summary(read(file), path), workspace)
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(_reason(error)) from error


def records(workspace: Workspace) -> Records:
    """All runs of a workspace, newest first, and what is damaged."""
    with _collector_off():
        return _records(workspace)


@contextlib.contextmanager
def _collector_off() -> Iterator[None]:
    """Ten thousand manifests are no garbage: searching them for some takes a third of the time."""
    before = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if before:
            gc.enable()


def _records(workspace: Workspace) -> Records:
    reader = Reader(workspace)
    runs = sorted(reader.runs(), key=lambda r: (r.started_at, r.name, r.attempt), reverse=True)
    return Records(runs=tuple(runs), damaged=reader.damaged)


class Reader:
    """Reads a workspace's manifests again and again: only what changed since is opened, and a folder where nothing did is not listed.

    `damaged` are the manifests that could not be read the last time, by path.
    """

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._index = Index.load(workspace)
        self._rows: dict[str, dict[str, list[Any]]] = {}
        self._bad: dict[str, list[Damaged]] = {}
        self._times: dict[str, int] = {}
        self._stored = False

    @property
    def damaged(self) -> tuple[Damaged, ...]:
        """What could not be read, and why."""
        return tuple(sorted((d for bad in self._bad.values() for d in bad), key=lambda d: d.path))

    def runs(self) -> list[Run]:
        """All attempts as they are now, in no order."""
        fresh = 0
        for folder in metadata_directories(self._workspace):
            fresh += self._read(folder)
        if not self._stored:
            rows = {path: row for found in self._rows.values() for path, row in found.items()}
            if fresh or len(rows) != len(self._index.rows):
                outputs = {Run(*row[1]).outputs for row in rows.values()}
                digests = {k: v for k, v in self._index.digests.items() if k in outputs}
                self._index.store(rows=rows, digests=digests)
            self._stored = True
        return [_told(Run(*row[1]), self._workspace) for found in self._rows.values() for row in found.values()]

    def _read(self, folder: Path) -> int:
        """Bring one folder's rows up to date; how many manifests were opened for it."""
        inside = folder.relative_to(self._workspace.workdir).as_posix()
        changed = _changed_at(folder)
        if changed is not None and self._times.get(inside) == changed:
            return 0
        known, rows, bad, fresh = self._rows.get(inside), {}, [], 0
        for name, mark in _files(folder):
            path = f"{inside}/{name}"
            row = (self._index.rows if known is None else known).get(path)
            if row is None or row[0] != mark:
                try:
                    row = [mark, summary(read(folder / name), path)]
                except (ValueError, KeyError, TypeError) as error:
                    bad.append(Damaged(path=path, reason=_reason(error)))
                    continue
                fresh += 1
            rows[path] = row
        self._rows[inside], self._bad[inside] = rows, bad
        self._times.pop(inside, None)
        if changed is not None:
            self._times[inside] = changed
        return fresh


def _changed_at(folder: Path) -> int | None:
    """When a folder's list of files last changed; None where that is too fresh to be told from a change still to come."""
    try:
        at = folder.stat().st_mtime_ns
    except OSError:
        return None
    return at if time.time_ns() - at > SETTLED_NS else None


def _files(folder: Path) -> Iterator[tuple[str, str]]:
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.name.endswith(".json") and not entry.name.startswith("."):
                    with contextlib.suppress(FileNotFoundError):
                        yield entry.name, stamp(entry.stat())
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        raise ScaffoldError(
            f"the records in {folder} cannot be read: {error.strerror}",
            hint="`ls -ld` says whose they are, and who may",
        ) from error


def _reason(error: Exception) -> str:
    if isinstance(error, KeyError):
        return f"{error} is missing"
    return f"it is no run manifest ({error})" if isinstance(error, TypeError) else " ".join(str(error).split())


def _told(run: Run, workspace: Workspace) -> Run:
    if run.status == "running" and liveness.is_lost(workspace.workdir / run.path, run.hostname):
        return run._replace(status="lost")
    return run


def current_metrics(outputs: Path) -> dict[str, Scalar] | None:
    """What a run's metrics files say now, as the recorder reads them; None where there are none, or they may not be read."""
    if not any(os.access(outputs / name, os.R_OK) for name in ("metrics.json", "metrics.jsonl")):
        return None
    found: dict[str, Scalar] = recorder.module().final_metrics(str(outputs))
    return found


def counting(runs: Iterable[Run]) -> tuple[list[Run], list[tuple[Run, str]]]:
    """Of each run the attempt that counts: the latest that finished, else the latest. And the others, with the label that counts."""
    by_name: dict[str, list[Run]] = {}
    for run in runs:
        by_name.setdefault(run.name, []).append(run)
    chosen, others = [], []
    for attempts in by_name.values():
        if len(attempts) > 1:
            attempts.sort(key=lambda r: (r.status == "finished", r.attempt), reverse=True)
            others += [(run, attempts[0].label) for run in attempts[1:]]
        chosen.append(attempts[0])
    return chosen, others
