"""One research server, asked through typed methods.

    with make_server_client("http://127.0.0.1:10000", token) as server:
        sweep = server.create_sweep("baseline", goal="noise floor", session_id="wild-0a1b2c3d")
        run = server.create_run("baseline-s1", "bash '/abs/launch.sh'", sweep_id=sweep.id)
        room = capacity - server.cluster().run_summary.active
        server.start_run(run.id)
        server.sweep(sweep.id).progress        # cheap; then server.run(id) for the runs that changed

Answers are the frozen types of `responses`. Each method raises one of `errors`: Unreachable, Unauthorized, NotFound, RequestRefused,
InvalidResponse, all of them ServerError. Only GETs are tried again. A request that creates or starts something is sent once; where its
outcome is not known, the error has `maybe_done`, and whoever sent it looks for the thing before asking again. A client may be used by
several threads.
"""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

from scaffold.server import operations
from scaffold.server.operations import ServerOperation
from scaffold.server.requests import ID, RequestSender
from scaffold.server.responses import (
    PromptSkill,
    RunAlert,
    RunLogChunk,
    RunMetricSeries,
    ServerCluster,
    ServerEvent,
    ServerHealth,
    ServerRun,
    ServerSweep,
    SystemHealthRunCounts,
)

if TYPE_CHECKING:
    from scaffold.server.transport import RequestLimits

Created = TypeVar("Created", ServerRun, ServerSweep)


def make_server_client(url: str, token: str | None = None, *, limits: RequestLimits | None = None) -> ServerClient:
    """A client for the server at `url`, which `address.resolve_url` found; nothing is sent yet."""
    from scaffold.server import transport

    limits = limits or transport.RequestLimits()
    url = url.rstrip("/")
    sender = RequestSender(url, token, transport.http_client(url, limits), limits.total_s)
    return ServerClient(sender, has_token=token is not None)


class ServerClient:
    """The operations of `operations.CALLED`, one method each. A context manager."""

    def __init__(self, sender: RequestSender, *, has_token: bool) -> None:
        self._sender = sender
        self.url = sender.url
        self.has_token = has_token

    def __repr__(self) -> str:
        return f"Client({self.url!r})"

    def __enter__(self) -> ServerClient:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._sender.close()

    # who answers, and on what

    def health(self) -> ServerHealth:
        """Who answers, for which work directory; needs no token."""
        return ServerHealth.from_json(self._sender.request_object(operations.HEALTH))

    def cluster(self) -> ServerCluster:
        """What it runs on, and runs by state; the server looks at its runs first, so this is the cheap way to poll."""
        return ServerCluster.from_json(self._sender.request_object(operations.CLUSTER))

    def detect_cluster(self) -> ServerCluster:
        """The same after a new look for GPUs and Slurm (0.1 s, up to 10 s where a tool hangs)."""
        return ServerCluster.from_json(self._sender.request_object(operations.DETECT))

    def system_health(self) -> SystemHealthRunCounts:
        """Counts over all sweeps; the only request of preflight that checks the token."""
        return SystemHealthRunCounts.from_json(self._sender.request_object(operations.SYSTEM_HEALTH))

    def openapi(self) -> dict[str, Any]:
        """The server's own description."""
        return self._sender.request_object(ServerOperation("GET", "/openapi.json"))

    def docs(self) -> str:
        """The page of its documentation."""
        return self._sender.send("GET", operations.DOCS.path).decode("utf-8", "replace")

    # sweeps

    def create_sweep(self, name: str, goal: str = "", session_id: str | None = None) -> ServerSweep:
        """A new tracking sweep. Names are not unique, and asking twice makes two."""
        body = {"name": name, "goal": goal, "chat_session_id": session_id}
        return self._require_id(
            operations.CREATE_SWEEP,
            ServerSweep.from_json(self._sender.request_object(operations.CREATE_SWEEP, body=body)),
        )

    def sweep(self, sweep_id: str) -> ServerSweep:
        """A sweep with its run ids and progress. NotFound for a known id means that the server was restarted and forgot it."""
        return ServerSweep.from_json(self._sender.request_object(operations.SWEEP, sweep_id=sweep_id))

    def sweeps(self, limit: int = 50) -> tuple[ServerSweep, ...]:
        """The newest sweeps, newest first."""
        return tuple(map(ServerSweep.from_json, self._sender.request_list(operations.SWEEPS, query={"limit": limit})))

    # runs

    def create_run(
        self,
        name: str,
        command: str,
        *,
        workdir: str | None = None,
        sweep_id: str | None = None,
        session_id: str | None = None,
    ) -> ServerRun:
        """A new run that is `ready`: nothing starts it but `start_run`. Names are not unique, and asking twice makes two."""
        body = {
            "name": name,
            "command": command,
            "workdir": workdir,
            "sweep_id": sweep_id,
            "chat_session_id": session_id,
            "auto_start": False,
        }
        return self._require_id(
            operations.CREATE_RUN, ServerRun.from_json(self._sender.request_object(operations.CREATE_RUN, body=body))
        )

    def run(self, run_id: str) -> ServerRun:
        """A run. NotFound for a known id means that the server was restarted and forgot it."""
        return ServerRun.from_json(self._sender.request_object(operations.RUN, run_id=run_id))

    def runs(self, limit: int = 100, *, archived: bool = False) -> tuple[ServerRun, ...]:
        """The newest runs, newest first. The server reads every run's metrics for it: never in a loop."""
        query = {"archived": str(archived).lower(), "limit": limit}
        return tuple(map(ServerRun.from_json, self._sender.request_list(operations.RUNS, query=query)))

    def start_run(self, run_id: str) -> None:
        """Launch a ready or queued run now. Raises Refused where it is in another state."""
        self._sender.request_object(operations.START_RUN, run_id=run_id)

    def stop_run(self, run_id: str) -> None:
        """End a launching or running run. Raises Refused where it is in another state."""
        self._sender.request_object(operations.STOP_RUN, run_id=run_id)

    def logs(self, run_id: str, *, length: int = 10_000) -> RunLogChunk:
        """The end of what the run's terminal showed, up to `last` characters; empty before it was launched."""
        length = max(1, min(length, 100_000))
        return RunLogChunk.from_json(
            self._sender.request_object(operations.RUN_LOGS, query={"offset": -length, "limit": length}, run_id=run_id)
        )

    def run_metrics(self, run_id: str) -> RunMetricSeries:
        """The series that the run logged."""
        return RunMetricSeries.from_json(self._sender.request_object(operations.RUN_METRICS, run_id=run_id))

    # events and skills

    def events(self, session_id: str) -> tuple[ServerEvent, ...]:
        """Alerts and ended runs, of all sessions whichever is named."""
        return tuple(map(ServerEvent.from_json, self._sender.request_list(operations.EVENTS, session_id=session_id)))

    def alerts(self) -> tuple[RunAlert, ...]:
        """All alerts, newest first."""
        return tuple(map(RunAlert.from_json, self._sender.request_list(operations.ALERTS)))

    def skills(self) -> tuple[PromptSkill, ...]:
        """All prompt skills, whole."""
        return tuple(map(PromptSkill.from_json, self._sender.request_list(operations.SKILLS)))

    def search_skills(self, query: str, limit: int = 20) -> tuple[PromptSkill, ...]:
        """Skills with `query`, as a whole and in any case, in name, description or text; best first."""
        return tuple(
            map(PromptSkill.from_json, self._sender.request_list(operations.SEARCH, query={"q": query, "limit": limit}))
        )

    def skill(self, skill_id: str) -> PromptSkill:
        """One skill."""
        return PromptSkill.from_json(self._sender.request_object(operations.SKILL, skill_id=skill_id))

    def _require_id(self, operation: ServerOperation, created: Created) -> Created:
        if not ID.fullmatch(created.id):
            reason = "the answer names no id for what was made"
            raise self._sender.invalid_response(operation.method, operation.path, reason)
        return created
