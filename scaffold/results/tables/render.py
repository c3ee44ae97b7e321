"""A table -> columns of text, Markdown, CSV, LaTeX. Deterministic; what is missing is shown as missing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from scaffold.results.metrics.configurations import format_value
from scaffold.results.stats.summary import MetricSummary, summarize_seed_values
from scaffold.results.tables.text_format import (
    format_interval,
    format_number,
    format_run_count,
    number_format_spec,
    pluralize,
)
from scaffold.visible_text import csv_lines, escape_to_one_line

if TYPE_CHECKING:
    from scaffold.results.tables.model import IntervalKind, ResultTable

MISSING = "-"
NUMBER_COLUMNS = ("n", "mean", "sd", "95 % interval", "min", "max")
_WAYS = {"maximize": " (higher is better)", "minimize": " (lower is better)"}
_LATEX_NAMES = {"~": "asciitilde", "^": "asciicircum", "\\": "backslash", "<": "less", ">": "greater", "|": "bar"}
_LATEX = str.maketrans(
    {**{c: f"\\{c}" for c in "&%$#_{}"}, **{c: f"\\text{name}{{}}" for c, name in _LATEX_NAMES.items()}}
)
_LATEX_INTERVAL: Mapping[IntervalKind, str] = {"t": "t-interval", "bootstrap": "bootstrap interval (BCa)"}
_MARKDOWN = str.maketrans({"\\": r"\\", "|": r"\|", "\n": " ", "*": r"\*", "`": r"\`", "_": r"\_", "<": "&lt;"})


def row_heads(table: ResultTable, rows: Sequence[int] | None = None) -> list[list[str]]:
    """The columns that say which configuration a row is, first their names, then the cells of every row (of `rows` only, by index).

    A single experiment is not named, unless nothing else tells rows apart.
    """
    single = len({row.experiment for row in table.rows}) == 1 and bool(table.by)
    heads = [[*([] if single else ["experiment"]), *table.by]]
    for row in table.rows if rows is None else [table.rows[index] for index in rows]:
        params = [escape_to_one_line(format_value(row.config[n])) if n in row.config else MISSING for n in table.by]
        heads.append(params if single else [escape_to_one_line(row.experiment), *params])
    return heads


def format_metric_table_lines(
    table: ResultTable, metric: str, heads: Sequence[Sequence[str]], rows: Sequence[int] | None = None
) -> list[list[str]]:
    """A header and a line for each row (of `rows` only, by index): its head, its numbers, and `best` at the best one.

    `heads` are what `row_heads` says of the same rows: they are the same for every metric.
    """
    names, *cells = heads
    lines = [[*names, *NUMBER_COLUMNS, ""]]
    for index, head in zip(range(len(table.rows)) if rows is None else rows, cells, strict=True):
        row = table.rows[index]
        numbers = summary_cells(row.summaries.get(metric), row.count_missing(metric))
        lines.append([*head, *numbers, table.best_mark(metric, index)])
    return lines


def summary_cells(summary: MetricSummary | None, missing: int) -> list[str]:
    """The cells under NUMBER_COLUMNS; `missing` runs have no value."""
    n = format_run_count(summary, missing)
    if summary is None or summary.mean is None or summary.minimum is None or summary.maximum is None:
        return [n, *[MISSING] * 5]
    sd, low, high = summary.sd, summary.low, summary.high
    largest = max(abs(summary.minimum), abs(summary.maximum), abs(low or 0.0), abs(high or 0.0))
    spec = number_format_spec(largest, sd)
    interval = "one run: no interval" if summary.n < 2 else MISSING
    if low is not None and high is not None:
        interval = f"[{low:{spec}}, {high:{spec}}]"
    mean, minimum, maximum = (format(value, spec) for value in (summary.mean, summary.minimum, summary.maximum))
    return [n, mean, MISSING if sd is None else format_number(sd, sd), interval, minimum, maximum]


def metric_title(table: ResultTable, metric: str) -> str:
    """`acc (higher is better)`."""
    return escape_to_one_line(metric) + _WAYS.get(table.directions.get(metric, ""), "")


def render_tables_as_markdown(table: ResultTable) -> str:
    """A table of Markdown for each metric; the best mean in bold."""
    parts: list[str] = []
    heads = row_heads(table)
    mean = len(heads[0]) + NUMBER_COLUMNS.index("mean")
    for metric in table.metrics:
        head, *lines = [
            [cell.translate(_MARKDOWN) for cell in line[:-1]]
            for line in format_metric_table_lines(table, metric, heads)
        ]
        for best in table.bests.get(metric, ()):
            lines[best][mean] = f"**{lines[best][mean]}**"
        header, *rows = ["| " + " | ".join(cells) + " |" for cells in (head, *lines)]
        rule = "|" + "|".join(" ---: " if column >= mean - 1 else " --- " for column in range(len(head))) + "|"
        title = f"**{metric_title(table, metric).translate(_MARKDOWN)}**"
        parts.append("\n".join([*([""] if parts else []), title, "", header, rule, *rows]))
    return "".join(f"{part}\n" for part in parts)


def render_latex(table: ResultTable) -> str:
    """A `tabular` for each metric (booktabs): mean, 95 % interval (its half, of a t-interval), n; the best mean in bold."""
    parts = []
    (names, *cells) = [[cell.translate(_LATEX) for cell in head] for head in row_heads(table)]
    for metric in table.metrics:
        header = " & ".join([*names, metric_title(table, metric).translate(_LATEX), "$n$"])
        lines = []
        for index, row in enumerate(table.rows):
            summary = row.summaries.get(metric)
            mean = _latex_mean(summary, table.interval, best=bool(table.best_mark(metric, index)))
            lines.append(
                " & ".join([*cells[index], mean, format_run_count(summary, row.count_missing(metric))]) + " \\\\\n"
            )
        parts.append(
            f"% mean and 95 % {_LATEX_INTERVAL[table.interval]} over seeds\n"
            f"\\begin{{tabular}}{{{'l' * len(names)}rr}}\n\\toprule\n{header} \\\\\n\\midrule\n"
            f"{''.join(lines)}\\bottomrule\n\\end{{tabular}}\n"
        )
    return "\n".join(parts)


def _latex_mean(summary: MetricSummary | None, interval: IntervalKind, *, best: bool) -> str:
    if summary is None or summary.mean is None:
        return "--"
    mean = format_number(summary.mean, summary.sd)
    mean = f"\\mathbf{{{mean}}}" if best else mean
    if summary.low is None or summary.high is None:
        return f"${mean}$"
    if interval == "bootstrap":
        return f"${mean}\\ {format_interval(summary.low, summary.high, summary.sd)}$"
    return f"${mean} \\pm {format_number(summary.high - summary.mean, summary.sd)}$"


def render_csv(table: ResultTable) -> str:
    """One line for each configuration and metric, numbers in full, and the runs that they are of; empty where there is none."""
    lines: list[list[object]] = [
        ["experiment", *table.by, "metric", "direction", *MetricSummary._fields, "missing", "best", "runs"]
    ]
    for metric in table.metrics:
        direction = table.directions.get(metric, "")
        for index, row in enumerate(table.rows):
            config = [format_value(row.config[name]) if name in row.config else "" for name in table.by]
            numbers = row.summaries.get(metric) or summarize_seed_values([])
            best = table.best_mark(metric, index)
            names = " ".join(m.run.label for m in row.runs if metric in m.values)
            lines.append([row.experiment, *config, metric, direction, *numbers, row.count_missing(metric), best, names])
    return csv_lines(lines)


FORMATS: Mapping[str, Callable[[ResultTable], str]] = {
    "md": render_tables_as_markdown,
    "csv": render_csv,
    "latex": render_latex,
}
# the first word of why a run or file was passed over -> what many of them have in common
_SKIP_KINDS = {
    "damaged:": "damaged",
    "another": "of another attempt",
    "seed": "of a seed that ran again",
    "a": "of a smoke sweep",
    "rerun:": "rerun",
    "withdrawn:": "withdrawn",
}


def describe_counts(table: ResultTable) -> list[str]:
    """How many runs there are, how many have no result and why, most frequent first."""
    missing = Counter(s.reason for row in table.rows for s in row.missing)
    skipped = Counter(_SKIP_KINDS.get(s.reason.split()[0], s.reason) for s in table.skipped)
    runs = sum(len(row.runs) for row in table.rows)
    sentences = [f"{pluralize(runs, 'run')} in {pluralize(len(table.rows), 'configuration')}"]
    if missing:
        sentences.append(f"{missing.total()} without a result: {_by_frequency(missing)}")
    if skipped:
        sentences.append(f"passed over: {_by_frequency(skipped)}")
    return sentences


def _by_frequency(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{n} {what}" for what, n in sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])))
