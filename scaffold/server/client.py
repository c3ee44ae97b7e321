"""One research server, asked through typed methods.

    with connect("http://127.0.0.1:10000", token) as server:
        sweep = server.create_sweep("baseline", goal="noise floor", session_id="wild-0a1b2c3d")
        run = server.create_run("baseline-s1", "bash '/abs/launch.sh'", sweep_id=sweep.id)
        room = capacity - server.cluster().run_summary.active
        server.start_run(run.id)
        server.sweep(sweep.id).progress        # cheap; then server.run(id) for the runs that changed

Answers are the frozen types of `answers`. Each method raises one of `errors`: Unreachable, Unauthorized, NotFound, Refused, Broken, all
of them ServerError. Only GETs are tried again. A request that creates or starts something is sent once; where its outcome is not known,
the error has `maybe_done`, and whoever sent it looks for the thing before asking again. A client may be used by several threads.
"""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

from scaffold.server import operations
from scaffold.server.operations import Operation
from scaffold.server.requests import ID, Requests
from scaffold.server.responses import Alert, Cluster, Event, Health, Logs, Metrics, Run, Skill, Sweep, SystemHealth

if TYPE_CHECKING:
    from scaffold.server.transport import Limits

Made = TypeVar("Made", Run, Sweep)


def connect(url: str, token: str | None = None, *, limits: Limits | None = None) -> Client:
    """A client for the server at `url`, which `address.url` found; nothing is sent yet."""
    from scaffold.server import transport

    limits = limits or transport.Limits()
    url = url.rstrip("/")
    return Client(Requests(url, token, transport.client(url, limits), limits.total_s), has_token=token is not None)


class Client:
    """The operations of `operations.CALLED`, one method each. A context manager."""

    def __init__(self, ask: Requests, *, has_token: bool) -> None:
        self._ask = ask
        self.url = ask.url
        self.has_token = has_token

    def __repr__(self) -> str:
        return f"Client({self.url!r})"

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._ask.close()

    # who answers, and on what

    def health(self) -> Health:
        """Who answers, for which work directory; needs no token."""
        return Health.read(self._ask.object_of(operations.HEALTH))

    def cluster(self) -> Cluster:
        """What it runs on, and runs by state; the server looks at its runs first, so this is the cheap way to poll."""
        return Cluster.read(self._ask.object_of(operations.CLUSTER))

    def detect_cluster(self) -> Cluster:
        """The same after a new look for GPUs and Slurm (0.1 s, up to 10 s where a tool hangs)."""
        return Cluster.read(self._ask.object_of(operations.DETECT))

    def system_health(self) -> SystemHealth:
        """Counts over all sweeps; the only request of preflight that checks the token."""
        return SystemHealth.read(self._ask.object_of(operations.SYSTEM_HEALTH))

    def openapi(self) -> dict[str, Any]:
        """The server's own description."""
        return self._ask.object_of(Operation(method="GET", path="/openapi.json"))

    def docs(self) -> str:
        """The page of its documentation."""
        return self._ask.send("GET", "/docs").decode("utf-8", "replace")

    # sweeps

    def create_sweep(self, name: str, goal: str = "", session_id: str | None = None) -> Sweep:
        """A new tracking sweep. Names are not unique, and asking twice makes two."""
        body = {"name": name, "goal": goal, "chat_session_id": session_id}
        return self._created(
            operations.CREATE_SWEEP, Sweep.read(self._ask.object_of(operations.CREATE_SWEEP, body=body))
        )

    def sweep(self, sweep_id: str) -> Sweep:
        """A sweep with its run ids and progress. NotFound for a known id means that the server was restarted and forgot it."""
        return Sweep.read(self._ask.object_of(operations.SWEEP, sweep_id=sweep_id))

    def sweeps(self, limit: int = 50) -> tuple[Sweep, ...]:
        """The newest sweeps, newest first."""
        return tuple(map(Sweep.read, self._ask.list_of(operations.SWEEPS, query={"limit": limit})))

    # runs

    def create_run(
        self,
        name: str,
        command: str,
        *,
        workdir: str | None = None,
        sweep_id: str | None = None,
        session_id: str | None = None,
    ) -> Run:
        """A new run that is `ready`: nothing starts it but `start_run`. Names are not unique, and asking twice makes two."""
        body = {
            "name": name,
            "command": command,
            "workdir": workdir,
            "sweep_id": sweep_id,
            "chat_session_id": session_id,
            "auto_start": False,
        }
        return self._created(operations.CREATE_RUN, Run.read(self._ask.object_of(operations.CREATE_RUN, body=body)))

    def run(self, run_id: str) -> Run:
        """A run. NotFound for a known id means that the server was restarted and forgot it."""
        return Run.read(self._ask.object_of(operations.RUN, run_id=run_id))

    def runs(self, limit: int = 100, *, archived: bool = False) -> tuple[Run, ...]:
        """The newest runs, newest first. The server reads every run's metrics for it: never in a loop."""
        query = {"archived": str(archived).lower(), "limit": limit}
        return tuple(map(Run.read, self._ask.list_of(operations.RUNS, query=query)))

    def start_run(self, run_id: str) -> None:
        """Launch a ready or queued run now. Raises Refused where it is in another state."""
        self._ask.object_of(operations.START_RUN, run_id=run_id)

    def stop_run(self, run_id: str) -> None:
        """End a launching or running run. Raises Refused where it is in another state."""
        self._ask.object_of(operations.STOP_RUN, run_id=run_id)

    def logs(self, run_id: str, *, last: int = 10_000) -> Logs:
        """The end of what the run's terminal showed, up to `last` characters; empty before it was launched."""
        last = max(1, min(last, 100_000))
        return Logs.read(
            self._ask.object_of(operations.RUN_LOGS, query={"offset": -last, "limit": last}, run_id=run_id)
        )

    def run_metrics(self, run_id: str) -> Metrics:
        """The series that the run logged."""
        return Metrics.read(self._ask.object_of(operations.RUN_METRICS, run_id=run_id))

    # events and skills

    def events(self, session_id: str) -> tuple[Event, ...]:
        """Alerts and ended runs, of all sessions whichever is named."""
        return tuple(map(Event.read, self._ask.list_of(operations.EVENTS, session_id=session_id)))

    def alerts(self) -> tuple[Alert, ...]:
        """All alerts, newest first."""
        return tuple(map(Alert.read, self._ask.list_of(operations.ALERTS)))

    def skills(self) -> tuple[Skill, ...]:
        """All prompt skills, whole."""
        return tuple(map(Skill.read, self._ask.list_of(operations.SKILLS)))

    def search_skills(self, query: str, limit: int = 20) -> tuple[Skill, ...]:
        """Skills with `query`, as a whole and in any case, in name, description or text; best first."""
        return tuple(map(Skill.read, self._ask.list_of(operations.SEARCH, query={"q": query, "limit": limit})))

    def skill(self, skill_id: str) -> Skill:
        """One skill."""
        return Skill.read(self._ask.object_of(operations.SKILL, skill_id=skill_id))

    def _created(self, what: Operation, made: Made) -> Made:
        if not ID.fullmatch(made.id):
            raise self._ask.broken(what.method, what.path, "the answer names no id for what was made")
        return made
