"""A workspace -> a mark that differs as soon as something changed that its report tells of; the contents of no file are read."""

from __future__ import annotations

import os
from collections.abc import Hashable, Iterator
from pathlib import Path

from scaffold.runs import recorder, records_home
from scaffold.runs.records import manifest_directories
from scaffold.workspace import Workspace

# below a folder of records lie manifests, then sweeps, patches and the marks of living runs, and no deeper
DEEPEST = 3

# (path, time of the last change in nanoseconds, bytes)
Stamp = tuple[str, int, int]


def read_records_stamp(workspace: Workspace) -> Hashable:
    """Every record, the plan, the answers and the last commit, each with its time and size; what is missing is left out.

    Raises ScaffoldError where a folder of the workspace leads out of it.
    """
    folders = [*manifest_directories(workspace), *records_home.list_existing_record_homes(workspace)]
    stamps = [stamp for folder in folders for stamp in _stamps_below(str(folder), DEEPEST)]
    stamps += [_stamp(path) for path in _single_files(workspace)]
    stamps += [stamp for run in _living_runs(workspace, stamps) for stamp in _stamps_of_run(workspace, *run)]
    return tuple(stamps)


def _single_files(workspace: Workspace) -> Iterator[str]:
    """The plan, the workspace's own folder, and git's note of where HEAD has been."""
    yield str(workspace.tasks)
    yield str(workspace.path)
    top = recorder.git.repository(str(workspace.workdir))
    common = recorder.git.common_directory(top) if top else None
    if common:
        yield f"{common}/logs/HEAD"


def _stamps_below(folder: str, depth: int) -> Iterator[Stamp]:
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError:
        return
    for entry in entries:
        try:
            if entry.is_dir(follow_symlinks=False):
                if depth > 1:
                    yield from _stamps_below(entry.path, depth - 1)
            elif not entry.name.endswith(".tmp"):
                status = entry.stat(follow_symlinks=False)
                yield entry.path, status.st_mtime_ns, status.st_size
        except OSError:
            continue


def _stamp(path: str) -> Stamp:
    try:
        status = Path(path).stat()
    except OSError:
        return path, 0, 0
    return path, status.st_mtime_ns, status.st_size


def _living_runs(workspace: Workspace, stamps: list[Stamp]) -> Iterator[tuple[str | None, str]]:
    """Of each run that a recorder has marked as living: the folder of its experiment (None where all share one), and its label."""
    for place in (Path(path) for path, _, _ in stamps if "/.live/" in path):
        metadata = place.parents[1]
        if place.parent.name == ".live" and metadata.is_relative_to(workspace.path):
            yield metadata.relative_to(workspace.path).parts[0] if workspace.per_experiment else None, place.stem


def _stamps_of_run(workspace: Workspace, experiment: str | None, label: str) -> Iterator[Stamp]:
    """What a living run has written where its metrics and its output go."""
    yield from _stamps_below(str(workspace.role_folder("outputs", experiment) / label), 1)
    logs = workspace.role_folder("logs", experiment)
    yield from (_stamp(str(logs / f"{label}.{stream}")) for stream in ("out", "err"))
