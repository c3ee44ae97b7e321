"""What the research server answers, as frozen types: every field may be missing, of another kind, or new.

Its openapi.json describes no answer (specs: server API, section 1), so nothing is taken for granted: what is not there is empty
or None, a status is any text, and only an answer that is not even an object or a list is an error. Times are seconds since 1970.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, ClassVar

from scaffold.server.json_values import (
    count_or_zero,
    integer_or_none,
    mapping_or_empty,
    metric_points,
    non_negative_or_none,
    number_or_none,
    text_or_empty,
    texts_in_json_list,
)

if TYPE_CHECKING:
    from typing_extensions import Self

ENDED = ("finished", "failed", "stopped")
ACTIVE = ("launching", "running")

# kinds of values that Python has no type for, and that a field's annotation tells apart
Count = int
Word = str


@dataclass(frozen=True, slots=True)
class ServerResponse:
    """An answer of the server, or an object in one: each field is read by the kind that its annotation names."""

    KEYS: ClassVar[Mapping[str, str]] = {"session_id": "chat_session_id"}

    @classmethod
    def from_json(cls, value: object) -> Self:
        """From the server's object; what is missing in it, or of another kind, is empty or None."""
        return cls(**cls._read_fields(mapping_or_empty(value)))

    @classmethod
    def _read_fields(cls, answer: Mapping[str, Any]) -> dict[str, Any]:
        keys = ((field.name, cls.KEYS.get(field.name, field.name), str(field.type)) for field in fields(cls))
        return {name: READERS[kind](answer.get(key)) for name, key, kind in keys}


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerHealth(ServerResponse):
    """Who answers: `workdir` tells whose server it is (`GET /health`)."""

    status: str
    service: str
    workdir: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunCounts(ServerResponse):
    """Runs by state, as `GET /cluster` counts them: archived ones are left out, stopped ones are in `total` only."""

    total: Count
    running: Count
    launching: Count
    queued: Count
    ready: Count
    failed: Count
    finished: Count

    @property
    def active(self) -> int:
        """Runs that take up room: running and launching ones."""
        return self.running + self.launching


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerCluster(ServerResponse):
    """What the server runs on. `gpu_count` is None where it does not know; `type` is any word."""

    type: Word
    status: Word
    source: str
    label: str
    gpu_count: Count | None
    node_count: Count | None
    run_summary: RunCounts

    @classmethod
    def from_json(cls, value: object) -> Self:
        """From the server's object, `{"cluster": ..., "run_summary": ...}`."""
        answer = mapping_or_empty(value)
        return cls(
            **cls._read_fields({**mapping_or_empty(answer.get("cluster")), "run_summary": answer.get("run_summary")})
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemHealthRunCounts(ServerResponse):
    """Counts of `GET /wild/v2/system-health`; `running` leaves out launching runs, `queued` has ready ones in it."""

    running: Count
    queued: Count
    completed: Count
    failed: Count
    total: Count


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepRunCounts(ServerResponse):
    """Runs of a sweep by state; `completed` is the server's word for finished, `canceled` for stopped."""

    total: Count
    completed: Count
    failed: Count
    running: Count
    launching: Count
    ready: Count
    queued: Count
    canceled: Count


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSweep(ServerResponse):
    """A sweep; its `status` is derived from its runs, and one failed run makes it "failed" for ever."""

    id: str
    name: str
    goal: str
    status: Word
    run_ids: tuple[str, ...]
    progress: SweepRunCounts
    session_id: str | None
    created_at: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerRun(ServerResponse):
    """A run. A stub, made by a late report after a restart, has an id and a status and little else.

    `ended_at` may change after the end; with the server's GPU wrapper even `failed` may become `finished`.
    """

    id: str
    name: str
    command: str
    workdir: str
    status: Word
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

    @property
    def has_ended(self) -> bool:
        """Whether it will not go on by itself."""
        return self.status in ENDED

    @property
    def is_active(self) -> bool:
        """Whether it takes up room."""
        return self.status in ACTIVE


@dataclass(frozen=True, slots=True, kw_only=True)
class RunLogChunk(ServerResponse):
    """A piece of a run's terminal capture. Its paging repeats text (specs: server API, section 5): read one piece, not many."""

    content: str
    offset: Count
    total_size: Count


@dataclass(frozen=True, slots=True, kw_only=True)
class RunMetricSeries(ServerResponse):
    """Series of what a run logged: key -> (step, value); at most 400 points a key, rounded to 6 digits by the server.

    The server's `metrics` are left out: it multiplies an accuracy by 100.
    """

    KEYS: ClassVar[Mapping[str, str]] = {"series": "metricSeries"}

    series: Mapping[str, tuple[tuple[float, float], ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerEvent(ServerResponse):
    """Something that happened: an alert, or a run that ended. The session that was asked for does not filter them."""

    id: str
    type: str
    title: str
    detail: str
    run_id: str | None
    created_at: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunAlert(ServerResponse):
    """A question that a run may be waiting for; `status` is pending or resolved."""

    id: str
    run_id: str | None
    severity: str
    message: str
    choices: tuple[str, ...]
    status: str
    timestamp: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptSkill(ServerResponse):
    """A prompt skill: `id` is its folder's name, `template` its text."""

    id: str
    name: str
    description: str
    category: str
    template: str


# annotation -> what reads a value of that kind; an annotation without a reader would be a KeyError in the first test
READERS: Mapping[str, Callable[[object], object]] = {
    "str": text_or_empty,
    "Word": lambda value: text_or_empty(value) or "unknown",
    "str | None": lambda value: text_or_empty(value) or None,
    "tuple[str, ...]": texts_in_json_list,
    "bool": lambda value: value is True,
    "Count": count_or_zero,
    "Count | None": non_negative_or_none,
    "int | None": integer_or_none,
    "float | None": number_or_none,
    "RunCounts": RunCounts.from_json,
    "SweepRunCounts": SweepRunCounts.from_json,
    "Mapping[str, tuple[tuple[float, float], ...]]": lambda value: {
        key: metric_points(points) for key, points in mapping_or_empty(value).items()
    },
}
