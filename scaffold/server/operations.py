"""Every operation of the research server that we call or that a brief names: the one table of them (specs: server API).

Preflight asks the server's openapi.json about those that we call; the brief lists them for whoever plans.
"""

from __future__ import annotations

from dataclasses import dataclass

PROTOCOL = "wild_v2_execution_ops_protocol"


@dataclass(frozen=True, slots=True)
class ServerOperation:
    """A method and a path with its parameters as openapi.json names them; `fields` are those of the body, `query` those of the URL.

    Where we call it, preflight fails if a mandatory one is missing; of the others it only says so. `note` is what to know of it;
    `core` operations are in every brief, others with --full, and those without a `group` in none.
    """

    method: str
    path: str
    group: str = ""
    note: str = ""
    fields: tuple[str, ...] = ()
    query: tuple[str, ...] = ()
    core: bool = True
    called: bool = True
    mandatory: bool = True

    @property
    def name(self) -> str:
        """As one says it: `POST /runs`."""
        return f"{self.method} {self.path}"


CREATE_SWEEP = ServerOperation(
    "POST", "/sweeps/wild", "Sweeps", "a tracking sweep; answers its `id`", fields=("name", "goal", "chat_session_id")
)
SWEEP = ServerOperation(
    "GET", "/sweeps/{sweep_id}", "Sweeps", "`progress` and `run_ids`; one failed run makes its status failed"
)
SWEEPS = ServerOperation("GET", "/sweeps", "Sweeps", "newest first, `?limit=50`", query=("limit",), core=False)
CREATE_GRID = ServerOperation(
    "POST",
    "/sweeps",
    "Sweeps",
    "a grid; `max_runs` (10) cuts it silently, and nothing is started",
    fields=("name", "base_command", "parameters", "max_runs", "chat_session_id"),
    core=False,
    called=False,
)
START_SWEEP = ServerOperation(
    "POST", "/sweeps/{sweep_id}/start", "Sweeps", "`?parallel=1`; starts that many once", core=False, called=False
)
CREATE_RUN = ServerOperation(
    "POST",
    "/runs",
    "Runs",
    "names are not unique: look before you post again",
    fields=("name", "command", "workdir", "sweep_id", "chat_session_id", "auto_start"),
)
START_RUN = ServerOperation(
    "POST", "/runs/{run_id}/start", "Runs", "launches now; there is no scheduler behind a queue"
)
RUN = ServerOperation(
    "GET", "/runs/{run_id}", "Runs", "status: ready, queued, launching, running, finished, failed, stopped"
)
RUNS = ServerOperation(
    "GET", "/runs", "Runs", "`?limit=100`; reads every run's metrics, so do not poll it", query=("archived", "limit")
)
STOP_RUN = ServerOperation("POST", "/runs/{run_id}/stop", "Runs", "launching or running ones only")
RERUN = ServerOperation("POST", "/runs/{run_id}/rerun", "Runs", "a new run", core=False, called=False)
RUN_LOGS = ServerOperation(
    "GET",
    "/runs/{run_id}/logs",
    "Runs",
    "`?offset=-10000&limit=10000`",
    query=("offset", "limit"),
    core=False,
    mandatory=False,
)
RUN_METRICS = ServerOperation(
    "GET", "/runs/{run_id}/metrics", "Runs", "series of what the run logged", core=False, mandatory=False
)
DETECT = ServerOperation(
    "POST", "/cluster/detect", "Cluster", "no body; `cluster.type`, `cluster.gpu_count` (may be null)", mandatory=False
)
CLUSTER = ServerOperation("GET", "/cluster", "Cluster", "`run_summary` counts running and launching runs")
SYSTEM_HEALTH = ServerOperation(
    "GET", "/wild/v2/system-health", "Cluster", "checks the token; does not count launching runs"
)
EVENTS = ServerOperation("GET", "/wild/v2/events/{session_id}", "Events", "alerts and ended runs", mandatory=False)
RESOLVE_EVENTS = ServerOperation(
    "POST", "/wild/v2/events/{session_id}/resolve", "Events", fields=("event_ids",), core=False, called=False
)
ALERTS = ServerOperation("GET", "/alerts", mandatory=False)
RESPOND_TO_ALERT = ServerOperation(
    "POST",
    "/alerts/{alert_id}/respond",
    "Events",
    "a run may wait for it",
    fields=("choice",),
    core=False,
    called=False,
)
SKILLS = ServerOperation("GET", "/prompt-skills", "Skills", "all; `/prompt-skills/search?q=` for some")
SEARCH = ServerOperation("GET", "/prompt-skills/search", query=("q", "limit"), mandatory=False)
SKILL = ServerOperation("GET", "/prompt-skills/{skill_id}")
PROTOCOL_SKILL = ServerOperation("GET", f"/prompt-skills/{PROTOCOL}", "Skills", "mandatory reading", called=False)
SKILL_FILE = ServerOperation(
    "GET", "/prompt-skills/{skill_id}/files/{path}", "Skills", "a file of a skill", core=False, called=False
)
# openapi.json does not describe the page that it is shown on, so nothing can be asked about it there
DOCS = ServerOperation("GET", "/docs", "Preflight", "with /openapi.json: is the server up", called=False)
HEALTH = ServerOperation("GET", "/health", "Preflight", "its `workdir` tells whose server it is", core=False)

OPERATIONS = tuple(value for value in tuple(globals().values()) if isinstance(value, ServerOperation))
CALLED = tuple(operation for operation in OPERATIONS if operation.called)
