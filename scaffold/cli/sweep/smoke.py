"""A sweep that is paced from this terminal, and its smoke try."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from scaffold.cli.common import output
from scaffold.cli.sweep import live

if TYPE_CHECKING:
    from scaffold.sweeps.launch.scheduler import Pacer, Picture
    from scaffold.workspace import Workspace


def pace(pacer: Pacer, shown: live.Lines, *, doing: str) -> Picture:
    """Pace a sweep until it is over, shown as it goes; the last picture. Ctrl-C ends the pacing alone, with 130."""
    from scaffold.sweeps.launch import loop

    try:
        with shown:
            return loop.pace(pacer, shown.show, doing=doing, warn=shown.warn)
    except KeyboardInterrupt:
        click.echo(
            f"everything that runs goes on running; come back with: scaffold sweep watch {pacer.sweep.name}", err=True
        )
        raise click.exceptions.Exit(130) from None


def offer_smoke(workspace: Workspace, pacer: Pacer, given: dict[str, Any]) -> None:
    """Before the first launch: offer a quick try on a terminal, else say that there is one."""
    name = pacer.sweep.name
    if pacer.place.ledger.exists():
        return
    if not output.may_prompt(yes=given["yes"], json_output=given["json_output"]):
        if not given["json_output"]:
            click.echo(
                f"to try one run first: scaffold sweep launch {name} --smoke --smoke-args 'options that make it short'",
                err=True,
            )
        return
    if click.confirm(f"Try one run of {name} first, in a sweep of its own?", default=True, err=True):
        args = click.prompt("Options that make it short", default="", show_default=False, err=True)
        smoke(workspace, name, {**given, "smoke_args": args}, json_output=False)


def smoke(workspace: Workspace, name: str, given: dict[str, Any], *, json_output: bool) -> None:
    """Run and verify a sweep's smoke try; exit 3 where it is not fine."""
    from scaffold.results.evidence import failure_cause
    from scaffold.results.metrics import query
    from scaffold.sweeps.launch import smoke_test

    shown = live.Lines(workspace, quiet=json_output)
    tried = smoke_test.opened(workspace, name, given["smoke_args"] or "", warn=output.warn)
    asked = {k: given[k] for k in ("backend", "gpus_per_run", "cpus_per_run", "session")}
    before = smoke_test.changes(workspace)
    tried.want(retry="all", **asked)
    shown.show(tried.step())
    picture = pace(tried, shown, doing="launch --smoke")
    found = smoke_test.verify(
        *(workspace, tried, picture, before),
        metrics_of=lambda run: query.read_final_metrics(workspace, run),
        cause_of=lambda run: failure_cause.find_cause(workspace, run),
    )
    if json_output:
        output.print_json({"sweep": tried.sweep.name, **found.as_dict()})
    else:
        for line in found.problems:
            click.echo(f"{tried.sweep.name}: {line}")
        for line in found.notes:
            output.warn(line)
        if not found.problems:
            click.echo(f"{tried.sweep.name}: fine: {found.run} finished; {found.seen}")
            click.echo(f"next: scaffold sweep launch {name}", err=True)
    if found.problems:
        raise click.exceptions.Exit(3)
