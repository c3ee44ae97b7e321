"""What a run printed -> metrics: those that its manifest or its sidecar has, and, from its whole log, their course.

A sidecar holds what was read off the logs of a run that was over: manifests say what was known when it ended, and stay so.
"""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scaffold import path_containment, structured_text
from scaffold.atomic_write import write_atomic
from scaffold.observations.file_formats import LoggedStep, metric_number
from scaffold.observations.logged_name_roles import is_metric
from scaffold.observations.model import MetricValue
from scaffold.runs import recorder, records_home

if TYPE_CHECKING:
    from scaffold.runs.model import Run
    from scaffold.workspace import Workspace

SIDECAR_FOLDER = "printed"
# lines of a log are searched in batches: the clock that ends a slow search is set once for each
_BATCH_BYTES = 1 << 20
# metric -> its value and where it was printed, as the manifest's `metric_sources` says it
PrintedSources = Mapping[str, Mapping[str, Any]]
NOTHING_PRINTED: PrintedSources = {}


class SidecarFiles:
    """The sidecars of a workspace: each folder is listed once, and a run without one costs nothing."""

    def __init__(self, workspace: Workspace) -> None:
        self._workdir = workspace.workdir
        self._labels: dict[str, frozenset[str]] = {}

    def has(self, run: Run) -> bool:
        """Whether a run has a sidecar."""
        labels = self._labels_in(run.path.rpartition("/")[0])
        return bool(labels) and run.label in labels

    def has_any(self, runs: Iterable[Run]) -> bool:
        """Whether there are sidecars where these runs' manifests lie."""
        return any(map(self._labels_in, {run.path.rpartition("/")[0] for run in runs}))

    def _labels_in(self, folder: str) -> frozenset[str]:
        labels = self._labels.get(folder)
        if labels is None:
            try:
                labels = frozenset(entry.stem for entry in (self._workdir / folder / SIDECAR_FOLDER).iterdir())
            except OSError:
                labels = frozenset()
            self._labels[folder] = labels
        return labels

    def read(self, run: Run) -> dict[str, dict[str, Any]]:
        """What the sidecar of a run says, by metric; empty where it has none, or it cannot be read."""
        if not self.has(run):
            return {}
        try:
            content = structured_text.parse_json(sidecar_path(self._workdir, run).read_bytes())
        except (OSError, ValueError):
            return {}
        rows = content.get("metrics") if isinstance(content, dict) else None
        return {k: v for k, v in rows.items() if isinstance(v, dict)} if isinstance(rows, dict) else {}


def sidecar_path(workdir: Path, run: Run) -> Path:
    """Where what was read off a run's logs later is kept: in a folder beside its manifest."""
    path = (workdir / run.path).parent / SIDECAR_FOLDER / f"{run.label}.json"
    return path if records_home.is_in_record_home(path) else path_containment.join_contained_path(workdir, path)


def add_metrics_to_sidecar(workspace: Workspace, run: Run, rows: PrintedSources) -> Path:
    """Add metrics to a run's sidecar; its path. Raises OSError."""
    path = sidecar_path(workspace.workdir, run)
    rows = {**SidecarFiles(workspace).read(run), **rows}
    path.parent.mkdir(parents=True, exist_ok=True)
    data = json.dumps({"version": 1, "run": run.label, "metrics": rows}, indent=1, sort_keys=True, ensure_ascii=False)
    write_atomic(path, data.encode() + b"\n")
    if not run.only_in_home:
        records_home.store_record_copy(workspace, path, data.encode() + b"\n")
    return path


def find_printed_metric_sources(run: Run, sidecars: SidecarFiles) -> dict[str, dict[str, Any]]:
    """All metrics that a run is known to have printed, with value, path, line, unit and pattern; the manifest's first."""
    recorded = {name: {**source, "value": run.metrics.get(name)} for name, source in run.metric_sources.items()}
    return {**sidecars.read(run), **recorded}


def last_printed_metric_values(sources: PrintedSources) -> dict[str, MetricValue]:
    """The last value of each printed metric."""
    values = {}
    for name, source in sources.items():
        number = metric_number(source.get("value"))
        if number is not None and is_metric(name, number):
            line, unit = source.get("line"), source.get("unit")
            values[name] = MetricValue(
                number, str(source.get("path")), line if isinstance(line, int) else None, None, unit or None
            )
    return values


def find_log_paths(workspace: Workspace, run: Run) -> list[tuple[str, str]]:
    """A run's logs, stdout first: the path on disk and the one below the work directory. One that leads out of it is passed over."""
    experiment = records_home.experiment_folder(workspace, run)
    logs = workspace.role_folder("logs", experiment)
    paths = [logs / f"{run.label}.{stream}" for stream in ("out", "err")]
    contained = [path for path in paths if path_containment.is_contained(workspace.workdir, path)]
    return [(str(path), path.relative_to(workspace.workdir).as_posix()) for path in contained]


def read_log_steps(path: Path, patterns: Sequence[Any]) -> Iterator[LoggedStep]:
    """What a log says of metrics, line by line, by `patterns` (the recorder's PrintedPattern), with the step that a line names.

    Read in constant memory. Where a pattern takes too long on a log, what came before counts.
    """
    step_name = _step_pattern()
    seconds = 10 * recorder.printed.SEARCH_SECONDS
    number = 1
    with path.open("rb") as file:
        while lines := file.readlines(_BATCH_BYTES):
            began = time.monotonic()
            try:
                with recorder.printed.SearchTime(seconds):
                    steps = list(_batch_steps(lines, number, patterns, step_name))
            except TimeoutError:
                return
            yield from steps
            number += len(lines)
            seconds -= time.monotonic() - began
            if seconds <= 0:
                return


def _batch_steps(lines: Sequence[bytes], number: int, patterns: Sequence[Any], step_name: Any) -> Iterator[LoggedStep]:
    for line_number, raw in enumerate(lines, start=number):
        for _, line in recorder.printed.plain_lines(raw.decode("utf-8", "replace").rstrip("\n")):
            values = {}
            for pattern in patterns:
                if pattern.literal in line and (match := pattern.find(line)) is not None:
                    values[pattern.name] = match[0]
            if values:
                step = step_name.search(line)
                yield LoggedStep(line_number, float(step[1]) if step else None, None, values)


def _step_pattern() -> Any:
    import re

    return re.compile(r"(?i)\b(?:global[ _]?step|steps?|iter(?:ation)?s?|epochs?|update)\b\s*[:=#\[(]?\s*(\d+)")


def recorder_metric_patterns(sources: PrintedSources) -> list[Any]:
    """The recorder's patterns that these metrics were read with."""
    rows = [{"name": name, "pattern": source.get("pattern")} for name, source in sources.items()]
    usable = []
    for pattern in recorder.printed_patterns.usable_patterns(rows):
        with contextlib.suppress(recorder.printed_patterns.PatternError):
            pattern.find("")
            usable.append(pattern)
    return usable
