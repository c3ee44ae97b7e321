"""`scaffold results`: tables over seeds, comparisons, ablations, sensitivity."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from scaffold.cli.common import options, output
from scaffold.cli.common.groups import ExampleGroup
from scaffold.cli.results import comparisons as comparisons_output
from scaffold.cli.results.query_options import Answered, Asked, question

if TYPE_CHECKING:
    from scaffold.results.tables.model import ResultRow, ResultTable


@click.group(cls=ExampleGroup, invoke_without_command=True)
@question
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
def results(by: str | None, interval: str, format_: str, **given: Any) -> None:
    """Show results: one row for each configuration, its seeds folded to n, mean, sd and 95 % interval.

    Only finished runs count; what is missing is shown as missing. See docs/results.md for what each number is.
    """
    context = click.get_current_context()
    if context.invoked_subcommand:
        options.refuse_options_before_subcommand(context)
        return
    names = list(dict.fromkeys(filter(None, map(str.strip, by.split(","))))) if by is not None else None
    asked = Asked(given)
    answered = Answered(asked, params=tuple(names or ()))
    table = answered.table(by=names, interval=interval)
    _check_names(names, table)
    if given["json_output"] or format_ == "json":
        from scaffold.results.tables import render

        found = render.table_json(table, asked.limited)
        output.print_json({"how": answered.how, "interval": interval, **found}, asked.limited)
        return
    _print(table, format_, asked.limited)
    _say(table)


def _check_names(names: Sequence[str] | None, table: ResultTable) -> None:
    from scaffold.errors import WrongUsage

    if names is None or not table.rows:
        return
    for name in names:
        if not any(name in row.config for row in table.rows):
            known = sorted({key for row in table.rows for m in row.runs for key in m.run.params})
            raise WrongUsage(
                f"--by: no run has a parameter {name!r}", hint=f"parameters are {', '.join(known) or 'none'}"
            )


def _print(table: ResultTable, format_: str, limited: output.Limited) -> None:
    from scaffold.results.tables import render, text_format

    if format_ != "table":
        click.echo(render.FORMATS[format_](table), nl=False)
        return
    heads = render.row_heads(table)
    shown = render.limited_rows(table, limited)
    for number, metric in enumerate(table.metrics):
        click.echo(("\n" if number else "") + render.metric_title(table, metric))
        output.print_rows(render.table_lines(table, metric, heads, shown))
    if not table.metrics and table.rows:
        first, *rest = heads
        counts = [text_format.format_run_count(None, len(row.missing)) for row in table.rows]
        output.print_rows([[*first, "n"], *([*rest[index], counts[index]] for index in shown)])
    limited.report_left_out()


def _say(table: ResultTable) -> None:
    """What was read, what is missing and what to beware of, on stderr; what many rows have in common once."""
    from scaffold.results.tables import fold, render

    click.echo("; ".join(render.count_sentences(table)), err=True)
    output.warn_first(
        [f"{s.path} cannot be read ({s.reason})" for s in table.skipped if s.reason.startswith("damaged")]
    )
    output.warn_first(table.warnings)
    rows: dict[str, list[str]] = {}
    for row in table.rows:
        for warning in row.warnings:
            rows.setdefault(warning, []).append(fold.row_label(row, table.by))
    for warning, labels in rows.items():
        some = ", ".join(labels[:3]) + (f" and {len(labels) - 3} more" if len(labels) > 3 else "")
        output.warn(f"{some}: {warning}")


@results.command()
@click.argument("names", nargs=-1, required=True, metavar="A B [C ...]")
@question
@click.option("--noise-from", metavar="NAME", help="The repeated baseline whose spread is the noise floor. Default: A.")
def compare(names: tuple[str, ...], noise_from: str | None, **given: Any) -> None:
    """Compare B (and C ...) with A, the reference: effect, 95 % interval, test, verdict.

    Each is an experiment, a sweep, a task, a run, a run's name without its seed, or a condition such as 'lr=0.1'.
    """
    from scaffold.errors import WrongUsage
    from scaffold.results.tables import compare as comparing

    if len(names) < 2:
        raise WrongUsage("compare needs two names", hint="scaffold results compare baseline 'lr=0.1'")
    asked = Asked(given)
    answered = Answered(asked)
    metrics = answered.compared_metrics()
    reference, whole = answered.side(names[0])
    found, alone = [], []
    for name in names[1:]:
        side, table = answered.side(name)
        if any(reference.admits(run) and side.admits(run) for run in answered.runs()):
            raise WrongUsage(f"{names[0]!r} and {name!r} share runs", hint="name things that have no run in common")
        made, without = comparing.pair_rows(names[0], whole, name, table)
        found += made
        alone += without
    floor = _one_row(answered, noise_from) if noise_from else None
    known = {m: way for m in metrics if (way := answered.directions.of(m))}
    comparisons = comparing.compare_pairs(found, metrics, known, floor)
    shown = asked.limited(comparisons)
    if given["json_output"]:
        answer = {"reference": names[0], "comparisons": [comparisons_output.as_json(c) for c in shown]}
        output.print_json({**answer, "warnings": asked.limited(alone)}, asked.limited)
        return
    output.warn_first(alone)
    comparisons_output.show(shown)
    asked.limited.report_left_out()


def _one_row(answered: Answered, name: str) -> ResultRow:
    from scaffold.errors import ScaffoldError
    from scaffold.results.tables import fold

    _, table = answered.side(name)
    if len(table.rows) != 1:
        some = "; ".join(fold.row_label(row, table.by) for row in table.rows[:5])
        raise ScaffoldError(
            f"{name!r} stands for {len(table.rows)} configurations: {some}",
            hint="name one of them, for example 'lr=0.1'",
        )
    return table.rows[0]


@results.command()
@click.option(
    "--reference",
    metavar="NAME",
    help="The configuration to hold all against. Default: the one most others are near to.",
)
@question
def ablation(reference: str | None, **given: Any) -> None:
    """Compare every configuration that differs in one factor from the reference with it."""
    from scaffold.errors import ScaffoldError
    from scaffold.results.tables import ablation as ablations
    from scaffold.results.tables import fold
    from scaffold.results.tables.text_format import count_noun

    asked = Asked(given)
    answered = Answered(asked)
    metrics, table = answered.compared_metrics(), answered.table()
    row = _one_row(answered, reference) if reference else ablations.find_reference(table.rows)
    if row is None:
        raise ScaffoldError(
            "which configuration is the reference cannot be told", hint="name it: --reference 'lr=0.1 and depth=2'"
        )
    row = next((r for r in table.rows if (r.experiment, r.config) == (row.experiment, row.config)), row)
    found = ablations.compare_ablations(table, row, metrics)
    if not found.changes:
        raise ScaffoldError(
            f"no configuration differs in one factor from {fold.row_label(row, table.by)}",
            hint="scaffold results shows them",
        )
    shown = asked.limited(found.comparisons)
    if given["json_output"]:
        changes = [
            {"factor": c.factor, "before": c.before, "after": c.after, "experiment": c.row.experiment}
            for c in asked.limited(found.changes)
        ]
        answer = {"reference": found.reference, "changes": changes}
        comparisons = [comparisons_output.as_json(c) for c in shown]
        output.print_json({**answer, "comparisons": comparisons, "others": found.others}, asked.limited)
        return
    click.echo(f"reference: {found.reference}")
    comparisons_output.show(shown)
    asked.limited.report_left_out()
    if found.others:
        rest = count_noun(found.others, "configuration")
        click.echo(f"left out, for more than one difference: {rest}", err=True)


@results.command()
@click.argument("parameter")
@question
def sensitivity(parameter: str, **given: Any) -> None:
    """Show a metric over the values of one parameter, everything else held."""
    from scaffold.results.metrics import configurations
    from scaffold.results.tables import render, verdicts
    from scaffold.results.tables import sensitivity as sensitivities
    from scaffold.results.tables.text_format import printable

    asked = Asked(given)
    answered = Answered(asked, params=(parameter,))
    metrics = answered.compared_metrics()
    curves = sensitivities.sensitivity_curves(answered.table(), parameter, metrics)
    limited = asked.limited
    if given["json_output"]:
        answer = {"parameter": parameter, "curves": [_curve_json(c, limited) for c in limited(curves)]}
        output.print_json(answer, limited)
        return
    for number, curve in enumerate(limited(curves)):
        said = f"{curve.metric} over {parameter} ({curve.scale}), {curve.held}: {curve.verdict}"
        click.echo(("\n" if number else "") + printable(said))
        head = [parameter, "n", "mean", "sd", "95 % interval", "min", "max"]
        output.print_rows(
            [
                head,
                *(
                    [printable(configurations.format_value(s.value)), *render.summary_cells(s.summary, s.missing)]
                    for s in limited(curve.spots)
                ),
            ]
        )
    limited.report_left_out()
    if any(c.p is not None for c in curves):
        click.echo(
            f"tested by the analysis of variance, {verdicts.NOT_DISTINGUISHABLE} where its Holm-corrected p is above 0.05",
            err=True,
        )


def _curve_json(curve: Any, limited: output.Limited) -> dict[str, Any]:
    from scaffold.results.tables import render

    found = asdict(curve)
    found["spots"] = [
        {
            "value": s.value,
            "missing": s.missing,
            "summary": {k: render.json_number(v) for k, v in s.summary._asdict().items()} if s.summary else None,
        }
        for s in limited(curve.spots)
    ]
    return found
