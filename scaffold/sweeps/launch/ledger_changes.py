"""What a step writes into the ledger beside job ids: new submissions, ends that a backend tells of, a change of backend."""

from __future__ import annotations

from dataclasses import replace

from scaffold.runs.timestamps import utc_now
from scaffold.sweeps.launch.ledger import Ledger
from scaffold.sweeps.launch.ledger_entries import RunSubmission
from scaffold.sweeps.launch.run_states import RunState, SweepSnapshot


def new_submission(state: RunState, backend: str) -> RunSubmission:
    """The next submission of a run, to a backend."""
    number = 1 if state.submission is None else state.submission.number + 1
    after = state.run.attempt if state.run else 0
    return RunSubmission(number=number, backend=backend, after=after, requested_at=current_time())


def resubmit_lost(ledger: Ledger, snapshot: SweepSnapshot) -> SweepSnapshot:
    """Ask once more for the runs that were lost before their scripts began; the snapshot with those startable."""
    states = []
    for state in snapshot.states:
        if state.resubmittable and state.submission is not None:
            submission = replace(new_submission(state, state.submission.backend), automatic=True)
            ledger.put_submission(state.name, submission)
            state = state._replace(
                state="submitting", submission=submission, startable=True, resubmittable=False, backend_state=None
            )
        states.append(state)
    return replace(snapshot, states=tuple(states))


def note_ended_jobs(ledger: Ledger, snapshot: SweepSnapshot) -> None:
    """Note when a backend first called a submission over that has not said so itself: some time later that counts."""
    for state in snapshot.states:
        submission = ledger.newest_submission(state.name)
        over = state.backend_state in ("ended", "gone") and not state.is_done
        if submission is not None and submission.over_at is None and over:
            ledger.change_newest(state.name, over_at=current_time(), reason=state.disagreement or state.reason)


def reassign_unstarted(ledger: Ledger, snapshot: SweepSnapshot, backend: str) -> None:
    """Submissions that never began belong to the backend that is chosen now; a job id that it does not know is put aside."""
    for state in snapshot.startable:
        submission = ledger.newest_submission(state.name)
        if submission and (submission.backend != backend or state.backend_state in ("ended", "gone")):
            ledger.change_newest(state.name, backend=backend, job_id=None, earlier_job_ids=submission.job_ids)


def current_time() -> str:
    """The time as a ledger has it: UTC, in seconds."""
    return utc_now().strftime("%Y-%m-%dT%H:%M:%SZ")
