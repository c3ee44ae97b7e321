"""A sweep's world in memory: ledger, tokens, backend, processes, manifests; and whoever launches, who may be killed between two effects.

What decides is the package's own pure functions: `derive_state`, `select_runs_to_submit`, `schedule_runs` and the changes of the ledger.
Only the effects are simulated, in the order in which the scheduler has them.
"""

from __future__ import annotations

import dataclasses
import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from scaffold.backends.interface import BackendLoad, JobStatus
from scaffold.backends.start_tokens import StartToken
from scaffold.runs.model import Run
from scaffold.sweeps.launch import ledger_changes
from scaffold.sweeps.launch.ledger import Ledger
from scaffold.sweeps.launch.run_states import (
    RunObservation,
    SweepRunStatus,
    SweepSnapshot,
    derive_state,
    select_runs_to_submit,
)
from scaffold.sweeps.launch.schedule import choose_runs_to_launch
from scaffold.sweeps.launch.state_table import STATE_TABLE

BACKENDS = ("local", "server", "slurm")
HERE, NODE = "here", "node7"


class Killed(Exception):
    """Whoever launches is gone, with all that it had in memory."""


class Refused(Exception):
    """A backend did not answer."""


@dataclass
class Job:
    """What a backend was given: a launcher, from the queue to its end. `attempt` is the manifest's, once there is one."""

    id: str
    name: str
    host: str
    state: str = "enlisted"
    pid: int = 0
    number: int = 0
    attempt: int = 0
    phase: str = "new"
    reason: str | None = None

    @property
    def is_alive(self) -> bool:
        """Whether its launcher, or what that became, is a process."""
        return self.state == "running"


@dataclass
class World:
    """Everything that is not in the memory of whoever launches."""

    seed: int
    now: float = 1_767_225_600.0
    foreign: int = 0
    is_down: bool = False
    tokens: dict[str, StartToken] = field(default_factory=dict)
    jobs: dict[str, Job] = field(default_factory=dict)
    known: set[str] = field(default_factory=set)
    manifests: dict[str, list[Run]] = field(default_factory=dict)
    starts: Counter[tuple[str, int]] = field(default_factory=Counter)
    cancelled: set[tuple[str, int]] = field(default_factory=set)
    warnings: list[str] = field(default_factory=list)
    effects: int = 0
    kill_at: int | None = None
    is_watched: bool = False
    seen: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)
        self.backend = self.random.choice(BACKENDS)
        self.limit = self.random.randint(1, 3)
        self.names = [f"r{n}" for n in range(self.random.randint(2, 4))]
        # the launchers of some end always at the same point: the environment's tool is missing, the scratch is read-only
        self.doomed = {n: self.random.choice(("new", "signed")) for n in self.names if self.random.random() < 0.15}
        self.ledger = Ledger(Path("ledger.json"), "lr")
        self.saved = self.clone(self.ledger)

    # the ledger on disk

    @staticmethod
    def clone(ledger: Ledger) -> Ledger:
        copy = Ledger(ledger.path, ledger.sweep)
        copy.options = ledger.options
        copy._submissions = dict(ledger._submissions)
        return copy

    def effect(self) -> None:
        """Something of the world changes next: whoever launches may be killed before."""
        self.look()
        self.effects += 1
        if self.effects == self.kill_at:
            raise Killed

    def save(self) -> None:
        self.effect()
        self.saved = self.clone(self.ledger)

    # looking

    def look(self, *, anew: bool = False) -> None:
        """Hold the change of each run's state since the last look against the table; `anew`: the ledger is another one."""
        if not self.is_watched:
            return
        before, self.seen = self.seen, {s.name: s.state for s in self.snapshot().states}
        for name, state in self.seen.items() if before and not anew else ():
            was = before[name]
            assert state == was or state in STATE_TABLE[was].next, f"{name} went from {was} to {state}"

    def snapshot(self) -> SweepSnapshot:
        states = []
        for name in self.names:
            newest = self.ledger.newest_submission(name)
            states.append(
                derive_state(name, newest, self.manifests_of(name), self.observe(name), hostname=HERE, now=self.now)
            )
        return SweepSnapshot(states=tuple(states), options=self.ledger.options)

    def manifests_of(self, name: str) -> list[Run]:
        """As the reader gives them: `running` is `lost` where this host can tell."""
        return [
            run._replace(status="lost")
            if run.status == "running" and run.hostname == HERE and not self.recorder_lives(name, run.attempt)
            else run
            for run in self.manifests.get(name, [])
        ]

    def recorder_lives(self, name: str, attempt: int) -> bool:
        return any(j.name == name and j.attempt == attempt and j.is_alive for j in self.jobs.values())

    def observe(self, name: str) -> RunObservation:
        submission, token = self.ledger.newest_submission(name), self.tokens.get(name)
        status = None
        if submission is not None and not submission.withdrawn:
            job_id = (token.job_id if token and token.number == submission.number else None) or submission.job_id
            status = None if job_id is None else self.poll(job_id)
        gone = None
        if token is not None and token.taken and token.host == HERE and token.pid is not None:
            gone = not any(j.pid == token.pid and j.is_alive for j in self.jobs.values())
        began = (
            token is not None
            and token.taken
            and gone is not False
            and submission is not None
            and any(
                j.name == name and j.number == token.number and j.phase in ("script", "over")
                for j in self.jobs.values()
            )
        )
        return RunObservation(token, gone, status, began)

    def poll(self, job_id: str) -> JobStatus:
        job = self.jobs.get(job_id)
        if self.is_down:
            return JobStatus(state="unknown")
        if job is None or job_id not in self.known:
            return JobStatus(state="gone")
        word = {"enlisted": "enlisted", "queued": "waiting", "running": "running", "ended": "ended"}[job.state]
        return JobStatus(state=word, reason=job.reason)  # type: ignore[arg-type]

    @property
    def alive(self) -> int:
        """How many launchers of ours are processes."""
        return sum(job.is_alive for job in self.jobs.values())

    # whoever launches

    def guarded(self, action: Callable[[], object], kill_at: int | None = None) -> None:
        """Do something under the ledger's lock, perhaps killed in the middle: then what was not saved is forgotten."""
        self.ledger, self.effects, self.kill_at = self.clone(self.saved), 0, kill_at
        try:
            action()
            self.save()
        except Killed:
            self.ledger = self.clone(self.saved)
            self.look(anew=True)
        except Refused:
            self.kill_at = None
            self.save()

    def launch(self, retry: str | None = None) -> None:
        self.ledger.set_options(stopped=False)
        living = {j.name for j in self.jobs.values() if j.is_alive and j.host == HERE}
        states = [s._replace(held=s.held or (s.is_done and s.name in living)) for s in self.snapshot().states]
        for state in select_runs_to_submit(states, retry)[0]:
            self.ledger.put_submission(state.name, ledger_changes.make_next_submission(state, self.backend, self.now))

    def step(self) -> SweepSnapshot:
        """As Scheduler.step. Asserts that no more is started than there is room for, and what the snapshot called startable."""
        snapshot = self.snapshot()
        ledger_changes.note_ended_jobs(self.ledger, snapshot, self.now)
        for state in ledger_changes.note_cancelled_jobs(self.ledger, snapshot):
            self.effect()
            self.tokens = {n: t for n, t in self.tokens.items() if n != state.name or t.taken}
            self.warnings.append(state.name)
        if snapshot.options.stopped:
            return snapshot
        before = {s.name: s.submission for s in snapshot.states if s.resubmittable}
        assert not any(self.starts[name, one.number] for name, one in before.items() if one), (
            "a script begins again by itself"
        )
        snapshot = ledger_changes.resubmit_lost(self.ledger, snapshot, self.now)
        if not snapshot.startable:
            return snapshot
        if self.is_down:
            raise Refused
        ledger_changes.reassign_unstarted_runs(self.ledger, snapshot, self.backend)
        if self.backend == "server":
            self.register(snapshot)
        availability = BackendLoad(limit=self.limit, active=self.alive + self.foreign, gpus=None, because="")
        plan = choose_runs_to_launch(snapshot, availability, queues=self.backend == "slurm")
        issued = [name for name in plan.start if self.issue_token(name)]
        assert issued == list(plan.start), "what is called startable was not"
        assert not self.cancelled & {(name, self.tokens[name].number) for name in issued}, (
            "cancelled, and started again"
        )
        self.save()
        room = self.limit - self.alive - self.foreign
        assert self.backend == "slurm" or not issued or len(issued) <= room
        self.submit(issued)
        return dataclasses.replace(snapshot, started=tuple(issued))

    def register(self, snapshot: SweepSnapshot) -> None:
        self.save()
        for state in snapshot.startable:
            submission = self.ledger.newest_submission(state.name)
            if submission is not None and submission.job_id is None:
                self.effect()
                job = self.make_job(state.name, "enlisted")
                self.effect()
                self.ledger.change_newest(state.name, job_id=job.id)
        self.save()

    def issue_token(self, name: str) -> bool:
        """As start_tokens.issue_start_token: none for a submission whose token was taken."""
        submission, token = self.ledger.newest_submission(name), self.tokens.get(name)
        assert submission is not None
        if token is not None and token.taken and token.number >= submission.number:
            return False
        self.effect()
        self.tokens[name] = StartToken(number=submission.number, taken=False, changed_at=self.now)
        return True

    def submit(self, names: Sequence[str]) -> None:
        for name in names:
            submission = self.ledger.newest_submission(name)
            assert submission is not None
            self.effect()
            if self.backend == "server":
                job = self.jobs.get(submission.job_id or "")
                if job is None or job.id not in self.known:
                    raise Refused
                if job.state == "enlisted":
                    job.state = "running"
            else:
                job = self.make_job(name, "running" if self.backend == "local" else "queued")
            self.effect()
            if self.random.random() < 0.05:
                raise Refused  # it did what it was told, and the answer was lost
            self.ledger.change_newest(name, job_id=job.id, starts=submission.starts + 1, over_at=None, reason=None)

    def make_job(self, name: str, state: str) -> Job:
        number = len(self.jobs) + 1
        host = HERE if self.backend == "local" or self.random.random() < 0.5 else NODE
        job = Job(id=f"j{number}", name=name, host=host, state=state, pid=1000 + number)
        self.jobs[job.id] = job
        self.known.add(job.id)
        return job

    def stop(self) -> None:
        self.ledger.set_options(stopped=True)
        for state in self.snapshot().states:
            submission = state.submission
            if submission is None or submission.withdrawn or (state.is_done and not state.held):
                continue
            token = self.tokens.get(state.name)
            if state.state in ("submitting", "waiting", "starting") and (token is None or not token.taken):
                self.effect()
                self.tokens.pop(state.name, None)
                self.ledger.put_submission(state.name, dataclasses.replace(submission, withdrawn=True))
            elif token is not None and token.number < submission.number and not state.is_done:
                self.ledger.put_submission(state.name, dataclasses.replace(submission, withdrawn=True))
        self.save()
        for job in list(self.jobs.values()):
            self.effect()
            if job.state in ("queued", "running"):
                self.end(job, "terminated", reason="cancelled")

    # what goes on by itself

    def advance(self, job: Job) -> None:
        """The next thing that a launcher does."""
        if job.state == "queued" and self.alive + self.foreign < self.limit:
            job.state = "running"
        elif job.state == "running" and self.doomed.get(job.name) == job.phase:
            self.end(job, None, reason="exit 127")
        elif job.state == "running":
            {"new": self.take_token, "signed": self.write_manifest, "manifest": self.begin}.get(job.phase, self.finish)(
                job
            )

    def take_token(self, job: Job) -> None:
        token = self.tokens.get(job.name)
        if token is None or token.taken:
            job.state, job.reason = "ended", "exit 75"
            return
        job.number, job.phase = token.number, "signed"
        taken = dataclasses.replace(token, taken=True, changed_at=self.now)
        if self.random.random() < 0.03:  # killed before it signed
            self.tokens[job.name] = taken
            self.end(job, None, reason="exit 9")
        else:
            self.tokens[job.name] = dataclasses.replace(taken, host=job.host, pid=job.pid, job=job.id)

    def write_manifest(self, job: Job) -> None:
        attempts = self.manifests.setdefault(job.name, [])
        job.attempt, job.phase = len(attempts) + 1, "manifest"
        attempts.append(
            Run(
                *(job.name, job.attempt, "train", "running", 1, {}, {}, None, "lr", None, None),
                *("2026-01-01T00:00:00Z", 1.0, None, None, job.host, "o", f"{job.name}.{job.attempt}.json"),
            )
        )

    def begin(self, job: Job) -> None:
        job.phase = "script"
        self.starts[job.name, job.number] += 1
        others = [j for j in self.jobs.values() if j is not job and j.name == job.name and j.phase == "script"]
        assert not any(j.is_alive for j in others), f"{job.name} runs twice at once"

    def finish(self, job: Job) -> None:
        self.end(job, "finished" if self.random.random() < 0.8 else "failed", reason=None)

    def end(self, job: Job, status: str | None, *, reason: str | None) -> None:
        """A launcher ends; with a `status` its recorder writes that, without one it was killed."""
        if status is not None and job.attempt:
            attempts = self.manifests[job.name]
            attempts[job.attempt - 1] = attempts[job.attempt - 1]._replace(status=status)
        job.state, job.reason = "ended", reason
        job.phase = "over" if job.phase == "script" else job.phase

    # what befalls it

    def befall(self) -> None:
        """One thing happens."""
        events = {
            self.live_step: 10.0,
            self.live_advance: 16,
            self.live_kill: 2,
            self.live_launch: 2,
            self.live_stop: 0.3,
            self.live_restart: 0.5,
            self.live_foreign: 1,
            self.live_clock: 1.5,
            self.live_cancel: 1,
            self.live_outage: 1,
            self.live_purge: 1,
            self.live_forget: 2,
        }
        self.random.choices(list(events), list(events.values()))[0]()

    def kill_point(self) -> int | None:
        """After how many effects whoever launches is killed."""
        return self.random.randint(1, 8) if self.random.random() < 0.4 else None

    def open_jobs(self, *states: str) -> list[Job]:
        return [j for j in self.jobs.values() if j.state in states]

    def live_step(self) -> None:
        self.guarded(self.step, self.kill_point())

    def live_launch(self) -> None:
        retry = self.random.choice((None, None, "failed", "lost", "terminated", "all"))
        self.guarded(lambda: self.launch(retry), self.kill_point())

    def live_stop(self) -> None:
        self.guarded(self.stop, self.kill_point())

    def live_advance(self) -> None:
        if jobs := self.open_jobs("queued", "running"):
            self.advance(self.random.choice(jobs))

    def live_kill(self) -> None:
        if jobs := self.open_jobs("queued", "running"):
            self.end(self.random.choice(jobs), None, reason="exit 9")

    def live_cancel(self) -> None:
        if jobs := self.open_jobs("queued"):
            self.cancel(self.random.choice(jobs))

    def live_restart(self) -> None:
        if self.backend == "server":
            self.known.clear()

    def live_foreign(self) -> None:
        self.foreign = self.random.randint(0, 2)

    def live_clock(self) -> None:
        self.now += self.random.choice((-30, 5, 70, 3600))

    def live_outage(self) -> None:
        self.is_down = not self.is_down

    def live_purge(self) -> None:
        self.purge(self.random.choice(self.names))

    def live_forget(self) -> None:
        """Slurm forgets jobs that are over after a while; of cancelled ones it is assumed that somebody looked before."""
        if self.backend == "slurm":
            noted = {n for n in self.names if (s := self.saved.newest_submission(n)) and s.cancelled}
            over = self.open_jobs("ended")
            self.known -= {j.id for j in over if j.reason != "cancelled" or j.name in noted}

    def lives(self, name: str) -> bool:
        """Whether a launcher of a run is a process."""
        return any(j.name == name and j.is_alive for j in self.jobs.values())

    def purge(self, name: str) -> None:
        """The scratch that a dead run's unfinished records lie on is purged."""
        if not self.lives(name) and {run.status for run in self.manifests.get(name, ())} == {"running"}:
            del self.manifests[name]
            self.look(anew=True)

    def cancel(self, job: Job) -> None:
        """Somebody does, at the backend, while it waits."""
        submission = self.saved.newest_submission(job.name)
        if submission is not None and submission.job_id == job.id and not submission.withdrawn:
            self.cancelled.add((job.name, submission.number))
        self.end(job, None, reason="cancelled")

    def states(self) -> list[SweepRunStatus]:
        self.ledger = self.clone(self.saved)
        return list(self.snapshot().states)

    def ignored(self) -> list[str]:
        """The runs whose newest submission left no manifest nor is said to be lost, cancelled or taken back."""
        names = []
        for state in self.states():
            submission = self.saved.newest_submission(state.name)
            if (
                submission is None
                or submission.withdrawn
                or submission.cancelled
                or state.state in ("lost", "finished")
            ):
                continue
            if state.run is None or state.run.attempt <= submission.after:
                names.append(state.name)
        return names
