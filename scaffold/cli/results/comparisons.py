"""How comparisons are printed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from scaffold.cli.common import output

if TYPE_CHECKING:
    from scaffold.results.tables.model import MetricComparison


def as_json(c: MetricComparison) -> dict[str, Any]:
    """A comparison as JSON can hold it."""
    from scaffold.results.tables import render

    return {name: render.json_number(value) for name, value in asdict(c).items()}


def show(comparisons: Sequence[MetricComparison]) -> None:
    """A line for each, then hints and warnings on stderr."""
    from scaffold.results.tables import verdicts
    from scaffold.results.tables.text_format import printable

    output.print_rows(_lines(comparisons))
    said = set()
    for c in comparisons:
        hint = verdicts.seeds_sentence(c)
        if hint:
            click.echo(printable(f"{c.b} ({c.metric}): {hint}"), err=True)
        for warning in c.warnings:
            if warning not in said:
                output.warn(printable(warning))
            said.add(warning)
    tests = max((c.comparisons for c in comparisons), default=0)
    if tests > 1:
        click.echo(f"{tests} comparisons: p-values are Holm's; each interval is for one comparison by itself", err=True)


def _lines(comparisons: Sequence[MetricComparison]) -> list[list[str]]:
    from scaffold.results.tables import text_format
    from scaffold.results.tables.text_format import printable

    lines = [["metric", "A", "B", "n", "effect", "95 % interval", "test", "verdict"]]
    for c in comparisons:
        spread = (c.high - c.low) / 2 if c.low is not None and c.high is not None else None
        effect = "-" if c.effect is None else text_format.format_signed(c.effect, spread)
        ends = "-" if c.low is None else text_format.format_interval(c.low, c.high, spread)
        n = f"{c.n_a} pairs" if c.paired else f"{c.n_a}, {c.n_b}"
        lines.append([*map(printable, (c.metric, c.a, c.b)), n, effect, ends, c.test, printable(c.verdict)])
    return lines
