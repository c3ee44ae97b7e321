"""`scaffold runs withdraw`: what should not count any more."""

from __future__ import annotations

from pathlib import Path

import click

from scaffold.cli.common import options, output
from scaffold.cli.runs.runs_output import read_records_with_warnings, run_json


@click.command()
@click.argument("name")
@options.workspace_options
@click.option("--because", metavar="REASON", help="Why it should not count any more.")
@click.option("--undo", is_flag=True, help="Have it count again.")
@options.json_option
def withdraw(name: str, workdir: Path, root: str | None, because: str | None, undo: bool, json_output: bool) -> None:
    """Withdraw a run with a reason: it is kept and shown, and counts in no table, plan or comparison.

    NAME is a run (all its attempts so far) or one attempt of it (`name.2`).
    """
    from scaffold.errors import ScaffoldError, WrongUsage
    from scaffold.runs import lookup, withdrawals

    if undo is (because is not None and because.strip() != ""):
        raise WrongUsage(
            "a run is withdrawn with a reason, or a withdrawal is taken back",
            hint="--because 'trained on the test set', or --undo",
        )
    workspace = options.find_requested_workspace(workdir, root)
    runs = read_records_with_warnings(workspace).runs
    lookup.find_run(runs, name)  # refuses what means several runs, or none
    attempts = lookup.find_attempts(runs, name)
    if undo:
        changed = withdrawals.undo_withdrawals(workspace, attempts)
        if not changed:
            raise ScaffoldError(f"{name} was not withdrawn", hint="scaffold runs list shows what was")
    else:
        changed = withdrawals.withdraw_recorded_attempts(workspace, attempts, " ".join((because or "").split()))
    if json_output:
        output.print_json({"runs": [run_json(workspace, run) for run in changed]})
        return
    for run in changed:
        click.echo(f"{run.label}: {'counts again' if undo else f'withdrawn: {run.withdrawn}'}")
