"""How a sweep is now: ledger, backends, start tokens, processes, manifests, asked in that order."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterable, Mapping, Sequence

from scaffold.backends import start_tokens
from scaffold.backends.interface import JobStatus, Warn
from scaffold.backends.start_tokens import StartToken
from scaffold.runs import liveness
from scaffold.runs.model import Run
from scaffold.runs.records import RecordReader
from scaffold.sweeps.launch.ledger import Ledger
from scaffold.sweeps.launch.run_states import Observation, Snapshot, derive_state
from scaffold.sweeps.launch.sweep_backends import SweepBackends
from scaffold.sweeps.spec.sweep_paths import SweepPaths
from scaffold.workspace import Workspace


class Observer:
    """Looks at a sweep again and again. Submissions that are over are not asked about twice."""

    def __init__(
        self, workspace: Workspace, planned: Sequence[str], paths: SweepPaths, backends: SweepBackends, *, warn: Warn
    ) -> None:
        """`planned` are the names of the sweep's runs, in its order."""
        self._planned = dict.fromkeys(planned)
        self._paths = paths
        self._backends = backends
        self._warn = warn
        self._reader = RecordReader(workspace)
        self._over: dict[str, int] = {}

    def snapshot(self, ledger: Ledger) -> Snapshot:
        """All runs. Raises ScaffoldError where a backend cannot be made.

        The order of looking matters: backend, then processes, then manifests, each later than what it is believed over.
        """
        names = list(dict.fromkeys((*self._planned, *ledger.run_names)))
        unsettled = [n for n in names if (s := ledger.newest_submission(n)) is None or self._over.get(n) != s.number]
        observations = self._observe_runs(unsettled, self._poll_backends(unsettled, ledger))
        runs: dict[str, list[Run]] = {}
        for run in self._reader.runs():
            runs.setdefault(run.name, []).append(run)
        for bad in self._reader.damaged:
            self._warn(f"{bad.path} cannot be read: {bad.reason}")
        hostname, now = socket.gethostname(), time.time()
        states = []
        for name in names:
            seen, newest = observations.get(name, Observation()), ledger.newest_submission(name)
            state = derive_state(name, newest, runs.get(name, ()), seen, hostname=hostname, now=now)
            states.append(state if name in self._planned else state._replace(planned=False, startable=False))
            if state.is_done and not state.held and state.submission is not None:
                self._over[name] = state.submission.number
        return Snapshot(states=tuple(states), options=ledger.options)

    def _poll_backends(self, names: Iterable[str], ledger: Ledger) -> Mapping[str, JobStatus]:
        """What the backends say, by run: each is asked once."""
        job_ids: dict[str, dict[str, str]] = {}
        for name in names:
            submission = ledger.newest_submission(name)
            if submission and submission.job_id and not submission.withdrawn:
                job_ids.setdefault(submission.backend, {})[name] = submission.job_id
        statuses = {}
        for backend, ids in job_ids.items():
            answers = self._backends.get_backend(backend, ledger).poll(tuple(ids.values()))
            statuses.update({name: answers[job_id] for name, job_id in ids.items() if job_id in answers})
        return statuses

    def _observe_runs(self, names: Iterable[str], statuses: Mapping[str, JobStatus]) -> Mapping[str, Observation]:
        with_token = start_tokens.list_tokens(self._paths.folder)
        observations = {}
        for name in names:
            token = start_tokens.read_token(self._paths.folder, name) if name in with_token else None
            observations[name] = Observation(token, is_taker_gone(token), statuses.get(name))
        return observations


def is_taker_gone(token: StartToken | None) -> bool | None:
    """Whether the process that took a start token is gone; None where it is not for this host to tell."""
    if token is None or not token.taken or token.host != socket.gethostname() or token.pid is None:
        return None
    return liveness.is_pid_gone_since(token.pid, token.changed_at)
