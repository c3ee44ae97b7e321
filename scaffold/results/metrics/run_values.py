"""A finished run -> the value of each metric, with where it was read.

The manifest's final metrics come first; files in the output directory are read where the manifest lacks what was asked for,
where it has none, and for values on the way. What they say is kept in the index beside the manifests.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Mapping, Sequence
from typing import Any

from scaffold.results.metrics.directions import MetricDirections
from scaffold.results.metrics.file_formats import POSITION_NAMES, metric_number
from scaffold.results.metrics.file_metrics import FileMetrics, PlacedValue, read_file_metrics, summarize_steps
from scaffold.results.metrics.model import MetricValue
from scaffold.results.metrics.output_files import find_metric_files
from scaffold.results.metrics.query import MetricQuery
from scaffold.results.metrics.series import read_values_at
from scaffold.results.metrics.server_metrics import server_source, server_steps
from scaffold.results.metrics.spelling import matches_metric, normalize_name
from scaffold.runs.index import RunIndex
from scaffold.runs.model import Run
from scaffold.workspace import Workspace


def manifest_metrics(run: Run) -> dict[str, MetricValue]:
    """The final metrics in a manifest that are numbers; steps and epochs are none."""
    path = run.path
    return {
        name: MetricValue(value if type(value) is float else number, path)
        for name, value in run.metrics.items()
        if (number := metric_number(value)) is not None and name not in POSITION_NAMES
    }


def read_final_metrics(workspace: Workspace, run: Run) -> dict[str, float]:
    """The final metrics of one run as results will have them: the manifest's, then those in its files.

    A metric that is spelled as the workspace's primary one but for case and joints has its name. Raises ScaffoldError (TensorBoard
    files without the extra, and nothing else).
    """
    directions = MetricDirections(workspace)
    query = MetricQuery(directions=directions, primary_metric=directions.primary)
    (values,) = RunValueReader(workspace, query).read([run])
    same = directions.find_primary(values)
    return {directions.primary or name if name == same else name: value.value for name, value in values.items()}


class RunValueReader:
    """Reads the values of finished runs; `notes` are about files that could not be read whole, `metric_names` all that were seen."""

    def __init__(self, workspace: Workspace, query: MetricQuery) -> None:
        self.notes: list[str] = []
        self.metric_names: set[str] = set()
        self._workspace, self._query = workspace, query
        self._index: RunIndex | None = None
        self._new_entries: dict[str, list[Any]] = {}

    def read(self, runs: Sequence[Run]) -> list[dict[str, MetricValue]]:
        """The value of each metric that the query asks for, for each run."""
        query = self._query
        values = [manifest_metrics(run) for run in runs]
        if query.value_choice == "final":
            names = set(query.metrics) or {name for of_run in values for name in of_run}
            if query.primary_metric and not query.metrics:
                names.add(query.primary_metric)
            by_spelling = {normalize_name(name): name for name in names}
            for i, run in enumerate(runs):
                if not values[i] or _lacks(values[i], names, by_spelling):
                    values[i] = {**self._from_files(run), **values[i]}
        elif query.value_choice == "at":
            values = [self._at_step(run) for run in runs]
        else:
            values = [{**final, **self._from_files(run)} for run, final in zip(runs, values, strict=True)]
        if self._new_entries and self._index is not None:
            self._index.store(digests=dict(sorted({**self._index.digests, **self._new_entries}.items())))
        self.metric_names = {name for of_run in values for name in of_run}
        if not query.metrics:
            return values
        asked_for = {name for name in self.metric_names if any(matches_metric(name, m) for m in query.metrics)}
        return [{name: value for name, value in of_run.items() if name in asked_for} for of_run in values]

    def _at_step(self, run: Run) -> dict[str, MetricValue]:
        assert self._query.step is not None
        server_series = self._query.server_series.get(run.name)
        return read_values_at(self._workspace.workdir, run, self._query.step, self.notes.append, server_series)

    def _from_files(self, run: Run) -> dict[str, MetricValue]:
        """The last or the best value in a run's files, each from the first file that has the metric; a series before a final value."""
        files = self._file_metrics(run)
        if self._query.value_choice != "final":
            files.sort(key=lambda file: not file.is_series)
        values: dict[str, MetricValue] = {}
        for file in files:
            for name, last in file.last.items():
                if name not in values:
                    value, line, step = self._best(file, name) or last
                    values[name] = MetricValue(value, file.path, line, step)
        return values

    def _best(self, file: FileMetrics, name: str) -> PlacedValue | None:
        if self._query.value_choice != "best":
            return None
        direction = self._query.directions.direction(name)
        return file.low[name] if direction == "minimize" else file.high[name] if direction == "maximize" else None

    def _file_metrics(self, run: Run) -> list[FileMetrics]:
        """What each of a run's files says, from the index where no file has changed since; what the server says comes last."""
        if self._index is None:
            self._index = RunIndex.load(self._workspace)
        problems: list[str] = []
        files = find_metric_files(self._workspace.workdir / run.outputs, problems.append)
        stamp = "\n".join(f"{file.kind} {file.stamp} {file.path}" for file in files)
        entry = self._index.digests.get(run.outputs)
        if entry is not None and entry[0] == stamp:
            file_metrics = [FileMetrics(*fields) for fields in entry[1]]
        else:
            unread: list[str] = []
            file_metrics = read_file_metrics(self._workspace.workdir, files, unread)
            self.notes += unread
            if not unread:  # else it would be believed even when the extra is there
                self._new_entries[run.outputs] = [stamp, [list(fields) for fields in file_metrics]]
        if (series := self._query.server_series.get(run.name)) is not None:
            file_metrics.append(summarize_steps(server_steps(series), server_source(run), is_series=True))
        self.notes += [f"{run.outputs}: {problem}" for problem in problems]
        self.notes += [f"{file.path}: {note}" for file in file_metrics for note in file.notes]
        return file_metrics


def _lacks(values: Mapping[str, MetricValue], names: set[str], by_spelling: Mapping[str, str]) -> bool:
    """Whether a name or pattern that is asked for means none of these values."""
    if names <= values.keys():
        return False
    spellings = {normalize_name(name) for name in values}
    return any(not fnmatch.filter(values, name) for key, name in by_spelling.items() if key not in spellings)
