"""A sweep's runs, ledger and backend -> what to start now, and starting it: one step, done again as room frees.

    ledger ── observer ──> snapshot ── schedule (pure) ──> names ── start tokens ──> jobs ── backend.submit ──> job ids ──> ledger

Between steps a `Scheduler` holds nothing but what it may forget. Whoever kills it at any point loses no run and doubles none:
docs/sweeps.md says why.
"""

from __future__ import annotations

import contextlib
import functools
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from scaffold.backends import start_tokens
from scaffold.backends.interface import Backend, Job, Warn
from scaffold.backends.local import backend as local_backend
from scaffold.sweeps.launch import ledger_changes, living_runs, sweep_locks
from scaffold.sweeps.launch.cancel import withdraw_open_start_tokens
from scaffold.sweeps.launch.ledger import Ledger, lock_sweep_ledger, read_ledger
from scaffold.sweeps.launch.observer import SweepObserver
from scaffold.sweeps.launch.run_states import SweepRunStatus, SweepSnapshot, select_runs_to_submit
from scaffold.sweeps.launch.schedule import LaunchSchedule, choose_runs_to_launch
from scaffold.sweeps.launch.sweep_backends import SweepBackends
from scaffold.sweeps.spec.model import PlannedRun, Sweep
from scaffold.sweeps.spec.sweep_paths import launched_sweep_paths
from scaffold.workspace import Workspace

# the launchers of runs, written where they are missing or not what they should be
WriteScripts = Callable[[Sequence[PlannedRun]], Mapping[str, Path]]


class Scheduler:
    """Looks at a sweep and starts what there is room for."""

    def __init__(
        self,
        workspace: Workspace,
        sweep: Sweep,
        runs: Sequence[PlannedRun],
        *,
        write_scripts: WriteScripts,
        warn: Warn,
        check_code: Callable[[], None] = lambda: None,
    ) -> None:
        """`check_code` raises where runs must not start now, as `write_launchers` does then."""
        self.sweep = sweep
        self.paths = launched_sweep_paths(workspace, sweep.name)
        self.check_code = check_code
        self._workspace = workspace
        self._runs = {run.name: run for run in runs}
        self._write_scripts = write_scripts
        self._warn = warn
        warn_once = functools.cache(warn)  # a sweep is looked at again and again
        self._backends = SweepBackends(workspace, sweep, self.paths, warn=warn_once)
        self._observer = SweepObserver(
            workspace, tuple(self._runs), self.paths, self._backends, experiment=sweep.experiment, warn=warn_once
        )
        self._ledger: Ledger | None = None

    def snapshot(self) -> SweepSnapshot:
        """The sweep as it is, without a lock and without changing anything."""
        return self._observer.snapshot(read_ledger(self.paths.ledger, self.sweep.name))

    def current_holder(self) -> dict[str, Any] | None:
        """The note of who schedules this sweep now (`pid`, `host`, `doing`); None where nobody does."""
        return sweep_locks.current_lock_holder(self.paths.sweeps, sweep_locks.scheduler_lock_name(self.sweep.name))

    def request_runs(self, *, retry: str | None = None, **options: object) -> tuple[SweepRunStatus, ...]:
        """Write down a new submission for every run that is missing or asked for again; those are returned. Starts nothing.

        `options` are fields of LaunchOptions to be changed, None for those that stay. Raises ScaffoldError.
        """
        self.paths.make_folders()
        with lock_sweep_ledger(self.paths.ledger, self.sweep.name, doing="launch") as ledger:
            changes = _without_none(options)
            # an option that cannot be followed is not kept: whoever comes next would fail by it
            backend = self._backends.choose_name(replace(ledger.options, **changes))
            ledger.set_options(**changes, stopped=False)
            chosen, held = self._select_runs(self._observer.snapshot(ledger), retry)
            for state in chosen:
                ledger.put_submission(state.name, ledger_changes.make_next_submission(state, backend, time.time()))
            for name, reason in held.items():
                self._warn(f"{name} is not tried again yet: {reason}")
            return tuple(chosen)

    def _select_runs(
        self, snapshot: SweepSnapshot, retry: str | None
    ) -> tuple[list[SweepRunStatus], Mapping[str, str]]:
        """The runs that a launch asks for; and those that it would but for their last try, which is not gone, with the reason."""
        living = living_runs.explain_living_runs(self._workspace, snapshot.planned)
        states = [s._replace(held=s.held or s.name in living) for s in snapshot.planned]
        chosen, held = select_runs_to_submit(states, retry)
        return chosen, {s.name: living.get(s.name, "the backend still has its last try") for s in held}

    def preview(self, *, retry: str | None = None, **options: object) -> LaunchSchedule:
        """What `request_runs` and a step would start now. Changes nothing. Raises ScaffoldError where the backend cannot be asked."""
        ledger = read_ledger(self.paths.ledger, self.sweep.name)
        ledger.options = replace(ledger.options, **_without_none(options))
        snapshot = self._observer.snapshot(ledger)
        again = (s for s in snapshot.states if s.resubmittable)
        ready = {s.name for s in (*self._select_runs(snapshot, retry)[0], *snapshot.startable, *again)}
        states = tuple(s._replace(startable=s.name in ready) for s in snapshot.states)
        backend = self._backends.get_backend(self._backends.choose_name(ledger.options), ledger)
        return choose_runs_to_launch(snapshot.with_states(states), backend.availability(), queues=backend.queues)

    def step(self, *, doing: str = "launch") -> SweepSnapshot:
        """Start what there is room for, and see how things are.

        Raises ScaffoldError where the backend refuses; what it took by then is noted.
        """
        self.paths.make_folders()
        with (
            lock_sweep_ledger(self.paths.ledger, self.sweep.name, doing=doing, before=self._ledger) as ledger,
            self._look_at_all_after_errors(),
        ):
            self._ledger = ledger
            snapshot = self._observer.snapshot(ledger)
            ledger_changes.note_ended_jobs(ledger, snapshot, time.time())
            for state in ledger_changes.note_cancelled_jobs(ledger, snapshot):
                start_tokens.withdraw_start_token(self.paths.folder, state.name)
                self._warn(f"{state.name}: {state.reason}; it is not started again without --retry terminated")
            if snapshot.options.stopped:
                return snapshot
            snapshot = ledger_changes.resubmit_lost(ledger, snapshot, time.time())
            return self._submit_startable(ledger, snapshot) if snapshot.startable else snapshot

    def cancel(self) -> SweepSnapshot:
        """Start nothing more, take back what has not begun, end what runs; the sweep as it is then. Raises ScaffoldError."""
        with lock_sweep_ledger(self.paths.ledger, self.sweep.name, doing="stop") as ledger:
            snapshot = self._observer.snapshot(ledger)
            job_ids = withdraw_open_start_tokens(ledger, snapshot, self._workspace, self.paths.folder)
        for name, ids in job_ids.items():
            self._backends.get_backend(name, ledger).cancel(ids)
        living_runs.end_living_processes(self._workspace, self.snapshot().states)
        return self.snapshot()

    def wait_for_change(self, snapshot: SweepSnapshot, seconds: float) -> None:
        """Pause until a run of this machine ends, at most so many seconds."""
        submissions = [s.submission for s in snapshot.outstanding if s.submission]
        job_ids = [s.job_id for s in submissions if s.backend == "local" and s.job_id]
        if job_ids:
            local_backend.wait_for_exit(job_ids, seconds)
        else:
            time.sleep(seconds)

    @contextlib.contextmanager
    def _look_at_all_after_errors(self) -> Iterator[None]:
        """What a backend that refused has done of what it was told is not known."""
        try:
            yield
        except BaseException:
            self._observer.look_at_all_next()
            raise

    def _submit_startable(self, ledger: Ledger, snapshot: SweepSnapshot) -> SweepSnapshot:
        name = self._backends.choose_name(ledger.options)
        backend = self._backends.get_backend(name, ledger)
        ledger_changes.reassign_unstarted_runs(ledger, snapshot, name)
        if backend.registers:
            self._register(ledger, snapshot, backend)
        available = backend.availability()
        plan = choose_runs_to_launch(snapshot, available, queues=backend.queues)
        # not all of them were looked at just now; and what a launcher that was started before has taken meanwhile is not started again
        confirmed = self._observer.confirm_startable(plan.start, ledger)
        names = [name for name in plan.start if name in confirmed]
        jobs = self._make_jobs(ledger, names, available.gpus or (), available.gpus_each)
        jobs = [job for job in jobs if self._issue_token(ledger, job, backend)]
        ledger.save()
        started: list[str] = []

        def on_submitted(run: str, job_id: str) -> None:
            before = ledger.newest_submission(run)
            assert before is not None
            ledger.change_newest(
                run,
                job_id=job_id,
                starts=before.starts + 1,
                started_at=ledger_changes.format_ledger_time(time.time()),
                over_at=None,
                reason=None,
            )
            started.append(run)
            ledger.save(batch=True)

        if jobs:
            backend.submit(jobs, on_submitted, at_once=plan.at_once if backend.queues else None)
        if not started:
            return replace(snapshot, capacity=plan.capacity)
        word = "waiting" if backend.queues else "starting"
        before = {s.name: s for s in snapshot.startable}
        changed = {
            run: before[run]._replace(state=word, startable=False, held=True, submission=ledger.newest_submission(run))
            for run in started
        }
        return replace(snapshot.with_changes(changed), started=tuple(started), capacity=plan.capacity)

    def _register(self, ledger: Ledger, snapshot: SweepSnapshot, backend: Backend) -> None:
        unknown = [s.name for s in snapshot.startable if (n := ledger.newest_submission(s.name)) and n.job_id is None]
        if not unknown:
            return
        jobs = self._make_jobs(ledger, unknown)
        ledger.save()

        def on_registered(run: str, job_id: str) -> None:
            ledger.change_newest(run, job_id=job_id)
            ledger.save(batch=True)

        def keep_note(key: str, value: str) -> None:
            ledger.keep_note(backend.name, key, value)
            ledger.save()

        try:
            backend.register(jobs, on_registered, keep_note)
        finally:
            ledger.save()

    def _make_jobs(
        self, ledger: Ledger, names: Sequence[str], gpus: Sequence[str] = (), gpus_each: int = 0
    ) -> list[Job]:
        """Runs as a backend is given them, their launchers written, each with so many of the free `gpus`."""
        launchers = self._write_scripts([self._runs[n] for n in names]) if names else {}
        jobs = []
        for index, name in enumerate(names):
            submission = ledger.newest_submission(name)
            assert submission is not None
            pinned = tuple(gpus[index * gpus_each : (index + 1) * gpus_each])
            number, job_id = submission.number, submission.job_id
            jobs.append(Job(name=name, number=number, launcher=launchers[name], gpus=pinned, job_id=job_id))
        return jobs

    def _issue_token(self, ledger: Ledger, job: Job, backend: Backend) -> bool:
        ledger.change_newest(job.name, gpus=job.gpus)
        return start_tokens.issue_start_token(self.paths.folder, job.name, job.number, backend.token_values(job))


def _without_none(options: Mapping[str, object]) -> dict[str, Any]:
    return {key: value for key, value in options.items() if value is not None}
