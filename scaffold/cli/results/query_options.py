"""The options that all of `scaffold results` share, and what is read for them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import click

from scaffold.cli.common import options, output

if TYPE_CHECKING:
    from scaffold.observations.server_metrics import ServerSeries
    from scaffold.observations.value_query import ValueChoice
    from scaffold.results.metrics.query import QueryResult
    from scaffold.workspace import Workspace

F = TypeVar("F", bound=Callable[..., Any])


QUERY_OPTIONS = (
    click.option(
        "--metric",
        "metrics",
        multiple=True,
        metavar="NAME",
        help="Only this one, or a pattern: 'val*'. May be repeated.",
    ),
    click.option("--where", metavar="CONDITION", help="Only these runs: 'lr<0.01 and status=finished'."),
    click.option("--sweep", help="Only runs of this sweep."),
    click.option("--last", is_flag=True, help="The last value logged, not the final one."),
    click.option("--best", is_flag=True, help="The best value logged."),
    click.option("--at-step", type=float, metavar="N", help="The value logged at this step."),
    click.option(
        "--ignore",
        "ignored",
        multiple=True,
        metavar="PARAM",
        help="This parameter (or experiment, code, command) makes no other configuration.",
    ),
    click.option(
        "--budget",
        "budgets",
        multiple=True,
        metavar="PARAM",
        help="A parameter that says how long a run may take: best is the best of each. `none`: none is. Default: by its name.",
    ),
    click.option(
        "--server",
        "ask_server",
        is_flag=True,
        help="Ask the research server too what its runs logged there (rounded by it to 6 digits).",
    ),
    click.option("--minimize", multiple=True, metavar="METRIC", help="Lower is better in it."),
    click.option("--maximize", multiple=True, metavar="METRIC", help="Higher is better in it."),
)


def add_query_options(command: F) -> F:
    """Which runs, which metrics, which value of a run; `run_query_from_options` takes what they give."""
    for option in reversed(QUERY_OPTIONS):
        command = option(command)
    return options.workspace_options(options.limit_option(options.json_option(options.server_backend_options(command))))


def run_query_from_options(
    values: Mapping[str, Any], *, params: Sequence[str] = (), quiet: bool = False
) -> QueryResult:
    """What is read for the values of `add_query_options`, after printing what to beware of, unless `quiet`. Raises ScaffoldError.

    `params` are parameters that the command asks for by name.
    """
    from scaffold.observations.directions import MetricDirections
    from scaffold.results.metrics import run_filter, run_metrics
    from scaffold.results.metrics.query import MetricQuery, query_warnings
    from scaffold.results.metrics.sweep_runs import SweepFileReader
    from scaffold.visible_text import escape_to_one_line

    value_choice = _value_choice(values)
    workspace = options.find_requested_workspace(values["workdir"], values["root"])
    directions = MetricDirections(workspace, values["minimize"], values["maximize"])
    sheets = SweepFileReader(workspace)
    query = MetricQuery(
        directions=directions,
        metrics=values["metrics"],
        value_choice=value_choice,
        step=values["at_step"],
        sweep=values["sweep"],
        where=run_filter.parse_run_filter(values["where"], sheets) if values["where"] else None,
        params=params,
        ignored_params=values["ignored"],
        budgets=values["budgets"] or None,
        primary_metric=directions.primary,
        server_series=_server_series(workspace) if values["ask_server"] else {},
    )
    result = run_metrics.run_metric_query(workspace, query, sheets)
    if quiet:
        return result
    output.print_limited_warnings([escape_to_one_line(note) for note in result.notes])
    for warning in query_warnings(result):
        output.warn(warning)
    return result


def _value_choice(values: Mapping[str, Any]) -> ValueChoice:
    """Which value of a run is meant. Raises WrongUsage for two at once."""
    from scaffold.errors import WrongUsage

    options: dict[ValueChoice, tuple[str, bool]] = {
        "last": ("--last", values["last"]),
        "best": ("--best", values["best"]),
        "at": ("--at-step", values["at_step"] is not None),
    }
    chosen = [choice for choice, (_, is_set) in options.items() if is_set]
    if len(chosen) > 1:
        names = " and ".join(options[choice][0] for choice in chosen)
        raise WrongUsage(f"{names} cannot go together", hint="give one of them")
    return chosen[0] if chosen else "final"


def _server_series(workspace: Workspace) -> dict[str, ServerSeries]:
    from scaffold.errors import ScaffoldError
    from scaffold.observations import server_metrics

    client = options.connect_server(workspace, options.ServerOptions())
    if client is None:
        raise ScaffoldError(
            "--server: no research server is named",
            hint="set RESEARCH_AGENT_SERVER_URL, or scaffold update --set research_server_url=URL",
        )
    with client as server:
        return server_metrics.fetch_server_series(workspace, server, output.warn)
