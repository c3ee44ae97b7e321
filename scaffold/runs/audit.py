"""Manifests, logs, outputs and git -> findings: whether the records can be believed, and led back to code."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from scaffold import git
from scaffold.errors import ScaffoldError
from scaffold.runs import (
    audit_rules,
    commit_retention,
    recorder_bytecode,
    records,
    records_home,
)
from scaffold.runs.audit_inputs import AuditedManifests
from scaffold.runs.audit_rules import AuditedRun
from scaffold.runs.commit_retention import CommitCodeStates, CommitKeeper
from scaffold.runs.duplicate_runs import duplicate_run_key
from scaffold.runs.recorded_file_presence import RecordedFiles

if TYPE_CHECKING:
    from scaffold.runs.model import Run
    from scaffold.runs.records import RunRecords
    from scaffold.workspace import Workspace

# a log's name as the recorder gives it; another rank's (`.rank1`) belongs to the same manifest
LOG_STEM = re.compile(r"[A-Za-z0-9][A-Za-z0-9._=,+@-]*-[0-9a-f]{8}(\.\d+)?$")


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class AuditFinding:
    """What is wrong with which run: `path` below the work directory, a code that never changes its meaning, a sentence."""

    path: str
    code: str
    run: str | None
    message: str
    hint: str | None = None


def describe_foreign_files(run_records: RunRecords) -> list[str]:
    """One sentence about the JSON files among the manifests that are somebody else's; empty where there are none."""
    foreign = run_records.foreign
    if not foreign:
        return []
    files = "1 JSON file is" if len(foreign) == 1 else f"{len(foreign)} JSON files are"
    hint = "`scaffold runs list --foreign` shows what is understood of such"
    return [f"{files} foreign: beside the manifests and none of them ({foreign[0]}); {hint}"]


def _same_again(runs: Sequence[Run]) -> Iterator[AuditFinding]:
    """Runs whose code, command and seed ran before, under another experiment; a grid may hold what ran before as one of its points."""
    first: dict[object, Run] = {}
    grids = _grid_sweeps(runs)
    for run in sorted(runs, key=lambda run: (run.started_at, run.name)):
        question = duplicate_run_key(run)
        if question is None or run.withdrawn is not None:
            continue
        earlier = first.setdefault(question, run)
        if earlier.experiment != run.experiment and run.sweep not in grids:
            message = f"the same code, command and seed ran as {earlier.label} ({earlier.experiment})"
            hint = f"one of them will do: scaffold runs withdraw {run.label} --because 'it ran before'"
            yield AuditFinding(path=run.path, code="R112", run=run.label, message=message, hint=hint)


def _grid_sweeps(runs: Sequence[Run]) -> frozenset[str]:
    """The sweeps whose runs have more than one configuration."""
    configurations: dict[str, set[object]] = {}
    for run in runs:
        if run.sweep is not None:
            params = frozenset((name, str(value)) for name, value in run.params.items() if name != "seed")
            configurations.setdefault(run.sweep, set()).add(params)
    return frozenset(sweep for sweep, points in configurations.items() if len(points) > 1)


def audit_records(workspace: Workspace, run_records: RunRecords | None = None) -> list[AuditFinding]:
    """All findings, by path. `run_records` are those that were just read, if they were."""
    run_records = records.read_records(workspace) if run_records is None else run_records
    return sorted(find_record_faults(workspace, run_records), key=lambda f: (f.path, f.code, f.message))


def find_record_faults(workspace: Workspace, run_records: RunRecords) -> Iterator[AuditFinding]:
    """All findings, one after the other: of a hundred thousand runs there may be several times as many."""
    for manifest in run_records.damaged:
        message = f"cannot be read: {manifest.reason}"
        yield AuditFinding(path=manifest.path, code="R001", run=None, message=message)
    keepers: Mapping[str, CommitKeeper] | None = {}
    if referenced := {r.commit for r in run_records.runs if r.commit}:
        try:
            keepers = commit_retention.find_commit_keepers(workspace.workdir, referenced)
        except ScaffoldError as error:
            keepers, message = None, f"no commit of the records can be looked up: {error.message}"
            yield AuditFinding(path=workspace.root, code="R102", run=None, message=message, hint=error.hint)
    states = CommitCodeStates(workspace)
    digests = records_home.read_manifest_digests(workspace)
    audited, files = AuditedManifests(workspace), RecordedFiles(workspace)
    for run in run_records.runs:
        is_final = run.status in audit_rules.ENDED and not run.only_in_home and files.is_contained(run.outputs)
        case = AuditedRun(
            workspace=workspace,
            run=run,
            facts=audited.read(run, outputs_are_final=is_final),
            outputs_are_final=is_final,
            files=files,
            keepers=keepers,
            states=states,
            digests=digests,
        )
        yield from _audit_run(case)
    audited.store()
    yield from _logs_without_manifest(workspace, run_records)
    yield from _tracked_bytecode(workspace)
    yield from _same_again(run_records.runs)
    yield from _hidden_from_git(workspace)


def _audit_run(case: AuditedRun) -> Iterator[AuditFinding]:
    run = case.run
    if case.facts.fault:
        yield AuditFinding(path=run.path, code="R001", run=run.label, message=f"cannot be read: {case.facts.fault}")
        return
    for code, check in audit_rules.RULES.items():
        for message, hint in check(case):
            yield AuditFinding(path=run.path, code=code, run=run.label, message=message, hint=hint)


def _logs_without_manifest(workspace: Workspace, run_records: RunRecords) -> Iterator[AuditFinding]:
    recorded = {r.path.removesuffix(".json") for r in run_records.runs}
    recorded |= {d.path.removesuffix(".json") for d in run_records.damaged}
    recorded_elsewhere = {r.label for r in run_records.runs if r.only_in_home}
    for metadata in records.manifest_directories(workspace):
        experiment = metadata.relative_to(workspace.path).parts[0] if workspace.per_experiment else None
        metadata_path = metadata.relative_to(workspace.workdir).as_posix()
        logs = workspace.role_folder("logs", experiment)
        for log in sorted(logs.glob("*.out")) if logs.is_dir() else []:
            stem = log.name.removesuffix(".out")
            if LOG_STEM.match(stem) and stem not in recorded_elsewhere and f"{metadata_path}/{stem}" not in recorded:
                path = log.relative_to(workspace.workdir).as_posix()
                yield AuditFinding(path=path, code="R100", run=stem, message="this log has no manifest")


def _tracked_bytecode(workspace: Workspace) -> Iterator[AuditFinding]:
    if files := recorder_bytecode.find_tracked_bytecode(workspace):
        folder = Path(files[0]).parent.as_posix()
        message = "git tracks bytecode of the recorder, which may be of other code than its source; it is not used"
        yield AuditFinding(path=folder, code="R203", run=None, message=message, hint=f"git rm -r --cached {folder}")


def _hidden_from_git(workspace: Workspace) -> Iterator[AuditFinding]:
    if git.toplevel(workspace.workdir) is None:
        return
    folders = [f.relative_to(workspace.workdir).as_posix() for f in records.manifest_directories(workspace)]
    for hidden in git.ignored_paths(workspace.workdir, [f"{f}/run.json" for f in folders]):
        place = f"{hidden.source}:{hidden.line}"
        message = f"git ignores the manifests here: {place} says {hidden.pattern}"
        hint = f"add the line !/{Path(hidden.path).parent}/ below that rule"
        yield AuditFinding(path=str(Path(hidden.path).parent), code="R201", run=None, message=message, hint=hint)
    request = b"".join(os.fsencode(f"{f}/run.json") + b"\0" for f in folders)
    fields = git.run_git(workspace.workdir, "check-attr", "--stdin", "-z", "filter", stdin=request).paths
    for folder, value in zip(folders, fields[2::3], strict=False):
        if value == "lfs":
            message = "git LFS would take the manifests: other clones get pointers in their place"
            yield AuditFinding(
                path=folder, code="R202", run=None, message=message, hint=f"add {folder}/** -filter to .gitattributes"
            )
