"""`scaffold runs cite`: the runs behind a number, a file, or the numbers of a text."""

from __future__ import annotations

from pathlib import Path

import click

from scaffold.cli.common import options, output
from scaffold.cli.runs.runs_output import format_run_row, run_json


@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("claim_or_file", metavar="NUMBER|FILE")
@options.workspace_options
@options.limit_option
@options.json_option
def cite(claim_or_file: str, workdir: Path, root: str | None, limit: int, json_output: bool) -> None:
    """Say which runs stand behind a number, a file, or the numbers of a text; exit 3 where none does.

    A number is backed by what rounds to it as it is written: values of runs, means of configurations, intervals, differences.
    A file is backed by the run that wrote it; of a text, each number that claims a result is looked up.
    """
    from scaffold.ideas.memory import verdict_numbers
    from scaffold.results.evidence import backing, written_number

    number, limited = written_number.parse_claimed_number(claim_or_file), output.LimitedLists(limit)
    if number is None and claim_or_file.startswith("-"):
        raise click.NoSuchOption(claim_or_file, ctx=click.get_current_context())
    workspace = options.find_requested_workspace(workdir, root)
    if number is None and (runs := backing.runs_behind_file(workspace, Path(claim_or_file))):
        if json_output:
            output.print_json(
                {"path": claim_or_file, "runs": [run_json(workspace, run) for run in limited(runs)]}, limited
            )
            return
        output.print_aligned_rows(format_run_row(workspace, run) for run in limited(runs))
        limited.report_left_out()
        return
    if number is not None:
        numbers: tuple[written_number.ClaimedNumber, ...] = (number,)
    else:
        from scaffold.results.evidence import numbers_in_prose

        numbers = numbers_in_prose.find_numbers_in_file(Path(claim_or_file))
    index = backing.build_backing_index(workspace, numbers, verdict_numbers.list_verdict_numbers(workspace))
    backed = [(claimed, index.find(claimed)) for claimed in numbers]
    rows_shown = limited(backed)
    if json_output:
        output.print_json(
            {"numbers": [backing.backing_json(claimed, rows, limited(rows)) for claimed, rows in rows_shown]}, limited
        )
    else:
        for claimed, rows in rows_shown:
            place = "" if number is not None else f"{claim_or_file}:{claimed.line}:{claimed.column}: "
            click.echo(f"{place}{claimed.text}" + ("" if rows else ": no run backs it"))
            output.print_aligned_rows(
                ["  " + cells[0], *cells[1:]] for cells in backing.format_number_backings(limited(rows))
            )
        limited.report_left_out()
        if not numbers:
            click.echo("no number in it claims a result", err=True)
    if not all(rows for _, rows in backed):
        raise click.exceptions.Exit(3)
