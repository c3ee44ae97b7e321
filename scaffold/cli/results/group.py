"""`scaffold results`: tables over seeds, comparisons, ablations, sensitivity."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from scaffold.cli.common import options, output
from scaffold.cli.common.groups import ExampleGroup
from scaffold.cli.results import printing
from scaffold.cli.results.query_options import add_query_options, run_query_from_options

if TYPE_CHECKING:
    from scaffold.results.tables.model import IntervalKind


@click.group(cls=ExampleGroup, invoke_without_command=True)
@add_query_options
@click.option("--by", metavar="A,B", help="One row for each value of these parameters. Default: each configuration.")
@click.option(
    "--interval",
    type=click.Choice(["t", "bootstrap"]),
    default="t",
    help="How the 95 % interval is made; bootstrap from 10 runs on. Default: t.",
)
@click.option(
    "--format",
    "format_",
    type=click.Choice(["table", "md", "csv", "json", "latex"]),
    default="table",
    help="Default: table. All but table and json are always whole.",
)
def results(by: str | None, interval: IntervalKind, format_: str, **query_values: Any) -> None:
    """Show results: one row for each configuration, its seeds folded to n, mean, sd and 95 % interval.

    Only finished runs count; what is missing is shown as missing. See docs/results.md for what each number is.
    """
    context = click.get_current_context()
    if context.invoked_subcommand:
        options.refuse_options_before_subcommand(context)
        return
    from scaffold.results.tables import fold, render, render_json

    names = list(dict.fromkeys(filter(None, map(str.strip, by.split(","))))) if by is not None else None
    limited = output.LimitedLists(query_values["limit"])
    result = run_query_from_options(query_values, params=names or ())
    table = fold.fold_seeds(result, by=names, interval=interval)
    if query_values["json_output"] or format_ == "json":
        answer = {"how": result.query.value_choice, "interval": interval, **render_json.table_json(table, limited)}
        output.print_json(answer, limited)
        return
    if format_ == "table":
        printing.print_table(table, limited)
    else:
        click.echo(render.FORMATS[format_](table), nl=False)
    printing.print_remarks(table)


@results.command()
@click.argument("names", nargs=-1, required=True, metavar="A B [C ...]")
@add_query_options
@click.option(
    "--noise-from",
    metavar="NAME",
    help="The repeated baseline whose spread is the noise floor: how far apart luck alone brings two means. Default: A.",
)
def compare(names: tuple[str, ...], noise_from: str | None, **query_values: Any) -> None:
    """Compare B (and C ...) with A, the reference: effect, 95 % interval, test, verdict.

    Each is an experiment, a sweep, a task, a run, a run's name without its seed, or a condition such as 'lr=0.1'.
    """
    from scaffold.errors import WrongUsage
    from scaffold.results.tables.compare import compare_selections

    if len(names) < 2:
        raise WrongUsage("compare needs two names", hint="scaffold results compare baseline 'lr=0.1'")
    limited = output.LimitedLists(query_values["limit"])
    report = compare_selections(run_query_from_options(query_values), names, noise_from)
    if query_values["json_output"]:
        from scaffold.results.tables import render_json

        output.print_json(render_json.comparison_json(report, limited), limited)
        return
    output.warn_first(report.unmatched)
    printing.print_comparisons(limited(report.comparisons), limited)


@results.command()
@click.option(
    "--reference",
    metavar="NAME",
    help="The configuration to hold all against. Default: the one most others are near to.",
)
@add_query_options
def ablation(reference: str | None, **query_values: Any) -> None:
    """Compare every configuration that differs in one factor from the reference with it."""
    from scaffold.results.tables.ablation import compare_ablations

    limited = output.LimitedLists(query_values["limit"])
    report = compare_ablations(run_query_from_options(query_values), reference)
    if query_values["json_output"]:
        from scaffold.results.tables import render_json

        output.print_json(render_json.ablation_json(report, limited), limited)
        return
    click.echo(f"reference: {report.reference}")
    printing.print_comparisons(limited(report.comparisons), limited)
    if report.others:
        rest = output.pluralize(report.others, "configuration")
        click.echo(f"left out, for more than one difference: {rest}", err=True)


@results.command()
@click.argument("parameter")
@add_query_options
def sensitivity(parameter: str, **query_values: Any) -> None:
    """Show a metric over the values of one parameter, everything else held."""
    from scaffold.results.tables.sensitivity import sensitivity_curves

    limited = output.LimitedLists(query_values["limit"])
    curves = sensitivity_curves(run_query_from_options(query_values, params=(parameter,)), parameter)
    if query_values["json_output"]:
        from scaffold.results.tables import render_json

        output.print_json(render_json.sensitivity_json(parameter, curves, limited), limited)
        return
    printing.print_curves(curves, parameter, limited)
