"""A workspace's runs -> a crate's directory on disk, written whole or not at all; nothing secret goes into it."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from scaffold import git
from scaffold.errors import ScaffoldError
from scaffold.results.evidence import authors as people
from scaffold.results.evidence import crate
from scaffold.results.evidence.crate import About, Recorded
from scaffold.runs import manifests, recorder
from scaffold.runs.model import Run
from scaffold.workspace import Workspace

# files are searched a piece at a time, each with the end of the one before: a token may lie across the cut
PIECE_BYTES, OVERLAP_BYTES = 1 << 20, 1 << 14
NAME_A_NEW_ONE = "name a new directory"
SECRET_NAMES = (".env", ".netrc", ".pypirc", "id_rsa", "id_ed25519", "credentials")
SECRET_ENDS = (".pem", ".key", ".p12", ".pfx")


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """What a crate got: runs, files, bytes, and `path (why)` for what was left out."""

    path: Path
    runs: int
    files: int
    bytes: int
    left_out: tuple[str, ...]


def export(workspace: Workspace, runs: Sequence[Run], directory: Path, *, copy: bool) -> Exported:
    """Write `runs` as a crate into `directory`, which must not exist or be empty.

    The crate has each run's manifest, configs, patch and package list; with `copy` logs and outputs too, else it says where they lie.
    Secrets in logs become `***`; an output that holds one is left out. Raises ScaffoldError.
    """
    try:
        taken = directory.is_symlink() or (directory.exists() and (not directory.is_dir() or any(directory.iterdir())))
        if taken:
            raise ScaffoldError(f"{directory} is there already and not an empty directory", hint=NAME_A_NEW_ONE)
        records, left_out = _records(workspace, runs, copy=copy)
        parent = directory.resolve().parent
        parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{directory.name[:40]}.", dir=parent) as folder:
            made = Path(folder, "crate")
            made.mkdir()
            present = _copied(workspace, records, made, left_out, copy=copy)
            (made / crate.METADATA).write_bytes(crate.metadata(records, _about(workspace, records), present))
            if directory.exists():
                directory.rmdir()
            made.rename(directory)
    except OSError as error:
        where = f" ({error.filename})" if error.filename else ""
        raise ScaffoldError(
            f"the crate {directory} cannot be written: {error.strerror or error}{where}", hint=NAME_A_NEW_ONE
        ) from error
    return Exported(
        path=directory,
        runs=len(records),
        files=len(present),
        bytes=sum(present.values()),
        left_out=tuple(sorted(left_out)),
    )


def _records(workspace: Workspace, runs: Sequence[Run], *, copy: bool) -> tuple[list[Recorded], list[str]]:
    authors = people.authors_of(workspace.workdir, {run.commit for run in runs if run.commit})
    found, left_out = [], []
    for run in runs:
        try:
            manifest = manifests.read_valid_manifest(workspace.workdir / run.path)
        except ValueError as error:
            left_out.append(f"{run.path} (cannot be read: {error})")
            continue
        outputs = _below(workspace.workdir, manifest["paths"]["outputs"]) if copy else ()
        author = authors.get(run.commit) if run.commit else None
        found.append(Recorded(run=run, manifest=manifest, author=author, outputs=outputs))
    return found, left_out


def _below(workdir: Path, folder: str) -> tuple[str, ...]:
    """The plain files below a folder, sorted; links are not followed."""
    found = []
    for place, folders, names in os.walk(workdir / folder):
        folders.sort()
        found += [Path(place, name) for name in names]
    return tuple(sorted(p.relative_to(workdir).as_posix() for p in found if p.is_file() and not p.is_symlink()))


def _copied(
    workspace: Workspace, records: Sequence[Recorded], made: Path, left_out: list[str], *, copy: bool
) -> dict[str, int]:
    present: dict[str, int] = {}
    for record in records:
        small, logs = crate.run_files(record.manifest, record.run.path)
        wanted = dict.fromkeys(small, "record") | (dict.fromkeys(logs, "log") if copy else {})
        wanted |= dict.fromkeys(record.outputs, "output")
        for path, kind in wanted.items():
            if path in present:
                continue
            if reason := _copy(workspace.workdir, path, made / path, kind):
                left_out.append(f"{path} ({reason})")
            else:
                present[path] = (made / path).stat().st_size
    return present


def _copy(workdir: Path, path: str, target: Path, kind: str) -> str | None:
    """Copy one file; why it was not, where it was not."""
    source = workdir / path
    if not source.is_file():
        return "missing"
    if ".." in Path(path).parts or not source.resolve().is_relative_to(workdir.resolve()):
        return "leads out of the work directory"
    name = source.name.lower()
    if name.startswith(SECRET_NAMES) or name.endswith(SECRET_ENDS):
        return "its name says that it holds secrets"
    target.parent.mkdir(parents=True, exist_ok=True)
    if kind == "log":
        _copy_log(source, target)
    elif kind == "output" and _has_secret(source):
        return "it holds what looks like a secret"
    else:
        shutil.copyfile(source, target)
    return None


def _copy_log(source: Path, target: Path) -> None:
    """A log line by line, its secrets hidden; of a private key the lines between its first and its last too."""
    redact = recorder.module().redact
    inside_key = False
    with source.open("rb") as log, target.open("wb") as out:
        for line in log:
            if inside_key:
                inside_key = b"-----END" not in line
                continue
            inside_key = b"-----BEGIN" in line and b"PRIVATE KEY-----" in line and b"-----END" not in line
            text, end, _ = line.decode("utf-8", "surrogateescape").partition("\n")
            out.write(f"{redact(text)}{end}".encode("utf-8", "surrogateescape"))


def _has_secret(source: Path) -> bool:
    """Whether a file holds, as plain text, a token of a known shape or a secret of this environment."""
    shared = recorder.module()
    shapes = re.compile(shared.SHAPES.encode())
    starts = [start.encode() for start in shared.SHAPE_STARTS]
    known = [os.fsencode(secret) for secret in shared.known_secrets()]
    rest = b""
    with source.open("rb") as file:
        while piece := file.read(PIECE_BYTES):
            data = rest + piece
            if any(secret in data for secret in known):
                return True
            if any(start in data for start in starts) and shapes.search(data):
                return True
            rest = data[-OVERLAP_BYTES:]
    return False


def _about(workspace: Workspace, records: Sequence[Recorded]) -> About:
    top = git.toplevel(workspace.workdir) or workspace.workdir
    cited = people.citation(top)
    goal = " ".join(str(workspace.answers.get("experiment_goal") or "").split())
    name = cited.title or top.name
    counted = Counter(record.run.experiment for record in records)
    experiments = ", ".join(f"{experiment} ({number})" for experiment, number in sorted(counted.items()))
    said = f"{len(records)} recorded runs: {experiments}." if records else "No run was recorded."
    return About(name=f"Runs of {name}", description=f"{goal} {said}".strip(), citation=cited)
