"""How runs are answered with: read, found by name, as a line of a list, as an object of --json, as facts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from scaffold.cli.common import output
from scaffold.runs import timestamps

if TYPE_CHECKING:
    from scaffold.runs.model import Run, Scalar
    from scaffold.runs.records import RunRecords
    from scaffold.workspace import Workspace

STATUSES = ("running", "finished", "failed", "terminated", "lost")
# how its command was read: the manifest, which `runs show` prints, has it whole
INTERNAL_FIELDS = ("metric_sources", "form", "words", "configs", "scripts")


def read_records_with_warnings(workspace: Workspace, *, with_home: bool = True) -> RunRecords:
    """All records, with a warning for each that is damaged; without `with_home` those of this working tree alone."""
    from scaffold.runs import records

    run_records = records.read_records(workspace, with_home=with_home)
    output.print_limited_warnings(
        [f"{damaged.path} cannot be read: {damaged.reason}" for damaged in run_records.damaged]
    )
    return run_records


def warn_of_runs_outside_worktree(runs: Iterable[Run]) -> None:
    """Say on stderr how many of the runs shown this working tree has no record of."""
    import click

    if number := sum(run.only_in_home for run in runs):
        click.echo(f"{number} of these not in this working tree, but kept by git: scaffold runs restore", err=True)


def run_json(workspace: Workspace, run: Run) -> dict[str, Any]:
    """A run for --json; of a live one how far it is."""
    row = {name: value for name, value in run._asdict().items() if name not in INTERNAL_FIELDS}
    if run.status == "running":
        from scaffold.observations import latest_values
        from scaffold.runs import live_progress

        row["metrics"], row["last_line"] = latest_values.latest_metrics(workspace, run)
        row["elapsed_s"] = live_progress.elapsed_seconds(run, timestamps.utc_now())
    return row


def format_run_row(workspace: Workspace, run: Run) -> list[str]:
    """A run's line in a list."""
    from scaffold.observations import latest_values

    metrics, line = (run.metrics, "") if run.status != "running" else latest_values.latest_metrics(workspace, run)
    rest = [*_remarks(run), _end(run), format_metrics(metrics, 4), line[:60]]
    return [*_start_of_row(run), " ".join(filter(None, rest))]


def _start_of_row(run: Run) -> list[str]:
    """Name, state, start and duration of a run."""
    from scaffold.runs import live_progress

    elapsed = None if run.status == "lost" else live_progress.elapsed_seconds(run, timestamps.utc_now())
    return [run.label, run.status, run.started_at[:16].replace("T", " "), timestamps.format_duration(elapsed)]


def _end(run: Run) -> str:
    """How a run ended, where not well."""
    return run.signal or ("" if run.exit_code in (None, 0) else f"exit {run.exit_code}")


def format_run_table(workspace: Workspace, runs: Sequence[Run]) -> list[list[str]]:
    """Runs for a terminal: a header, then of each its name, state, start, duration, one metric, and why it failed or does not count.

    The metric is the workspace's primary one where any run has it; else the first that a run has, with its name.
    """
    from scaffold.observations import latest_values
    from scaffold.observations.directions import MetricDirections
    from scaffold.results.evidence.failure_cause import find_failure_cause

    latest = [
        (run.metrics, "") if run.status != "running" else latest_values.latest_metrics(workspace, run) for run in runs
    ]
    names = list(dict.fromkeys(name for metrics, _ in latest for name in metrics))
    metric = MetricDirections(workspace).find_primary(names) or (names[0] if len(names) == 1 else None)
    rows = [["run", "state", "started", "took", metric or "metric", ""]]
    for run, (metrics, line) in zip(runs, latest, strict=True):
        value = format_metrics(metrics, 1) if metric is None else _format_value(metrics.get(metric, ""))
        end = find_failure_cause(workspace, run) if run.status in ("failed", "terminated") else ""
        rows.append([*_start_of_row(run), value, " ".join(filter(None, [*_remarks(run), end, line[:60]]))])
    return rows


def _remarks(run: Run) -> Iterator[str]:
    """Why a run does not count, where it does not, and where its record lies."""
    if run.withdrawn is not None:
        yield f"(withdrawn: {run.withdrawn})"
    if run.purpose != "run":
        yield f"({run.purpose})"
    if run.only_in_home:
        yield "(not here)"


def format_metrics(metrics: Mapping[str, Scalar], limit: int | None = None) -> str:
    """The first metrics (None: all) as text."""
    return " ".join(f"{name}={_format_value(value)}" for name, value in list(metrics.items())[:limit])


def _format_value(value: Scalar) -> str:
    return f"{value:.5g}" if isinstance(value, float) else str(value)


def find_run_and_manifest(workspace: Workspace, name: str, *, finished: bool = False) -> tuple[Run, dict[str, Any]]:
    """A run by its name, with its whole manifest. Raises ScaffoldError."""
    from scaffold.errors import ScaffoldError
    from scaffold.runs import lookup, manifests

    run = lookup.find_run(read_records_with_warnings(workspace).runs, name, finished=finished)
    try:
        return run, manifests.read_valid_manifest(workspace.workdir / run.path)
    except ValueError as error:
        raise ScaffoldError(f"{run.path} cannot be read: {error}") from error


def _describe_seed(run: Run) -> str:
    reached = {
        "label": " (a label: nothing shows that it reached the command)",
        "environment": " (from the environment)",
    }
    return "none" if run.seed is None else f"{run.seed}{reached.get(run.seed_source or '', '')}"


def format_run_details(run: Run, manifest: dict[str, Any]) -> list[list[str]]:
    """What `runs show` says of a run before its logs."""
    git = manifest["git"] or {}
    code = f"{(git.get('commit') or 'no commit')[:12]} {git.get('branch') or ''} {'dirty' if git.get('dirty') else ''}"
    environment = manifest["environment"]
    resources = manifest["resources"]
    memory = f"{resources['max_rss_bytes'] / 2**20:.0f} MiB" if resources["max_rss_bytes"] is not None else ""
    rows = [
        ["run", run.label],
        ["status", " ".join([run.status, run.signal or (f"exit {run.exit_code}" if run.exit_code else "")]).strip()],
        ["command", manifest["command"]["shell"]],
        ["in", manifest["command"]["cwd"]],
        ["withdrawn", run.withdrawn or ""],
        ["purpose", "" if run.purpose == "run" else run.purpose],
        ["seed", _describe_seed(run)],
        ["params", " ".join(f"{k}={v}" for k, v in run.params.items())],
        ["metrics", format_metrics(run.metrics)],
        ["code", code.strip() if manifest["git"] else "not in git"],
        ["patch", git.get("patch") or ""],
        ["task", run.task or ""],
        ["started", run.started_at],
        ["took", "" if run.duration_s is None else timestamps.format_duration(run.duration_s)],
        ["used", f"{memory}, {resources['user_s']} s user, {resources['system_s']} s system" if memory else ""],
        ["host", " ".join([manifest["host"]["hostname"], *(g["name"] for g in manifest["host"]["gpus"])])],
        ["python", " ".join(filter(None, [environment["python"], environment["executable"]]))],
        ["outputs", run.outputs],
        ["manifest", run.path + (" (not in this working tree: scaffold runs restore)" if run.only_in_home else "")],
    ]
    return [row for row in rows if row[1]]
