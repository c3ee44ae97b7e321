"""What the research server says of a sweep's runs, against their manifests: for audit only, nothing is changed anywhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from scaffold.backends.start_tokens import NO_TOKEN
from scaffold.runs import manifests
from scaffold.runs.audit import AuditFinding
from scaffold.runs.model import Run
from scaffold.server import address, trusted_servers
from scaffold.server.client import make_server_client
from scaffold.server.errors import ServerResourceNotFound
from scaffold.sweeps.audit.sweep_records import SweepRecords
from scaffold.workspace import Workspace

if TYPE_CHECKING:
    from scaffold.server.client import ServerClient
    from scaffold.server.responses import ServerRun

# the server's words for what a manifest says
SERVER_STATUSES = {
    "finished": ("finished",),
    "failed": ("failed",),
    "terminated": ("stopped", "failed"),
    "running": ("launching", "running"),
}


def audit_sweeps_against_server(
    workspace: Workspace, sweeps: Sequence[SweepRecords], inform: Callable[[str], None]
) -> Iterator[AuditFinding]:
    """Disagreements between ledgers and manifests here, and the server. Raises ScaffoldError where it cannot be asked.

    What a restart made the server forget is no finding where the files here are whole: `inform` is told.
    """
    url = address.require_url(workspace.answers)
    with make_server_client(url, trusted_servers.token_for_confirmed_server(url)) as client:
        client.cluster()  # it looks at its runs first
        for sweep in sweeps:
            yield from _audit_sweep(workspace, sweep, client, inform)


def _audit_sweep(
    workspace: Workspace, sweep: SweepRecords, client: ServerClient, inform: Callable[[str], None]
) -> Iterator[AuditFinding]:
    names_by_sweep: dict[str, dict[str, str]] = {}
    for name in sweep.ledger.run_names:
        for submission in sweep.ledger.submissions(name):
            for job_id in submission.job_ids if submission.backend == "server" else ():
                sweep_id, _, run_id = job_id.partition("/")
                if run_id:
                    names_by_sweep.setdefault(sweep_id, {})[run_id] = name
    for sweep_id, names in names_by_sweep.items():
        if not _is_known(client, sweep_id):
            message = (
                f"the research server does not know sweep {sweep_id} any more, with its {len(names)} runs (restarted?)"
            )
            if all(_has_ended(sweep, name) for name in names.values()):
                inform(f"{sweep.path}: {message}; what they were is whole here")
            else:
                yield AuditFinding(path=sweep.path, code="R307", run=None, message=message, hint=None)
            continue
        for run, message in _compare_sweep(workspace, sweep, client, sweep_id, names):
            hint = "the manifest counts" if run else None
            yield AuditFinding(path=sweep.path, code="R307", run=run, message=message, hint=hint)


def _is_known(client: ServerClient, sweep_id: str) -> bool:
    try:
        client.sweep(sweep_id)
    except ServerResourceNotFound:
        return False
    return True


def _has_ended(sweep: SweepRecords, name: str) -> bool:
    """Whether a manifest of a run says how it ended."""
    return any(run.status in ("finished", "failed", "terminated") for run in sweep.runs.get(name, ()))


def _compare_sweep(
    workspace: Workspace, sweep: SweepRecords, client: ServerClient, sweep_id: str, names: Mapping[str, str]
) -> Iterator[tuple[str | None, str]]:
    """(run or None, message) of one sweep on the server, `names` being its runs as the ledger knows them, by id."""
    run_ids = client.sweep(sweep_id).run_ids
    by_id = _runs_by_id(workspace, sweep, names)
    for run_id in run_ids:
        on_server = client.run(run_id)
        if run_id not in names:
            unknown = (
                f"the research server has a run {on_server.name or run_id} in sweep {sweep_id} that the ledger has not"
            )
            yield None, f"{unknown}: {on_server.status}"
        elif message := _disagreement(by_id.get(run_id), on_server):
            yield names[run_id], message
    for run_id in sorted((names.keys() - set(run_ids)) & by_id.keys()):
        yield names[run_id], "the research server does not know its run any more"


def _runs_by_id(workspace: Workspace, sweep: SweepRecords, names: Mapping[str, str]) -> dict[str, Run]:
    """The runs that have a manifest, by the server's id."""
    runs = {}
    for name in set(names.values()):
        for run in sweep.runs.get(name, ()):
            try:
                tracking = manifests.read_manifest(workspace.workdir / run.path).get("tracking")
            except ValueError:
                continue
            run_id = tracking.get("run_id") if isinstance(tracking, dict) else None
            if run_id in names:
                runs[str(run_id)] = run
    return runs


def _disagreement(run: Run | None, on_server: ServerRun) -> str | None:
    """What the server says against a manifest; None where the two agree."""
    if run is None:
        # that it ran nothing is what a launcher without a start token says, and no disagreement
        ended = on_server.status in ("finished", "failed", "stopped") and on_server.exit_code != NO_TOKEN
        return (
            f"the research server calls it {on_server.status}{_exit_code_text(on_server)}, and it has no manifest"
            if ended
            else None
        )
    if on_server.status not in SERVER_STATUSES.get(run.status, ()):
        return f"the research server calls it {on_server.status}{_exit_code_text(on_server)}, its manifest says {run.status}"
    if run.status == "failed" and on_server.exit_code != run.exit_code:
        return f"the research server says exit {on_server.exit_code}, its manifest says exit {run.exit_code}"
    return None


def _exit_code_text(run: ServerRun) -> str:
    return f" (exit {run.exit_code})" if run.exit_code is not None else ""
