"""A workspace's runs -> a crate's directory on disk, written whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from scaffold import git, path_containment
from scaffold.errors import ScaffoldError
from scaffold.observations.run_values import attach_final_metrics
from scaffold.results.evidence import authors, code_bundle, ro_crate
from scaffold.results.evidence.redacted_copy import copy_file_without_secrets
from scaffold.results.evidence.ro_crate import CrateDescription, CrateRun
from scaffold.runs import manifests, records_home

if TYPE_CHECKING:
    from scaffold.runs.model import Run
    from scaffold.workspace import Workspace

NAME_A_NEW_ONE = "name a new directory"


@dataclass(frozen=True, slots=True, kw_only=True)
class CrateSummary:
    """What a crate got: how many runs, files, bytes, and `path (why)` for what was left out."""

    path: Path
    runs: int
    files: int
    bytes: int
    left_out: tuple[str, ...]


def export_crate(workspace: Workspace, runs: Sequence[Run], directory: Path, *, copy: bool) -> CrateSummary:
    """Write `runs` as a crate into `directory`, which must not exist or be empty.

    The crate has each run's manifest, configs, patch and package list; with `copy` logs and outputs too, else it says where they lie.
    Code that only pins keep comes as a bundle. Secrets in logs become `***`; an output that holds one is left out. Raises ScaffoldError.
    """
    try:
        taken = directory.is_symlink() or (directory.exists() and (not directory.is_dir() or any(directory.iterdir())))
        if taken:
            raise ScaffoldError(f"{directory} is there already and not an empty directory", hint=NAME_A_NEW_ONE)
        crate_runs, left_out = _read_runs(workspace, runs, copy=copy)
        parent = directory.resolve().parent
        parent.mkdir(parents=True, exist_ok=True)
        # beside its place, not in /tmp: a directory is renamed in one step only within a file system
        prefix = f".{directory.name[:40]}."
        with tempfile.TemporaryDirectory(prefix=prefix, dir=parent, ignore_cleanup_errors=True) as folder:
            crate = Path(folder, "crate")
            crate.mkdir()
            sizes = _copy_files(workspace, crate_runs, crate, left_out, copy=copy)
            if bundle := code_bundle.write_code_bundle(workspace, crate_runs, crate):
                sizes[ro_crate.BUNDLE] = bundle
                left_out += code_bundle.list_runs_without_code(crate_runs)
            metadata = ro_crate.crate_metadata_json(crate_runs, _describe(workspace, crate_runs), sizes)
            (crate / ro_crate.METADATA).write_bytes(metadata)
            if directory.exists():
                directory.rmdir()
            crate.rename(directory)
    except OSError as error:
        where = f" ({error.filename})" if error.filename else ""
        message = f"the crate {directory} cannot be written: {error.strerror or error}{where}"
        raise ScaffoldError(message, hint=NAME_A_NEW_ONE) from error
    counts = {"runs": len(crate_runs), "files": len(sizes), "bytes": sum(sizes.values())}
    return CrateSummary(path=directory, **counts, left_out=tuple(sorted(left_out)))


def _read_runs(workspace: Workspace, runs: Sequence[Run], *, copy: bool) -> tuple[list[CrateRun], list[str]]:
    author_of = authors.commit_authors(workspace.workdir, {run.commit for run in runs if run.commit})
    crate_runs, left_out = [], []
    for run in attach_final_metrics(workspace, runs, names=("*",)):
        try:
            manifest = manifests.read_valid_manifest(workspace.workdir / run.path)
        except ValueError as error:
            left_out.append(f"{run.path} (cannot be read: {error})")
            continue
        outputs = _files_below(workspace.workdir, manifest["paths"]["outputs"]) if copy else ()
        author = author_of.get(run.commit) if run.commit else None
        run = run._replace(path=records_home.manifest_path_in_workdir(workspace, run))
        crate_runs.append(CrateRun(run=run, manifest=manifest, author=author, outputs=outputs))
    return crate_runs, left_out


def _files_below(workdir: Path, folder: str) -> tuple[str, ...]:
    """The plain files below a folder, sorted; links are not followed, and a folder that leads out has none."""
    if not path_containment.is_contained(workdir, folder):
        return ()
    paths = [Path(parent, name) for parent, _, names in os.walk(workdir / folder) for name in names]
    return tuple(sorted(p.relative_to(workdir).as_posix() for p in paths if p.is_file() and not p.is_symlink()))


def _copy_files(
    workspace: Workspace, runs: Sequence[CrateRun], crate: Path, left_out: list[str], *, copy: bool
) -> dict[str, int]:
    """Copy what belongs to runs, each file once: path -> size in bytes. Why a file was not copied goes into `left_out`."""
    sizes: dict[str, int] = {}
    for run in runs:
        records, logs = ro_crate.list_run_files(run.manifest, run.run.path)
        kinds = dict.fromkeys(records, "record") | (dict.fromkeys(logs, "log") if copy else {})
        kinds |= dict.fromkeys(run.outputs, "output")
        for path, kind in kinds.items():
            if path in sizes:
                continue
            if reason := copy_file_without_secrets(workspace.workdir, path, crate / path, kind):
                left_out.append(f"{path} ({reason})")
            else:
                sizes[path] = (crate / path).stat().st_size
    return sizes


def _describe(workspace: Workspace, runs: Sequence[CrateRun]) -> CrateDescription:
    top = git.toplevel(workspace.workdir) or workspace.workdir
    citation = authors.read_citation(top)
    goal = " ".join(str(workspace.answers.get("experiment_goal") or "").split())
    counts = sorted(Counter(run.run.experiment for run in runs).items())
    experiments = ", ".join(f"{experiment} ({number})" for experiment, number in counts)
    content = f"{len(runs)} recorded runs: {experiments}." if runs else "No run was recorded."
    name = f"Runs of {citation.title or top.name}"
    return CrateDescription(name=name, description=f"{goal} {content}".strip(), citation=citation)
