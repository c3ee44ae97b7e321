"""A try that is to be stopped -> whether it can be taken back, and what its backend can end it by."""

from __future__ import annotations

import socket
from pathlib import Path

from scaffold.backends import start_tokens
from scaffold.backends.local.backend import handle
from scaffold.runs import liveness, recorder
from scaffold.sweeps.launch.ledger import Try
from scaffold.sweeps.launch.observer import gone
from scaffold.sweeps.launch.states import State
from scaffold.workspace import Workspace


def take_back(folder: Path, state: State, tried: Try) -> bool:
    """Whether a try that has not begun now never will: its ticket in `folder` is withdrawn. Only for who holds the ledger's lock."""
    if state.state not in ("intended", "waiting", "starting"):
        return False
    if start_tokens.withdraw(folder, state.name):
        return True
    ticket = start_tokens.read(folder, state.name)
    return ticket is None or not ticket.taken or ticket.number < tried.number


def handles(workspace: Workspace, folder: Path, state: State, tried: Try) -> list[str]:
    """What a backend can end a run by; on this machine also its recorder, where the launcher is not known or gone."""
    found = [tried.handle] if tried.handle else []
    if tried.backend != "local":
        return found
    mark = (
        liveness.read_process_mark(workspace.workdir / state.run.path)
        if state.run and state.state == "running"
        else None
    )
    if mark is None and tried.handle is None:
        ticket = start_tokens.read(folder, state.name)
        if ticket and ticket.pid and gone(ticket, socket.gethostname()) is False:
            mark = recorder.processes.process_mark(ticket.pid)
    return [*found, handle(mark)] if mark else found
