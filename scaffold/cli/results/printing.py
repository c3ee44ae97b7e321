"""Tables, comparisons and curves as `scaffold results` prints them for people: columns on stdout, what to beware of on stderr."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from scaffold.cli.common import output

if TYPE_CHECKING:
    from scaffold.results.tables.model import ResultTable
    from scaffold.results.tables.sensitivity import SensitivityCurve
    from scaffold.results.tables.verdicts import MetricComparison


def print_result_table(table: ResultTable, limited: output.LimitedLists) -> None:
    """A block of lines for each metric; where there is none, how many runs each configuration has."""
    from scaffold.results.metrics.configurations import format_value
    from scaffold.results.tables import render, render_json
    from scaffold.results.tables.text_format import format_run_count
    from scaffold.visible_text import escape_to_one_line

    if constants := table.constants:
        texts = " ".join(f"{name}={format_value(value)}" for name, value in constants.items())
        click.echo(escape_to_one_line(f"in all rows: {texts}"), err=True)
    rows = render_json.choose_shown_rows(table, limited)
    heads = render.row_heads(table, rows)
    for number, metric in enumerate(table.metrics):
        click.echo(("\n" if number else "") + render.metric_title(table, metric))
        output.print_aligned_rows(render.format_metric_table_lines(table, metric, heads, rows))
    if not table.metrics and table.rows:
        names, *cells = heads
        counts = [format_run_count(None, len(table.rows[index].missing)) for index in rows]
        output.print_aligned_rows([[*names, "n"], *([*head, count] for head, count in zip(cells, counts, strict=True))])
    limited.report_left_out()


def print_result_remarks(table: ResultTable) -> None:
    """What was read, what is missing and what to beware of, on stderr; what many rows have in common once."""
    from scaffold.results.tables import fold, render

    click.echo("; ".join(render.describe_counts(table)), err=True)
    output.print_limited_warnings(
        [f"{s.path} cannot be read ({s.reason})" for s in table.skipped if s.reason.startswith("damaged")]
    )
    output.print_limited_warnings(table.warnings)
    labels_by_warning: dict[str, list[str]] = {}
    for row in table.rows:
        for warning in row.warnings:
            labels_by_warning.setdefault(warning, []).append(fold.row_label(row, table.by))
    for warning, labels in labels_by_warning.items():
        rows = ", ".join(labels[:3]) + (f" and {len(labels) - 3} more" if len(labels) > 3 else "")
        output.warn(f"{rows}: {warning}")


def print_comparisons(comparisons: Sequence[MetricComparison], limited: output.LimitedLists) -> None:
    """A line for each, then hints and warnings on stderr."""
    from scaffold.results.tables.text_format import format_interval, format_signed_number
    from scaffold.results.tables.verdicts import needed_seeds_sentence, noise_floor_sentence
    from scaffold.visible_text import escape_to_one_line

    lines = [["metric", "A", "B", "n", "effect", "95 % interval", "test", "verdict"]]
    for c in comparisons:
        spread = (c.high - c.low) / 2 if c.low is not None and c.high is not None else None
        effect = "-" if c.effect is None else format_signed_number(c.effect, spread)
        interval = "-" if c.low is None else format_interval(c.low, c.high, spread)
        n = f"{c.n_a} pairs" if c.paired else f"{c.n_a}, {c.n_b}"
        lines.append(
            [
                *map(escape_to_one_line, (c.metric, c.a, c.b)),
                n,
                effect,
                interval,
                c.test,
                escape_to_one_line(c.verdict),
            ]
        )
    output.print_aligned_rows(lines)
    printed = set()
    for sentence in dict.fromkeys(noise_floor_sentence(c) for c in comparisons):
        click.echo(escape_to_one_line(sentence), err=True)
    for c in comparisons:
        if c.expected is not None:
            click.echo(escape_to_one_line(f"{c.metric}: {c.expected.sentence}"))
        hint = needed_seeds_sentence(c)
        if hint:
            click.echo(escape_to_one_line(f"{c.b} ({c.metric}): {hint}"), err=True)
        for warning in c.warnings:
            if warning not in printed:
                output.warn(escape_to_one_line(warning))
            printed.add(warning)
    if max((c.comparisons for c in comparisons), default=0) > 1:
        click.echo("p-values are Holm's; each interval is for one comparison by itself", err=True)
    limited.report_left_out()


def print_sensitivity_curves(curves: Sequence[SensitivityCurve], parameter: str, limited: output.LimitedLists) -> None:
    """A block of lines for each: the metric at every value of the parameter."""
    from scaffold.results.metrics.configurations import format_value
    from scaffold.results.tables import render
    from scaffold.results.tables.verdicts import NOT_DISTINGUISHABLE
    from scaffold.visible_text import escape_to_one_line

    for number, curve in enumerate(limited(curves)):
        title = f"{curve.metric} over {parameter} ({curve.scale}), {curve.held}: {curve.verdict}"
        click.echo(("\n" if number else "") + escape_to_one_line(title))
        lines = [
            [escape_to_one_line(format_value(spot.value)), *render.summary_cells(spot.summary, spot.missing)]
            for spot in limited(curve.spots)
        ]
        output.print_aligned_rows([[parameter, *render.NUMBER_COLUMNS], *lines])
    limited.report_left_out()
    if any(c.p is not None for c in curves):
        click.echo(
            f"tested by the analysis of variance, {NOT_DISTINGUISHABLE} where its Holm-corrected p is above 0.05",
            err=True,
        )
