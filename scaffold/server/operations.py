"""Every operation of the research server that we call, with the fields that we send: what preflight asks openapi.json about."""

from __future__ import annotations

from dataclasses import dataclass

PROTOCOL = "wild_v2_execution_ops_protocol"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerOperation:
    """A method and a path with its parameters as openapi.json names them; `fields` are those of the body, `query` those of the URL.

    Preflight fails without a mandatory one; what the others are missing for is said, and can be done without.
    """

    method: str
    path: str
    fields: tuple[str, ...] = ()
    query: tuple[str, ...] = ()
    mandatory: bool = True

    @property
    def name(self) -> str:
        """As one says it: `POST /runs`."""
        return f"{self.method} {self.path}"


CREATE_SWEEP = ServerOperation(method="POST", path="/sweeps/wild", fields=("name", "goal", "chat_session_id"))
CREATE_RUN = ServerOperation(
    method="POST",
    path="/runs",
    fields=("name", "command", "workdir", "sweep_id", "chat_session_id", "auto_start"),
)
START_RUN = ServerOperation(method="POST", path="/runs/{run_id}/start")
STOP_RUN = ServerOperation(method="POST", path="/runs/{run_id}/stop")
RUN = ServerOperation(method="GET", path="/runs/{run_id}")
RUNS = ServerOperation(method="GET", path="/runs", query=("archived", "limit"))
RUN_LOGS = ServerOperation(method="GET", path="/runs/{run_id}/logs", query=("offset", "limit"), mandatory=False)
RUN_METRICS = ServerOperation(method="GET", path="/runs/{run_id}/metrics", mandatory=False)
SWEEP = ServerOperation(method="GET", path="/sweeps/{sweep_id}")
SWEEPS = ServerOperation(method="GET", path="/sweeps", query=("limit",))
CLUSTER = ServerOperation(method="GET", path="/cluster")
DETECT = ServerOperation(method="POST", path="/cluster/detect", mandatory=False)
SYSTEM_HEALTH = ServerOperation(method="GET", path="/wild/v2/system-health")
EVENTS = ServerOperation(method="GET", path="/wild/v2/events/{session_id}", mandatory=False)
ALERTS = ServerOperation(method="GET", path="/alerts", mandatory=False)
SKILLS = ServerOperation(method="GET", path="/prompt-skills")
SEARCH = ServerOperation(method="GET", path="/prompt-skills/search", query=("q", "limit"), mandatory=False)
SKILL = ServerOperation(method="GET", path="/prompt-skills/{skill_id}")
HEALTH = ServerOperation(method="GET", path="/health")

CALLED = (
    CREATE_SWEEP,
    SWEEP,
    SWEEPS,
    CREATE_RUN,
    START_RUN,
    STOP_RUN,
    RUN,
    RUNS,
    RUN_LOGS,
    RUN_METRICS,
    CLUSTER,
    DETECT,
    SYSTEM_HEALTH,
    EVENTS,
    ALERTS,
    SKILLS,
    SEARCH,
    SKILL,
    HEALTH,
)
