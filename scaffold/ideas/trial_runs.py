"""The runs that hold an idea against the code that stands: two sweeps of the workspace, each with its code in a worktree of its own.

A sweep is of one code state, and grows by the seeds that the rule asks for. Both sides run A B B A: whatever the machine does in the
course of time, it does to both.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from scaffold.backends.interface import Warn
from scaffold.errors import ScaffoldError
from scaffold.ideas.loop_state import JudgingStep
from scaffold.ideas.study import BASELINE, IdeaRecord, IdeaStudy
from scaffold.ideas.tree import data_links
from scaffold.observations.run_values import attach_final_metrics
from scaffold.observations.spelling import find_metric_value
from scaffold.results.evidence.failure_cause import find_failed_line, find_failure_cause
from scaffold.runs.model import Run
from scaffold.sweeps.launch.ledger_entries import LaunchOptions
from scaffold.sweeps.launch.open_sweep import LauncherWriter
from scaffold.sweeps.launch.run_loop import retry_until_reachable, run_until_done
from scaffold.sweeps.launch.run_states import SweepRunStatus, SweepSnapshot
from scaffold.sweeps.launch.scheduler import Scheduler
from scaffold.sweeps.launch.sweep_backends import workspace_capacity
from scaffold.sweeps.spec import run_names, sweep_file, sweep_paths
from scaffold.sweeps.spec.model import Sweep, SweepCode
from scaffold.workspace import Workspace

MOST_AT_ONCE = 48
Show = Callable[[SweepSnapshot], None]


def first_idea_sweep_name(study: str, number: int) -> str:
    """The name of the sweep with the runs of an idea's code, as the idea was first registered."""
    return f"{study}-idea{number}"


def idea_sweep_name(study: IdeaStudy, record: IdeaRecord) -> str:
    """The name of the sweep with the runs of the code that an idea has now: a sweep is of one code, and each merge onto another
    incumbent gives the idea another one. A new confirmation has the sweep of the idea that it confirms."""
    origin = study.ideas[record.of] if record.of is not None else record
    number = origin.number if origin.state == record.state else record.number
    begun = sum(event["event"] == "began" and event["idea"] == number for event in study.history)
    return first_idea_sweep_name(study.name, number) + (f"-{begun}" if begun > 1 else "")


@dataclass(frozen=True, slots=True)
class IdeaTrialRunResult:
    """What a run of one side gave: None where it gave no value, and then `cause`."""

    seed: int
    value: float | None
    run: str
    cause: str = ""
    seconds: float | None = None


class IdeaTrialSide:
    """One idea's code, and its runs."""

    def __init__(
        self,
        workspace: Workspace,
        study: IdeaStudy,
        record: IdeaRecord,
        *,
        links: Callable[[], Sequence[str]],
        warn: Warn,
    ) -> None:
        """`links` says which data its worktree gets as links; it is asked when the first run is written."""
        self.workspace, self.study, self.warn = workspace, study, warn
        name = idea_sweep_name(study, record)
        if sweep_paths.locate_sweep_file(workspace, name).is_file():
            sweep = sweep_file.read_sweep(workspace, name)
        else:
            base = sweep_file.read_sweep(workspace, first_idea_sweep_name(study.name, BASELINE))
            number = record.number if record.of is None else record.of
            goal = f"idea {number} of {study.name}: {record.text}"
            code = SweepCode(state=record.state, commit=record.commit, patch=None)
            sweep = replace(base, name=name, goal=goal, labels={"idea": str(number)}, seeds=(), code=code)
        self.sweep = sweep
        self._links = links

    @functools.cached_property
    def _writer(self) -> LauncherWriter:
        return LauncherWriter(
            self.workspace, self.sweep, original=True, no_prefix=self.study.no_prefix, links=self._links()
        )

    def open(self, seeds: Sequence[int]) -> Scheduler:
        """What runs these seeds; the sweep's file has them, and all before. Raises ScaffoldError."""
        grown = replace(self.sweep, seeds=tuple(sorted({*self.sweep.seeds, *seeds})))
        if grown != self.sweep or not sweep_paths.locate_sweep_file(self.workspace, grown.name).is_file():
            sweep_file.write_sweep(self.workspace, grown)
            self.sweep = grown
        runs = run_names.planned_runs(self.workspace, replace(grown, seeds=tuple(sorted(seeds))))
        return Scheduler(
            self.workspace,
            grown,
            runs,
            write_scripts=self._writer.write,
            check_code=self._writer.check_code,
            warn=self.warn,
        )

    def request(self, scheduler: Scheduler, crashes: Mapping[int, int]) -> None:
        """Ask for what is missing, and once more for what crashed before it was asked for now. Raises ScaffoldError."""
        states = scheduler.snapshot().planned
        again = any(
            s.run is not None and s.is_done and s.run.attempt <= crashes.get(s.run.seed or 0, 0) for s in states
        )
        ended = {s.state for s in states} & {"terminated", "lost"}
        retry = "all" if again or len(ended) > 1 else next(iter(ended), None)
        scheduler.request_runs(
            retry=retry, backend=self.study.backend, code="original", no_prefix=self.study.no_prefix or None
        )
        scheduler.step(doing="try")

    def finish(self, scheduler: Scheduler, show: Show) -> list[IdeaTrialRunResult]:
        """Wait for the runs; what they gave. What was lost is run once more. Raises ScaffoldError: the sweep was stopped."""
        snapshot = run_until_done(scheduler, show, doing="try", warn=self.warn)
        if any(s.state == "lost" for s in snapshot.planned):
            retry_until_reachable(lambda: scheduler.request_runs(retry="lost"), warn=self.warn)
            snapshot = run_until_done(scheduler, show, doing="try", warn=self.warn)
        if snapshot.options.stopped or any(self._was_stopped(s) for s in snapshot.planned):
            raise ScaffoldError(
                f"runs of the sweep {self.sweep.name} were stopped, so the idea is not judged",
                hint="the same command goes on; scaffold sweep launch "
                f"{self.sweep.name} --retry terminated runs again what was ended",
            )
        return list(self._read(snapshot))

    def _was_stopped(self, state: SweepRunStatus) -> bool:
        """Whether somebody ended a run; one that took longer than its time limit has failed by itself."""
        limit, took = self.sweep.resources.timeout_s, state.run.duration_s if state.run else None
        timed_out = limit is not None and took is not None and took >= limit
        return state.state == "missing" or (state.state == "terminated" and not timed_out)

    def _read(self, snapshot: SweepSnapshot) -> Iterator[IdeaTrialRunResult]:
        runs = [s.run for s in snapshot.planned if s.run is not None]
        observed = {run.path: run for run in attach_final_metrics(self.workspace, runs, names=[self.study.metric])}
        for state in snapshot.planned:
            run = observed[state.run.path] if state.run is not None else None
            yield self._read_state(state, run)

    def _read_state(self, state: SweepRunStatus, run: Run | None) -> IdeaTrialRunResult:
        seed = run.seed if run is not None and run.seed is not None else 0
        if run is None:
            return IdeaTrialRunResult(seed, None, state.name, state.reason or state.state)
        value = find_metric_value(run.metrics, self.study.metric) if state.state == "finished" else None
        if isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value):
            return IdeaTrialRunResult(seed, float(value), run.label, seconds=run.duration_s)
        if state.state != "finished":
            cause = find_failure_cause(self.workspace, run) or state.reason or state.state
            if line := find_failed_line(self.workspace, run):
                cause += f" ({line})"
        else:
            names = ", ".join(sorted(run.metrics)) or "none"
            cause = (
                f"{self.study.metric} is {value!r}" if value is not None else f"no {self.study.metric}; it gave {names}"
            )
        return IdeaTrialRunResult(seed, None, run.label, cause, run.duration_s)


class IdeaTrialSides:
    """The sides of trials in one working tree, each made once; all get the same data as links."""

    def __init__(self, workspace: Workspace, study: IdeaStudy, *, warn: Warn) -> None:
        self._workspace, self._warn = workspace, warn
        self._links = functools.cache(functools.partial(data_links.find_data_paths_to_link, workspace, study))
        self._made: dict[str, IdeaTrialSide] = {}

    def side(self, study: IdeaStudy, record: IdeaRecord) -> IdeaTrialSide:
        """The side of an idea, with the code that it has now."""
        name = idea_sweep_name(study, record)
        if name not in self._made:
            self._made[name] = IdeaTrialSide(self._workspace, study, record, links=self._links, warn=self._warn)
        return self._made[name]


@dataclass(frozen=True, slots=True)
class JudgingStepResults:
    """What the runs of a step gave, side by side."""

    incumbent: tuple[IdeaTrialRunResult, ...]
    candidate: tuple[IdeaTrialRunResult, ...]


def run_judging_step(
    incumbent: IdeaTrialSide,
    candidate: IdeaTrialSide | None,
    step: JudgingStep,
    *,
    at_once: int,
    crashes: Mapping[str, Mapping[int, int]],
    show: Show,
) -> JudgingStepResults:
    """Run what a step names, so many at once, interleaved. Raises ScaffoldError."""
    sides = {"incumbent": incumbent, **({"candidate": candidate} if candidate is not None else {})}
    results: dict[str, list[IdeaTrialRunResult]] = {"incumbent": [], "candidate": []}
    order = interleave(step.incumbent, step.candidate)
    for chunk in (order[i : i + at_once] for i in range(0, len(order), at_once)):
        opened = []
        for name in dict.fromkeys(name for name, _ in chunk):
            scheduler = sides[name].open([seed for side, seed in chunk if side == name])
            request = functools.partial(sides[name].request, scheduler, crashes.get(name, {}))
            retry_until_reachable(request, warn=sides[name].warn)
            opened.append((name, scheduler))
        for name, scheduler in opened:
            results[name] += sides[name].finish(scheduler, show)
    return JudgingStepResults(tuple(results["incumbent"]), tuple(results["candidate"]))


def interleave(incumbent: Sequence[int], candidate: Sequence[int]) -> list[tuple[str, int]]:
    """The order of runs: A B B A by seed, where both sides have it."""
    order = []
    pairs = itertools.zip_longest(incumbent, candidate)
    for index, (ours, theirs) in enumerate(pairs):
        pair = [("incumbent", ours), ("candidate", theirs)]
        order += [(side, seed) for side, seed in (pair if index % 2 == 0 else pair[::-1]) if seed is not None]
    return order


def await_run_capacity(workspace: Workspace, study: IdeaStudy, *, warn: Warn) -> int:
    """How many runs may go on at one time. Raises ScaffoldError where the backend cannot be asked."""
    sweep = sweep_file.read_sweep(workspace, first_idea_sweep_name(study.name, BASELINE))
    return retry_until_reachable(lambda: measure_run_capacity(workspace, sweep, study.backend), warn=warn)


def measure_run_capacity(workspace: Workspace, sweep: Sweep, backend: str | None) -> int:
    """How many runs of a sweep may go on at one time."""
    options = LaunchOptions(
        backend=backend or sweep.backend, gpus_per_run=sweep.resources.gpus, cpus_per_run=sweep.resources.cpus
    )
    capacity = workspace_capacity(workspace, options)
    return max(1, min(MOST_AT_ONCE, capacity.limit - capacity.active))
