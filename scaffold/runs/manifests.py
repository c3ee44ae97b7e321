"""One manifest's file -> what it says, checked; what cannot be read is a ValueError with the reason."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scaffold import structured_text
from scaffold.runs import manifest_schema, records_home
from scaffold.runs.model import Run, summarize_manifest

if TYPE_CHECKING:
    from scaffold.workspace import Workspace


class ForeignFile(ValueError):
    """A JSON file that says something and is no manifest of ours: somebody else's."""


def read_manifest(path: Path) -> dict[str, Any]:
    """One manifest, whole. Raises ValueError with the reason where it cannot be read, ForeignFile where it is none."""
    try:
        return parse_manifest(path.read_bytes())
    except OSError as error:
        raise ValueError(error.strerror or str(error)) from error


def parse_manifest(data: bytes) -> dict[str, Any]:
    """The manifest that a file holds. Raises ValueError with the reason where it is none, ForeignFile where it is somebody else's."""
    manifest = structured_text.parse_json(data)
    # an empty object or list could be what is left of ours
    if manifest and not (isinstance(manifest, dict) and {"schema_version", "run"}.intersection(manifest)):
        raise ForeignFile("it is somebody else's")
    if not isinstance(manifest, dict):
        raise ValueError("it is no JSON object")
    if manifest.get("schema_version") != 1:
        raise ValueError(f"schema_version is {manifest.get('schema_version')!r}; this scaffold reads 1")
    return manifest


def read_valid_manifest(path: Path) -> dict[str, Any]:
    """One manifest as the schema demands it. Raises ValueError with the first thing that it lacks, or has of another kind."""
    manifest = read_manifest(path)
    if fault := manifest_schema.find_schema_violation(manifest):
        raise ValueError(fault)
    return manifest


def read_run_from_manifest(path: Path, name: str) -> Run:
    """The run that a manifest tells of, as it tells of it; `name` is its path below the work directory. Raises ValueError."""
    try:
        return summarize_manifest(read_manifest(path), name)
    except KeyError as error:
        raise ValueError(f"{error} is missing") from error
    except TypeError as error:
        raise ValueError(f"it is no run manifest ({error})") from error
    except ForeignFile:
        raise
    except ValueError as error:
        raise ValueError(" ".join(str(error).split())) from error


def read_run(workspace: Workspace, path: Path) -> Run:
    """The run that one manifest of the workspace tells of, as it is now. Raises ValueError with the reason where it cannot be read."""
    return mark_if_lost(read_run_from_manifest(path, path.relative_to(workspace.workdir).as_posix()), workspace)


def mark_if_lost(run: Run, workspace: Workspace) -> Run:
    """A run as it is now: `lost` where its manifest says `running` and its recorder is gone."""
    if run.status != "running":
        return run
    from scaffold.runs import liveness

    path = workspace.workdir / run.path
    if not run.only_in_home:
        workspace.locate(path.parent / ".live" / path.name)
    if not liveness.is_run_lost(path, run.hostname):
        return run
    copy = None if run.only_in_home else records_home.find_record_copy(path)
    # a clean takes the mark of a live recorder along
    if copy is not None and not liveness.is_run_lost(copy, run.hostname):
        return run
    # its recorder may have written the end and gone since the manifest was read
    for place in filter(None, (path, copy)):
        with contextlib.suppress(ValueError):
            newer = read_run_from_manifest(place, run.path)
            if newer.status != "running":
                return newer._replace(only_in_home=run.only_in_home)
    return run._replace(status="lost")
