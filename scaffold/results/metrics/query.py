"""A workspace's runs -> the value of each metric for each run, with where it was read, and what has no value and why.

The manifest's final metrics come first; files in the output directory are read where the manifest lacks what was asked for,
where it has none, and for values at a step. What they say is kept in the index beside the manifests.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from scaffold.metric_directions import Direction
from scaffold.results.metrics import find_files, series, spelling
from scaffold.results.metrics.directions import MetricDirections
from scaffold.results.metrics.file_formats import POSITION_NAMES, metric_number
from scaffold.results.metrics.model import MeasuredRun, MetricValue, QueryResult, SkippedRun
from scaffold.results.metrics.run_filter import RunCondition
from scaffold.results.metrics.series import FileMetrics
from scaffold.runs import recorder
from scaffold.runs.index import RunIndex
from scaffold.runs.model import Run
from scaffold.runs.records import read_records, select_attempts
from scaffold.sweeps.spec.model import is_smoke_run
from scaffold.workspace import Workspace

ValueChoice = Literal["final", "last", "best", "at"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """What is asked of runs.

    `metrics` are names or patterns (`val*`), none means all; `how`: the final value, the last one logged, the best one (by
    `direction`), or the one at `step`; of runs that `admits` and `where` take. `params` are parameters asked for by name, which
    may stand in a wandb config only. Without `metrics`, `primary` is looked for in files where a manifest lacks it. `server` holds
    answers of the research server to `/runs/{id}/metrics`, by run name.
    """

    metrics: Sequence[str] = ()
    how: ValueChoice = "final"
    step: float | None = None
    admits: Callable[[Run], bool] = lambda _: True
    where: RunCondition | None = None
    direction: Callable[[str], Direction | None] = lambda _: None
    params: Sequence[str] = ()
    primary: str | None = None
    server: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


def run_query(workspace: Workspace, question: Query) -> QueryResult:
    """Answer a question from all of a workspace's records. Raises ScaffoldError (TensorBoard files without the extra)."""
    records = read_records(workspace)
    skipped = [SkippedRun(label=d.path, path=d.path, reason=f"damaged: {d.reason}") for d in records.damaged]
    counted, older = select_attempts(records.runs)
    asked = [*question.params, *(question.where.names if question.where else ())]
    counted = [_add_wandb_params(workspace, run, asked) for run in counted]
    if question.where:
        question.where.check(counted)
    chosen = [run for run in counted if question.admits(run) and (not question.where or question.where.admits(run))]
    if tries := [run for run in chosen if is_smoke_run(run)]:
        real = [run for run in chosen if not is_smoke_run(run)]
        if real:  # who asks for a smoke sweep by name gets it
            chosen = real
            skipped += [_skipped(run, "a smoke run") for run in tries]
    names_chosen = {run.name for run in chosen}
    skipped += [_skipped(run, f"another attempt counts: {why}") for run, why in older if run.name in names_chosen]
    finished = [run for run in chosen if run.status == "finished"]
    missing = [(run, _skipped(run, describe_missing(run))) for run in chosen if run.status != "finished"]
    reader = _ValueReader(workspace, question)
    values = reader.of(finished)
    measured = [MeasuredRun(run=run, values=values[i]) for i, run in enumerate(finished)]
    measured, spelled = spelling.unify_spellings(measured)
    empty = [m for m in measured if not m.values]
    lacking = (
        f"no value at step {question.step:g}" if question.how == "at" and question.step is not None else "no metrics"
    )
    missing += [(m.run, _skipped(m.run, lacking)) for m in empty]
    return QueryResult(
        measured=tuple(sorted((m for m in measured if m.values), key=lambda m: (m.run.started_at, m.run.name))),
        missing=tuple(sorted(missing, key=lambda pair: (pair[0].started_at, pair[0].name))),
        skipped=tuple(skipped),
        names=tuple(sorted(reader.names)),
        notes=(*spelled, *reader.notes),
    )


def describe_missing(run: Run) -> str:
    """Why a run that did not finish has no result: `failed, exit 3`, `terminated by SIGTERM`, `running`, `lost`."""
    if run.status == "failed" and run.exit_code is not None:
        return f"failed, exit {run.exit_code}"
    return f"{run.status} by {run.signal}" if run.status == "terminated" and run.signal else run.status


def _skipped(run: Run, reason: str) -> SkippedRun:
    return SkippedRun(label=run.label, path=run.path, reason=reason)


def _add_wandb_params(workspace: Workspace, run: Run, wanted: Sequence[str]) -> Run:
    """The run with parameters that only its wandb config has; the manifest's are never replaced."""
    if all(name in run.params for name in wanted):
        return run
    found = recorder.redaction.redact_params(
        recorder.values.flatten(find_files.read_wandb_params(workspace.workdir / run.outputs))
    )
    more = {name: found[name] for name in wanted if name in found and name not in run.params}
    return run._replace(params={**run.params, **more}) if more else run


def manifest_metrics(run: Run) -> dict[str, MetricValue]:
    """The final metrics in a manifest that are numbers; steps and epochs are none."""
    path = run.path
    return {
        name: MetricValue(value if type(value) is float else found, path)
        for name, value in run.metrics.items()
        if (found := metric_number(value)) is not None and name not in POSITION_NAMES
    }


def read_final_metrics(workspace: Workspace, run: Run) -> dict[str, float]:
    """The final metrics of one run as results will have them: the manifest's, then those in its files.

    A metric that is spelled as the workspace's primary one but for case and joints has its name. Raises ScaffoldError (TensorBoard
    files without the extra, and nothing else).
    """
    directions = MetricDirections(workspace)
    (values,) = _ValueReader(workspace, Query(primary=directions.primary)).of([run])
    same = directions.primary_among(values)
    return {directions.primary or name if name == same else name: value.value for name, value in values.items()}


class _ValueReader:
    """The values of finished runs, in the order of the runs; `notes` are about files that could not be read whole."""

    def __init__(self, workspace: Workspace, question: Query) -> None:
        self.workspace, self.question = workspace, question
        self.notes: list[str] = []
        self.names: set[str] = set()
        self.index: RunIndex | None = None
        self.fresh: dict[str, list[Any]] = {}

    def of(self, runs: Sequence[Run]) -> list[dict[str, MetricValue]]:
        """The value of each metric, for each run."""
        found = [manifest_metrics(run) for run in runs]
        if self.question.how == "final":
            wanted = set(self.question.metrics) or {name for values in found for name in values}
            if self.question.primary and not self.question.metrics:
                wanted.add(self.question.primary)
            spelled = {spelling.normalize_name(w): w for w in wanted}
            for i, run in enumerate(runs):
                if not found[i] or self._lacks(found[i], wanted, spelled):
                    found[i] = {**self._picked(run, found[i]), **found[i]}
        else:
            for i, run in enumerate(runs):
                found[i] = self._at_step(run) if self.question.how == "at" else self._picked(run, found[i])
        if self.fresh and self.index is not None:
            self.index.store(digests=dict(sorted({**self.index.digests, **self.fresh}.items())))
        self.names = {name for values in found for name in values}
        return [self._asked_for(values) for values in found] if self.question.metrics else found

    def _lacks(self, values: Mapping[str, MetricValue], wanted: set[str], spelled: Mapping[str, str]) -> bool:
        if wanted <= values.keys():
            return False
        have = {spelling.normalize_name(name) for name in values}
        return any(not fnmatch.filter(values, name) for key, name in spelled.items() if key not in have)

    def _asked_for(self, values: dict[str, MetricValue]) -> dict[str, MetricValue]:
        return {
            name: value
            for name, value in values.items()
            if any(spelling.matches_metric(name, wanted) for wanted in self.question.metrics)
        }

    def _at_step(self, run: Run) -> dict[str, MetricValue]:
        assert self.question.step is not None
        answer = self.question.server.get(run.name)
        return series.read_values_at(self.workspace.workdir, run, self.question.step, self.notes.append, answer)

    def _picked(self, run: Run, final: Mapping[str, MetricValue]) -> dict[str, MetricValue]:
        """The last or the best value in a run's files, each from the first file that has the metric; a course before a final value."""
        digests = self._digests(run)
        if self.question.how != "final":
            digests = sorted(digests, key=lambda d: not d.series)
        values: dict[str, MetricValue] = {}
        for one in digests:
            for name, last in one.last.items():
                if name not in values:
                    value, line, step = self._place(one, name) or last
                    values[name] = MetricValue(value, one.path, line, step)
        return values if self.question.how == "final" else {**final, **values}

    def _place(self, one: FileMetrics, name: str) -> series.ValuePlace | None:
        if self.question.how != "best":
            return None
        direction = self.question.direction(name)
        return one.low[name] if direction == "minimize" else one.high[name] if direction == "maximize" else None

    def _digests(self, run: Run) -> list[FileMetrics]:
        if self.index is None:
            self.index = RunIndex.load(self.workspace)
        troubles: list[str] = []
        found = find_files.find_metric_files(self.workspace.workdir / run.outputs, troubles.append)
        stamp = "\n".join(f"{s.kind} {s.stamp} {s.path}" for s in found)
        kept = self.index.digests.get(run.outputs)
        if kept is not None and kept[0] == stamp:
            digests = [FileMetrics(*one) for one in kept[1]]
        else:
            unread: list[str] = []
            digests = series.summarize_files(self.workspace.workdir, found, unread)
            self.notes += unread
            if not unread:  # else it would be believed even when the extra is there
                self.fresh[run.outputs] = [stamp, [list(one) for one in digests]]
        if (answer := self.question.server.get(run.name)) is not None:
            digests.append(series.summarize_server_series(answer, run))
        self.notes += [f"{run.outputs}: {trouble}" for trouble in troubles]
        self.notes += [f"{one.path}: {note}" for one in digests for note in one.notes]
        return digests
