"""A search spec -> generations of one growing sweep, run like any other, their fitness read from manifests.

    study ── propose (Optuna) ──> configurations ── appended ──> sweep ── pacing ──> manifests ── mean over seeds ──> study

A configuration of which any run did not finish with the metric has no fitness: a mean over the seeds that survived would favour
configurations that sometimes fail.
"""

from __future__ import annotations

import difflib
import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from scaffold.errors import ScaffoldError, WrongUsage
from scaffold.runs.model import Run
from scaffold.sweeps.launch import ledger, locks, loop, open_sweep
from scaffold.sweeps.launch.observer import Place, Warn
from scaffold.sweeps.launch.scheduler import Picture
from scaffold.sweeps.launch.states import State
from scaffold.sweeps.search import optimizer
from scaffold.sweeps.search import study as evolve_study
from scaffold.sweeps.search.optimizer import SearchTrial
from scaffold.sweeps.search.spec import SearchSpec
from scaffold.sweeps.search.study import SearchStudy
from scaffold.sweeps.spec import code_state, grid, run_names, sweep_file
from scaffold.sweeps.spec import plan as planning
from scaffold.sweeps.spec.model import ConfigurationRule, Resources, Sweep
from scaffold.workspace import Workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchOptions:
    """What is asked for beside the spec: how the sweep is planned (`plan`: fields of SweepOptions) and launched (`orders`)."""

    resources: Resources
    plan: Mapping[str, Any]
    orders: Mapping[str, Any]
    code: str | None = None


def search_name(spec: SearchSpec, asked: str | None) -> str:
    """The sweep's name: what is asked for, else the spec's with dashes for what cannot be in one, else `evolve-SCRIPT`.

    Raises WrongUsage where the one asked for cannot be one.
    """
    if asked is not None:
        return sweep_file.check_sweep_name(asked)
    wanted = spec.name or f"evolve-{Path(next((w for w in spec.script if not w.startswith('-')), 'search')).stem}"
    made = "".join(c if c.isascii() and (c.isalnum() or c in "._+-") else "-" for c in wanted).strip("-.")[:50]
    return sweep_file.check_sweep_name(made or "evolve")


class ParameterSearch:
    """A search that goes on from where it is. Everything it learns is in files: it may be killed at any point."""

    def __init__(
        self, workspace: Workspace, fresh: SearchStudy, asked: SearchOptions, *, warn: Warn, note: Warn
    ) -> None:
        """`fresh` is the study as it is asked for now; one that is there goes on. Raises ScaffoldError.

        `note` shows what was decided for the user.
        """
        self.workspace = workspace
        self.study = evolve_study.resume_study(workspace, fresh)
        self._wanted = fresh
        self._asked = asked
        self._warn = warn
        self._note = note
        self._fresh = True

    def run(self, show: Callable[[Picture], None], closed: Callable[[SearchStudy], None]) -> SearchStudy:
        """All generations that are left; `show` is called with every look, `closed` after every generation.

        Raises ScaffoldError: where somebody else runs it, the sweep was stopped, the metric is not there, the code has changed.
        """
        sweeps = sweep_file.sweeps_folder(self.workspace)
        lock = locks.take(sweeps, f"{self.study.name}.evolve", doing="evolve")
        if lock is None:
            holder = locks.describe(locks.holder(sweeps, f"{self.study.name}.evolve"))
            raise ScaffoldError(
                f"the search {self.study.name} is run by {holder}",
                hint=f"look at it: scaffold sweep status {self.study.name}",
            )
        try:
            # whoever had the lock before may have gone on
            self.study = evolve_study.resume_study(self.workspace, self._wanted)
            while self.study.closed < self.study.spec.generations:
                if not self._proposed():
                    self._warn(
                        f"every configuration of the search space was tried, so it ends after {self.study.closed}"
                    )
                    break
                picture = self._ran(show)
                self.study = self.study.scored(self._fitness(picture))
                evolve_study.write_study(self.workspace, self.study)
                closed(self.study)
            return self.study
        finally:
            lock.release()

    def _proposed(self) -> bool:
        """Whether there is a generation to run; a new one is written down before anything is done about it."""
        study, number = self.study, self.study.closed + 1
        if study.generation(number):
            return True
        fresh = optimizer.propose_trials(
            study.spec, study.trials, search=study.search, seed=study.search_seed, generation=number
        )
        if not fresh:
            return False
        grown = replace(study, trials=(*study.trials, *fresh))
        if not study.trials:
            # what can never be a sweep is said before there is a file of it
            self._plan(grown)
        evolve_study.write_study(self.workspace, grown)
        self.study = grown
        return True

    def _plan(self, study: SearchStudy) -> Sweep:
        """The sweep as it is planned anew. Raises ScaffoldError."""
        spec = study.spec
        here = Path(self.workspace.workdir, spec.workdir)
        if not here.is_dir():
            raise WrongUsage(f"workdir {spec.workdir} is no directory below {self.workspace.workdir}")
        script = spec.script[0]
        if script.endswith(".py") and not (here / script).is_file():
            raise WrongUsage(f"target_script {script} is not in {here}", hint="it is looked for in `workdir`")
        wishes = planning.SweepOptions(
            name=study.name,
            command=("python", *spec.script),
            given=tuple(_configuration(spec, t) for t in study.trials),
            seeds=",".join(map(str, study.seeds)) or None,
            resources=self._asked.resources,
            **{"goal": f"{spec.metric} {spec.direction} by {study.search}", **self._asked.plan},
        )
        made = planning.plan_sweep(self.workspace, wishes, here)
        for note in made.notes if self._fresh else ():
            self._note(note)
        self._fresh = False
        return made.sweep

    def _grown(self) -> Sweep:
        """The sweep with all configurations so far, written. What it was planned with stays: code, command, seeds."""
        if not sweep_file.sweep_path(self.workspace, self.study.name).is_file():
            sweep = code_state.with_current_code(self.workspace, self._plan(self.study))
            sweep_file.write_sweep(self.workspace, sweep)
            return sweep
        there = sweep_file.read_sweep(self.workspace, self.study.name)
        rule = ConfigurationRule(listed=tuple(_configuration(self.study.spec, t) for t in self.study.trials))
        if rule == there.rule:
            return there
        sweep = replace(there, rule=rule, configurations=grid.expand_rule(rule))
        if not self._is_original():
            found = code_state.compare_code(self.workspace, there)
            if not found.same:
                raise open_sweep.changed(there.name, found.files)
            # new configurations may name other config files
            sweep = code_state.with_current_code(self.workspace, sweep)
        sweep_file.write_sweep(self.workspace, sweep)
        return sweep

    def _is_original(self) -> bool:
        book = ledger.read(Place.of(self.workspace, self.study.name).ledger, self.study.name)
        return "original" in (self._asked.code, book.orders.code)

    def _ran(self, show: Callable[[Picture], None]) -> Picture:
        """The sweep once all of its runs are over; what was lost is run once more."""
        try:
            return self._paced(self._grown(), show)
        except open_sweep.CodeChanged as error:
            raise open_sweep.CodeChanged(
                error.message,
                hint="a search compares runs of one code: --code original goes on with the code as it was, in a worktree; "
                "--name NAME searches anew with the code as it is",
            ) from error

    def _paced(self, sweep: Sweep, show: Callable[[Picture], None]) -> Picture:
        pacer = open_sweep.opened(self.workspace, sweep.name, warn=self._warn, code=self._asked.code)
        pacer.check()
        picture = pacer.look()
        for retry in ("terminated" if picture.orders.stopped else None, "lost"):
            if retry == "lost" and not any(
                s.state == "lost" for states in self._states(picture).values() for s in states
            ):
                break
            pacer.want(retry=retry, **self._asked.orders)
            show(pacer.step(doing="evolve"))
            picture = loop.pace(pacer, show, doing="evolve", warn=self._warn)
            if picture.orders.stopped:
                raise ScaffoldError(
                    f"the sweep {sweep.name} was stopped, so generation {self.study.closed + 1} has no fitness yet",
                    hint="the same command goes on, and runs again what was ended",
                )
        return picture

    def _states(self, picture: Picture) -> Mapping[int, list[State]]:
        """How the runs of the open generation are, by trial, in the order of the seeds."""
        sweep = sweep_file.read_sweep(self.workspace, self.study.name)
        states = {s.name: s for s in picture.states}
        found = {}
        for trial in self.study.generation(self.study.closed + 1):
            alone = replace(sweep, configurations=(_configuration(self.study.spec, trial),))
            found[trial.number] = [states[run.name] for run in run_names.planned_runs(self.workspace, alone)]
        return found

    def _fitness(self, picture: Picture) -> Mapping[int, SearchTrial]:
        """The open generation's trials with what came of them. Raises ScaffoldError where no run at all gives the metric."""
        spec, of = self.study.spec, self._states(picture)
        finished = [s.run for states in of.values() for s in states if s.state == "finished" and s.run is not None]
        nobody_had_it = all(spec.metric not in run.metrics for run in finished)
        if finished and nobody_had_it and not optimizer.rank_trials(spec, self.study.trials):
            raise _no_metric(self.study, finished)
        return {t.number: score_trial(t, of[t.number], spec.metric) for t in self.study.trials if t.number in of}


def _configuration(spec: SearchSpec, trial: SearchTrial) -> dict[str, str]:
    return {**spec.fixed, **trial.params}


def score_trial(trial: SearchTrial, states: Sequence[State], metric: str) -> SearchTrial:
    """A trial with its fitness: the mean over its runs, where every one of them finished with a number."""
    values: list[float] = []
    wrong: list[str] = []
    for state in states:
        value = state.run.metrics.get(metric) if state.state == "finished" and state.run else None
        if isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value):
            values.append(float(value))
        else:
            said = f"{metric} is {value!r}" if state.state == "finished" else state.reason
            code = state.run.exit_code if state.run else None
            said = said or (f"exit {code}" if code else None)
            wrong.append(f"{state.name} {state.state}" + (f" ({said})" if said else ""))
    if wrong or not values:
        return replace(trial, values=tuple(values), why="; ".join(wrong) or "it had no runs")
    return replace(trial, values=tuple(values), fitness=statistics.fmean(values))


def _no_metric(study: SearchStudy, finished: Sequence[Run]) -> ScaffoldError:
    metric = study.spec.metric
    there = sorted({key for run in finished for key in run.metrics})
    near = difflib.get_close_matches(metric, there, n=1)
    return ScaffoldError(
        f"no run of generation {study.closed + 1} gave the metric {metric}; they gave {', '.join(there) or 'none'}",
        hint=f"did you mean {near[0]}? Correct fitness_metric and call it again: nothing is run twice"
        if near
        else "correct fitness_metric, or write it to $RUN_OUTPUT_DIR/metrics.json",
    )
