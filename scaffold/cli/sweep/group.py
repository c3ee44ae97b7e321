"""`scaffold sweep`, and its verbs that only look at what is planned: `list` and `show`."""

from __future__ import annotations

from pathlib import Path

import click

from scaffold.cli.common import options, output
from scaffold.cli.common.groups import LazyGroup
from scaffold.cli.sweep import tables

# verb -> (module, attribute); the order is the order of `scaffold sweep --help`
COMMANDS = {
    "new": ("scaffold.cli.sweep.new", "new"),
    "list": ("scaffold.cli.sweep.group", "list_sweeps"),
    "show": ("scaffold.cli.sweep.group", "show"),
    **{verb: ("scaffold.cli.sweep.launch", verb) for verb in ("launch", "watch", "status", "stop", "capacity")},
    "evolve": ("scaffold.cli.sweep.evolve", "evolve"),
}


class SweepCommandGroup(LazyGroup):
    """The verbs of `scaffold sweep`."""

    locations = COMMANDS


@click.group(cls=SweepCommandGroup)
def sweep() -> None:
    """Plan grids of runs, launch what is missing, watch and stop them.

    A sweep is one readable file; every configuration with every seed is one run, with the name that the recorder gives it.
    """


@click.command("list")
@options.workspace_options
@options.limit_option
@options.json_option
def list_sweeps(workdir: Path, root: str | None, limit: int, json_output: bool) -> None:
    """List the sweeps of a workspace."""
    from scaffold.errors import ScaffoldError
    from scaffold.sweeps.spec import sweep_file, sweep_paths

    workspace = options.find_requested_workspace(workdir, root)
    sweeps, damaged, limited = [], [], output.LimitedLists(limit)
    for name in limited(sweep_paths.sweep_names(workspace)):
        try:
            sweeps.append(sweep_file.read_sweep(workspace, name))
        except ScaffoldError as error:
            damaged.append({"name": name, "reason": error.message})
    if json_output:
        output.print_json({"sweeps": [tables.planned_sweep_json(s) for s in sweeps], "damaged": damaged}, limited)
        return
    output.print_aligned_rows(
        [s.name, f"{tables.count_planned_runs(s)} runs", s.experiment, s.task or "", s.goal] for s in sweeps
    )
    limited.report_left_out()
    for damaged_sweep in damaged:
        output.warn(damaged_sweep["reason"])


@click.command()
@click.argument("name")
@options.workspace_options
@options.limit_option
@options.json_option
def show(name: str, workdir: Path, root: str | None, limit: int, json_output: bool) -> None:
    """Show a sweep and its runs, with their names."""
    from scaffold.sweeps.spec import run_names, sweep_file

    workspace = options.find_requested_workspace(workdir, root)
    planned = sweep_file.read_sweep(workspace, name)
    runs = run_names.planned_runs(workspace, planned)
    limited = output.LimitedLists(limit)
    if json_output:
        output.print_json({**tables.planned_sweep_json(planned), **tables.planned_runs_json(runs, limited)}, limited)
        return
    from scaffold.sweeps.launch.run_scripts import join_bash_words

    code = (planned.code.commit or "no commit")[:12] + (" with uncommitted changes" if planned.code.patch else "")
    facts = [
        ("goal", planned.goal),
        ("command", join_bash_words(planned.command)),
        ("in", planned.cwd),
        ("experiment", planned.experiment),
        ("task", planned.task or ""),
        ("code", code),
    ]
    output.print_aligned_rows([key, value] for key, value in facts if value)
    click.echo()
    tables.print_planned_runs(planned, runs, limited)
