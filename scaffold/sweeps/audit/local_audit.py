"""Sweeps' files, ledgers, start tokens, plan and manifests -> findings: whether every run was asked for, tracked, and accounted for.

The research server is asked only when that is wanted; its word is a second opinion, and the manifest counts.
"""

from __future__ import annotations

import os
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from scaffold.backends import start_tokens
from scaffold.backends.choose import server_url
from scaffold.errors import ScaffoldError
from scaffold.plan.document import parse
from scaffold.runs import manifests, records_home
from scaffold.runs.audit import AuditFinding
from scaffold.runs.model import SMOKE_SUFFIX, TRIAL_EXPERIMENT, Run
from scaffold.sweeps.audit.sweep_records import SweepRecords, launched_sweeps, path_in_workdir, read_sweep_records
from scaffold.sweeps.launch.observer import is_taker_gone
from scaffold.sweeps.launch.run_states import RunObservation, derive_state
from scaffold.sweeps.spec import sweep_paths
from scaffold.sweeps.spec.sweep_paths import launched_sweep_paths
from scaffold.workspace import Workspace


def audit_sweeps(
    workspace: Workspace,
    runs: Sequence[Run],
    *,
    server: bool = False,
    inform: Callable[[str], None] = lambda text: None,
) -> list[AuditFinding]:
    """All findings about sweeps and all `runs` of a workspace, by path.

    `server`: the research server is asked too; `inform` is told what is worth knowing and no finding.

    Raises ScaffoldError where the server cannot be asked.
    """
    attempts = defaultdict(list)
    for run in runs:
        attempts[run.name].append(run)
    findings: list[AuditFinding] = []
    sweeps: dict[str, SweepRecords] = {}
    for name in launched_sweeps(workspace):
        try:
            sweeps[name] = read_sweep_records(workspace, name, attempts)
        except ScaffoldError as error:
            path = path_in_workdir(workspace, launched_sweep_paths(workspace, name).ledger)
            findings.append(AuditFinding(path=path, code="R301", run=None, message=error.message, hint=error.hint))
    findings += _audit_runs(workspace, runs, sweeps)
    for sweep in sweeps.values():
        findings += _audit_submissions(sweep)
        findings += _audit_tokens(workspace, sweep)
    if server:
        from scaffold.sweeps.audit import server_audit

        findings += server_audit.audit_sweeps_against_server(workspace, list(sweeps.values()), inform)
    return sorted(findings, key=lambda f: (f.path, f.code, f.message))


def _known_sweeps(workspace: Workspace) -> frozenset[str]:
    """Sweeps that have a file or a ledger; a sweep's smoke sweep is known with it."""
    launched = (
        n
        for n in launched_sweeps(workspace)
        if records_home.locate_record(launched_sweep_paths(workspace, n).ledger).exists()
    )
    names = {*sweep_paths.sweep_names(workspace), *launched}
    return frozenset(names | {name + SMOKE_SUFFIX for name in names})


def _audit_runs(
    workspace: Workspace, runs: Iterable[Run], sweeps: Mapping[str, SweepRecords]
) -> Iterator[AuditFinding]:
    """Manifests that lead nowhere: past the server, to a sweep or a task that there is not."""
    known_sweeps = _known_sweeps(workspace)
    tasks = _plan_tasks(workspace)
    url = server_url(workspace)
    runs = list(runs)
    first_backends = {run.name: _backend_of(workspace, run) for run in runs if url and run.attempt == 1}
    for run in runs:
        if run.sweep is not None and run.sweep not in known_sweeps:
            yield _run_finding(
                run, "R303", f"its sweep {run.sweep} is not known here: it has neither a sweep file nor a ledger"
            )
        if run.task is not None and tasks is not None and run.task not in tasks:
            yield _run_finding(run, "R304", f"its task {run.task} is not in the plan")
        if url and _bypassed_server(workspace, run, sweeps) and not _is_prescribed(workspace, run, first_backends):
            yield _run_finding(
                run,
                "R305",
                f"it ran past the research server {url}, which nobody asked for by name",
                "run sweeps with `scaffold sweep launch`; another backend is asked for with --backend",
            )


def _run_finding(run: Run, code: str, message: str, hint: str | None = None) -> AuditFinding:
    return AuditFinding(path=run.path, code=code, run=run.label, message=message, hint=hint)


def _plan_tasks(workspace: Workspace) -> frozenset[str] | None:
    """The tasks of the plan; None where there is no plan to ask."""
    try:
        text = workspace.tasks.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None
    return frozenset(task.id for task in parse.parse_plan(text).tasks if task.id) or None


def _bypassed_server(workspace: Workspace, run: Run, sweeps: Mapping[str, SweepRecords]) -> bool:
    """Whether a run was not the server's, and no ledger says that another backend was to run it.

    Where a server is set, a submission can only be another backend's because that was asked for by name (choose.choose_backend).
    """
    if run.sweep is None and run.experiment == TRIAL_EXPERIMENT:
        return False
    sweep = sweeps.get(run.sweep or "")
    requested = {submission.backend for submission in sweep.ledger.submissions(run.name)} if sweep else set()
    return _backend_of(workspace, run) not in (None, "server", *requested)


def _is_prescribed(workspace: Workspace, run: Run, first_backends: Mapping[str, str | None]) -> bool:
    """Whether the plan itself has it done here: a look at the options, a quick try, a rerun of what ran on the server."""
    if run.is_smoke_test or (run.attempt > 1 and first_backends.get(run.name) == "server"):
        return True
    try:
        argv = manifests.read_manifest(workspace.workdir / run.path)["command"]["argv"]
    except (ValueError, KeyError, TypeError):
        return False
    return bool({"--help", "-h"}.intersection(argv))


def _backend_of(workspace: Workspace, run: Run) -> str | None:
    """Who ran it, as its manifest says; None where it cannot be read."""
    try:
        manifest = manifests.read_manifest(workspace.workdir / run.path)
    except ValueError:
        return None
    tracking = manifest.get("tracking")
    return str(tracking.get("backend")) if isinstance(tracking, dict) else None


def _audit_submissions(sweep: SweepRecords) -> Iterator[AuditFinding]:
    """Submissions that were started and left no manifest; one that has a manifest is reported with it (R106)."""
    hostname, now = os.uname().nodename, time.time()
    for name in sweep.ledger.run_names:
        submission, runs = sweep.ledger.newest_submission(name), sweep.runs.get(name, ())
        token = start_tokens.read_start_token(sweep.paths.folder, name)
        seen = RunObservation(token, is_taker_gone(token))
        state = derive_state(name, submission, runs, seen, hostname=hostname, now=now)
        if submission is None or state.state != "lost" or (state.run and state.run.attempt > submission.after):
            continue
        message = f"try {submission.number} on {submission.backend} left no manifest: {state.reason or 'it is lost'}"
        hint = f"scaffold sweep launch {sweep.name} --retry lost"
        yield AuditFinding(path=sweep.path, code="R302", run=name, message=message, hint=hint)


def _audit_tokens(workspace: Workspace, sweep: SweepRecords) -> Iterator[AuditFinding]:
    """Start tokens that would let a launcher start what nobody asks for any more."""
    for name in sorted(start_tokens.list_start_tokens(sweep.paths.folder)):
        token = start_tokens.read_start_token(sweep.paths.folder, name)
        reason = _leftover_reason(sweep, name, token) if token else None
        if token and reason is not None:
            path = sweep.paths.folder / f"{name}.{'taken' if token.taken else 'ticket'}"
            hint = "nothing needs it: it can be deleted" if not token.taken else None
            where = path_in_workdir(workspace, path)
            yield AuditFinding(path=where, code="R306", run=name, message=reason, hint=hint)


def _leftover_reason(sweep: SweepRecords, name: str, token: start_tokens.StartToken) -> str | None:
    submission = sweep.ledger.newest_submission(name)
    if submission is None:
        return "a ticket of a run that the ledger knows nothing of"
    if token.taken:
        return None
    if submission.withdrawn:
        return f"a ticket of try {token.number}, which was taken back"
    runs = sweep.runs.get(name, ())
    ended = [run.status for run in runs if run.attempt > submission.after and run.status != "running"]
    if ended or "finished" in [run.status for run in runs]:
        return f"a ticket of try {token.number}, although the run is {ended[-1] if ended else 'finished'}"
    return None
