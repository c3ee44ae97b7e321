"""`scaffold sweep launch, watch, status, stop, capacity`: planned sweeps, run."""

from __future__ import annotations

import gc
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from scaffold.cli.common import options, output
from scaffold.cli.sweep import closing_summary, live_table, smoke_test, sweep_output

if TYPE_CHECKING:
    from scaffold.sweeps.launch.run_states import SweepSnapshot
    from scaffold.sweeps.launch.scheduler import Scheduler
    from scaffold.workspace import Workspace

BACKEND = click.Choice(["server", "slurm", "local"])
# options that say how runs are executed
EXECUTION = ("backend", "max_parallel", "gpus_per_run", "cpus_per_run")


@click.command()
@click.argument("name")
@options.workspace_options
@options.server_backend_options
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
    help="Where the code has changed since planning: run it as it is now (current), or as it was then, in a worktree (original).",
)
@click.option(
    "--no-prefix", is_flag=True, help="Do not enter the repository's environment first (`uv run` and the like)."
)
@click.option("--anyway", is_flag=True, help="Also on a research server that works in another directory.")
@click.option("--wait", "waits", is_flag=True, help="Stay until everything is done; exit 3 where not all finished.")
@click.option("--detach", "detaches", is_flag=True, help="Leave a process in the background that starts the rest.")
@click.option(
    "--smoke", "smokes", is_flag=True, help="Try one configuration first, in a sweep of its own, and nothing else."
)
@click.option("--smoke-args", metavar="'--steps 2'", help="Options that make the try short. With --smoke.")
@click.option("--dry-run", is_flag=True, help="Say what would be started; start nothing, write nothing.")
@click.option("--yes", is_flag=True, help="Ask nothing.")
@options.limit_option
@options.json_option
def launch(name: str, workdir: Path, root: str | None, **values: Any) -> None:
    """Start what is missing of a sweep, as far as there is room.

    A run is missing when nothing was asked for yet. What ended otherwise than finished is run again only with --retry; finished runs
    never are. What does not fit waits: for `watch`, --wait, --detach, or the next `launch`. Killed at any point, `launch` again goes on.
    """
    from scaffold.sweeps.launch.open_sweep import open_sweep_scheduler

    _check_options(values)
    gc.enable()
    workspace = options.find_requested_workspace(workdir, root)
    if values["smokes"]:
        smoke_test.run_smoke_test(workspace, name, values, json_output=values["json_output"])
        return
    scheduler = open_sweep_scheduler(
        workspace, name, warn=output.warn, code=values["code"], no_prefix=values["no_prefix"], dry_run=values["dry_run"]
    )
    if values["code"] is None:
        scheduler.check_code()
    limited = output.LimitedLists(values["limit"])
    if values["dry_run"]:
        schedule = scheduler.preview(
            retry=values["retry"], no_prefix=values["no_prefix"] or None, **{key: values[key] for key in EXECUTION}
        )
        sweep_output.print_schedule(name, schedule, limited, json_output=values["json_output"])
        return
    smoke_test.offer_smoke_test(workspace, scheduler, values)
    requested = scheduler.request_runs(
        retry=values["retry"],
        **{key: values[key] for key in (*EXECUTION, "session", "code")},
        **{key: values[key] or None for key in ("no_prefix", "anyway")},
    )
    snapshot = scheduler.step()
    if values["waits"]:
        view = live_table.open_sweep_view(workspace, name, json_output=values["json_output"])
        view.show(snapshot)
        snapshot = live_table.watch_until_done(scheduler, view, doing="launch --wait")
        if isinstance(view, live_table.LiveSweepTable):
            closing_summary.print_sweep_summary(workspace, name, snapshot)
            _exit_3_unless_finished(snapshot)
            return
    background = None
    if values["detaches"] and snapshot.outstanding:
        from scaffold.sweeps.launch.background import start_background_scheduler

        background = start_background_scheduler(workspace, name)
    sweep_output.print_launch_result(
        scheduler, requested, snapshot, background, limited, json_output=values["json_output"]
    )
    if values["waits"]:
        _exit_3_unless_finished(snapshot)


def _check_options(values: dict[str, Any]) -> None:
    """Raises WrongUsage where options contradict each other."""
    from scaffold.errors import WrongUsage

    if values["waits"] and values["detaches"]:
        raise WrongUsage("--wait stays and --detach goes", hint="give one of them")
    if values["smokes"] and (values["dry_run"] or values["detaches"] or values["retry"] or values["code"]):
        raise WrongUsage(
            "--smoke runs one try with the code as it is now, and nothing else",
            hint="--dry-run, --detach, --retry and --code are for the sweep itself: leave them out, or --smoke",
        )
    if values["smoke_args"] is not None and not values["smokes"]:
        raise WrongUsage(
            "--smoke-args is for --smoke", hint="scaffold sweep launch NAME --smoke --smoke-args '--steps 2'"
        )


def _exit_3_unless_finished(snapshot: SweepSnapshot) -> None:
    if any(s.state != "finished" for s in snapshot.planned):
        raise click.exceptions.Exit(3)


@click.command()
@click.argument("name")
@options.workspace_options
@options.server_backend_options
@options.limit_option
@options.json_option
def watch(name: str, workdir: Path, root: str | None, limit: int, json_output: bool) -> None:
    """Watch a sweep until it is done, and start what waits as room frees; exit 3 where not all finished.

    A second watch only looks, and goes on when the first one is gone. Ctrl-C leaves everything running.
    """
    from scaffold.sweeps.launch.open_sweep import open_sweep_scheduler

    gc.enable()
    workspace = options.find_requested_workspace(workdir, root)
    scheduler = open_sweep_scheduler(workspace, name, warn=output.warn)
    snapshot = scheduler.snapshot()
    was_open = bool(snapshot.outstanding)
    if was_open:
        view = live_table.open_sweep_view(workspace, name, json_output=json_output)
        snapshot = live_table.watch_until_done(scheduler, view, doing="watch")
        if isinstance(view, live_table.LiveSweepTable):
            closing_summary.print_sweep_summary(workspace, name, snapshot)
            _exit_3_unless_finished(snapshot)
            return
    if json_output or not was_open:
        _print_status(workspace, scheduler, snapshot, limit, json_output=json_output)
    else:
        sweep_output.print_sweep_outcome(workspace, name, snapshot)
    _exit_3_unless_finished(snapshot)


@click.command()
@click.argument("name")
@options.workspace_options
@options.server_backend_options
@options.limit_option
@options.json_option
def status(name: str, workdir: Path, root: str | None, limit: int, json_output: bool) -> None:
    """Show how a sweep is: each run's state, what the backend says against it, and what to do next."""
    from scaffold.sweeps.launch.open_sweep import open_sweep_scheduler

    workspace = options.find_requested_workspace(workdir, root)
    scheduler = open_sweep_scheduler(workspace, name, warn=output.warn)
    _print_status(workspace, scheduler, scheduler.snapshot(), limit, json_output=json_output)


def _print_status(
    workspace: Workspace, scheduler: Scheduler, snapshot: SweepSnapshot, limit: int, *, json_output: bool
) -> None:
    limited = output.LimitedLists(limit)
    if json_output:
        output.print_json(sweep_output.sweep_status_json(workspace, scheduler, snapshot, limited), limited)
    else:
        sweep_output.print_sweep_status(workspace, scheduler, snapshot, limited)


@click.command()
@click.argument("name")
@options.workspace_options
@options.server_backend_options
@options.limit_option
@options.json_option
def stop(name: str, workdir: Path, root: str | None, limit: int, json_output: bool) -> None:
    """Stop a sweep: end its runs (asked first, killed 10 s later), and start no more of it.

    Whoever schedules it ends by itself. A later `launch` goes on with what had not begun; with --retry terminated also with what was ended.
    """
    from scaffold.sweeps.launch.open_sweep import open_sweep_scheduler

    scheduler = open_sweep_scheduler(options.find_requested_workspace(workdir, root), name, warn=output.warn)
    before = {s.name for s in scheduler.snapshot().outstanding}
    snapshot = scheduler.cancel()
    sweep_output.print_cancelled_runs(name, snapshot, before, output.LimitedLists(limit), json_output=json_output)
    if snapshot.outstanding:
        raise click.exceptions.Exit(3)


@click.command()
@click.argument("name", required=False)
@options.workspace_options
@options.server_backend_options
@click.option("--backend", type=BACKEND, help="Whose capacity. Default: where the sweep, or any sweep, would run.")
@click.option(
    "--max-parallel", type=click.IntRange(min=1), metavar="N", help="At most so many runs of the sweep at once."
)
@click.option("--gpus-per-run", type=click.IntRange(min=0), help="GPUs that one run needs.")
@click.option("--cpus-per-run", type=click.IntRange(min=1), help="Cores that one run needs.")
@options.json_option
def capacity(name: str | None, workdir: Path, root: str | None, json_output: bool, **values: Any) -> None:
    """Say how many runs may start now, and why."""
    workspace = options.find_requested_workspace(workdir, root)
    if name is None:
        from scaffold.sweeps.launch.ledger_entries import LaunchOptions
        from scaffold.sweeps.launch.sweep_backends import workspace_capacity

        numbers = workspace_capacity(workspace, LaunchOptions(**values))
    else:
        from scaffold.sweeps.launch.open_sweep import open_sweep_scheduler

        numbers = open_sweep_scheduler(workspace, name, warn=output.warn).preview(**values).capacity
    if json_output:
        output.print_json(numbers.as_dict())
        return
    output.print_aligned_rows([key, str(getattr(numbers, key))] for key in ("limit", "active", "queued", "max_new"))
    click.echo(numbers.sentence)
