"""Which metrics of a run are asked for, and which value of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from scaffold.observations.directions import MetricDirections
    from scaffold.observations.server_metrics import ServerSeries

ValueChoice = Literal["final", "last", "best", "at"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueQuery:
    """Which metrics of runs, and which value of each.

    `metrics` are names in any spelling or patterns (`val*`), none means all. `value_choice`: the final value, the last one logged,
    the best one (by `directions`), or the one at `step`. Without `metrics`, `primary_metric` is looked for in files where a manifest
    lacks it. `server_series` is what the research server has of runs, by their names.
    """

    directions: MetricDirections
    metrics: Sequence[str] = ()
    value_choice: ValueChoice = "final"
    step: float | None = None
    primary_metric: str | None = None
    server_series: Mapping[str, ServerSeries] = field(default_factory=dict)
