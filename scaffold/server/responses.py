"""What the research server answers, as frozen types: every field may be missing, of another kind, or new.

Its openapi.json describes no answer (specs: server API, section 1), so nothing is taken for granted: what is not there is empty
or None, a status is any text, and only an answer that is not even an object or a list is an error. Times are seconds since 1970.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields

from scaffold.server.json_values import (
    count,
    integer,
    mapping,
    metric_points,
    non_negative_integer,
    number,
    text,
    texts,
)

ENDED = ("finished", "failed", "stopped")
ACTIVE = ("launching", "running")


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerHealth:
    """Who answers: `workdir` tells whose server it is (`GET /health`)."""

    status: str
    service: str
    workdir: str

    @classmethod
    def read(cls, value: object) -> ServerHealth:
        """From the server's object."""
        said = mapping(value)
        return cls(
            status=text(said.get("status")), service=text(said.get("service")), workdir=text(said.get("workdir"))
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RunCounts:
    """Runs by state, as `GET /cluster` counts them: archived ones are left out, stopped ones are in `total` only."""

    total: int
    running: int
    launching: int
    queued: int
    ready: int
    failed: int
    finished: int

    @classmethod
    def read(cls, value: object) -> RunCounts:
        """From the server's object."""
        return cls(**{field.name: count(mapping(value).get(field.name)) for field in fields(cls)})

    @property
    def active(self) -> int:
        """Runs that take up room: running and launching ones."""
        return self.running + self.launching


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """What the server runs on. `gpu_count` is None where it does not know; `type` is any word."""

    type: str
    status: str
    source: str
    label: str
    gpu_count: int | None
    node_count: int | None
    run_summary: RunCounts

    @classmethod
    def read(cls, value: object) -> Cluster:
        """From the server's object, `{"cluster": ..., "run_summary": ...}`."""
        said = mapping(mapping(value).get("cluster"))
        return cls(
            type=text(said.get("type")) or "unknown",
            status=text(said.get("status")) or "unknown",
            source=text(said.get("source")),
            label=text(said.get("label")),
            gpu_count=non_negative_integer(said.get("gpu_count")),
            node_count=non_negative_integer(said.get("node_count")),
            run_summary=RunCounts.read(mapping(value).get("run_summary")),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemHealth:
    """Counts of `GET /wild/v2/system-health`; `running` leaves out launching runs, `queued` has ready ones in it."""

    running: int
    queued: int
    completed: int
    failed: int
    total: int

    @classmethod
    def read(cls, value: object) -> SystemHealth:
        """From the server's object."""
        return cls(**{field.name: count(mapping(value).get(field.name)) for field in fields(cls)})


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepProgress:
    """Runs of a sweep by state; `completed` is the server's word for finished, `canceled` for stopped."""

    total: int
    completed: int
    failed: int
    running: int
    launching: int
    ready: int
    queued: int
    canceled: int

    @classmethod
    def read(cls, value: object) -> SweepProgress:
        """From the server's object."""
        return cls(**{field.name: count(mapping(value).get(field.name)) for field in fields(cls)})


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSweep:
    """A sweep; its `status` is derived from its runs, and one failed run makes it "failed" for ever."""

    id: str
    name: str
    goal: str
    status: str
    run_ids: tuple[str, ...]
    progress: SweepProgress
    session_id: str | None
    created_at: float | None

    @classmethod
    def read(cls, value: object) -> ServerSweep:
        """From the server's object."""
        said = mapping(value)
        return cls(
            id=text(said.get("id")),
            name=text(said.get("name")),
            goal=text(said.get("goal")),
            status=text(said.get("status")) or "unknown",
            run_ids=texts(said.get("run_ids")),
            progress=SweepProgress.read(said.get("progress")),
            session_id=text(said.get("chat_session_id")) or None,
            created_at=number(said.get("created_at")),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerRun:
    """A run. A stub, made by a late report after a restart, has an id and a status and little else.

    `ended_at` may change after the end; with the server's GPU wrapper even `failed` may become `finished`.
    """

    id: str
    name: str
    command: str
    workdir: str
    status: str
    sweep_id: str | None
    session_id: str | None
    run_dir: str | None
    exit_code: int | None
    error: str | None
    is_archived: bool
    created_at: float | None
    launched_at: float | None
    started_at: float | None
    ended_at: float | None

    @classmethod
    def read(cls, value: object) -> ServerRun:
        """From the server's object."""
        said = mapping(value)
        return cls(
            id=text(said.get("id")),
            name=text(said.get("name")),
            command=text(said.get("command")),
            workdir=text(said.get("workdir")),
            sweep_id=text(said.get("sweep_id")) or None,
            run_dir=text(said.get("run_dir")) or None,
            error=text(said.get("error")) or None,
            created_at=number(said.get("created_at")),
            launched_at=number(said.get("launched_at")),
            started_at=number(said.get("started_at")),
            ended_at=number(said.get("ended_at")),
            status=text(said.get("status")) or "unknown",
            session_id=text(said.get("chat_session_id")) or None,
            exit_code=integer(said.get("exit_code")),
            is_archived=said.get("is_archived") is True,
        )

    @property
    def has_ended(self) -> bool:
        """Whether it will not go on by itself."""
        return self.status in ENDED

    @property
    def is_active(self) -> bool:
        """Whether it takes up room."""
        return self.status in ACTIVE


@dataclass(frozen=True, slots=True, kw_only=True)
class RunLogs:
    """A piece of a run's terminal capture. Its paging repeats text (specs: server API, section 5): read one piece, not many."""

    content: str
    offset: int
    total_size: int

    @classmethod
    def read(cls, value: object) -> RunLogs:
        """From the server's object."""
        said = mapping(value)
        return cls(
            content=text(said.get("content")),
            offset=count(said.get("offset")),
            total_size=count(said.get("total_size")),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RunMetrics:
    """Series of what a run logged: key -> (step, value); at most 400 points a key, rounded to 6 digits by the server."""

    series: Mapping[str, tuple[tuple[float, float], ...]]

    @classmethod
    def read(cls, value: object) -> RunMetrics:
        """From the server's object. Its `metrics` are left out: it multiplies an accuracy by 100."""
        said = mapping(mapping(value).get("metricSeries"))
        return cls(series={key: metric_points(found) for key, found in said.items()})


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerEvent:
    """Something that happened: an alert, or a run that ended. The session that was asked for does not filter them."""

    id: str
    type: str
    title: str
    detail: str
    run_id: str | None
    created_at: float | None

    @classmethod
    def read(cls, value: object) -> ServerEvent:
        """From the server's object."""
        said = mapping(value)
        words = {name: text(said.get(name)) for name in ("id", "type", "title", "detail")}
        return cls(**words, run_id=text(said.get("run_id")) or None, created_at=number(said.get("created_at")))


@dataclass(frozen=True, slots=True, kw_only=True)
class RunAlert:
    """A question that a run may be waiting for; `status` is pending or resolved."""

    id: str
    run_id: str | None
    severity: str
    message: str
    choices: tuple[str, ...]
    status: str
    timestamp: float | None

    @classmethod
    def read(cls, value: object) -> RunAlert:
        """From the server's object."""
        said = mapping(value)
        words = {name: text(said.get(name)) for name in ("id", "severity", "message", "status")}
        return cls(
            **words,
            run_id=text(said.get("run_id")) or None,
            choices=texts(said.get("choices")),
            timestamp=number(said.get("timestamp")),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptSkill:
    """A prompt skill: `id` is its folder's name, `template` its text."""

    id: str
    name: str
    description: str
    category: str
    template: str

    @classmethod
    def read(cls, value: object) -> PromptSkill:
        """From the server's object."""
        said = mapping(value)
        return cls(**{name: text(said.get(name)) for name in ("id", "name", "description", "category", "template")})
