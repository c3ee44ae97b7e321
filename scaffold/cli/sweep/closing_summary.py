"""What stays on a terminal when a sweep is over and its live table is gone: a few lines, however many runs it had."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from scaffold.cli.common import output
from scaffold.cli.sweep import wording
from scaffold.visible_text import escape_to_one_line

if TYPE_CHECKING:
    from scaffold.sweeps.launch.run_states import SweepSnapshot
    from scaffold.workspace import Workspace

# so many causes of failures are named, of each so many runs, and the values of so many runs are looked at
MOST_CAUSES, MOST_NAMES, MOST_VALUES = 6, 1, 500


def print_sweep_summary(workspace: Workspace, name: str, snapshot: SweepSnapshot) -> None:
    """How a sweep ended: its counts, its metric, why runs failed, and what to do next."""
    from scaffold.sweeps.launch.run_states import count_run_states

    click.echo(f"{name}: {wording.format_state_counts(count_run_states(snapshot.states))}")
    for line in (*_metric_lines(workspace, snapshot), *_failure_lines(workspace, name, snapshot)):
        click.echo(line)
    step = wording.suggest_sweep_step(name, snapshot, None) or f"scaffold results --sweep {name}"
    click.echo(f"next: {step}", err=True)


def _metric_lines(workspace: Workspace, snapshot: SweepSnapshot) -> Iterator[str]:
    """The least and the greatest value of the workspace's metric, else of the only one that there is."""
    from scaffold.observations.directions import MetricDirections
    from scaffold.sweeps.launch import sweep_progress

    finished = [s for s in snapshot.states if s.state == "finished"][:MOST_VALUES]
    metrics = [sweep_progress.newest_metrics(workspace, state)[0] for state in finished]
    names = list(dict.fromkeys(name for values in metrics for name in values))
    metric = MetricDirections(workspace).find_primary(names) or (names[0] if len(names) == 1 else None)
    scalars = [values.get(metric) for values in metrics if metric]
    values = [v for v in scalars if isinstance(v, (int, float)) and not isinstance(v, bool)]
    if metric and values:
        runs = output.pluralize(len(values), "run")
        yield f"{escape_to_one_line(metric)}: {min(values):.5g} to {max(values):.5g} in {runs}"


def _failure_lines(workspace: Workspace, name: str, snapshot: SweepSnapshot) -> Iterator[str]:
    """A line for each cause: how many runs ended of it, and one of them."""
    runs_by_cause: dict[tuple[str, str], list[str]] = defaultdict(list)
    for state in wording.sort_runs_by_urgency(snapshot.states):
        if state.state in ("failed", "lost", "terminated"):
            cause = wording.cached_failure_cause(workspace, state.run) if state.run else state.reason or ""
            runs_by_cause[state.state, cause].append(state.name)
    for (word, cause), names in list(runs_by_cause.items())[:MOST_CAUSES]:
        others = len(names) - MOST_NAMES
        more = f" and {others} more" if others > 0 else ""
        yield escape_to_one_line(f"{len(names)} {word}: {cause} ({', '.join(names[:MOST_NAMES])}{more})")
    if (left := len(runs_by_cause) - MOST_CAUSES) > 0:
        yield f"{left} more causes: scaffold sweep status {name}"
