"""What is read, folded and told: measurements of runs, summaries over seeds, tables, comparisons.

    manifests + metric files -> Measured (a run's values) -> Row (a configuration, seeds folded) -> Table -> words, plots, report

A value that a run does not have is None, never 0; NaN and infinities stay what they are. What there are hundreds of
thousands of is a tuple.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from scaffold.runs.model import Run, Scalar

Direction = Literal["minimize", "maximize"]
Interval = Literal["t", "bootstrap"]


class Point(NamedTuple):
    """One value of a metric: at which step (None where the source has none), and wall time in epoch seconds if known."""

    value: float
    step: float | None = None
    at: float | None = None


class Value(NamedTuple):
    """A metric's value for one run, and where it was read: a path below the work directory (and a line, where it has lines)."""

    value: float
    path: str
    line: int | None = None
    step: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """A metric over a run's steps, in the order of its file; of many points an even choice, every `stride`th and the last."""

    metric: str
    path: str
    points: tuple[Point, ...]
    stride: int = 1


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
    """All that was read for a question: of each run the attempt that counts, what has no result (`missing`), what was passed over.

    `missing` are the runs that a result is missing of (failed, running, lost ...), with why; `skipped` are files that cannot be
    read and runs that another one stands for; `names` are all metrics that were seen, `notes` sentences about how values were read.
    """

    measured: tuple[Measured, ...]
    missing: tuple[tuple[Run, Skipped], ...] = ()
    skipped: tuple[Skipped, ...] = ()
    names: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


class Summary(NamedTuple):
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
    """One configuration: its parameters, its runs (one a seed), a summary for each metric (None: no run has it).

    `config` has all parameters that the runs were folded by (a missing one is missing); `missing` are its runs without a result.
    """

    experiment: str
    config: Mapping[str, Scalar]
    runs: tuple[Measured, ...]
    missing: tuple[Skipped, ...]
    summaries: Mapping[str, Summary | None]
    warnings: tuple[str, ...] = ()

    def values(self, metric: str) -> list[tuple[int | None, float]]:
        """(seed, value) of every run that has the metric, NaN and infinities too."""
        return [(m.run.seed, m.values[metric].value) for m in self.runs if metric in m.values]

    def lacking(self, metric: str) -> int:
        """How many of its runs have no value of the metric."""
        return len(self.missing) + len([m for m in self.runs if metric not in m.values])


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Rows in a fixed order: which parameters tell them apart, which metrics they have, which row is best in what.

    `best` names a row (by its index) only where it is distinguishable from every other one; `directions` holds only what is known;
    `interval` is how the summaries' 95 % intervals were made.
    """

    by: tuple[str, ...]
    metrics: tuple[str, ...]
    directions: Mapping[str, Direction]
    rows: tuple[Row, ...]
    best: Mapping[str, int]
    skipped: tuple[Skipped, ...]
    warnings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    interval: Interval = "t"


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """B against A in one metric.

    `effect` is mean(B) - mean(A), over the pairs where they are paired; `low`, `high` its 95 % interval (None: one run); `p` before
    and `p_holm` after Holm's correction for `comparisons` tests; `p_exact` of the permutation test where it could reach 5 %;
    `noise_floor` from repeated baselines, None where there are fewer than 3; `detectable` the difference that this many runs find
    with a power of 80 %; `seeds_needed` how many each side needs to find `effect` so; `verdict` is a sentence.
    """

    metric: str
    a: str
    b: str
    n_a: int
    n_b: int
    mean_a: float | None
    mean_b: float | None
    paired: bool
    test: str
    effect: float | None
    low: float | None
    high: float | None
    p: float | None
    p_holm: float | None
    p_exact: float | None
    comparisons: int
    noise_floor: float | None
    detectable: float | None
    distinguishable: bool
    better: str | None
    seeds_needed: int | None
    verdict: str
    warnings: tuple[str, ...] = field(default=())
