"""`scaffold sweep launch --smoke`, and the offer of it before a first launch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from scaffold.cli.common import output
from scaffold.cli.sweep import live_table

if TYPE_CHECKING:
    from scaffold.sweeps.launch.scheduler import Scheduler
    from scaffold.workspace import Workspace


def offer_smoke_test(workspace: Workspace, scheduler: Scheduler, values: dict[str, Any]) -> None:
    """Before the first launch: offer a quick try on a terminal, else say that there is one."""
    from scaffold.runs.model import SMOKE_SUFFIX
    from scaffold.sweeps.spec import sweep_paths

    name = scheduler.sweep.name
    if scheduler.paths.ledger.exists() or sweep_paths.sweep_path(workspace, name + SMOKE_SUFFIX).exists():
        return
    if not output.may_prompt(yes=values["yes"], json_output=values["json_output"]):
        if not values["json_output"]:
            click.echo(
                f"to try one run first: scaffold sweep launch {name} --smoke --smoke-args 'options that make it short'",
                err=True,
            )
        return
    if click.confirm(f"Try one run of {name} first, in a sweep of its own?", default=True, err=True):
        args = click.prompt("Options that make it short", default="", show_default=False, err=True)
        run_smoke_test(workspace, name, {**values, "smoke_args": args}, json_output=False)


def run_smoke_test(workspace: Workspace, name: str, values: dict[str, Any], *, json_output: bool) -> None:
    """Run and verify a sweep's smoke test; exit 3 where it is not fine."""
    from scaffold.observations import log_hints, run_values
    from scaffold.results.evidence import failure_cause
    from scaffold.sweeps.launch import smoke_test

    view = live_table.open_sweep_view(workspace, name, json_output=json_output)
    scheduler = smoke_test.prepare_smoke_sweep(
        workspace, name, values["smoke_args"] or "", warn=output.warn, no_prefix=values["no_prefix"]
    )
    before = smoke_test.changes_outside_workspace(workspace)
    scheduler.request_runs(
        retry="all",
        **{k: values[k] for k in ("backend", "gpus_per_run", "cpus_per_run", "session")},
        **{k: values[k] or None for k in ("no_prefix", "anyway")},
    )
    view.show(scheduler.step())
    snapshot = live_table.watch_until_done(scheduler, view, doing="launch --smoke")
    run = snapshot.planned[0].run
    verdict = smoke_test.verify_smoke_run(
        *(workspace, snapshot.planned[0], before),
        metrics_of=lambda run: run_values.read_final_metrics(workspace, run),
        cause_of=lambda run: failure_cause.find_failure_cause(workspace, run),
    )
    sweep = scheduler.sweep.name
    if json_output:
        output.print_json({"sweep": sweep, **verdict.as_dict()})
    else:
        for problem in verdict.problems:
            click.echo(f"{sweep}: {problem}")
        for note in verdict.notes:
            output.warn(note)
        if run is not None and not run_values.attach_final_metrics(workspace, [run], names=("*",))[0].metrics:
            output.print_limited_warnings([hint] if (hint := log_hints.suggest_log_pattern(workspace, [run])) else [])
        if not verdict.problems:
            click.echo(f"{sweep}: fine: {verdict.run} finished; {verdict.seen}")
            click.echo(f"next: scaffold sweep launch {name}", err=True)
    if verdict.problems:
        raise click.exceptions.Exit(3)
