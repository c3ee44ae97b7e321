"""Sheets, ledgers, tickets, plan and manifests -> findings: whether every run was asked for, tracked, and accounted for.

The research server is asked only when that is wanted; its word is a second opinion, and the manifest counts.
"""

from __future__ import annotations

import socket
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from scaffold.backends import start_tokens
from scaffold.backends.choose import server_url
from scaffold.errors import ScaffoldError
from scaffold.plan.document import parse
from scaffold.runs import manifests, records
from scaffold.runs.audit import AuditFinding
from scaffold.runs.model import Run
from scaffold.sweeps.audit.model import SweepRecords
from scaffold.sweeps.launch import ledger, states
from scaffold.sweeps.launch.ledger import Try
from scaffold.sweeps.launch.observer import Place, gone
from scaffold.sweeps.spec import sweep_file
from scaffold.sweeps.spec.model import SMOKE_SUFFIX
from scaffold.workspace import Workspace


def audit(workspace: Workspace, *, server: bool = False) -> list[AuditFinding]:
    """All findings, by path. `server`: the research server is asked too. Raises ScaffoldError where it cannot be."""
    runs = records.read_records(workspace).runs
    attempts = defaultdict(list)
    for run in runs:
        attempts[run.name].append(run)
    findings: list[AuditFinding] = []
    kept = [one for name in _names(workspace) if (one := _kept(workspace, name, attempts, findings)) is not None]
    known = _sweeps(workspace)
    findings += _of_runs(workspace, runs, known, {one.name: one for one in kept})
    for one in kept:
        findings += _of_tries(one)
        findings += _of_tickets(workspace, one)
    if server:
        from scaffold.sweeps.audit import server_audit

        findings += server_audit.findings(workspace, kept)
    return sorted(findings, key=lambda f: (f.path, f.code, f.message))


def _inside(workspace: Workspace, path: Path) -> str:
    return path.relative_to(workspace.workdir.absolute()).as_posix()


def _names(workspace: Workspace) -> list[str]:
    """Sweeps that something was asked for: those with a ledger, or a folder of launchers."""
    folder = sweep_file.sweeps_folder(workspace)
    found = {path.name.removesuffix(".ledger.json") for path in folder.glob("*.ledger.json")}
    return sorted(found | {path.name for path in folder.glob("[!.]*") if path.is_dir()})


def _sweeps(workspace: Workspace) -> frozenset[str]:
    """Sweeps that are known: by a sheet or a ledger; a sweep's smoke sweep is known with it."""
    named = {
        *sweep_file.sweep_names(workspace),
        *(n for n in _names(workspace) if Place.of(workspace, n).ledger.exists()),
    }
    return frozenset(named | {name + SMOKE_SUFFIX for name in named})


def _kept(
    workspace: Workspace, name: str, attempts: Mapping[str, Sequence[Run]], findings: list[AuditFinding]
) -> SweepRecords | None:
    place = Place.of(workspace, name)
    path = _inside(workspace, place.ledger)
    try:
        book = ledger.read(place.ledger, name)
    except ScaffoldError as error:
        findings.append(AuditFinding(path=path, code="R301", run=None, message=error.message, hint=error.hint))
        return None
    return SweepRecords(name=name, place=place, path=path, book=book, runs=attempts)


def _of_runs(
    workspace: Workspace, runs: Iterable[Run], known: frozenset[str], kept: Mapping[str, SweepRecords]
) -> Iterator[AuditFinding]:
    """Manifests that lead nowhere: past the server, to a sweep or a task that there is not."""
    tasks = _tasks(workspace)
    url = server_url(workspace)
    for run in runs:
        if run.sweep is not None and run.sweep not in known:
            yield _about(run, "R303", f"its sweep {run.sweep} is not known here: it has neither a sheet nor a ledger")
        if run.task is not None and tasks is not None and run.task not in tasks:
            yield _about(run, "R304", f"its task {run.task} is not in the plan")
        if url and _went_past(workspace, run, kept):
            yield _about(
                run,
                "R305",
                f"it ran past the research server {url}, which nobody asked for by name",
                "run sweeps with `scaffold sweep launch`; another backend is asked for with --backend",
            )


def _about(run: Run, code: str, message: str, hint: str | None = None) -> AuditFinding:
    return AuditFinding(path=run.path, code=code, run=run.label, message=message, hint=hint)


def _tasks(workspace: Workspace) -> frozenset[str] | None:
    """The tasks of the plan; None where there is no plan to ask."""
    try:
        text = workspace.tasks.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None
    return frozenset(task.id for task in parse.parse_plan(text).tasks if task.id) or None


def _went_past(workspace: Workspace, run: Run, kept: Mapping[str, SweepRecords]) -> bool:
    """Whether a run was not the server's, and no ledger says that another backend was to run it.

    Where a server is set, a try can only be another backend's because that was asked for by name (choose.name).
    """
    backend = _backend(workspace, run)
    one = kept.get(run.sweep or "")
    asked = {tried.backend for tried in one.book.tries(run.name)} if one else set()
    return backend not in (None, "server", *asked)


def _backend(workspace: Workspace, run: Run) -> str | None:
    """Who ran it, as its manifest says; None where it cannot be read."""
    try:
        found = manifests.read_manifest(workspace.workdir / run.path)
    except ValueError:
        return None
    tracking = found.get("tracking")
    return str(tracking.get("backend")) if isinstance(tracking, dict) else None


def _of_tries(one: SweepRecords) -> Iterator[AuditFinding]:
    """Tries that were started and left no manifest."""
    here, now = socket.gethostname(), time.time()
    for name in one.book.names:
        tried = one.book.newest(name)
        ticket = start_tokens.read(one.place.folder, name)
        sight = states.Sight(ticket, gone(ticket, here), None)
        found = states.of(name, tried, one.runs.get(name, ()), sight, here=here, now=now)
        if tried is None or not _is_lost(found, tried):
            continue
        message = f"try {tried.number} on {tried.backend} left no manifest: {found.reason or 'it is lost'}"
        hint = f"scaffold sweep launch {one.name} --retry lost"
        yield AuditFinding(path=one.path, code="R302", run=name, message=message, hint=hint)


def _is_lost(found: states.State, tried: Try) -> bool:
    """Whether a try is over without a manifest (one that has a manifest is reported with it, R106)."""
    has_manifest = found.run is not None and found.run.attempt > tried.after
    return found.state == "lost" and not has_manifest


def _of_tickets(workspace: Workspace, one: SweepRecords) -> Iterator[AuditFinding]:
    """Tickets that would let a launcher start what nobody asks for any more."""
    for name in sorted(start_tokens.there(one.place.folder)):
        ticket = start_tokens.read(one.place.folder, name)
        if ticket is None:
            continue
        reason = _left_over(one, name, ticket)
        if reason is not None:
            path = one.place.folder / f"{name}.{'taken' if ticket.taken else 'ticket'}"
            hint = "nothing needs it: it can be deleted" if not ticket.taken else None
            yield AuditFinding(path=_inside(workspace, path), code="R306", run=name, message=reason, hint=hint)


def _left_over(one: SweepRecords, name: str, ticket: start_tokens.Ticket) -> str | None:
    tried = one.book.newest(name)
    if tried is None:
        return "a ticket of a run that the ledger knows nothing of"
    if ticket.taken:
        return None
    if tried.withdrawn:
        return f"a ticket of try {ticket.number}, which was taken back"
    done = [run.status for run in one.runs.get(name, ()) if run.attempt > tried.after and run.status != "running"]
    if done or "finished" in [run.status for run in one.runs.get(name, ())]:
        return f"a ticket of try {ticket.number}, although the run is {done[-1] if done else 'finished'}"
    return None
