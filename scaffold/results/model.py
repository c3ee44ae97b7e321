"""What is read, folded and told: measurements of runs, summaries over seeds, tables, comparisons.

    manifests + metric files -> Measured (a run's values) -> Row (a configuration, seeds folded) -> Table -> words, plots, report

A value that a run does not have is None, never 0; NaN and infinities stay what they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from scaffold.runs.manifests import Run, Scalar

Direction = Literal["minimize", "maximize"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One value of a metric: at which step (None where the source has none), and wall time in epoch seconds if known."""

    value: float
    step: float | None = None
    at: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """A metric's value for one run, and where it was read: a path below the work directory (and a line, where it has lines)."""

    value: float
    path: str
    line: int | None = None
    step: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """A run with the value of each metric that it has; a metric that is missing here is missing, not 0."""

    run: Run
    values: Mapping[str, Value]


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped:
    """A run or file that says nothing, and why (`failed, exit 3`, `running`, `no metrics`, `damaged: ...`)."""

    label: str
    path: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """All that was read for a question: runs newest attempt only, what was skipped and why."""

    measured: tuple[Measured, ...]
    skipped: tuple[Skipped, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """One metric over the seeds of one configuration.

    `sd` is the sample standard deviation (n - 1), None at n = 1; `low`, `high` the 95 % t-interval of the mean, None at n = 1.
    NaN and infinite values are counted in `not_finite` and left out of the rest.
    """

    n: int
    mean: float | None
    sd: float | None
    low: float | None
    high: float | None
    minimum: float | None
    maximum: float | None
    not_finite: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One configuration: what it varies, its runs (one a seed), a summary for each metric (None: no run has it)."""

    experiment: str
    config: Mapping[str, Scalar]
    runs: tuple[Measured, ...]
    missing: tuple[Skipped, ...]
    summaries: Mapping[str, Summary | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Rows in a fixed order: which parameters tell them apart, which metrics they have, which row is best in what.

    `best` names a row only where it is distinguishable from every other one; `directions` holds only what is known.
    """

    by: tuple[str, ...]
    metrics: tuple[str, ...]
    directions: Mapping[str, Direction]
    rows: tuple[Row, ...]
    best: Mapping[str, int]
    skipped: tuple[Skipped, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """B against A in one metric.

    `effect` is mean(B) - mean(A); `low`, `high` its 95 % interval (None: one run); `p` before and `p_holm` after Holm's correction for
    `comparisons` tests; `noise_floor` from repeated baselines, None where there are fewer than 3; `verdict` is a sentence.
    """

    metric: str
    a: str
    b: str
    n_a: int
    n_b: int
    paired: bool
    test: str
    effect: float | None
    low: float | None
    high: float | None
    p: float | None
    p_holm: float | None
    comparisons: int
    noise_floor: float | None
    distinguishable: bool
    better: str | None
    seeds_needed: int | None
    verdict: str
    warnings: tuple[str, ...] = ()
