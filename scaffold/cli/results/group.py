"""`scaffold results`: tables over seeds, comparisons, ablations, sensitivity."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from scaffold.cli.common import options, output
from scaffold.cli.common.groups import ExampleCommandGroup
from scaffold.cli.results import printing
from scaffold.cli.results.query_options import add_query_options, run_query_from_options

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scaffold.results.tables.expectation import ComparisonExpectation, ExpectedWord
    from scaffold.results.tables.family import FamilyKind
    from scaffold.results.tables.model import IntervalKind


@click.group(cls=ExampleCommandGroup, invoke_without_command=True)
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
        answer = {
            "how": result.query.value_choice,
            "interval": interval,
            **render_json.result_table_json(table, limited),
        }
        output.print_json(answer, limited)
        return
    if format_ == "table":
        printing.print_result_table(table, limited)
    else:
        click.echo(render.FORMATS[format_](table), nl=False)
    printing.print_result_remarks(table)


@results.command()
@click.argument("names", nargs=-1, metavar="A B [C ...]")
@add_query_options
@click.option(
    "--noise-from",
    metavar="NAME",
    help="The repeated baseline whose spread is the noise floor: how far apart luck alone brings two means. Default: A.",
)
@click.option(
    "--family",
    type=click.Choice(["sweep", "experiment", "all", "asked"]),
    default="experiment",
    help="Among which runs on record p is corrected: those of B's sweep, of the experiment of both (all, where these are two), all, "
    "or only what is asked here. Default: experiment.",
)
@click.option("--all-pairs", is_flag=True, help="Each name with each other.")
@click.option(
    "--against", type=click.Choice(["best"]), help="Compare with the best so far: the names, or without any all others."
)
@click.option(
    "--expect",
    type=click.Choice(["better", "worse", "equal", "not-worse"]),
    help="Exit 0 where that is shown of every name after the first, 3 where it is not, 1 where they cannot be compared.",
)
@click.option(
    "--margin",
    type=click.FloatRange(min=0.0),
    metavar="D",
    help="With --expect: what is as good as equal (equal, not-worse), or how much more it has to be (better, worse).",
)
def compare(
    names: tuple[str, ...],
    noise_from: str | None,
    family: FamilyKind,
    all_pairs: bool,
    against: str | None,
    expect: ExpectedWord | None,
    margin: float | None,
    **query_values: Any,
) -> None:
    """Compare B (and C ...) with A, the reference: effect, 95 % interval, test, verdict.

    Each is an experiment, a sweep, a task, a run, a run's name without its seed, or a condition such as 'lr=0.1';
    `sweep:NAME` is the sweep and nothing else. The word is that of p among all that was run against A, not only what is asked.
    """
    from scaffold.results.metrics.planned_comparisons import PlannedComparisonReader
    from scaffold.results.tables.compare import ComparisonRequest, compare_selections

    _check_compare_options(names, all_pairs=all_pairs, against=against, expect=expect, margin=margin)
    expectation = _read_expectation(expect, margin) if expect else None
    limited = output.LimitedLists(query_values["limit"])
    result = run_query_from_options(query_values)
    is_part = family != "asked" and (query_values["where"] or query_values["sweep"])
    request = ComparisonRequest(
        names=names,
        # what was run does not depend on which of it is asked for
        records=run_query_from_options({**query_values, "where": None, "sweep": None}, quiet=True)
        if is_part
        else result,
        family=family,
        noise_from=noise_from,
        all_pairs=all_pairs,
        against_best=against is not None,
        expectation=expectation,
        planned=PlannedComparisonReader(
            options.find_requested_workspace(query_values["workdir"], query_values["root"])
        ),
    )
    report = compare_selections(result, request)
    if query_values["json_output"]:
        from scaffold.results.tables import render_json

        output.print_json(render_json.comparison_json(report, limited), limited)
    else:
        output.print_limited_warnings(report.unmatched)
        printing.print_comparisons(limited(report.comparisons), limited)
    if expect and not report.is_expected:
        raise click.exceptions.Exit(1 if report.is_expected is None else 3)


def _check_compare_options(
    names: Sequence[str], *, all_pairs: bool, against: str | None, expect: str | None, margin: float | None
) -> None:
    """Raise WrongUsage for options of `compare` that do not go together."""
    from scaffold.errors import WrongUsage

    if len(names) < 2 and not against:
        raise WrongUsage(
            "compare needs two names",
            hint="scaffold results compare baseline 'lr=0.1', or --against best for all there are",
        )
    if all_pairs and against:
        raise WrongUsage("--all-pairs and --against cannot go together", hint="give one of them")
    if margin is not None and expect is None:
        raise WrongUsage("--margin says how much, and not of what", hint="--expect equal --margin 0.01")


def _read_expectation(expect: ExpectedWord, margin: float | None) -> ComparisonExpectation:
    """What `--expect` and `--margin` ask for. Raises WrongUsage for a word that says nothing without a margin."""
    from scaffold.errors import WrongUsage
    from scaffold.results.tables.expectation import NEED_MARGIN, ComparisonExpectation

    if expect in NEED_MARGIN and not margin:
        raise WrongUsage(
            f"--expect {expect} needs a margin: that no difference was found does not show that there is none",
            hint=f"--expect {expect} --margin D, with D the largest difference that does not matter",
        )
    return ComparisonExpectation(word=expect, margin=margin or 0.0)


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
    printing.print_sensitivity_curves(curves, parameter, limited)
