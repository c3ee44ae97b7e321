"""`scaffold server`: what goes on at the research server."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from scaffold.cli.common import options, output
from scaffold.cli.common.groups import ExampleCommandGroup
from scaffold.visible_text import escape_hidden

if TYPE_CHECKING:
    from rich.text import Text

    from scaffold.backends.server.overview import ServerOverview
    from scaffold.server.client import ServerClient
    from scaffold.workspace import Workspace

NARROW, WIDE = 60, 160
# as many sweeps as the server gives at once
ALL = 1000
Row = list[str]


@click.group(cls=ExampleCommandGroup)
def server() -> None:
    """Look at the research server: its cluster, sweeps and runs, its events, a run's log. Changes nothing."""


@server.command()
@click.option("--watch", is_flag=True, help="Show it again and again, until Ctrl-C.")
@click.option(
    "--interval", type=click.FloatRange(0.05, 3600), default=5.0, show_default=True, help="Seconds between two looks."
)
@options.limit_option
@options.workspace_options
@options.server_options
@options.json_option
def status(
    watch: bool,
    interval: float,
    limit: int,
    workdir: Path,
    root: str | None,
    server_options: options.ServerOptions,
    json_output: bool,
) -> None:
    """Cluster, room for more runs, runs by state, sweeps with their progress, alerts that wait for an answer."""
    from scaffold.backends.server.overview import fetch_overview

    if watch and json_output:
        raise click.UsageError("--watch has no --json: call it again instead")
    workspace = options.find_workspace_or_none(workdir, root)
    with options.connect_required_server(workspace, server_options) as client:
        if watch:
            _watch_live(lambda: fetch_overview(client, limit=min(limit or ALL, ALL), workspace=workspace), interval)
            return
        snapshot = fetch_overview(client, limit=ALL, workspace=workspace)
    limited = output.LimitedLists(limit)
    if json_output:
        output.print_json(_overview_json(snapshot, limited), limited)
        return
    output.print_aligned_rows(_summary_rows(snapshot))
    for title, rows in _titled_tables(snapshot):
        click.echo(f"\n{title}")
        output.print_aligned_rows(limited(rows))
    limited.report_left_out()


@server.command()
@click.option("--session", help="The session; the server answers the events of all, whichever is named.")
@options.limit_option
@options.workspace_options
@options.server_options
@options.json_option
def events(
    session: str | None,
    limit: int,
    workdir: Path,
    root: str | None,
    server_options: options.ServerOptions,
    json_output: bool,
) -> None:
    """Alerts that wait, and runs that ended."""
    workspace = options.find_workspace_or_none(workdir, root)
    session_id = str(workspace.answers.get("research_session_id") or "") if workspace is not None else ""
    with options.connect_required_server(workspace, server_options) as client:
        all_events = client.events(session or session_id or "any")
    limited = output.LimitedLists(limit)
    shown = limited(all_events)
    if json_output:
        names = ("id", "type", "title", "detail", "run_id", "created_at")
        output.print_json({"events": [{name: getattr(event, name) for name in names} for event in shown]}, limited)
        return
    output.print_aligned_rows(
        [
            [
                _printable(event.type),
                _printable(event.run_id or ""),
                _printable(event.title),
                _printable(event.detail, WIDE),
            ]
            for event in shown
        ]
    )
    limited.report_left_out()


@server.command()
@click.argument("run")
@options.lines_option(50, "How many of its last lines (0: all that the server gives).")
@options.workspace_options
@options.server_options
@options.json_option
def logs(
    run: str, lines: int, workdir: Path, root: str | None, server_options: options.ServerOptions, json_output: bool
) -> None:
    """The end of what RUN showed in its terminal: RUN is an id, or the name of one of the newest runs.

    Of a run that the server does not know (any more) it is the end of what its recorder kept here.
    What the recorder wrote (`scaffold runs show NAME`) is the better source where it is at hand: this one is a terminal's capture.
    """
    from scaffold.runs import log_excerpts
    from scaffold.server.errors import ServerResourceNotFound

    workspace = options.find_workspace_or_none(workdir, root)
    length = min(100_000, (lines or 250) * 400)
    with options.connect_required_server(workspace, server_options) as client:
        try:
            run_id = _resolve_run_id(client, run)
            text = client.logs(run_id, length=length).content
        except ServerResourceNotFound as error:
            local = _read_local_log(workspace, run, lines)
            if local is None:
                raise
            run_id, text = run, local
            output.warn(f"{error.message}; this is what its recorder kept here")
    text = log_excerpts.strip_terminal_codes(text)
    last_lines = text.rstrip("\n").split("\n")[-lines:] if text.strip() else []
    if json_output:
        output.print_json({"run": run_id, "lines": last_lines})
    elif last_lines:
        click.echo("\n".join(last_lines))


def _read_local_log(workspace: Workspace | None, run: str, lines: int) -> str | None:
    """The end of the newest attempt's output of a run, named by its name or the server's id; None where there is none here."""
    from scaffold.runs import log_excerpts, manifests, records

    if workspace is None:
        return None
    for attempt in records.read_records(workspace).runs:
        manifest = manifests.read_manifest(workspace.workdir / attempt.path)
        if run in (attempt.name, attempt.label, manifest["tracking"]["run_id"]):
            excerpt = log_excerpts.read_excerpt(workspace.workdir / manifest["paths"]["stdout"], lines, full=not lines)
            return excerpt.tail or excerpt.head
    return None


def _resolve_run_id(client: ServerClient, run: str) -> str:
    """The id of a run that is named by id or by name."""
    from scaffold.server.errors import RequestRefused, ServerResourceNotFound

    try:
        return client.run(run).id or run
    except (ServerResourceNotFound, RequestRefused) as error:
        named = next((candidate.id for candidate in client.runs(limit=1000) if candidate.name == run), None)
        if named is None:
            raise ServerResourceNotFound(f"the server knows no run {run[:NARROW]!r}", hint=error.hint) from error
        return named


def _watch_live(poll: Callable[[], ServerOverview], interval: float) -> None:
    """Draw it anew at each look; on what is no terminal, write it again whenever it changed."""
    from rich.console import Console
    from rich.live import Live

    gc.enable()
    console = Console(file=output.terminal_stream())
    try:
        if not console.is_terminal:
            _print_changes(poll, interval)
            return
        with Live(console=console, auto_refresh=False, screen=False) as live:
            for snapshot, problem in _poll_overview(poll, interval):
                live.update(_draw_overview(snapshot, problem), refresh=True)
    except KeyboardInterrupt:
        return


def _print_changes(poll: Callable[[], ServerOverview], interval: float) -> None:
    before = None
    for snapshot, problem in _poll_overview(poll, interval):
        if problem:
            output.warn(problem)
        elif snapshot is not None and snapshot != before:
            output.print_aligned_rows(
                _summary_rows(snapshot) + [row for _, rows in _titled_tables(snapshot) for row in rows]
            )
            click.echo()
            before = snapshot


def _poll_overview(poll: Callable[[], ServerOverview], interval: float) -> Iterator[tuple[ServerOverview | None, str]]:
    """What was seen last, and what is wrong now: a server that is away for a while is no reason to stop looking."""
    from scaffold.server.errors import InvalidResponse, ServerUnreachable

    snapshot, problem = None, ""
    while True:
        try:
            snapshot, problem = poll(), ""
        except (ServerUnreachable, InvalidResponse) as error:
            problem = error.message
        yield snapshot, problem
        time.sleep(interval)


def _draw_overview(snapshot: ServerOverview | None, problem: str) -> Text:
    from rich.text import Text

    page = Text(no_wrap=True, overflow="ellipsis")
    for title, rows in [("", _summary_rows(snapshot)), *_titled_tables(snapshot)] if snapshot is not None else []:
        page.append(f"\n{title}\n" if title else "", style="bold")
        page.append("".join(f"{line}\n" for line in output.align_columns(rows)))
    page.append(f"\n{datetime.now(timezone.utc):%H:%M:%S} UTC")
    page.append(f"  {escape_hidden(problem)}" if problem else "", style="red")
    return page


def _summary_rows(snapshot: ServerOverview) -> list[Row]:
    cluster, room, runs = snapshot.cluster, snapshot.capacity, snapshot.cluster.run_summary
    # where the server does not say, the last row has what was measured, and from where
    gpus = [] if cluster.gpu_count is None else [f"{cluster.gpu_count} GPUs"]
    states = ("running", "launching", "queued", "ready", "finished", "failed", "total")
    return [
        ["server", snapshot.server],
        ["cluster", ", ".join([_printable(cluster.type), _printable(cluster.status), *gpus])],
        ["runs", ", ".join(f"{getattr(runs, name)} {name}" for name in states)],
        [
            "may start now",
            f"{room.max_new} (room for {room.limit}: {_printable(room.because)}; {room.active} active, {room.queued} waiting)",
        ],
    ]


def _titled_tables(snapshot: ServerOverview) -> list[tuple[str, list[Row]]]:
    sweeps = [_sweep_row(sweep) for sweep in snapshot.sweeps]
    alerts = [
        [_printable(alert.severity), _printable(alert.run_id or ""), _printable(alert.message, WIDE)]
        for alert in snapshot.alerts
    ]
    return [(title, rows) for title, rows in (("sweeps", sweeps), ("alerts that wait for an answer", alerts)) if rows]


def _sweep_row(sweep: Any) -> Row:
    progress = sweep.progress
    active = progress.running + progress.launching
    finished = f"{progress.completed}/{progress.total} finished"
    others = [
        f"{count} {word}"
        for count, word in ((progress.failed, "failed"), (active, "active"), (progress.canceled, "stopped"))
        if count
    ]
    return [_printable(sweep.id), _printable(sweep.name), _printable(sweep.status), ", ".join([finished, *others])]


def _printable(text: str, limit: int = NARROW) -> str:
    from scaffold.server.sanitize import sanitize_line

    return sanitize_line(text, limit)


def _overview_json(snapshot: ServerOverview, limited: output.LimitedLists) -> dict[str, Any]:
    from dataclasses import asdict

    room = snapshot.capacity
    capacity = {
        "slots": room.limit,
        "active": room.active,
        "waiting": room.queued,
        "new": room.max_new,
        "because": room.because,
    }
    cluster = asdict(snapshot.cluster)
    return {
        "server": snapshot.server,
        "runs": cluster.pop("run_summary"),
        "cluster": cluster,
        "capacity": capacity,
        "sweeps": [{**asdict(sweep), "run_ids": limited(sweep.run_ids)} for sweep in limited(snapshot.sweeps)],
        "alerts": [asdict(alert) for alert in limited(snapshot.alerts)],
    }
