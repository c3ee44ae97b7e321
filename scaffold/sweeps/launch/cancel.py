"""Ending a sweep: what has not begun is taken back, and what runs is told to end by what its backend knows it by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from scaffold.backends import start_tokens
from scaffold.backends.local import backend as local_backend
from scaffold.runs import liveness, recorder
from scaffold.sweeps.launch.ledger import Ledger
from scaffold.sweeps.launch.ledger_entries import RunSubmission
from scaffold.sweeps.launch.observer import is_taker_gone
from scaffold.sweeps.launch.run_states import SweepRunStatus, SweepSnapshot
from scaffold.workspace import Workspace


def withdraw_open_start_tokens(
    ledger: Ledger, snapshot: SweepSnapshot, workspace: Workspace, folder: Path
) -> Mapping[str, Sequence[str]]:
    """Take back the start tokens in `folder` that nobody took, and write that down: for who holds the ledger's lock.

    What comes back are the job ids of all that is not done, by backend: those that were taken back are among them, because a launcher
    of theirs may wait in a queue.
    """
    # what was never launched is not made launched by this: it may still be planned anew
    if any(s.submission for s in snapshot.states):
        ledger.set_options(stopped=True)
    job_ids: dict[str, list[str]] = {}
    for state in snapshot.states:
        submission = state.submission
        if submission is None or submission.withdrawn or (state.is_done and not state.held):
            continue
        if _withdraw(folder, state, submission):
            ledger.put_submission(state.name, replace(submission, withdrawn=True))
        job_ids.setdefault(submission.backend, []).extend(_job_ids(workspace, folder, state, submission))
    return {backend: ids for backend, ids in job_ids.items() if ids}


def _withdraw(folder: Path, state: SweepRunStatus, submission: RunSubmission) -> bool:
    """Whether a submission that has not begun now never will."""
    if state.state not in ("submitting", "waiting", "starting"):
        return False
    if start_tokens.withdraw_start_token(folder, state.name):
        return True
    token = start_tokens.read_start_token(folder, state.name)
    return token is None or not token.taken or token.number < submission.number


def _job_ids(workspace: Workspace, folder: Path, state: SweepRunStatus, submission: RunSubmission) -> list[str]:
    """What a backend can end a run by; on this machine also its recorder, where the launcher is not known or gone."""
    job_ids = [submission.job_id] if submission.job_id else []
    if submission.backend != "local":
        return job_ids
    mark = (
        liveness.read_recorder_mark(workspace.workdir / state.run.path)
        if state.run and state.state == "running"
        else None
    )
    if mark is None and submission.job_id is None:
        # a launch was killed between starting it and writing down its id
        token = start_tokens.read_start_token(folder, state.name)
        if token and token.pid and is_taker_gone(token) is False:
            mark = recorder.processes.process_mark(token.pid)
    return [*job_ids, local_backend.format_job_id(mark)] if mark else job_ids
