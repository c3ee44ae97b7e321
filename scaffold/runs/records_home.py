"""The second home of a workspace's records, below git's common directory: which folders it is, what is in it, writing there.

All branches and worktrees share it, and no reset, clean or checkout reaches it. The recorder fills it by the same rules
(`_record_run/records_home.py`). A record has one path below the experiment root, in the workspace and in each folder of its home.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import unquote

from scaffold.atomic_write import MAKE_ROOM, write_file
from scaffold.runs import recorder
from scaffold.workspace import ANSWERS_FILE, Workspace, is_path_accessible

if TYPE_CHECKING:
    from scaffold.runs.model import Run

MANIFEST = re.compile(r"-[0-9a-f]{8}(\.\d+)?\.json$")
DIGEST = re.compile(rf"[0-9a-f]{{{recorder.records_home.DIGEST_LENGTH}}}")


def workspace_id(workspace: Workspace) -> str:
    """The id in the workspace's answers; empty where it has none, and only its path tells it from others."""
    return str(workspace.answers.get("workspace_id") or "")


def list_record_home_folders(workspace: Workspace) -> list[Path]:
    """The folders that hold records of this workspace, its own first, whether or not there are any; empty without git.

    The others are of the time before it had an id, and of where it lay before it was moved: folders of its id whose place no workspace has
    any more. One that has is a copy of it, and another workspace.
    """
    repository = _repository(workspace.workdir)
    if repository is None:
        return []
    top, records = repository
    own_id = workspace_id(workspace)
    own_name = recorder.records_home.home_key(experiment_root_below_top(workspace, top), own_id)
    others = [
        name
        for name in sorted(_names_in(records))
        if name == own_name.partition("@")[0]
        or (
            own_id
            and name.endswith(f"@{own_id}")
            and not is_path_accessible(top / root_from_folder_name(name) / ANSWERS_FILE)
        )
    ]
    return [records / name for name in dict.fromkeys([own_name, *others])]


def experiment_root_below_top(workspace: Workspace, top: Path) -> str:
    """The experiment root, relative to the top of the working tree."""
    workdir = os.path.relpath(os.path.realpath(workspace.workdir), os.path.realpath(top))
    return os.path.normpath(f"{workdir}/{workspace.root}")


def root_from_folder_name(name: str) -> str:
    """The experiment root, relative to the top, that a home's folder is named after."""
    return unquote(name.partition("@")[0], errors="surrogateescape")


def list_existing_record_homes(workspace: Workspace) -> list[Path]:
    """The folders of the home that are there."""
    return [folder for folder in list_record_home_folders(workspace) if folder.is_dir()]


class RecordHomeSummary(NamedTuple):
    """One folder of a second home: where it is, the experiment root that it is of (below the top), and how many attempts it records."""

    folder: Path
    root: str
    records: int


def summarize_record_homes(folders: Iterable[Path]) -> list[RecordHomeSummary]:
    """What is in folders of a second home."""
    return [
        RecordHomeSummary(
            folder=folder,
            root=root_from_folder_name(folder.name),
            records=sum(map(is_manifest, list_record_home_files(folder))),
        )
        for folder in folders
    ]


def list_orphaned_record_homes(directory: Path) -> tuple[Path, list[RecordHomeSummary]] | None:
    """The top of the working tree that `directory` lies in, and the homes of workspaces that it does not hold, most records first.

    None without git.
    """
    repository = _repository(directory)
    if repository is None:
        return None
    top, records = repository
    missing = [
        records / name
        for name in _names_in(records)
        if not is_path_accessible(top / root_from_folder_name(name) / ANSWERS_FILE)
    ]
    summaries = [summary for summary in summarize_record_homes(sorted(missing)) if summary.records]
    return top, sorted(summaries, key=lambda summary: -summary.records)


def is_manifest(path: str) -> bool:
    """Whether a record's path is that of an attempt's manifest, and not of what was read off its log later."""
    return MANIFEST.search(path) is not None and Path(path).parent.name != "printed"


def experiment_folder(workspace: Workspace, run: Run) -> str | None:
    """The folder of a run's experiment, where the layout has one for each; else None. By its outputs: its manifest may be here alone."""
    above_outputs = 1 + len(workspace.role_folder("outputs").relative_to(workspace.path).parts)
    return Path(run.outputs).parts[-1 - above_outputs] if workspace.per_experiment else None


def manifest_path_in_workdir(workspace: Workspace, run: Run) -> str:
    """Where a run's manifest belongs, below the work directory."""
    metadata = workspace.role_folder("metadata", experiment_folder(workspace, run))
    return (metadata / f"{run.label}.json").relative_to(workspace.workdir).as_posix()


def record_home_display_path(workspace: Workspace, path: Path) -> str:
    """A path of the home as records name it: relative to the work directory where it lies below it, else absolute."""
    resolved = workspace.workdir.resolve()
    return path.relative_to(resolved).as_posix() if path.is_relative_to(resolved) else path.as_posix()


def is_in_record_home(path: Path) -> bool:
    """Whether a path is one in a second home, and not in a working tree."""
    return "/scaffold/records/" in path.as_posix()


def locate_record(path: Path) -> Path:
    """Where a record is that belongs at `path` in the working tree: there, else in the second home; `path` where it is nowhere."""
    return path if os.path.lexists(path) else find_record_copy(path) or path


def find_record_copy(path: Path) -> Path | None:
    """The copy in the second home of a record that belongs at `path` in the working tree; None where there is none."""
    copies = (folder / inside for folder, inside in _places_of(path))
    return next((copy for copy in copies if is_complete_record(copy)), None)


def candidate_record_paths(path: Path) -> list[Path]:
    """Where a record may be that belongs at `path` in the working tree: there, and in each folder of its second home."""
    return [path, *(folder / inside for folder, inside in _places_of(path))]


def list_record_names(folder: Path) -> set[str]:
    """The names of the files in a folder of records, those that only the second home has too."""
    places = [folder, *(home / inside for home, inside in _places_of(folder))]
    return {entry.name for place in places if place.is_dir() for entry in place.iterdir() if is_complete_record(entry)}


def _places_of(path: Path) -> Iterator[tuple[Path, str]]:
    """Each folder of a second home that a path of the working tree belongs to, and the path in it; of the innermost workspace first."""
    repository = _repository(path)
    if repository is None:
        return
    top, records = repository
    below_top = os.path.relpath(os.path.abspath(path), top)  # noqa: PTH100 - `Path` would follow no `..`
    names = {name: root_from_folder_name(name) for name in _names_in(records)}
    # one with an id before one without, which is of an older time
    for name in sorted(names, key=lambda name: (-len(names[name]), "@" not in name, name)):
        if below_top.startswith(f"{names[name]}/"):
            yield records / name, below_top[len(names[name]) + 1 :]


def is_complete_record(path: Path) -> bool:
    """Whether a file is there that is more than a claim."""
    try:
        return path.stat().st_size > 0
    except OSError:
        return False


def list_record_home_files(folder: Path) -> Iterator[str]:
    """The records in one folder of a home, relative to it, sorted: no claims, no marks of live runs, nothing half written."""
    for base, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            if not name.startswith(".") and is_complete_record(Path(base, name)):
                yield Path(base, name).relative_to(folder).as_posix()


def read_manifest_digests(workspace: Workspace) -> dict[str, str]:
    """The uuids of runs -> what their manifests hashed to when they had ended."""
    digests: dict[str, str] = {}
    for folder in reversed(list_existing_record_homes(workspace)):
        for path in sorted(folder.rglob(recorder.records_home.DIGESTS)):
            with contextlib.suppress(OSError):
                lines = (line.partition(" ") for line in os.fsdecode(path.read_bytes()).splitlines())
                digests.update((uuid, digest) for digest, _, uuid in lines if DIGEST.fullmatch(digest))
    return digests


def write_record(workspace: Workspace, path: Path, data: bytes) -> None:
    """Write a record to where it belongs, and keep it in the second home too. Raises ScaffoldError where it cannot be written."""
    write_file(path, data, hint=MAKE_ROOM)
    store_record_copy(workspace, path, data)


def store_record_copy(workspace: Workspace, path: Path, data: bytes) -> None:
    """Keep a record that was just written to `path`, and holds `data`, in the second home too.

    Where there is none, or it cannot be written, nothing happens: the record is where it belongs.
    """
    repository = _repository(workspace.workdir)
    if repository is None:
        return
    with contextlib.suppress(OSError, ValueError, recorder.messages.RecorderError):
        home = recorder.records_home.make_home(
            str(repository[0]), os.path.realpath(workspace.workdir), workspace.root, workspace_id(workspace)
        )
        if home is not None:
            home.store(str(path), path.relative_to(workspace.workdir).as_posix(), data)


class RecordCopy:
    """The copy of one file that is written again and again, in a second home that has its workspace already; its path tells whose it is."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._place: tuple[Path, str] | None = None

    def store(self, data: bytes) -> None:
        """As `store_copy`."""
        self._place = self._place or next(_places_of(self._path), None)
        if self._place is not None:
            folder, inside = self._place
            with contextlib.suppress(OSError):
                recorder.records_home.RecordsHome(str(folder), ".").store(str(self._path), f"./{inside}", data)


def _repository(path: Path) -> tuple[Path, Path] | None:
    """The top of the working tree that holds `path`, and where its repository keeps records; None without git."""
    top = recorder.git.repository(os.path.abspath(path))  # noqa: PTH100
    if top is None:
        return None
    try:
        records = Path(recorder.records_home.records_folder(top))
        return (Path(top), records) if recorder.records_home.belongs_to(str(records.parents[1]), top) else None
    except (OSError, ValueError, recorder.messages.RecorderError):
        return None


def _names_in(folder: Path) -> list[str]:
    try:
        return [path.name for path in folder.iterdir()]
    except OSError:
        return []
