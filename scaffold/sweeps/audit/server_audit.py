"""What the research server says of a sweep's runs, against their manifests: for audit only, nothing is changed anywhere."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from scaffold.runs import manifests
from scaffold.runs.audit import AuditFinding
from scaffold.runs.model import Run
from scaffold.server import address
from scaffold.server.client import connect
from scaffold.server.errors import NotFound
from scaffold.sweeps.audit.model import SweepRecords
from scaffold.workspace import Workspace

if TYPE_CHECKING:
    from scaffold.server.client import ServerClient
    from scaffold.server.responses import ServerRun as Told

# the server's word for what a manifest says
WORDS = {
    "finished": ("finished",),
    "failed": ("failed",),
    "terminated": ("stopped", "failed"),
    "running": ("launching", "running"),
}


def findings(workspace: Workspace, kept: Sequence[SweepRecords]) -> Iterator[AuditFinding]:
    """Disagreements between ledgers and manifests here, and the server. Raises ScaffoldError where it cannot be asked."""
    with connect(address.require_url(workspace.answers), address.read_token(None)) as client:
        client.cluster()  # it looks at its runs first
        for one in kept:
            yield from _of_sweep(workspace, one, client)


def _of_sweep(workspace: Workspace, one: SweepRecords, client: ServerClient) -> Iterator[AuditFinding]:
    known: dict[str, dict[str, str]] = {}
    for name in one.book.names:
        for tried in one.book.tries(name):
            for handle in (*tried.earlier, tried.handle) if tried.backend == "server" else ():
                sweep_id, _, run_id = (handle or "").partition("/")
                if run_id:
                    known.setdefault(sweep_id, {})[run_id] = name
    for sweep_id, names in known.items():
        for run, message in _about(workspace, one, client, sweep_id, names):
            hint = "the manifest counts" if run else None
            yield AuditFinding(path=one.path, code="R307", run=run, message=message, hint=hint)


def _about(
    workspace: Workspace, one: SweepRecords, client: ServerClient, sweep_id: str, names: Mapping[str, str]
) -> Iterator[tuple[str | None, str]]:
    """What there is to say of one sweep on the server, `names` being its runs as the ledger knows them, by id."""
    try:
        there = client.sweep(sweep_id).run_ids
    except NotFound:
        yield (
            None,
            f"the research server does not know sweep {sweep_id} any more, with its {len(names)} runs (restarted?)",
        )
        return
    recorded = _recorded(workspace, one, names)
    for run_id in there:
        told = client.run(run_id)
        if run_id in names:
            if said := _against(recorded.get(run_id), told):
                yield names[run_id], said
        else:
            yield (
                None,
                f"the research server has a run {told.name or run_id} in sweep {sweep_id} that the ledger has not: {told.status}",
            )
    for run_id in sorted((names.keys() - set(there)) & recorded.keys()):
        yield names[run_id], "the research server does not know its run any more"


def _recorded(workspace: Workspace, one: SweepRecords, names: Mapping[str, str]) -> dict[str, Run]:
    """The manifests of runs by the server's id."""
    found = {}
    for name in set(names.values()):
        for run in one.runs.get(name, ()):
            try:
                tracking = manifests.read_manifest(workspace.workdir / run.path).get("tracking")
            except ValueError:
                continue
            run_id = tracking.get("run_id") if isinstance(tracking, dict) else None
            if run_id in names:
                found[str(run_id)] = run
    return found


def _against(run: Run | None, told: Told) -> str | None:
    """What the server says against a manifest; None where the two agree."""
    if run is None:
        over = told.status in ("finished", "failed", "stopped") and told.exit_code != 75
        return f"the research server calls it {told.status}{_code(told)}, and it has no manifest" if over else None
    if told.status not in WORDS.get(run.status, ()):
        return f"the research server calls it {told.status}{_code(told)}, its manifest says {run.status}"
    if run.status == "failed" and told.exit_code != run.exit_code:
        return f"the research server says exit {told.exit_code}, its manifest says exit {run.exit_code}"
    return None


def _code(told: Told) -> str:
    return f" (exit {told.exit_code})" if told.exit_code is not None else ""
