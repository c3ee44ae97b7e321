"""One run with its manifest -> what is wrong with its record: a rule for each code that `runs audit` gives."""

from __future__ import annotations

import contextlib
import shlex
import stat
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from scaffold.runs import manifests, recorded_file_presence, recorder, records_home, timestamps
from scaffold.runs.commit_retention import CommitCodeStates, CommitKeeper

if TYPE_CHECKING:
    from scaffold.runs.audit_inputs import ManifestFacts
    from scaffold.runs.model import Run
    from scaffold.runs.recorded_file_presence import RecordedFiles
    from scaffold.workspace import Workspace

CLOCK_SLACK_S = 2.0
ENDED = ("finished", "failed", "terminated")
# a + since the newest of the pins' commits is replaced as it grows; local pins hold what a patch would hide
PUSH = "git push ORIGIN '+refs/scaffold/*:refs/scaffold/*' '^refs/scaffold/local/*'"


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditedRun:
    """One run with what its manifest says, and what the rules need beside it.

    `outputs_are_final`: they may be read, and are to be as the run left them. `keepers` says what keeps the commits of all runs (None: git
    cannot be asked, which is said once), `digests` what complete manifests hashed to, by the uuids of their runs.
    """

    workspace: Workspace
    run: Run
    facts: ManifestFacts
    outputs_are_final: bool
    files: RecordedFiles
    keepers: Mapping[str, CommitKeeper] | None
    states: CommitCodeStates
    digests: Mapping[str, str]


AuditRule = Callable[[AuditedRun], Iterator[tuple[str, str | None]]]
RULES: dict[str, AuditRule] = {}


def register_audit_rule(code: str) -> Callable[[AuditRule], AuditRule]:
    """Register a rule: a generator of (message, hint)."""

    def add(function: AuditRule) -> AuditRule:
        RULES[code] = function
        return function

    return add


@register_audit_rule("R101")
def audit_log_files(case: AuditedRun) -> Iterator[tuple[str, str | None]]:
    """Both logs are there."""
    for path in () if case.run.only_in_home else (case.facts.stdout, case.facts.stderr):
        if fault := case.files.find_fault(path):
            yield f"its log {path} {fault}", None


@register_audit_rule("R102")
def audit_commit_exists(case: AuditedRun) -> Iterator[tuple[str, str | None]]:
    """The commit is in this repository."""
    if not case.facts.is_in_git:
        yield "its code is not known: it ran outside git, or git could not be asked", None
    elif case.run.commit is None:
        yield "it ran before the first commit", None
    elif case.keepers is not None and case.keepers[case.run.commit] is CommitKeeper.GONE:
        message = f"its commit {case.run.commit[:12]} is not in this repository"
        other = _same_code(case)
        if other is not None:
            yield f"{message}; {other[:12]} has the same code state", "runs rerun uses that one"
        else:
            yield message, "fetch it from a clone that pinned it: git fetch CLONE '+refs/scaffold/*:refs/scaffold/*'"


def _same_code(case: AuditedRun) -> str | None:
    if case.run.code is None:
        return None
    moment = timestamps.parse_timestamp(case.run.started_at)
    return case.states.nearest(case.run.code, moment)


@register_audit_rule("R109")
def audit_commit_on_branch(case: AuditedRun) -> Iterator[tuple[str, str | None]]:
    """A branch or a tag leads to the commit, or it is an idea's, which its study keeps."""
    keeper = (case.keepers or {}).get(case.run.commit or "")
    if keeper is CommitKeeper.NOTHING:
        message = f"nothing keeps its commit {str(case.run.commit)[:12]}: git forgets it with time"
        yield message, f"git tag NAME {case.run.commit}"
    elif keeper is CommitKeeper.PIN:
        message = f"no branch or tag has its commit {str(case.run.commit)[:12]}, which is pinned here only: a clone will not have it"
        if case.facts.is_pinned_locally:
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
    path = case.facts.patch
    if case.run.dirty and path is None:
        yield "its code was not committed, and no patch was saved", None
    elif path is not None and (fault := case.files.find_record_fault(path)):
        yield f"its patch {path} {fault}", None


@register_audit_rule("R105")
def audit_output_directory(case: AuditedRun) -> Iterator[tuple[str, str | None]]:
    """The output directory is there."""
    fault = None if case.run.only_in_home else case.files.find_fault(case.run.outputs, stat.S_ISDIR)
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
    if not case.outputs_are_final:
        return
    ended = timestamps.parse_timestamp(str(case.facts.ended_at)).timestamp()
    times = recorded_file_presence.list_file_change_times(f"{case.workspace.workdir}/{case.run.outputs}")
    changed = sorted(path for path, at in times if at > ended + CLOCK_SLACK_S)
    if changed:
        remainder = f" and {len(changed) - 3} more" if len(changed) > 3 else ""
        yield f"changed after it ended: {', '.join(changed[:3])}{remainder}", None
    if not case.facts.metrics_agree:
        yield "its metrics file no longer says what was recorded", None


@register_audit_rule("R108")
def audit_package_list(case: AuditedRun) -> Iterator[tuple[str, str | None]]:
    """The package list and the config snapshots are there."""
    for path in case.facts.records:
        if fault := case.files.find_record_fault(path):
            yield f"its record {path} {fault}", None


@register_audit_rule("R110")
def audit_copy_agrees(case: AuditedRun) -> Iterator[tuple[str, str | None]]:
    """The copy in the second home says the same."""
    copy = None if case.run.only_in_home else case.files.find_copy(case.run.path)
    if copy is None:
        return
    path = case.workspace.workdir / case.run.path
    if copy.samefile(path):
        return
    with contextlib.suppress(ValueError):  # one that cannot be read is a finding of its own
        manifest, other = manifests.read_manifest(path), manifests.read_manifest(copy)
        same_attempt = other.get("run") == manifest["run"] and other.get("status") == manifest["status"]
        if same_attempt and other != manifest:
            yield f"its copy in {copy.parent} says otherwise: one of the two was changed", "compare them: diff"


@register_audit_rule("R113")
def audit_manifest_unchanged(case: AuditedRun) -> Iterator[tuple[str, str | None]]:
    """It is as its recorder left it."""
    noted = case.digests.get(case.run.uuid)
    if noted is None or case.run.status not in ENDED:
        return
    if case.facts.digest != noted:
        path = case.workspace.workdir / case.run.path
        yield "it was changed after its run had ended, by hand or by a program", _whole_copy_hint(path, noted)


def _whole_copy_hint(path: Path, noted: str) -> str:
    """What brings back a manifest that hashes to `noted`."""
    for copy in records_home.candidate_record_paths(path):
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
