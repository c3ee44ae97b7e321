"""The operations of the research server that a loop needs, as text (specs: server API).

The server's own openapi.json names them all; this is what a planner has to know where no server answers.
"""

from __future__ import annotations

from dataclasses import dataclass

AUTH = '-H "X-Auth-Token: $RESEARCH_AGENT_USER_AUTH_TOKEN"'
JSON = '-H "Content-Type: application/json"'


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One operation: `body` is what it takes, `note` what to know of it. `core` is in every brief, the rest with --full."""

    group: str
    method: str
    path: str
    body: str = ""
    note: str = ""
    core: bool = True


OPERATIONS = (
    Operation(
        group="Sweeps",
        method="POST",
        path="/sweeps/wild",
        body='{"name", "goal", "chat_session_id"}',
        note="a tracking sweep; answers its `id`",
    ),
    Operation(
        group="Sweeps",
        method="GET",
        path="/sweeps/{id}",
        note="`progress` and `run_ids`; one failed run makes its status failed",
    ),
    Operation(group="Sweeps", method="GET", path="/sweeps", note="newest first, `?limit=50`", core=False),
    Operation(
        group="Sweeps",
        method="POST",
        path="/sweeps",
        body='{"name", "base_command", "parameters", "max_runs", "chat_session_id"}',
        note="a grid; `max_runs` (10) cuts it silently, and nothing is started",
        core=False,
    ),
    Operation(
        group="Sweeps",
        method="POST",
        path="/sweeps/{id}/start",
        note="`?parallel=1`; starts that many once",
        core=False,
    ),
    Operation(
        group="Runs",
        method="POST",
        path="/runs",
        body='{"name", "command", "workdir", "sweep_id", "chat_session_id", "auto_start": false}',
        note="names are not unique: look before you post again",
    ),
    Operation(
        group="Runs", method="POST", path="/runs/{id}/start", note="launches now; there is no scheduler behind a queue"
    ),
    Operation(
        group="Runs",
        method="GET",
        path="/runs/{id}",
        note="status: ready, queued, launching, running, finished, failed, stopped",
    ),
    Operation(
        group="Runs", method="GET", path="/runs", note="`?limit=100`; reads every run's metrics, so do not poll it"
    ),
    Operation(group="Runs", method="POST", path="/runs/{id}/stop", note="launching or running ones only"),
    Operation(group="Runs", method="POST", path="/runs/{id}/rerun", note="a new run", core=False),
    Operation(group="Runs", method="GET", path="/runs/{id}/logs", note="`?offset=-10000&limit=10000`", core=False),
    Operation(group="Runs", method="GET", path="/runs/{id}/metrics", note="series of what the run logged", core=False),
    Operation(
        group="Cluster",
        method="POST",
        path="/cluster/detect",
        note="no body; `cluster.type`, `cluster.gpu_count` (may be null)",
    ),
    Operation(group="Cluster", method="GET", path="/cluster", note="`run_summary` counts running and launching runs"),
    Operation(
        group="Cluster",
        method="GET",
        path="/wild/v2/system-health",
        note="checks the token; does not count launching runs",
    ),
    Operation(group="Events", method="GET", path="/wild/v2/events/{session}", note="alerts and ended runs"),
    Operation(
        group="Events", method="POST", path="/wild/v2/events/{session}/resolve", body='{"event_ids": [...]}', core=False
    ),
    Operation(
        group="Events",
        method="POST",
        path="/alerts/{id}/respond",
        body='{"choice"}',
        note="a run may wait for it",
        core=False,
    ),
    Operation(group="Skills", method="GET", path="/prompt-skills", note="all; `/prompt-skills/search?q=` for some"),
    Operation(
        group="Skills", method="GET", path="/prompt-skills/wild_v2_execution_ops_protocol", note="mandatory reading"
    ),
    Operation(
        group="Skills", method="GET", path="/prompt-skills/{id}/files/{path}", note="a file of a skill", core=False
    ),
    Operation(group="Preflight", method="GET", path="/docs", note="with /openapi.json: is the server up"),
    Operation(
        group="Preflight", method="GET", path="/health", note="its `workdir` tells whose server it is", core=False
    ),
)


def text(server: str, *, full: bool) -> str:
    """The catalogue as a list, with the server's address before each path."""
    lines = []
    for group in dict.fromkeys(operation.group for operation in OPERATIONS):
        lines.append(f"{group}:")
        for one in OPERATIONS:
            if one.group == group and (one.core or full):
                body = f" body `{one.body}`" if one.body else ""
                lines.append(f"- `{one.method} {server}{one.path}`{body}{' - ' + one.note if one.note else ''}")
    return "\n".join(lines)


def preflight(server: str) -> str:
    """The requests that have to succeed before anything else."""
    paths = (
        "/docs",
        "/openapi.json",
        "/prompt-skills",
        "/prompt-skills/wild_v2_execution_ops_protocol",
        "/wild/v2/system-health",
    )
    return "\n".join(f"curl -sf {AUTH} {server}{path} >/dev/null" for path in paths)
