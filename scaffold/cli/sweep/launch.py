"""`scaffold sweep launch, watch, status, stop, capacity`: planned sweeps, run."""

from __future__ import annotations

import gc
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from scaffold.cli.common import options, output
from scaffold.cli.sweep import live as sweep_live
from scaffold.cli.sweep import smoke, sweep_output

if TYPE_CHECKING:
    from scaffold.sweeps.launch.scheduler import Pacer, Picture
    from scaffold.workspace import Workspace

BACKEND = click.Choice(["server", "slurm", "local"])


@click.command()
@click.argument("name")
@options.workspace_options
@click.option(
    "--backend", type=BACKEND, help="Where to run. Default: the sweep's, else the server if one is set, else here."
)
@click.option("--max-parallel", type=click.IntRange(min=1), metavar="N", help="At most so many runs of it at once.")
@click.option(
    "--gpus-per-run", type=click.IntRange(min=0), help="GPUs that one run needs. Default: the sweep's, else 1."
)
@click.option(
    "--cpus-per-run", type=click.IntRange(min=1), help="Cores that one run needs, to run several without GPUs."
)
@click.option("--session-id", "session", help="The research server's session that asks for the runs.")
@click.option(
    "--retry",
    type=click.Choice(["failed", "lost", "terminated", "all"]),
    help="Run those again that ended so; all: whatever did not finish.",
)
@click.option(
    "--code",
    type=click.Choice(["current", "original"]),
    help="Where the code has changed since planning: which to run.",
)
@click.option("--wait", "waits", is_flag=True, help="Stay until everything is over; exit 3 where not all finished.")
@click.option("--detach", "detaches", is_flag=True, help="Leave a process in the background that starts the rest.")
@click.option(
    "--smoke", "smokes", is_flag=True, help="Try one configuration first, in a sweep of its own, and nothing else."
)
@click.option("--smoke-args", metavar="'--steps 2'", help="Options that make the try short. With --smoke.")
@click.option("--dry-run", is_flag=True, help="Say what would be started; start nothing, write nothing.")
@click.option("--yes", is_flag=True, help="Ask nothing.")
@options.limit_option
@options.json_option
def launch(name: str, workdir: Path, root: str | None, **given: Any) -> None:
    """Start what is missing of a sweep, as far as there is room.

    A run is missing when nothing was asked for yet. What ended otherwise than finished is run again only with --retry; finished runs
    never are. What does not fit waits: for `watch`, --wait, --detach, or the next `launch`. Killed at any point, `launch` again goes on.
    """
    from scaffold.sweeps.launch import open_sweep

    _check(given)
    gc.enable()
    workspace = options.find_workspace(workdir, root)
    if given["smokes"]:
        smoke.smoke(workspace, name, given, json_output=given["json_output"])
        return
    pacer = open_sweep.opened(workspace, name, warn=output.warn, code=given["code"], dry_run=given["dry_run"])
    if given["code"] is None:
        pacer.check()
    if given["dry_run"]:
        _dry_run(pacer, given)
        return
    smoke.offer_smoke(workspace, pacer, given)
    asked = {k: given[k] for k in ("backend", "max_parallel", "gpus_per_run", "cpus_per_run", "session", "code")}
    wanted = pacer.want(retry=given["retry"], **asked)
    picture = pacer.step()
    if given["waits"]:
        shown = sweep_live.Lines(workspace, quiet=given["json_output"])
        shown.show(picture)
        picture = smoke.pace(pacer, shown, doing="launch --wait")
    background = None
    if given["detaches"] and picture.open:
        from scaffold.sweeps.launch import background as detached

        background = detached.start(workspace, name)
    limited = output.Limited(given["limit"])
    sweep_output.launched(pacer, wanted, picture, background, limited, json_output=given["json_output"])
    if given["waits"]:
        _end(picture)


def _check(given: dict[str, Any]) -> None:
    """Raises WrongUsage where options contradict each other."""
    from scaffold.errors import WrongUsage

    if given["waits"] and given["detaches"]:
        raise WrongUsage("--wait stays and --detach goes", hint="give one of them")
    if given["smokes"] and (given["dry_run"] or given["detaches"] or given["retry"] or given["code"]):
        raise WrongUsage(
            "--smoke runs one try with the code as it is now, and nothing else",
            hint="--dry-run, --detach, --retry and --code are for the sweep itself: leave them out, or --smoke",
        )
    if given["smoke_args"] is not None and not given["smokes"]:
        raise WrongUsage(
            "--smoke-args is for --smoke", hint="scaffold sweep launch NAME --smoke --smoke-args '--steps 2'"
        )


def _dry_run(pacer: Pacer, given: dict[str, Any]) -> None:
    from scaffold.sweeps.launch import states
    from scaffold.sweeps.launch.ledger import Orders

    picture = pacer.look()
    fresh, _ = states.wanted(picture.planned, given["retry"])
    ready = [s for s in picture.states if s.startable or s in fresh]
    keys = ("backend", "max_parallel", "gpus_per_run", "cpus_per_run")
    known = {k: getattr(picture.orders, k) if given[k] is None else given[k] for k in keys}
    step = pacer.would_start(ready, Orders(**known))
    limited = output.Limited(given["limit"])
    sweep_output.would_start(pacer, [s.name for s in ready], step, limited, json_output=given["json_output"])


def _end(picture: Picture) -> None:
    """Exit 3 where not every planned run finished."""
    if any(s.state != "finished" for s in picture.planned):
        raise click.exceptions.Exit(3)


@click.command()
@click.argument("name")
@options.workspace_options
@options.limit_option
@options.json_option
def watch(name: str, workdir: Path, root: str | None, limit: int, json_output: bool) -> None:
    """Watch a sweep until it is over, and start what waits as room frees; exit 3 where not all finished.

    A second watch only looks, and goes on when the first one is gone. Ctrl-C leaves everything running.
    """
    from scaffold.sweeps.launch import open_sweep

    gc.enable()
    workspace = options.find_workspace(workdir, root)
    pacer = open_sweep.opened(workspace, name, warn=output.warn)
    picture = pacer.look()
    if not picture.open:
        _show_status(workspace, pacer, picture, limit, json_output=json_output)
        _end(picture)
        return
    live = sys.stdout.isatty() and not json_output
    shown = sweep_live.Table(workspace, pacer) if live else sweep_live.Lines(workspace, quiet=json_output)
    picture = smoke.pace(pacer, shown, doing="watch")
    if json_output:
        _show_status(workspace, pacer, picture, limit, json_output=True)
    else:
        sweep_output.over(pacer, picture)
    _end(picture)


@click.command()
@click.argument("name")
@options.workspace_options
@options.limit_option
@options.json_option
def status(name: str, workdir: Path, root: str | None, limit: int, json_output: bool) -> None:
    """Show how a sweep is: each run's state, what the backend says against it, and what to do next."""
    from scaffold.sweeps.launch import open_sweep

    workspace = options.find_workspace(workdir, root)
    pacer = open_sweep.opened(workspace, name, warn=output.warn)
    _show_status(workspace, pacer, pacer.look(), limit, json_output=json_output)


def _show_status(workspace: Workspace, pacer: Pacer, picture: Picture, limit: int, *, json_output: bool) -> None:
    from scaffold.sweeps.launch import background as detached

    pacing, limited = detached.pacing(pacer.place, pacer.sweep.name), output.Limited(limit)
    if json_output:
        output.print_json(sweep_output.status_json(workspace, pacer, picture, pacing, limited), limited)
    else:
        sweep_output.status(workspace, pacer, picture, pacing, limited)


@click.command()
@click.argument("name")
@options.workspace_options
@options.limit_option
@options.json_option
def stop(name: str, workdir: Path, root: str | None, limit: int, json_output: bool) -> None:
    """Stop a sweep: end its runs (asked first, killed 10 s later), and start no more of it.

    Whoever paces it ends by itself. A later `launch` goes on with what had not begun; with --retry terminated also with what was ended.
    """
    from scaffold.sweeps.launch import open_sweep

    workspace = options.find_workspace(workdir, root)
    pacer = open_sweep.opened(workspace, name, warn=output.warn)
    before = {s.name for s in pacer.look().open}
    picture = pacer.stop()
    _show_stopped(pacer, picture, before, output.Limited(limit), json_output=json_output)


def _show_stopped(
    pacer: Pacer, picture: Picture, before: set[str], limited: output.Limited, *, json_output: bool
) -> None:
    from scaffold.sweeps.launch import states

    ended = [s.name for s in picture.states if s.name in before and s.over]
    left = [s.name for s in picture.open]
    if json_output:
        answer = {
            "sweep": pacer.sweep.name,
            "ended": limited(ended),
            "still_there": limited(left),
            "counts": states.counts(picture.states),
        }
        output.print_json(answer, limited)
    else:
        click.echo(f"{pacer.sweep.name}: {len(ended)} ended, {len(before) - len(ended) - len(left)} will not start")
        output.warn_first([f"{one} is still there: scaffold sweep status {pacer.sweep.name}" for one in left])
        click.echo(
            f"to go on: scaffold sweep launch {pacer.sweep.name} (--retry terminated for what was ended)", err=True
        )
    if left:
        raise click.exceptions.Exit(3)


@click.command()
@click.argument("name", required=False)
@options.workspace_options
@click.option("--backend", type=BACKEND, help="Whose capacity. Default: where the sweep, or any sweep, would run.")
@click.option(
    "--max-parallel", type=click.IntRange(min=1), metavar="N", help="At most so many runs of the sweep at once."
)
@click.option("--gpus-per-run", type=click.IntRange(min=0), help="GPUs that one run needs.")
@click.option("--cpus-per-run", type=click.IntRange(min=1), help="Cores that one run needs.")
@options.json_option
def capacity(name: str | None, workdir: Path, root: str | None, json_output: bool, **given: Any) -> None:
    """Say how many runs may start now, and why."""
    workspace = options.find_workspace(workdir, root)
    found = sweep_output.capacity_of(workspace, name, given)
    if json_output:
        output.print_json(sweep_output.capacity_json(found))
        return
    output.print_rows(
        [key, str(value)] for key, value in (("g", found.g), ("r", found.r), ("q", found.q), ("max_new", found.max_new))
    )
    click.echo(found.sentence)
