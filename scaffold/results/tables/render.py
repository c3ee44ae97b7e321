"""A table -> rows of words, Markdown, CSV, LaTeX, JSON. Deterministic; what is missing is shown as missing."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from scaffold.results.metrics import configurations
from scaffold.results.metrics.model import MeasuredRun
from scaffold.results.stats.summary import MetricSummary
from scaffold.results.tables import text_format
from scaffold.results.tables.model import IntervalKind, ResultTable
from scaffold.results.tables.text_format import count_noun, printable

MISSING = "-"
_LATEX = str.maketrans(
    {
        **{c: f"\\{c}" for c in "&%$#_{}"},
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
        "\\": r"\textbackslash{}",
        "<": r"\textless{}",
        ">": r"\textgreater{}",
        "|": r"\textbar{}",
    }
)
_LATEX_INTERVAL: Mapping[IntervalKind, str] = {"t": "t-interval", "bootstrap": "bootstrap interval (BCa)"}
_MARKDOWN = str.maketrans({"\\": r"\\", "|": r"\|", "\n": " ", "*": r"\*", "`": r"\`", "_": r"\_", "<": "&lt;"})


def table_lines(
    table: ResultTable, metric: str, heads: Sequence[Sequence[str]] | None = None, shown: Sequence[int] | None = None
) -> list[list[str]]:
    """A header and one line for each configuration: what it is, n, mean, sd, 95 % interval, min, max; `best` at its end.

    `heads` may be given where many metrics of one table are written, and `shown` the rows to write where these are not all.
    """
    first, *rest = row_heads(table) if heads is None else heads
    found = [[*first, "n", "mean", "sd", "95 % interval", "min", "max", ""]]
    best = table.best.get(metric)
    for index in range(len(table.rows)) if shown is None else shown:
        head, row = rest[index], table.rows[index]
        mark = "best" if best == index else ""
        found.append([*head, *summary_cells(row.summaries.get(metric), row.lacking(metric)), mark])
    return found


def row_heads(table: ResultTable) -> list[list[str]]:
    """The names of the columns that say which configuration a row is, and these of every row."""
    alone = len({row.experiment for row in table.rows}) == 1 and bool(table.by)
    found = [[*([] if alone else ["experiment"]), *table.by]]
    for row in table.rows:
        said = [printable(configurations.format_value(row.config[n])) if n in row.config else MISSING for n in table.by]
        found.append(said if alone else [row.experiment, *said])
    return found


def summary_cells(summary: MetricSummary | None, missing: int) -> list[str]:
    """n, mean, sd, 95 % interval, min, max as words; `missing` runs have no value."""
    n = text_format.format_run_count(summary, missing)
    if summary is None or summary.mean is None or summary.minimum is None or summary.maximum is None:
        return [n, MISSING, MISSING, MISSING, MISSING, MISSING]
    sd, low, high = summary.sd, summary.low, summary.high
    largest = max(abs(summary.minimum), abs(summary.maximum), abs(low or 0.0), abs(high or 0.0))
    how = text_format.number_spec(largest, sd)
    ends = "one run: no interval" if summary.n < 2 else MISSING
    if low is not None and high is not None:
        ends = f"[{low:{how}}, {high:{how}}]"
    spread = MISSING if sd is None else text_format.format_number(sd, sd)
    return [n, format(summary.mean, how), spread, ends, format(summary.minimum, how), format(summary.maximum, how)]


def metric_title(table: ResultTable, metric: str) -> str:
    """`acc (higher is better)`."""
    way = table.directions.get(metric)
    return printable(metric) + (
        {"maximize": " (higher is better)", "minimize": " (lower is better)"}[way] if way else ""
    )


def markdown(table: ResultTable) -> str:
    """A table of Markdown for each metric; the best mean in bold."""
    parts: list[str] = []
    heads = row_heads(table)
    for metric in table.metrics:
        head, *body = [line[:-1] for line in table_lines(table, metric, heads)]
        best = table.best.get(metric)
        mean = head.index("mean")
        rows = []
        for index, line in enumerate(body):
            cells = [cell.translate(_MARKDOWN) for cell in line]
            cells[mean] = f"**{cells[mean]}**" if index == best else cells[mean]
            rows.append("| " + " | ".join(cells) + " |")
        header = "| " + " | ".join(cell.translate(_MARKDOWN) for cell in head) + " |"
        rule = "|" + "|".join(" ---: " if i >= mean - 1 else " --- " for i in range(len(head))) + "|"
        before = [""] if parts else []
        parts.append(
            "\n".join([*before, f"**{metric_title(table, metric).translate(_MARKDOWN)}**", "", header, rule, *rows])
        )
    return "".join(f"{part}\n" for part in parts)


def latex(table: ResultTable) -> str:
    """A `tabular` for each metric (booktabs): mean, 95 % interval (its half, of a t-interval), n; the best mean in bold."""
    parts, heads = [], row_heads(table)
    for metric in table.metrics:
        head, *body = table_lines(table, metric, heads)
        mean = head.index("mean")
        rows = []
        for index, line in enumerate(body):
            summary = table.rows[index].summaries.get(metric)
            cells = [cell.translate(_LATEX) for cell in line[: mean - 1]]
            said = _latex_mean(summary, table.interval, best=table.best.get(metric) == index)
            rows.append(" & ".join([*cells, said, line[mean - 1]]))
        columns = "l" * (mean - 1) + "rr"
        names = " & ".join(
            [
                *(cell.translate(_LATEX) for cell in head[: mean - 1]),
                metric_title(table, metric).translate(_LATEX),
                "$n$",
            ]
        )
        body_text = "".join(f"{row} \\\\\n" for row in rows)
        parts.append(
            f"% mean and 95 % {_LATEX_INTERVAL[table.interval]} over seeds\n"
            f"\\begin{{tabular}}{{{columns}}}\n\\toprule\n{names} \\\\\n\\midrule\n"
            f"{body_text}\\bottomrule\n\\end{{tabular}}\n"
        )
    return "\n".join(parts)


def _latex_mean(summary: MetricSummary | None, interval: IntervalKind, *, best: bool) -> str:
    if summary is None or summary.mean is None:
        return "--"
    mean = text_format.format_number(summary.mean, summary.sd)
    said = f"\\mathbf{{{mean}}}" if best else mean
    if summary.low is None or summary.high is None:
        return f"${said}$"
    if interval == "bootstrap":
        return f"${said}\\ {text_format.format_interval(summary.low, summary.high, summary.sd)}$"
    return f"${said} \\pm {text_format.format_number(summary.high - summary.mean, summary.sd)}$"


def as_csv(table: ResultTable) -> str:
    """One line for each configuration and metric, numbers in full; empty where there is none."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    columns = ("n", "mean", "sd", "low", "high", "minimum", "maximum", "not_finite")
    writer.writerow(["experiment", *table.by, "metric", "direction", *columns, "missing", "best"])
    for metric in table.metrics:
        for index, row in enumerate(table.rows):
            config = [configurations.format_value(row.config[n]) if n in row.config else "" for n in table.by]
            summary = row.summaries.get(metric) or MetricSummary(0, None, None, None, None, None, None)
            numbers = ["" if v is None else repr(v) for v in summary]
            missing = row.lacking(metric)
            best = "best" if table.best.get(metric) == index else ""
            writer.writerow(
                [row.experiment, *config, metric, table.directions.get(metric, ""), *numbers, missing, best]
            )
    return out.getvalue()


Limit = Callable[[Sequence[Any]], Sequence[Any]]


def limited_rows(table: ResultTable, limited: Limit) -> list[int]:
    """The indices of the rows that are shown where `limited` says how many: the best of each metric, and the first ones."""
    best = [table.best[m] for m in table.metrics if m in table.best]
    return sorted(limited(list(dict.fromkeys([*best, *range(len(table.rows))]))))


def table_json(table: ResultTable, limited: Limit = list) -> dict[str, Any]:
    """Everything, with the runs and where each value was read; of each list what `limited` leaves of it."""
    return {
        "by": list(table.by),
        "metrics": [
            {"name": m, "direction": table.directions.get(m), "best": table.best.get(m)} for m in table.metrics
        ],
        "rows": [_row_json(table, index, limited) for index in limited_rows(table, limited)],
        "skipped": [asdict(s) for s in limited(table.skipped)],
        "warnings": list(limited(table.warnings)),
        "notes": list(limited(table.notes)),
    }


def _row_json(table: ResultTable, index: int, limited: Limit) -> dict[str, Any]:
    row = table.rows[index]
    summaries = {m: _finite(s._asdict()) if (s := row.summaries.get(m)) else None for m in table.metrics}
    return {
        "index": index,
        "experiment": row.experiment,
        "config": dict(row.config),
        "summaries": summaries,
        "runs": [_run_json(m) for m in limited(row.runs)],
        "missing": [asdict(s) for s in limited(row.missing)],
        "warnings": list(limited(row.warnings)),
    }


def _run_json(measured: MeasuredRun) -> dict[str, Any]:
    """A run's values; `sources` says where a value was read that is not the manifest's."""
    run, values = measured.run, sorted(measured.values.items())
    sources = {
        name: {"path": value.path, "line": value.line, "step": json_number(value.step)}
        for name, value in values
        if value.path != run.path
    }
    return {
        "name": run.name,
        "attempt": run.attempt,
        "seed": run.seed,
        "path": run.path,
        "values": {name: json_number(value.value) for name, value in values},
        "sources": sources,
    }


def _finite(found: Mapping[str, Any]) -> dict[str, Any]:
    return {name: json_number(value) for name, value in found.items()}


def json_number(value: Any) -> Any:
    """A value as JSON can hold it: `"NaN"`, `"Infinity"`, `"-Infinity"` are texts."""
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return value


# the first word of why a run or file was passed over -> what many of them have in common
_KINDS = {
    "damaged:": "damaged",
    "another": "of another attempt",
    "seed": "of a seed that ran again",
    "a": "of a smoke sweep",
}
FORMATS: Mapping[str, Callable[[ResultTable], str]] = {"md": markdown, "csv": as_csv, "latex": latex}


def count_sentences(table: ResultTable) -> Sequence[str]:
    """How many runs there are, how many have no result and why, most frequent first."""
    from collections import Counter

    missing = Counter(s.reason for row in table.rows for s in row.missing)
    runs = sum(len(row.runs) for row in table.rows)
    said = [f"{count_noun(runs, 'run')} in {count_noun(len(table.rows), 'configuration')}"]
    if missing:
        why = ", ".join(f"{n} {reason}" for reason, n in sorted(missing.items(), key=lambda p: (-p[1], p[0])))
        said.append(f"{sum(missing.values())} without a result: {why}")
    if table.skipped:
        kinds = Counter(_KINDS.get(s.reason.split()[0], s.reason) for s in table.skipped)
        why = ", ".join(f"{n} {kind}" for kind, n in sorted(kinds.items(), key=lambda p: (-p[1], p[0])))
        said.append(f"passed over: {why}")
    return said
