"""What a step writes into the ledger beside job ids: new submissions, ends that a backend tells of, a change of backend. Pure."""

from __future__ import annotations

import datetime
from dataclasses import replace

from scaffold.sweeps.launch.ledger import Ledger
from scaffold.sweeps.launch.ledger_entries import RunSubmission
from scaffold.sweeps.launch.run_states import SweepRunStatus, SweepSnapshot


def make_next_submission(state: SweepRunStatus, backend: str, now: float) -> RunSubmission:
    """The next submission of a run, to a backend, asked for `now` (seconds since 1970)."""
    number = 1 if state.submission is None else state.submission.number + 1
    after = state.run.attempt if state.run else 0
    return RunSubmission(number=number, backend=backend, after=after, requested_at=format_ledger_time(now))


def resubmit_lost(ledger: Ledger, snapshot: SweepSnapshot, now: float) -> SweepSnapshot:
    """Ask once more for the runs that were lost before their scripts began; the snapshot with those startable."""
    changed = {}
    for state in [state for state in snapshot.open_runs if state.resubmittable]:
        if state.submission is not None:
            submission = replace(make_next_submission(state, state.submission.backend, now), automatic=True)
            ledger.put_submission(state.name, submission)
            changed[state.name] = state._replace(
                state="submitting", submission=submission, startable=True, resubmittable=False, backend_state=None
            )
    return snapshot.with_changes(changed) if changed else snapshot


def note_ended_jobs(ledger: Ledger, snapshot: SweepSnapshot, now: float) -> None:
    """Note when a backend first called a submission over that has not said so itself: some time later that counts. `now` is since 1970."""
    for state in snapshot.open_runs:
        if state.backend_state not in ("ended", "gone") or state.is_done:
            continue
        submission = ledger.newest_submission(state.name)
        if submission is not None and submission.over_at is None:
            ledger.change_newest(state.name, over_at=format_ledger_time(now), reason=state.disagreement or state.reason)


def note_cancelled_jobs(ledger: Ledger, snapshot: SweepSnapshot) -> list[SweepRunStatus]:
    """Note which jobs somebody cancelled before they began, so that no step starts them again; the runs of which that is news."""
    news = []
    for state in snapshot.open_runs:
        submission = ledger.newest_submission(state.name) if state.cancelled else None
        if submission is not None and not submission.cancelled:
            ledger.change_newest(state.name, cancelled=True)
            news.append(state)
    return news


def reassign_unstarted_runs(ledger: Ledger, snapshot: SweepSnapshot, backend: str) -> None:
    """Submissions that never began belong to the backend that is chosen now; a job id that it does not know is put aside."""
    for state in snapshot.startable:
        if state.submission is None or (
            state.submission.backend == backend and state.backend_state not in ("ended", "gone")
        ):
            continue
        if submission := ledger.newest_submission(state.name):
            ledger.change_newest(state.name, backend=backend, job_id=None, earlier_job_ids=submission.job_ids)


def format_ledger_time(seconds: float) -> str:
    """A time since 1970 as a ledger has it: UTC, in seconds."""
    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
