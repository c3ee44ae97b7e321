"""How runs are answered with: read, found by name, as a line of a list, as an object of --json, as facts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from scaffold.cli.common import output
from scaffold.runs import moments

if TYPE_CHECKING:
    from scaffold.runs.manifests import Records, Run, Scalar
    from scaffold.workspace import Workspace


def read_records(workspace: Workspace) -> Records:
    """All records, with a warning for each that is damaged."""
    from scaffold.runs import manifests

    found = manifests.records(workspace)
    output.warn_first([f"{bad.path} cannot be read: {bad.reason}" for bad in found.damaged])
    return found


def as_json(workspace: Workspace, run: Run) -> dict[str, Any]:
    """A run for --json; of a live one how far it is."""
    row = run._asdict()
    if run.status == "running":
        from scaffold.runs import progress

        row["metrics"], row["last_line"] = progress.newest(workspace, run)
        row["elapsed_s"] = progress.elapsed(run, moments.now())
    return row


def row_of(workspace: Workspace, run: Run) -> list[str]:
    """A run's line in a list."""
    from scaffold.runs import progress

    last, said = (run.metrics, "") if run.status != "running" else progress.newest(workspace, run)
    end = run.signal or ("" if run.exit_code in (None, 0) else f"exit {run.exit_code}")
    took = moments.duration(progress.elapsed(run, moments.now())) if run.status != "lost" else ""
    return [
        run.label,
        run.status,
        run.started_at[:16].replace("T", " "),
        took,
        " ".join(filter(None, [end, metrics(last, 4), said[:60]])),
    ]


def metrics(found: Mapping[str, Scalar], most: int | None = None) -> str:
    """The first metrics (None: all) as text."""
    pairs = list(found.items())[:most]
    return " ".join(f"{k}={v:.5g}" if isinstance(v, float) else f"{k}={v}" for k, v in pairs)


def one(workspace: Workspace, name: str, *, finished: bool = False) -> tuple[Run, dict[str, Any]]:
    """A run by its name, with its whole manifest. Raises ScaffoldError."""
    from scaffold.errors import ScaffoldError
    from scaffold.runs import choose, manifests

    run = choose.one(read_records(workspace).runs, name, finished=finished)
    try:
        return run, manifests.read_whole(workspace.workdir / run.path)
    except ValueError as error:
        raise ScaffoldError(f"{run.path} cannot be read: {error}") from error


def facts(run: Run, manifest: dict[str, Any]) -> list[list[str]]:
    """What `runs show` says of a run before its logs."""
    git = manifest["git"] or {}
    code = f"{(git.get('commit') or 'no commit')[:12]} {git.get('branch') or ''} {'dirty' if git.get('dirty') else ''}"
    environment = manifest["environment"]
    used = manifest["resources"]
    memory = f"{used['max_rss_bytes'] / 2**20:.0f} MiB" if used["max_rss_bytes"] is not None else ""
    rows = [
        ["run", run.label],
        ["status", " ".join([run.status, run.signal or (f"exit {run.exit_code}" if run.exit_code else "")]).strip()],
        ["command", manifest["command"]["shell"]],
        ["in", manifest["command"]["cwd"]],
        ["seed", "none" if run.seed is None else str(run.seed)],
        ["params", " ".join(f"{k}={v}" for k, v in run.params.items())],
        ["metrics", metrics(run.metrics)],
        ["code", code.strip() if manifest["git"] else "not in git"],
        ["patch", git.get("patch") or ""],
        ["task", run.task or ""],
        ["started", run.started_at],
        ["took", "" if run.duration_s is None else moments.duration(run.duration_s)],
        ["used", f"{memory}, {used['user_s']} s user, {used['system_s']} s system" if memory else ""],
        ["host", " ".join([manifest["host"]["hostname"], *(g["name"] for g in manifest["host"]["gpus"])])],
        ["python", " ".join(filter(None, [environment["python"], environment["executable"]]))],
        ["outputs", run.outputs],
        ["manifest", run.path],
    ]
    return [row for row in rows if row[1]]
