"""How a sweep is now: ledger, backends, start tokens, processes, manifests, asked in that order."""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Iterable, Mapping, Sequence

from scaffold.backends import start_tokens
from scaffold.backends.interface import JobStatus, Warn
from scaffold.backends.start_tokens import StartToken
from scaffold.runs import liveness
from scaffold.runs.model import Run
from scaffold.runs.records import RecordReader
from scaffold.sweeps.launch.ledger import Ledger
from scaffold.sweeps.launch.run_states import RunObservation, RunState, SweepSnapshot, derive_state
from scaffold.sweeps.launch.sweep_backends import SweepBackends
from scaffold.sweeps.spec.sweep_paths import SweepPaths
from scaffold.workspace import Workspace


class Observer:
    """Looks at a sweep again and again. Submissions that are over are not asked about twice."""

    def __init__(
        self,
        workspace: Workspace,
        planned: Sequence[str],
        paths: SweepPaths,
        backends: SweepBackends,
        *,
        experiment: str,
        warn: Warn,
    ) -> None:
        """`planned` are the names of the sweep's runs, in its order; `experiment` is theirs."""
        self._workspace = workspace
        self._experiment = experiment
        self._planned = dict.fromkeys(planned)
        self._paths = paths
        self._backends = backends
        self._warn = warn
        self._reader = RecordReader(workspace)
        # not only that they are over: their start tokens and jobs are not looked at again, and without those a lost run seems startable
        self._settled: dict[str, tuple[RunState, RunObservation]] = {}

    def snapshot(self, ledger: Ledger) -> SweepSnapshot:
        """All runs. Raises ScaffoldError where a backend cannot be made.

        The order of looking matters: backend, then processes, then manifests, each later than what it is believed over.
        """
        names = list(dict.fromkeys((*self._planned, *ledger.run_names)))
        settled = {n: self._settled[n] for n in names if self._is_settled(n, ledger)}
        unsettled = [n for n in names if n not in settled]
        observations = self._observe_runs(unsettled, self._poll_backends(unsettled, ledger), ledger)
        runs: dict[str, list[Run]] = {}
        for run in self._reader.runs():
            runs.setdefault(run.name, []).append(run)
        for bad in self._reader.damaged:
            self._warn(f"{bad.path} cannot be read: {bad.reason}")
        hostname, now = os.uname().nodename, time.time()
        states = []
        for name in names:
            state, seen = settled.get(name, (None, observations.get(name, RunObservation())))
            if state is None or _has_news(state, runs.get(name, ())):
                newest = ledger.newest_submission(name)
                state = derive_state(name, newest, runs.get(name, ()), seen, hostname=hostname, now=now)
            if name not in self._planned:
                state = state._replace(planned=False, startable=False, resubmittable=False)
            states.append(state)
            if state.is_done and not state.held and state.submission is not None:
                self._settled[name] = state, seen
            else:
                self._settled.pop(name, None)
        return SweepSnapshot(states=tuple(states), options=ledger.options)

    def _is_settled(self, name: str, ledger: Ledger) -> bool:
        """Whether a run's newest submission was over when it was last looked at."""
        if name not in self._settled or (newest := ledger.newest_submission(name)) is None:
            return False
        submission = self._settled[name][0].submission
        return submission is not None and submission.number == newest.number

    def _poll_backends(self, names: Iterable[str], ledger: Ledger) -> Mapping[str, JobStatus]:
        """What the backends say, by run: each is asked once."""
        job_ids: dict[str, dict[str, str]] = {}
        with_token = start_tokens.list_tokens(self._paths.folder)
        for name in names:
            submission = ledger.newest_submission(name)
            if submission is None or submission.withdrawn:
                continue
            token = start_tokens.read_start_token(self._paths.folder, name) if name in with_token else None
            # where an answer was lost, two jobs were started: the one that took the token counts, whatever the ledger knows
            job_id = (token.job_id if token and token.number == submission.number else None) or submission.job_id
            if job_id is not None:
                job_ids.setdefault(submission.backend, {})[name] = job_id
        statuses = {}
        for backend, ids in job_ids.items():
            answers = self._backends.get_backend(backend, ledger).poll(tuple(ids.values()))
            statuses.update({name: answers[job_id] for name, job_id in ids.items() if job_id in answers})
        return statuses

    def _observe_runs(
        self, names: Iterable[str], statuses: Mapping[str, JobStatus], ledger: Ledger
    ) -> Mapping[str, RunObservation]:
        with_token = start_tokens.list_tokens(self._paths.folder)
        observations = {}
        for name in names:
            token = start_tokens.read_start_token(self._paths.folder, name) if name in with_token else None
            gone, submission = is_taker_gone(token), ledger.newest_submission(name)
            ended = token is not None and token.taken and gone is not False
            began = ended and submission is not None and self._has_logs(name, submission.after)
            observations[name] = RunObservation(token, gone, statuses.get(name), began)
        return observations

    def _has_logs(self, name: str, after: int) -> bool:
        """Whether a recorder opened the logs of a run's script in an attempt later than `after`."""
        logs, outputs = (self._workspace.role_folder(role, self._experiment) for role in ("logs", "outputs"))
        for number in itertools.count(after + 1):
            stem = name if number == 1 else f"{name}.{number}"
            if any((logs / f"{stem}.{stream}").exists() for stream in ("out", "err")):
                return True
            # an attempt that was claimed and went no further is passed over by the next
            if not (outputs / stem).exists():
                return False
        return False


def _has_news(settled: RunState, runs: Sequence[Run]) -> bool:
    """Whether there are manifests that a settled state does not know; those that are missing by now are no news."""
    newest = max(runs, key=lambda r: r.attempt, default=None)
    if newest is None or newest == settled.run:
        return False
    return settled.run is None or newest.attempt >= settled.run.attempt


def is_taker_gone(token: StartToken | None) -> bool | None:
    """Whether the process that took a start token is gone; None where it is not for this host to tell."""
    if token is None or not token.taken or token.host != os.uname().nodename or token.pid is None:
        return None
    return liveness.is_pid_gone_since(token.pid, token.changed_at)
