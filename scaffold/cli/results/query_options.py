"""The options that all of `scaffold results` share, and what they ask."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from scaffold.cli.common import options, output

if TYPE_CHECKING:
    from scaffold.results.metrics.directions import MetricDirections
    from scaffold.results.metrics.model import QueryResult
    from scaffold.results.metrics.query import ValueChoice
    from scaffold.results.metrics.selection import RunSelection
    from scaffold.results.tables.model import ResultTable
    from scaffold.runs.model import Run
    from scaffold.workspace import Workspace

F = TypeVar("F", bound=Callable[..., Any])


def question(command: F) -> F:
    """Which runs, which metrics, which value of a run."""
    for option in reversed(
        [
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
                help="This parameter makes no other configuration.",
            ),
            click.option(
                "--server",
                "ask_server",
                is_flag=True,
                help="Ask the research server too what its runs logged there (rounded by it to 6 digits).",
            ),
            click.option("--minimize", multiple=True, metavar="METRIC", help="Lower is better in it."),
            click.option("--maximize", multiple=True, metavar="METRIC", help="Higher is better in it."),
        ]
    ):
        command = option(command)
    return options.workspace_options(options.limit_option(options.json_option(command)))


class Asked:
    """The options of a call, as they came."""

    def __init__(self, given: Mapping[str, Any]) -> None:
        self.workdir: Path = given["workdir"]
        self.root: str | None = given["root"]
        self.metrics: tuple[str, ...] = given["metrics"]
        self.where: str | None = given["where"]
        self.sweep: str | None = given["sweep"]
        self.last: bool = given["last"]
        self.best: bool = given["best"]
        self.at_step: float | None = given["at_step"]
        self.ignored: tuple[str, ...] = given["ignored"]
        self.ask_server: bool = given["ask_server"]
        self.minimize: tuple[str, ...] = given["minimize"]
        self.maximize: tuple[str, ...] = given["maximize"]
        self.limited = output.Limited(given["limit"])

    def how(self) -> ValueChoice:
        """Which value of a run is meant. Raises WrongUsage for two at once."""
        from scaffold.errors import WrongUsage

        ways: dict[ValueChoice, bool] = {"last": self.last, "best": self.best, "at": self.at_step is not None}
        chosen = [way for way, is_given in ways.items() if is_given]
        if len(chosen) > 1:
            options = " and ".join({"at": "--at-step"}.get(way, f"--{way}") for way in chosen)
            raise WrongUsage(f"{options} cannot go together", hint="give one of them")
        return chosen[0] if chosen else "final"


class Answered:
    """What was read for a call, ready to be folded."""

    def __init__(self, asked: Asked, *, params: tuple[str, ...] = ()) -> None:
        from scaffold.results.metrics import directions, query, run_filter
        from scaffold.results.tables.text_format import printable

        self.how = asked.how()
        workspace = options.find_workspace(asked.workdir, asked.root)
        self.asked = asked
        self.directions: MetricDirections = directions.MetricDirections(workspace, asked.minimize, asked.maximize)
        self.reading: QueryResult = query.run_query(
            workspace,
            query.Query(
                metrics=asked.metrics,
                how=self.how,
                step=asked.at_step,
                admits=(lambda run: run.sweep == asked.sweep) if asked.sweep else (lambda _: True),
                where=run_filter.parse_run_condition(asked.where) if asked.where else None,
                direction=self.directions.of,
                params=params,
                primary=self.directions.primary,
                server=_tracked(workspace) if asked.ask_server else {},
            ),
        )
        output.warn_first([printable(note) for note in self.reading.notes])
        self._check()

    def _check(self) -> None:
        from scaffold.errors import ScaffoldError, WrongUsage

        measured = {name for m in self.reading.measured for name in m.values}
        if self.asked.metrics and not measured and self.reading.names:
            known = ", ".join(self.reading.names[:10]) + (", ..." if len(self.reading.names) > 10 else "")
            raise ScaffoldError(f"no run has the metric {', '.join(self.asked.metrics)}", hint=f"metrics are {known}")
        primary = self.directions.primary
        if primary and measured and not self.asked.metrics and self.directions.primary_among(measured) is None:
            output.warn(f"no run has the workspace's primary metric {primary}")
        self._warn_of_nothing()
        if self.how == "best":
            for name in sorted(measured):
                if self.directions.of(name) is None:
                    raise WrongUsage(
                        f"--best: whether {name} is better high or low is not known",
                        hint=f"--minimize {name} or --maximize {name}, or choose other metrics with --metric",
                    )
            output.warn(
                "--best takes the best step of each run by the metric itself: its means are better than the truth"
            )

    def _warn_of_nothing(self) -> None:
        """Say which options name what no run has: a name misspelled there would change nothing, silently."""
        from scaffold.results.metrics.spelling import matches_metric, normalize_name

        runs, asked, known = self.runs(), self.asked, self.reading.names
        params = {name for run in runs for name in run.params}
        spellings = {normalize_name(name) for name in known}
        unknown = [("--metric", name) for name in asked.metrics if not any(matches_metric(one, name) for one in known)]
        unknown += [("--minimize", name) for name in asked.minimize if normalize_name(name) not in spellings]
        unknown += [("--maximize", name) for name in asked.maximize if normalize_name(name) not in spellings]
        for option, name in unknown if known else ():
            output.warn(f"{option} {name}: no run has that metric")
        for name in (name for name in asked.ignored if runs and name not in params):
            output.warn(f"--ignore {name}: no run has that parameter")
        if asked.sweep and not runs:
            output.warn(f"--sweep {asked.sweep}: no run that was asked for belongs to it")

    def table(self, **how: Any) -> ResultTable:
        """All of it, folded."""
        from scaffold.results.tables import fold

        return fold.fold_seeds(self.reading, self.directions, ignore=self.asked.ignored, **how)

    def runs(self) -> list[Run]:
        """All runs that the question takes."""
        from scaffold.results.metrics import selection

        return selection.runs_of(self.reading)

    def side(self, text: str) -> tuple[RunSelection, ResultTable]:
        """The runs that a word stands for, folded. Raises ScaffoldError."""
        from scaffold.results.metrics import selection
        from scaffold.results.tables import fold

        found = selection.select_runs(text, self.runs())
        part = selection.restrict_to(self.reading, found)
        return found, fold.fold_seeds(part, self.directions, ignore=self.asked.ignored)

    def compared_metrics(self) -> list[str]:
        """The metrics to compare: those asked for, else the workspace's primary one, else all that there are. Raises ScaffoldError."""
        from scaffold.errors import ScaffoldError

        measured = sorted({name for m in self.reading.measured for name in m.values})
        if not measured:
            raise ScaffoldError("no run has a result to compare", hint="how they ended: scaffold results")
        primary = None if self.asked.metrics else self.directions.primary_among(measured)
        return measured if primary is None else [primary]


def _tracked(workspace: Workspace) -> dict[str, dict[str, Any]]:
    from scaffold.errors import ScaffoldError
    from scaffold.results.metrics import server_metrics

    client = options.connect_server(workspace, options.ServerOptions())
    if client is None:
        raise ScaffoldError(
            "--server: no research server is named",
            hint="set RESEARCH_AGENT_SERVER_URL, or scaffold update --set research_server_url=URL",
        )
    with client as server:
        return server_metrics.fetch_server_series(workspace, server, output.warn)
