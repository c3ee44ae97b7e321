"""A run -> the value of each metric, with where it was read: the one reader that every command asks.

The manifest's final metrics come first; files in the output directory are read where the manifest lacks what was asked for,
where it has none, and for values on the way; what was printed counts where no file says it. What files say is kept in the index
beside the manifests.
"""

from __future__ import annotations

import fnmatch
import itertools
import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scaffold.errors import ScaffoldError
from scaffold.observations import printed_values
from scaffold.observations.directions import MetricDirections
from scaffold.observations.manifest_values import manifest_metrics
from scaffold.observations.model import MetricValue
from scaffold.observations.spelling import matches_metric, normalize_name
from scaffold.observations.value_query import ValueQuery
from scaffold.runs.index import ManifestIndexEntry, RunIndex

if TYPE_CHECKING:
    from scaffold.observations.file_metrics import FileMetrics
    from scaffold.runs.model import Run, Scalar
    from scaffold.workspace import Workspace


def read_run_metrics(
    workspace: Workspace, runs: Sequence[Run], names: Sequence[str] = ()
) -> list[Mapping[str, MetricValue]]:
    """The final metrics of each run, as results have them.

    `names` are looked for in files where a manifest lacks them. Raises ScaffoldError (TensorBoard files without the extra, and
    nothing else).
    """
    directions = MetricDirections(workspace)
    query = ValueQuery(directions=directions, primary_metric=directions.primary)
    return RunValueReader(workspace, query).read(runs, names)


def attach_final_metrics(workspace: Workspace, runs: Sequence[Run], names: Sequence[str] = ()) -> list[Run]:
    """The runs with what they gave as their `metrics`, as results have it, instead of what their manifests say.

    Live runs stay as they are. Where files need an extra that is not installed, what the manifest says counts. As in a manifest,
    NaN and infinities are text.
    """
    ended = [run for run in runs if run.status not in ("running", "lost")]
    try:
        values = read_run_metrics(workspace, ended, names)
    except ScaffoldError:
        values = [manifest_metrics(run) for run in ended]
    metrics = {
        run.path: {k: encode_manifest_number(v.value) for k, v in of_run.items()}
        for run, of_run in zip(ended, values, strict=True)
    }
    return [run._replace(metrics=metrics[run.path]) if run.path in metrics else run for run in runs]


def encode_manifest_number(value: float) -> Scalar:
    """A number as a manifest holds it: whole ones without a point, and what JSON has no number for as text."""
    if not math.isfinite(value):
        return repr(value)
    return int(value) if value.is_integer() and abs(value) < 1e15 else value


def read_final_metrics(workspace: Workspace, run: Run) -> dict[str, float]:
    """The final metrics of one run, all that its manifest, its files and its logs say; the primary one as the workspace spells it.

    Raises ScaffoldError as `read_run_metrics`.
    """
    (values,) = read_run_metrics(workspace, [run], names=("*",))
    directions = MetricDirections(workspace)
    same = directions.find_primary(values)
    return {directions.primary or name if name == same else name: value.value for name, value in values.items()}


class RunValueReader:
    """Reads the values of finished runs; `notes` are about files that could not be read whole, `metric_names` all that were seen."""

    def __init__(self, workspace: Workspace, query: ValueQuery) -> None:
        self.notes: list[str] = []
        self.metric_names: set[str] = set()
        self._workspace, self._query = workspace, query
        self._index = RunIndex.find(workspace)
        self._digests: dict[str, ManifestIndexEntry] | None = None
        self._new_digests: dict[str, ManifestIndexEntry] = {}
        self._sidecars = printed_values.SidecarFiles(workspace)

    def read(self, runs: Sequence[Run], names: Sequence[str] = ()) -> list[Mapping[str, MetricValue]]:
        """The value of each metric that the query asks for, for each run; `names` are to be there if any file has them (`*`: all)."""
        query = self._query
        values = [manifest_metrics(run) for run in runs]
        has_sidecars = self._sidecars.has_any(runs)
        sources = [
            printed_values.find_printed_metric_sources(run, self._sidecars)
            if run.metric_sources or (has_sidecars and self._sidecars.has(run))
            else printed_values.NOTHING_PRINTED
            for run in runs
        ]
        if query.value_choice == "final":
            self.metric_names = {*itertools.chain.from_iterable(values)}
            names_needed = {*(query.metrics or self.metric_names), *names}
            if query.primary_metric and not query.metrics:
                names_needed.add(query.primary_metric)
            by_spelling = {normalize_name(name): name for name in names_needed}
            must_look = not names_needed or "*" in names
            for i, run in enumerate(runs):
                if not (must_look or sources[i]) and names_needed <= values[i].keys():
                    continue
                if sources[i] or not values[i] or "*" in names or _lacks(values[i], names_needed, by_spelling):
                    values[i] = merge_metric_values(
                        values[i], self._from_files(run), printed_values.last_printed_metric_values(sources[i])
                    )
                    self.metric_names.update(values[i])
        elif query.value_choice == "at":
            values = [*map(self._at_step, runs, sources)]
            self.metric_names = {*itertools.chain.from_iterable(values)}
        else:
            values = [
                merge_metric_values(
                    self._from_files(run, of_run), final, printed_values.last_printed_metric_values(of_run)
                )
                for run, final, of_run in zip(runs, values, sources, strict=True)
            ]
            self.metric_names = {*itertools.chain.from_iterable(values)}
        if self._new_digests:
            self._store_digests()
        if not query.metrics:
            return values
        asked_for = {name for name in self.metric_names if any(matches_metric(name, m) for m in query.metrics)}
        return [{name: value for name, value in of_run.items() if name in asked_for} for of_run in values]

    def _store_digests(self) -> None:
        """Keep what was read, and forget outputs that are no longer there."""
        digests = {**(self._digests or {}), **self._new_digests}
        outputs = sorted(path for path in digests if os.path.lexists(f"{self._workspace.workdir}/{path}"))
        self._index.store("digests", {path: digests[path] for path in outputs})

    def _at_step(self, run: Run, sources: printed_values.PrintedSources) -> dict[str, MetricValue]:
        from scaffold.observations.series import read_values_at

        assert self._query.step is not None
        server_series = self._query.server_series.get(run.name)
        return read_values_at(self._workspace, run, self._query.step, self.notes.append, server_series, sources)

    def _from_files(self, run: Run, sources: printed_values.PrintedSources | None = None) -> dict[str, MetricValue]:
        """The last or the best value in a run's files, each from the first course that has the metric; a series before a final value.

        With `sources` the course of printed metrics counts too.
        """
        files = self._file_metrics(run)
        if sources:
            files += self._log_metrics(run, sources)
        if self._query.value_choice != "final":
            files.sort(key=lambda file: not file.is_series)
        values: dict[str, MetricValue] = {}
        for file in files:
            of_file = {}
            for name, last in file.last.items():
                if name not in values:
                    place, placed = self._best(files, name) or (file, last)
                    of_file[name] = MetricValue(placed[0], place.path, placed[1], placed[2])
            values = merge_metric_values(values, of_file)
        return values

    def _best(self, files: Sequence[FileMetrics], name: str) -> tuple[FileMetrics, Any] | None:
        from scaffold.observations.file_metrics import find_best_value

        direction = self._query.directions.direction(name) if self._query.value_choice == "best" else None
        return find_best_value(files, name, lowest=direction == "minimize") if direction else None

    def _log_metrics(self, run: Run, sources: printed_values.PrintedSources) -> list[FileMetrics]:
        """What a run's logs say of printed metrics over all lines."""
        from scaffold.observations.file_metrics import summarize_steps

        patterns = printed_values.recorder_metric_patterns(sources)
        log_metrics = []
        for disk_path, path in printed_values.find_log_paths(self._workspace, run) if patterns else ():
            try:
                steps = printed_values.read_log_steps(Path(disk_path), patterns)
                log_metrics.append(summarize_steps(steps, path, is_series=True)._replace(course=path))
            except OSError:
                continue
        return log_metrics

    def _file_metrics(self, run: Run) -> list[FileMetrics]:
        """What each of a run's files says, from the index where no file has changed since; what the server says comes last."""
        # what reads files is loaded where one is read: most manifests say all that is asked for
        from scaffold.observations.file_metrics import FileMetrics, read_file_metrics, summarize_steps
        from scaffold.observations.output_files import find_metric_files

        if self._digests is None:
            self._digests = self._index.read("digests")
        problems: list[str] = []
        files = find_metric_files(self._workspace.workdir, run.outputs, problems.append)
        stamp = " ".join(f"{file.kind} {file.stamp} {file.path}" for file in files)
        entry = self._digests.get(run.outputs)
        if entry is not None and entry.stamp == stamp:
            file_metrics = [FileMetrics(*fields) for fields in entry.value]
        else:
            unread: list[str] = []
            file_metrics = read_file_metrics(self._workspace.workdir, files, unread)
            self.notes += unread
            if not unread:  # else it would be believed even when the extra is there
                self._new_digests[run.outputs] = ManifestIndexEntry.pack(stamp, file_metrics)
        if (series := self._query.server_series.get(run.name)) is not None:
            from scaffold.observations.server_metrics import describe_server_source, to_logged_steps

            file_metrics.append(summarize_steps(to_logged_steps(series), describe_server_source(run), is_series=True))
        self.notes += [f"{run.outputs}: {problem}" for problem in problems]
        self.notes += [f"{file.path}: {note}" for file in file_metrics for note in file.notes]
        return file_metrics


def merge_metric_values(*sources: Mapping[str, MetricValue]) -> dict[str, MetricValue]:
    """The values of several sources, the first that has a metric counts; another spelling in a later source is the same metric."""
    merged = dict(sources[0])
    for source in sources[1:]:
        spellings = {normalize_name(name) for name in merged}
        merged.update((name, value) for name, value in source.items() if normalize_name(name) not in spellings)
    return merged


def _lacks(values: Mapping[str, MetricValue], names: set[str], by_spelling: Mapping[str, str]) -> bool:
    """Whether a name or pattern that is asked for means none of these values."""
    if names <= values.keys():
        return False
    spellings = {normalize_name(name) for name in values}
    return any(not fnmatch.filter(values, name) for key, name in by_spelling.items() if key not in spellings)
