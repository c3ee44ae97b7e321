"""`scaffold runs metrics`: what runs gave, each value with its source; and metrics read off logs that are there already."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from scaffold.cli.common import options, output
from scaffold.cli.runs.runs_output import read_records_with_warnings

if TYPE_CHECKING:
    from scaffold.observations.model import MetricValue
    from scaffold.runs.model import Run
    from scaffold.workspace import Workspace


@click.command()
@click.argument("names", nargs=-1, metavar="[RUN ...]")
@options.workspace_options
@click.option(
    "--from-log",
    "patterns",
    multiple=True,
    metavar="PATTERN",
    help="Read a metric off the logs: 'val_bpb:\\s*(\\S+)'. The last match counts; logs and manifests stay as they are.",
)
@click.option("--experiment", help="Only runs of this experiment.")
@click.option("--sweep", help="Only runs of this sweep.")
@options.limit_option
@options.json_option
def metrics(
    names: tuple[str, ...],
    workdir: Path,
    root: str | None,
    patterns: tuple[str, ...],
    experiment: str | None,
    sweep: str | None,
    limit: int,
    json_output: bool,
) -> None:
    """Show the metrics of runs with the file and line of each value; with --from-log read them off logs first.

    Without RUN all runs that ended. Exit 3 where no run has a metric.
    """
    workspace = options.find_requested_workspace(workdir, root)
    runs = _chosen_runs(workspace, names, experiment, sweep)
    for text in _read_logs(workspace, runs, patterns) if patterns else ():
        output.warn(text)
    limited = output.LimitedLists(limit)
    rows = _observations(workspace, runs)
    if json_output:
        output.print_json({"observations": [_observation_json(*row) for row in limited(rows)]}, limited)
    else:
        output.print_aligned_rows(
            [label, name, f"{value.value:.6g}{value.unit or ''}", _place(value)] for label, name, value in limited(rows)
        )
        limited.report_left_out()
    if not rows:
        _suggest(workspace, runs)
        raise click.exceptions.Exit(3)


def _observation_json(label: str, name: str, value: MetricValue) -> dict[str, Any]:
    from scaffold.observations.run_values import encode_manifest_number

    number = encode_manifest_number(value.value)
    return {
        **{"run": label, "metric": name, "value": number},
        **{"step": value.step, "unit": value.unit, "source": value.source},
    }


def _place(value: MetricValue) -> str:
    return value.source if value.step is None else f"{value.source} (step {value.step:g})"


def _suggest(workspace: Workspace, runs: Sequence[Run]) -> None:
    from scaffold.observations.log_hints import suggest_log_pattern

    output.warn(suggest_log_pattern(workspace, runs) or "no run has a metric")


def _chosen_runs(workspace: Workspace, names: Sequence[str], experiment: str | None, sweep: str | None) -> list[Run]:
    from scaffold.runs import attempt_selection, lookup

    all_runs = read_records_with_warnings(workspace).runs
    if names:
        return [lookup.find_run(all_runs, name) for name in names]
    criteria = lookup.RunCriteria(experiment=experiment, sweep=sweep)
    selection = attempt_selection.select_attempts((run for run in all_runs if criteria.admits(run)), smoke=True)
    return [run for run in selection.counted if run.status not in ("running", "lost")]


def _observations(workspace: Workspace, runs: Sequence[Run]) -> list[tuple[str, str, MetricValue]]:
    from scaffold.observations import run_values

    values = run_values.read_run_metrics(workspace, runs, names=("*",))
    return [
        (run.label, name, value)
        for run, of_run in zip(runs, values, strict=True)
        for name, value in sorted(of_run.items())
    ]


def _read_logs(workspace: Workspace, runs: Sequence[Run], texts: Sequence[str]) -> list[str]:
    """Write what the patterns find into the runs' sidecars; what went wrong. Raises WrongUsage for a text that is no pattern."""
    from scaffold.errors import WrongUsage
    from scaffold.observations import printed_values
    from scaffold.runs import recorder

    patterns: list[Any] = []
    for text in texts:
        try:
            patterns.append(recorder.printed_patterns.pattern_of_text(text))
        except recorder.printed_patterns.PatternError as error:
            raise WrongUsage(f"--from-log {error}", hint="such as 'val_loss:\\s*(\\S+)'") from error
    problems, matched = [], 0
    for run in runs:
        rows, trouble = recorder.printed.find_printed(printed_values.find_log_paths(workspace, run), patterns)
        if trouble:
            problems.append(f"{run.label}: {trouble}")
        if rows:
            printed_values.add_metrics_to_sidecar(workspace, run, recorder.printed.as_sidecar(rows))
            matched += 1
    if len(runs) > matched:
        problems.append(f"{len(runs) - matched} of {len(runs)} runs printed nothing of that kind")
    return problems
