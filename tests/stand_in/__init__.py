"""A stand-in for the research server: real HTTP on loopback, with the server's states, answers and oddities, and faults on demand.

    stand_in = StandIn(workdir, token="s3cret")        # the `stand_in` fixture of tests/conftest.py makes and closes one
    stand_in.url                                       # http://127.0.0.1:PORT
    stand_in.requests[-1].body                         # what was asked, in order
    stand_in.execute = True                            # a started run's command is carried out by bash, for real
    stand_in.finish(run_id, 0)                         # else the test says how a run ends
    stand_in.fault("/runs", "stored_500", times=1)     # see faults.py for the kinds
    stand_in.restart()                                 # forgets everything; processes go on, and end as stub runs
    stand_in.down(), stand_in.up()                     # refuses connections, and comes back on the same port

It behaves as the recordings in tests/server/recordings say; test_stand_in.py holds it against them.
"""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.stand_in.faults import Fault
from tests.stand_in.http import Handler, Seen, Server
from tests.stand_in.model import State
from tests.stand_in.skills import SKILLS

__all__ = ["Seen", "StandIn"]


class StandIn:
    """One server on loopback, with a port of its own that it keeps."""

    def __init__(self, workdir: Path, *, token: str | None = None, openapi: dict[str, Any] | None = None) -> None:
        self.workdir = workdir
        self.token = token
        self.skills = [dict(one) for one in SKILLS]
        self.openapi = openapi
        self.requests: list[Seen] = []
        self.complaints: list[str] = []
        self.sent = 0
        self.faults: list[Fault] = []
        self.state = State(workdir)
        self.closing = threading.Event()
        self.host, self.port = "127.0.0.1", 0
        self._server: Server | None = None
        self.up()

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"

    # how runs go

    @property
    def execute(self) -> bool:
        """Whether a started run's command is carried out, by `bash -c` in a session of its own."""
        return self.state.execute

    @execute.setter
    def execute(self, value: bool) -> None:
        self.state.execute = value

    @property
    def tmux(self) -> bool:
        """Whether runs can be launched; without tmux a start answers 500, and the run stays behind as queued."""
        return self.state.tmux

    @tmux.setter
    def tmux(self, value: bool) -> None:
        self.state.tmux = value

    @property
    def gpus(self) -> int | None:
        return self.state.gpu_count

    @gpus.setter
    def gpus(self, value: int | None) -> None:
        self.state.gpu_count, self.state.cluster_type = value, "local_gpu" if value else "unknown"

    def finish(self, run_id: str, exit_code: int | None = 0) -> None:
        """End a run that is not carried out; None is a pane that disappeared."""
        self.state.end(self.state.runs[run_id], exit_code)

    # what goes wrong

    def fault(
        self, path: str, kind: str, *, method: str | None = None, times: int | None = None, **more: object
    ) -> None:
        """From now on a request for `path` (a prefix where it ends with `*`) meets a fault, `times` times or always."""
        self.faults.append(Fault(path=path, kind=kind, method=method, left=times, more=more))

    def heal(self) -> None:
        """No faults from now on."""
        self.faults.clear()

    def restart(self) -> None:
        """Forget sweeps, runs and alerts, as the real one does."""
        self.state.forget()

    def down(self) -> None:
        """Refuse connections."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def up(self) -> None:
        """Take connections."""
        if self._server is None:
            self._server = Server((self.host, self.port), Handler, self)
            self.port = self._server.server_address[1]
            threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def close(self) -> None:
        """Stop, and end what still runs."""
        self.closing.set()
        self.down()
        self.state.kill_all()

    # what was asked

    def asked(self, method: str, path: str) -> list[Seen]:
        """The requests for a path (without its query)."""
        return [one for one in self.requests if one.method == method and urlsplit(one.target).path == path]
