"""One run with its manifest -> what is wrong with its record: a rule for each code that `runs audit` gives."""

from __future__ import annotations

import contextlib
import os
import shlex
import stat
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scaffold import containment
from scaffold.runs import compare, manifests, recorder, records_home, timestamps
from scaffold.runs.code_commits import CodeStates, Keeper

if TYPE_CHECKING:
    from scaffold.runs.model import Run, Scalar
    from scaffold.workspace import Workspace

CLOCK_SLACK_S = 2.0
ENDED = ("finished", "failed", "terminated")
# a + since the newest of the pins' commits is replaced as it grows; local pins hold what a patch would hide
PUSH = "git push ORIGIN '+refs/scaffold/*:refs/scaffold/*' '^refs/scaffold/local/*'"


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditedRun:
    """One run with its whole manifest, what keeps the commits of all runs (None: git cannot be asked, which is said once), and what
    complete manifests hashed to, by the uuids of their runs."""

    workspace: Workspace
    run: Run
    manifest: Mapping[str, Any]
    keepers: Mapping[str, Keeper] | None
    states: CodeStates
    digests: Mapping[str, str]


AuditRule = Callable[[AuditedRun], Iterator[tuple[str, str | None]]]
RULES: dict[str, AuditRule] = {}


def register_audit_rule(code: str) -> Callable[[AuditRule], AuditRule]:
    """Register a rule: a generator of (message, hint)."""

    def add(function: AuditRule) -> AuditRule:
        RULES[code] = function
        return function

    return add


def _path_fault(workspace: Workspace, path: str, kind: Callable[[int], bool] = stat.S_ISREG) -> str | None:
    """What is wrong with a file, or a thing of another kind, that a record names; None where it is there."""
    try:
        return None if kind(workspace.locate(path).stat().st_mode) else "is something else"
    except (FileNotFoundError, NotADirectoryError):
        return "is missing"
    except OSError as error:
        return f"cannot be looked at ({error.strerror})"


def _record_fault(workspace: Workspace, path: str) -> str | None:
    """What is wrong with a file of the metadata directory that a manifest names; None where it, or its copy, is there."""
    fault = _path_fault(workspace, path)
    return None if fault == "is missing" and records_home.find_copy(workspace.workdir / path) else fault


@register_audit_rule("R101")
def audit_log_files(case: AuditedRun) -> Iterator[tuple[str, str | None]]:
    """Both logs are there."""
    for stream in () if case.run.only_in_home else ("stdout", "stderr"):
        path = case.manifest["paths"][stream]
        if fault := _path_fault(case.workspace, path):
            yield f"its log {path} {fault}", None


@register_audit_rule("R102")
def audit_commit_exists(case: AuditedRun) -> Iterator[tuple[str, str | None]]:
    """The commit is in this repository."""
    if case.manifest["git"] is None:
        yield "its code is not known: it ran outside git, or git could not be asked", None
    elif case.run.commit is None:
        yield "it ran before the first commit", None
    elif case.keepers is not None and case.keepers[case.run.commit] is Keeper.GONE:
        message = f"its commit {case.run.commit[:12]} is not in this repository"
        other = _same_code(case)
        if other is not None:
            yield f"{message}; {other[:12]} has the same code state", "runs rerun uses that one"
        else:
            yield message, "fetch it from a clone that pinned it: git fetch CLONE '+refs/scaffold/*:refs/scaffold/*'"


def _same_code(case: AuditedRun) -> str | None:
    if case.run.code is None:
        return None
    moment = timestamps.parse_timestamp(case.manifest["time"]["started_at"])
    return case.states.nearest(case.run.code, moment)


@register_audit_rule("R109")
def audit_commit_on_branch(case: AuditedRun) -> Iterator[tuple[str, str | None]]:
    """A branch or a tag leads to the commit."""
    keeper = (case.keepers or {}).get(case.run.commit or "")
    if keeper is Keeper.NOTHING:
        message = f"nothing keeps its commit {str(case.run.commit)[:12]}: git forgets it with time"
        yield message, f"git tag NAME {case.run.commit}"
    elif keeper is Keeper.PIN:
        message = f"no branch or tag has its commit {str(case.run.commit)[:12]}, which is pinned here only: a clone will not have it"
        if ((case.manifest["git"] or {}).get("pin") or {}).get("local"):
            message += "; its changes hold lines that a patch hides, and that push leaves out"
        yield message, f"{PUSH}, or scaffold runs export"


@register_audit_rule("R103")
def audit_seed_recorded(case: AuditedRun) -> Iterator[tuple[str, str | None]]:
    """The seed is recorded."""
    if case.run.seed is None:
        yield "it has no seed", "give --seed N, or a seed among the command's options"


@register_audit_rule("R104")
def audit_dirty_code_patch(case: AuditedRun) -> Iterator[tuple[str, str | None]]:
    """Uncommitted code is in a saved patch."""
    path = (case.manifest["git"] or {}).get("patch")
    if case.run.dirty and path is None:
        yield "its code was not committed, and no patch was saved", None
    elif path is not None and (fault := _record_fault(case.workspace, path)):
        yield f"its patch {path} {fault}", None


@register_audit_rule("R105")
def audit_output_directory(case: AuditedRun) -> Iterator[tuple[str, str | None]]:
    """The output directory is there."""
    fault = None if case.run.only_in_home else _path_fault(case.workspace, case.run.outputs, stat.S_ISDIR)
    if fault:
        yield f"its output directory {case.run.outputs} {fault}", None


@register_audit_rule("R106")
def audit_lost_run(case: AuditedRun) -> Iterator[tuple[str, str | None]]:
    """A run that says `running` is running."""
    if case.run.status == "lost":
        yield (
            "it is lost: it says running, and its recorder is gone",
            f"try again: scaffold runs rerun {case.run.label}",
        )


@register_audit_rule("R107")
def audit_results_unchanged(case: AuditedRun) -> Iterator[tuple[str, str | None]]:
    """Nothing in the outputs is newer than the run's end, and the metrics are those recorded."""
    if case.run.status not in ENDED or case.run.only_in_home:
        return
    ended = timestamps.parse_timestamp(case.manifest["time"]["ended_at"]).timestamp()
    outputs = case.workspace.workdir / case.run.outputs
    if not containment.is_contained(case.workspace.workdir, case.run.outputs):
        return
    changed = sorted(path for path, at in _changed_times(outputs) if at > ended + CLOCK_SLACK_S)
    if changed:
        remainder = f" and {len(changed) - 3} more" if len(changed) > 3 else ""
        yield f"changed after it ended: {', '.join(changed[:3])}{remainder}", None
    current = _current_metrics(outputs)
    # what was printed is in no file; and what a file says of more names than an earlier recorder took over is no change
    recorded = {k: v for k, v in case.run.metrics.items() if k not in case.run.metric_sources}
    if current is not None and compare.unequal_metrics(
        recorded, {k: v for k, v in current.items() if k in recorded or not recorded}, 0.0
    ):
        yield "its metrics file no longer says what was recorded", None


def _current_metrics(outputs: Path) -> dict[str, Scalar] | None:
    """What a run's metrics files say now, as the recorder reads them; None where there are none, or they may not be read."""
    if not any(os.access(outputs / name, os.R_OK) for name in ("metrics.json", "metrics.jsonl")):
        return None
    metrics: dict[str, Scalar] = recorder.manifest.final_metrics(str(outputs))
    return metrics


def _changed_times(folder: Path) -> Iterator[tuple[str, float]]:
    """The files below a folder and when they last changed; what goes away meanwhile, or may not be looked at, is left out."""
    for base, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):
                info = Path(base, name).lstat()
                if stat.S_ISREG(info.st_mode):
                    yield Path(base, name).relative_to(folder).as_posix(), info.st_mtime


@register_audit_rule("R108")
def audit_package_list(case: AuditedRun) -> Iterator[tuple[str, str | None]]:
    """The package list and the config snapshots are there."""
    paths = case.manifest["paths"]
    for path in [case.manifest["environment"]["packages"], paths.get("stdin"), *paths["configs"]]:
        if path is not None and (fault := _record_fault(case.workspace, path)):
            yield f"its record {path} {fault}", None


@register_audit_rule("R110")
def audit_copy_agrees(case: AuditedRun) -> Iterator[tuple[str, str | None]]:
    """The copy in the second home says the same."""
    copy = None if case.run.only_in_home else records_home.find_copy(case.workspace.workdir / case.run.path)
    if copy is None or copy.samefile(case.workspace.workdir / case.run.path):
        return
    with contextlib.suppress(ValueError):  # one that cannot be read is a finding of its own
        other = manifests.read_manifest(copy)
        same_attempt = other.get("run") == case.manifest["run"] and other.get("status") == case.manifest["status"]
        if same_attempt and other != case.manifest:
            yield f"its copy in {copy.parent} says otherwise: one of the two was changed", "compare them: diff"


@register_audit_rule("R113")
def audit_unchanged(case: AuditedRun) -> Iterator[tuple[str, str | None]]:
    """It is as its recorder left it."""
    noted = case.digests.get(case.run.uuid)
    if noted is None or case.run.status not in ENDED:
        return
    path = case.workspace.workdir / case.run.path
    with contextlib.suppress(OSError):  # what cannot be read is a finding of its own
        # git may have written it with other ends of lines
        data = path.read_bytes().replace(b"\r\n", b"\n")
        if recorder.records_home.content_digest(data) != noted:
            yield "it was changed after its run had ended, by hand or by a program", _whole_copy_hint(path, noted)


def _whole_copy_hint(path: Path, noted: str) -> str:
    """What brings back a manifest that hashes to `noted`."""
    for copy in records_home.list_places(path):
        with contextlib.suppress(OSError):
            if recorder.records_home.content_digest(copy.read_bytes()) == noted:
                return f"cp {shlex.quote(str(copy))} {shlex.quote(str(path))}"
    return "an older commit may have it as it was: git log -p -- its path; else withdraw the run, or run it again"


@register_audit_rule("R111")
def audit_seed_reaches_command(case: AuditedRun) -> Iterator[tuple[str, str | None]]:
    """The seed reached the command."""
    if case.run.seed_source == "label":
        yield (
            f"its seed {case.run.seed} is a mere label: nothing shows that it reached the command",
            "write it into the command, or have the script read $RUN_SEED",
        )
