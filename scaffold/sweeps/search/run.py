"""A search spec -> generations of one growing sweep, run like any other, their fitness read from manifests.

    study ── optimizer (Optuna) ──> configurations ── appended ──> sweep ── pacing ──> manifests ── mean over seeds ──> study

A configuration of which any run did not finish with the metric has no fitness: a mean over the seeds that survived would favour
configurations that sometimes fail.
"""

from __future__ import annotations

import itertools
import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from scaffold import locks
from scaffold.backends.interface import Warn
from scaffold.errors import ScaffoldError, WrongUsage, suggest_spelling
from scaffold.observations.run_values import attach_final_metrics
from scaffold.observations.spelling import find_metric_value
from scaffold.runs.model import Run
from scaffold.sweeps.launch import open_sweep, sweep_locks
from scaffold.sweeps.launch.ledger import read_ledger
from scaffold.sweeps.launch.run_loop import run_until_done
from scaffold.sweeps.launch.run_states import SweepRunStatus, SweepSnapshot
from scaffold.sweeps.search import optimizer
from scaffold.sweeps.search.optimizer import SearchTrial
from scaffold.sweeps.search.spec import SearchSpec
from scaffold.sweeps.search.study import SearchStudy, load_or_create_search_study, write_search_study
from scaffold.sweeps.spec import code_state, grid, run_names, sweep_file, sweep_paths
from scaffold.sweeps.spec.model import ConfigurationRule, RunResources, Sweep
from scaffold.sweeps.spec.plan import SweepOptions, plan_sweep
from scaffold.sweeps.spec.sweep_paths import launched_sweep_paths
from scaffold.workspace import Workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchOptions:
    """What is asked for beside the spec: how the sweep is planned (`planning`: fields of SweepOptions) and
    launched (`launching`: fields of LaunchOptions)."""

    resources: RunResources
    planning: Mapping[str, Any]
    launching: Mapping[str, Any]
    code: str | None = None


def choose_search_name(spec: SearchSpec, name: str | None) -> str:
    """The sweep's name: what is asked for, else the spec's with dashes for what cannot be in one, else `evolve-SCRIPT`.

    Raises WrongUsage where the one asked for cannot be one.
    """
    if name is not None:
        return sweep_paths.check_sweep_name(name)
    default = spec.name or f"evolve-{Path(next((w for w in spec.script if not w.startswith('-')), 'search')).stem}"
    cleaned = "".join(c if c.isascii() and (c.isalnum() or c in "._+-") else "-" for c in default).strip("-.")[:50]
    return sweep_paths.check_sweep_name(cleaned or "evolve")


class ParameterSearch:
    """A search that goes on from where it is. Everything it learns is in files: it may be killed at any point."""

    def __init__(
        self, workspace: Workspace, requested: SearchStudy, options: SearchOptions, *, warn: Warn, note: Warn
    ) -> None:
        """`requested` is the study as it is asked for now; one that is there goes on. Raises ScaffoldError.

        `note` shows what was decided for the user.
        """
        self.workspace = workspace
        self.study = load_or_create_search_study(workspace, requested)
        self._requested = requested
        self._options = options
        self._warn = warn
        self._note = note
        self._notes_are_due = True

    def run(self, show: Callable[[SweepSnapshot], None], on_closed: Callable[[SearchStudy], None]) -> SearchStudy:
        """All generations that are left; `show` is called with every look, `on_closed` after every generation.

        Raises ScaffoldError: where somebody else runs it, the sweep was stopped, the metric is not there, the code has changed.
        """
        sweeps = sweep_paths.sweeps_folder(self.workspace)
        lock = sweep_locks.take_sweep_lock(sweeps, f"{self.study.name}.evolve", doing="evolve")
        if lock is None:
            holder = sweep_locks.describe_holder(sweep_locks.last_lock_holder(sweeps, f"{self.study.name}.evolve"))
            raise ScaffoldError(
                f"the search {self.study.name} is run by {holder}",
                hint=f"look at it: scaffold sweep status {self.study.name}",
            )
        try:
            # again, though it was read already: whoever had the lock before may have gone on
            self.study = load_or_create_search_study(self.workspace, self._requested)
            while self.study.closed < self.study.spec.generations:
                if not self._has_generation():
                    number = self.study.closed
                    self._warn(f"every configuration of the search space was tried, so it ends after {number}")
                    break
                snapshot = self._run_generation(show)
                self.study = self.study.scored(self._scored_trials(snapshot))
                write_search_study(self.workspace, self.study)
                on_closed(self.study)
            return self.study
        finally:
            locks.release_file_lock(lock)

    def _has_generation(self) -> bool:
        """Whether there is a generation to run; a new one is written down before anything is done about it."""
        study, number = self.study, self.study.closed + 1
        if study.generation(number):
            return True
        proposed = optimizer.propose_trials(
            study.spec, study.trials, search=study.search, seed=study.search_seed, generation=number
        )
        if not proposed:
            return False
        extended = replace(study, trials=(*study.trials, *proposed))
        if not study.trials:
            # planned for its errors alone: what can never be a sweep is said before there is a file of it
            self._plan_sweep(extended)
        write_search_study(self.workspace, extended)
        self.study = extended
        return True

    def _plan_sweep(self, study: SearchStudy) -> Sweep:
        """The sweep as it is planned anew. Raises ScaffoldError."""
        spec = study.spec
        folder = Path(self.workspace.workdir, spec.workdir)
        if not folder.is_dir():
            raise WrongUsage(f"workdir {spec.workdir} is no directory below {self.workspace.workdir}")
        script = spec.script[0]
        if script.endswith(".py") and not (folder / script).is_file():
            raise WrongUsage(f"target_script {script} is not in {folder}", hint="it is looked for in `workdir`")
        options = SweepOptions(
            name=study.name,
            command=("python", *spec.script),
            listed=tuple(_trial_configuration(spec, t) for t in study.trials),
            seeds=",".join(map(str, study.seeds)) or None,
            resources=self._options.resources,
            **{"goal": f"{spec.metric} {spec.direction} by {study.search}", **self._options.planning},
        )
        planned = plan_sweep(self.workspace, options, folder)
        for note in planned.notes if self._notes_are_due else ():
            self._note(note)
        self._notes_are_due = False
        return planned.sweep

    def _written_sweep(self) -> Sweep:
        """The sweep with all configurations so far, written. What it was planned with stays: code, command, seeds."""
        if not sweep_paths.locate_sweep_file(self.workspace, self.study.name).is_file():
            sweep = code_state.replan_with_current_code(self.workspace, self._plan_sweep(self.study))
            sweep_file.write_sweep(self.workspace, sweep)
            return sweep
        existing = sweep_file.read_sweep(self.workspace, self.study.name)
        rule = ConfigurationRule(listed=tuple(_trial_configuration(self.study.spec, t) for t in self.study.trials))
        if rule == existing.rule:
            return existing
        sweep = replace(existing, rule=rule, configurations=grid.expand_configurations(rule))
        if not self._is_original():
            comparison = code_state.compare_with_planned_code(self.workspace, existing)
            if not comparison.is_same:
                raise open_sweep.code_changed_error(existing.name, comparison.files)
            # new configurations may name other config files
            sweep = code_state.replan_with_current_code(self.workspace, sweep)
        sweep_file.write_sweep(self.workspace, sweep)
        return sweep

    def _is_original(self) -> bool:
        ledger = read_ledger(launched_sweep_paths(self.workspace, self.study.name).ledger, self.study.name)
        return "original" in (self._options.code, ledger.options.code)

    def _run_generation(self, show: Callable[[SweepSnapshot], None]) -> SweepSnapshot:
        """The sweep once all of its runs are over; what was lost is run once more."""
        try:
            return self._run_until_done(self._written_sweep(), show)
        except open_sweep.SweepCodeChanged as error:
            raise open_sweep.SweepCodeChanged(
                error.message,
                hint="a search compares runs of one code: --code original goes on with the code as it was, in a worktree; "
                "--name NAME searches anew with the code as it is",
            ) from error

    def _run_until_done(self, sweep: Sweep, show: Callable[[SweepSnapshot], None]) -> SweepSnapshot:
        scheduler = open_sweep.open_sweep_scheduler(
            self.workspace, sweep.name, warn=self._warn, code=self._options.code
        )
        scheduler.check_code()
        snapshot = scheduler.snapshot()
        for retry in ("terminated" if snapshot.options.stopped else None, "lost"):
            states = itertools.chain(*self._trial_states(snapshot).values())
            if retry == "lost" and all(state.state != "lost" for state in states):
                break
            scheduler.request_runs(retry=retry, **self._options.launching)
            show(scheduler.step(doing="evolve"))
            snapshot = run_until_done(scheduler, show, doing="evolve", warn=self._warn)
            if snapshot.options.stopped:
                raise ScaffoldError(
                    f"the sweep {sweep.name} was stopped, so generation {self.study.closed + 1} has no fitness yet",
                    hint="the same command goes on, and runs again what was ended",
                )
        return snapshot

    def _trial_states(self, snapshot: SweepSnapshot) -> Mapping[int, list[SweepRunStatus]]:
        """How the runs of the open generation are, by trial, in the order of the seeds."""
        sweep = sweep_file.read_sweep(self.workspace, self.study.name)
        states = {s.name: s for s in snapshot.states}
        states_by_trial = {}
        for trial in self.study.generation(self.study.closed + 1):
            single = replace(sweep, configurations=(_trial_configuration(self.study.spec, trial),))
            runs = run_names.planned_runs(self.workspace, single)
            states_by_trial[trial.number] = [states[run.name] for run in runs]
        return states_by_trial

    def _observed_states(self, snapshot: SweepSnapshot) -> Mapping[int, list[SweepRunStatus]]:
        """The same, each run with what it gave."""
        states_by_trial = self._trial_states(snapshot)
        runs = [state.run for states in states_by_trial.values() for state in states if state.run]
        observed = {run.path: run for run in attach_final_metrics(self.workspace, runs, names=[self.study.spec.metric])}
        return {
            number: [state._replace(run=observed[state.run.path]) if state.run else state for state in states]
            for number, states in states_by_trial.items()
        }

    def _scored_trials(self, snapshot: SweepSnapshot) -> Mapping[int, SearchTrial]:
        """The open generation's trials with what came of them. Raises ScaffoldError where no run at all gives the metric."""
        spec, states_by_trial = self.study.spec, self._observed_states(snapshot)
        finished = [s.run for states in states_by_trial.values() for s in states if s.state == "finished" and s.run]
        has_metric = any(find_metric_value(run.metrics, spec.metric) is not None for run in finished)
        if finished and not has_metric and not optimizer.rank_trials(spec, self.study.trials):
            raise _missing_metric_error(self.study, finished)
        trials = {trial.number: trial for trial in self.study.trials}
        return {n: score_trial(trials[n], states, spec.metric) for n, states in states_by_trial.items()}


def _trial_configuration(spec: SearchSpec, trial: SearchTrial) -> dict[str, str]:
    return {**spec.fixed, **trial.params}


def score_trial(trial: SearchTrial, states: Sequence[SweepRunStatus], metric: str) -> SearchTrial:
    """A trial with its fitness: the mean over its runs, where every one of them finished with a number."""
    values: list[float] = []
    faults: list[str] = []
    for state in states:
        value = find_metric_value(state.run.metrics, metric) if state.state == "finished" and state.run else None
        if isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value):
            values.append(float(value))
        else:
            reason = f"{metric} is {value!r}" if state.state == "finished" else state.reason
            code = state.run.exit_code if state.run else None
            reason = reason or (f"exit {code}" if code else None)
            faults.append(f"{state.name} {state.state}" + (f" ({reason})" if reason else ""))
    if faults or not values:
        return replace(trial, values=tuple(values), reason="; ".join(faults) or "it had no runs")
    return replace(trial, values=tuple(values), fitness=statistics.fmean(values))


def _missing_metric_error(study: SearchStudy, finished: Sequence[Run]) -> ScaffoldError:
    metric = study.spec.metric
    names = sorted({key for run in finished for key in run.metrics})
    otherwise = "correct fitness_metric, or write it to $RUN_OUTPUT_DIR/metrics.json"
    hint = suggest_spelling(metric, names, otherwise)
    return ScaffoldError(
        f"no run of generation {study.closed + 1} gave the metric {metric}; they gave {', '.join(names) or 'none'}",
        hint=hint if hint == otherwise else f"{hint} Correct fitness_metric and call it again: nothing is run twice",
    )
