"""A query and what was read for it -> what its options name that no run has: a misspelled name would change nothing, silently."""

from __future__ import annotations

from collections.abc import Iterator

from scaffold.errors import ScaffoldError, WrongUsage
from scaffold.results.metrics.query import QueryResult
from scaffold.results.metrics.spelling import matches_metric, normalize_name


def query_warnings(result: QueryResult) -> Iterator[str]:
    """What to beware of before the result is believed, in order.

    Raises ScaffoldError where no run has any of the metrics asked for, and WrongUsage where the best value of a metric is asked
    for, and which way it is better is not known.
    """
    query, measured = result.query, result.measured_metrics()
    if query.metrics and not measured and result.metric_names:
        names = ", ".join(result.metric_names[:10]) + (", ..." if len(result.metric_names) > 10 else "")
        raise ScaffoldError(f"no run has the metric {', '.join(query.metrics)}", hint=f"metrics are {names}")
    primary = query.directions.primary
    if primary and measured and not query.metrics and query.directions.find_primary(measured) is None:
        yield f"no run has the workspace's primary metric {primary}"
    yield from _unknown_names(result)
    if query.value_choice == "best":
        for name in sorted(measured):
            if query.directions.direction(name) is None:
                raise WrongUsage(
                    f"--best: whether {name} is better high or low is not known",
                    hint=f"--minimize {name} or --maximize {name}, or choose other metrics with --metric",
                )
        yield "--best takes the best step of each run by the metric itself: its means are better than the truth"


def _unknown_names(result: QueryResult) -> Iterator[str]:
    query, names, runs = result.query, result.metric_names, result.runs()
    if names:
        spellings = {normalize_name(name) for name in names}
        for name in query.metrics:
            if not any(matches_metric(metric, name) for metric in names):
                yield f"--metric {name}: no run has that metric"
        for option, options in (("minimize", query.directions.minimize), ("maximize", query.directions.maximize)):
            for name in options:
                if normalize_name(name) not in spellings:
                    yield f"--{option} {name}: no run has that metric"
    params = {name for run in runs for name in run.params}
    for name in query.ignored_params:
        if runs and name not in params:
            yield f"--ignore {name}: no run has that parameter"
    if query.sweep and not runs:
        yield f"--sweep {query.sweep}: no run that was asked for belongs to it"
