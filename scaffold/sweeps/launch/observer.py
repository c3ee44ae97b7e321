"""How a sweep is now: ledger, backends, start tokens, processes, manifests, asked in that order.

A sweep of thousands has few runs that can have changed since a moment ago: those that a backend has, and those of which the ledger has
news. Only these are looked at, and all of them from time to time, since anybody may write manifests and tokens at any time.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence

from scaffold.backends import start_tokens
from scaffold.backends.interface import JobStatus, Warn
from scaffold.backends.start_tokens import StartToken
from scaffold.runs import liveness
from scaffold.runs.model import Run
from scaffold.runs.records import RecordReader
from scaffold.runs.run_reader import RunAttemptReader
from scaffold.sweeps.launch.ledger import Ledger
from scaffold.sweeps.launch.run_states import RunObservation, SweepRunStatus, SweepSnapshot, derive_state, is_open
from scaffold.sweeps.launch.sweep_backends import SweepBackends
from scaffold.sweeps.spec.sweep_paths import SweepPaths
from scaffold.workspace import Workspace

# all runs are looked at this often, and never for more than a twentieth of the time
WHOLE_LOOK_S = 30.0
SHARE = 20
# to look for each run's own files is worth it for so small a part of the runs at most
FEW = 4
MANY = 20


class SweepObserver:
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
        self._planned = dict.fromkeys(planned)
        self._paths = paths
        self._backends = backends
        self._warn = warn
        self._run_reader = RunAttemptReader(workspace, experiment)
        self._record_reader = RecordReader(workspace, read_by_name=self._run_reader.rows)
        # not only that they are over: their start tokens and jobs are not looked at again, and without those a lost run seems startable
        self._settled: dict[str, tuple[SweepRunStatus, RunObservation]] = {}
        self._states: dict[str, SweepRunStatus] = {}
        self._runs: dict[str, list[Run]] = {}
        # the runs that a backend has, or that have begun and are not over, as keys
        self._active: dict[str, None] = {}
        # the runs that a step has anything to do with, as keys; in the sweep's order only while `_in_order`
        self._open: dict[str, None] = {}
        self._in_order = True
        # the ledger of the last look, how many of its changes that knew, and the runs that it was at
        self._ledger: Ledger | None = None
        self._changes_seen = 0
        self._looked_at: frozenset[str] = frozenset()
        self._whole_look_at = 0.0
        self._took_s = 0.0

    def snapshot(self, ledger: Ledger) -> SweepSnapshot:
        """All runs. Raises ScaffoldError where a backend cannot be made."""
        names = self._names_to_look_at(ledger)
        if names is None:
            self._look_at_all(ledger)
        else:
            self._looked_at = frozenset(names)
            self._look_at(names, ledger)
            # that nothing is left to do is seen of everything
            if not self._active and not any([s.startable or s.resubmittable for s in self._open_states()]):
                self._look_at_all(ledger)
        return SweepSnapshot(
            states=tuple(self._states.values()), options=ledger.options, open_states=tuple(self._open_states())
        )

    def _open_states(self) -> list[SweepRunStatus]:
        """The states of the runs that a step has anything to do with, in the sweep's order."""
        if not self._in_order:
            self._open = {name: None for name in self._states if name in self._open}
            self._in_order = True
        return [self._states[name] for name in self._open]

    def look_at_all_next(self) -> None:
        """Have the next snapshot look at all runs."""
        self._ledger = None

    def confirm_startable(self, names: Sequence[str], ledger: Ledger) -> frozenset[str]:
        """Those of the runs, startable by the last snapshot, that are so now too; what a backend says of their jobs is the same."""
        others = [name for name in names if name not in self._looked_at]
        before = {name: self._states[name].backend_state for name in others}
        if others:
            self._look_at(others, ledger)
        after = {name: self._states[name] for name in others}
        return frozenset(names) - {
            n for n, state in after.items() if not state.startable or state.backend_state != before[n]
        }

    def _names_to_look_at(self, ledger: Ledger) -> list[str] | None:
        """The runs that can have changed since the last look; None where it has to be at all."""
        if ledger is not self._ledger:
            return None
        if time.monotonic() - self._whole_look_at > max(WHOLE_LOOK_S, SHARE * self._took_s):
            return None
        names = list(dict.fromkeys((*self._active, *ledger.changes[self._changes_seen :])))
        self._changes_seen = len(ledger.changes)
        return names if len(names) * FEW <= len(self._states) else None

    def _look_at_all(self, ledger: Ledger) -> None:
        began = time.monotonic()
        names = list(dict.fromkeys((*self._planned, *ledger.run_names)))
        settled = {n for n in names if self._is_settled(n, ledger)}
        observations = self._observe_runs([n for n in names if n not in settled], ledger)
        self._runs = {}
        for run in self._record_reader.runs():
            self._runs.setdefault(run.name, []).append(run)
        for bad in self._record_reader.damaged:
            self._warn(f"{bad.path} cannot be read: {bad.reason}")
        self._states, self._active, self._open = {}, {}, {}
        self._derive_states(names, observations, ledger)
        self._ledger, self._changes_seen, self._looked_at = ledger, len(ledger.changes), frozenset(names)
        self._whole_look_at = time.monotonic()
        self._took_s = self._whole_look_at - began

    def _look_at(self, names: Sequence[str], ledger: Ledger) -> None:
        observations = self._observe_runs(names, ledger)
        for name in names:
            self._runs[name] = self._run_reader.read(name, self._runs.get(name, ()))
        self._derive_states(names, observations, ledger)

    def _derive_states(self, names: Sequence[str], observations: Mapping[str, RunObservation], ledger: Ledger) -> None:
        """Bring the states of runs up to date; of those that were not observed, and are settled, where their manifests have news."""
        hostname, now = os.uname().nodename, time.time()
        for name in names:
            runs = self._runs.get(name, ())
            state, seen = self._settled.get(name, (None, RunObservation()))
            if name in observations or state is None or _has_news(state, runs):
                seen = observations.get(name, seen)
                state = derive_state(name, ledger.newest_submission(name), runs, seen, hostname=hostname, now=now)
            if name not in self._planned:
                state = state._replace(planned=False, startable=False, resubmittable=False)
            self._states[name] = state
            if state.is_done and not state.held and state.submission is not None:
                self._settled[name] = state, seen
            else:
                self._settled.pop(name, None)
            if not is_open(state):
                self._open.pop(name, None)
            elif name not in self._open:
                self._in_order = self._in_order and next(reversed(self._states)) == name
                self._open[name] = None
            if state.held or state.state in ("starting", "running"):
                self._active[name] = None
            else:
                self._active.pop(name, None)

    def _is_settled(self, name: str, ledger: Ledger) -> bool:
        """Whether a run's newest submission was over when it was last looked at."""
        if name not in self._settled or (newest := ledger.newest_submission(name)) is None:
            return False
        submission = self._settled[name][0].submission
        return submission is not None and submission.number == newest.number

    def _observe_runs(self, names: Sequence[str], ledger: Ledger) -> Mapping[str, RunObservation]:
        """What is seen of runs beside their manifests.

        The order of looking matters: backend, then processes, then manifests, each later than what it is believed over.
        """
        statuses = self._poll_backends(names, ledger)
        observations = {}
        for name, token in self._read_tokens(names).items():
            status, submission = statuses.get(name), ledger.newest_submission(name)
            is_child = token is not None and token.pid is not None and status is not None and status.child == token.pid
            gone = False if is_child else is_taker_gone(token)
            ended = token is not None and token.taken and gone is not False
            began = ended and submission is not None and self._run_reader.has_logs(name, submission.after)
            observations[name] = RunObservation(token, gone, status, began)
        return observations

    def _poll_backends(self, names: Sequence[str], ledger: Ledger) -> Mapping[str, JobStatus]:
        """What the backends say, by run: each is asked once."""
        submissions = {name: submission for name in names if (submission := ledger.newest_submission(name)) is not None}
        # where an answer was lost, two jobs were started: the one that took the token counts, whatever the ledger knows
        tokens = self._read_tokens([name for name, submission in submissions.items() if submission.backend != "local"])
        job_ids: dict[str, dict[str, str]] = {}
        for name, submission in submissions.items():
            token = tokens.get(name)
            job_id = (token.job_id if token and token.number == submission.number else None) or submission.job_id
            if job_id is not None and not submission.withdrawn:
                job_ids.setdefault(submission.backend, {})[name] = job_id
        statuses = {}
        for backend, ids in job_ids.items():
            answers = self._backends.get_backend(backend, ledger).poll(tuple(ids.values()))
            statuses.update({name: answers[job_id] for name, job_id in ids.items() if job_id in answers})
        return statuses

    def _read_tokens(self, names: Sequence[str]) -> Mapping[str, StartToken | None]:
        """The start token of each run."""
        folder = self._paths.folder
        # of many that wait most have none yet: the folder says which
        having = start_tokens.list_start_tokens(folder) if len(names) > MANY else frozenset(names)
        return {name: start_tokens.read_start_token(folder, name) if name in having else None for name in names}


def _has_news(settled: SweepRunStatus, runs: Sequence[Run]) -> bool:
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
