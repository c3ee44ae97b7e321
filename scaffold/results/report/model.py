"""What a report says, as types without any markup: gathered once, written as a page or as Markdown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from scaffold.results.plots.figures import Figure
from scaffold.results.report.links import FileLink
from scaffold.runs.model import Run


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportTask:
    """A task of the plan: its state in words, whether it is a gate, what it should leave, how many runs it has, what it waits for."""

    id: str
    text: str
    state: str
    gate: bool
    deliverables: tuple[FileLink, ...]
    runs: int
    waits_for: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PhaseProgress:
    """A phase: how many of its tasks are done."""

    title: str
    done: int
    tasks: tuple[ReportTask, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportPlanProgress:
    """How far the plan is; `next` says what comes next, empty where all is done."""

    done: int
    total: int
    next: str
    phases: tuple[PhaseProgress, ...]

    @property
    def ids(self) -> frozenset[str]:
        """The tasks that a link can lead to."""
        return frozenset(task.id for phase in self.phases for task in phase.tasks if task.id)

    @property
    def gates(self) -> tuple[ReportTask, ...]:
        """The reflection tasks."""
        return tuple(task for phase in self.phases for task in phase.tasks if task.gate)


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenSweep:
    """A sweep with runs to go: how many it has, how many of them have ended, and how many are in which state."""

    name: str
    done: int
    total: int
    counts: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExperimentSummary:
    """An experiment: how many runs ended how, its configurations and seeds, its tasks and sweeps, the time that its runs took."""

    name: str
    counts: Mapping[str, int]
    configurations: int
    seeds: int
    tasks: tuple[str, ...]
    sweeps: tuple[str, ...]
    took: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TableCell:
    """A number of a table: as text, its interval or spread below it, the key of its provenance; all empty where there is none."""

    text: str = ""
    below: str = ""
    key: str = ""
    best: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportTableRow:
    """A configuration: its experiment, its parameters as one text and in the order of the header, seeds, numbers, runs without a result."""

    experiment: str
    config_text: str
    config_values: tuple[str, ...]
    seeds: int
    cells: tuple[TableCell, ...]
    missing: int
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportTable:
    """The result table: parameter names, metric names with their direction in words, rows, what has to be said of it, and the parameters
    that all rows have alike (`name=value`)."""

    by: tuple[str, ...]
    metrics: tuple[tuple[str, str], ...]
    rows: tuple[ReportTableRow, ...]
    notes: tuple[str, ...] = ()
    constants: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportVerdict:
    """Which configuration against which, what may be said, and whether they can be told apart."""

    pair: str
    text: str
    distinguishable: bool
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedRun:
    """A run that did not end well: the path of the log that says more of it, and its last lines (at most 20, of 240 characters)."""

    run: Run
    log: str
    tail: str
    finished_later: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureGroup:
    """Runs that failed for one reason, newest first; `cause` in the words of the newest."""

    cause: str
    failures: tuple[FailedRun, ...]

    @property
    def finished_later(self) -> int:
        """How many of them a later attempt made good."""
        return sum(failure.finished_later for failure in self.failures)


@dataclass(frozen=True, slots=True, kw_only=True)
class AnalyticsContractEntry:
    """An entry of the analytics contract: `holds` is None where only a reader can tell; `evidence` says what was looked at."""

    kind: str
    text: str
    holds: bool | None
    evidence: str
    links: tuple[FileLink, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SuggestedCommand:
    """A command for the reader to type, and what it does."""

    text: str
    does: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportRun:
    """A run in the list of runs; `index` is its place in the page's data, `ending` a signal or exit code that is not 0."""

    index: int
    label: str
    status: str
    ending: str
    started: str
    took: str
    commit: str
    dirty: bool
    manifest: FileLink


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportIdea:
    """A change of the code that was judged: its number, whether it stands, what became of it, its effect in words, and its patch."""

    number: int
    stands: bool
    status: str
    effect: str
    text: str
    because: str
    patch: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportIdeas:
    """A study of code changes: what it asks, what may be claimed, every idea, and its course."""

    name: str
    question: str
    claims: tuple[str, ...]
    ideas: tuple[ReportIdea, ...]
    figures: tuple[Figure, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ExperimentReport:
    """All that a report says. `data` is the provenance of its numbers, as the page's script reads it (page.js)."""

    title: str
    goal: str
    root: str
    commit: str
    newest: str
    counts: Mapping[str, int]
    headline: str
    plan: ReportPlanProgress | None
    sweeps: tuple[OpenSweep, ...]
    experiments: tuple[ExperimentSummary, ...]
    table: ReportTable | None
    verdicts: tuple[ReportVerdict, ...]
    figures: tuple[Figure, ...]
    failures: tuple[FailureGroup, ...]
    checklist: tuple[AnalyticsContractEntry, ...]
    findings: tuple[tuple[str, int], ...]
    environment: tuple[tuple[str, tuple[str, ...]], ...]
    commands: tuple[SuggestedCommand, ...]
    runs: tuple[ReportRun, ...]
    unlisted_runs: int
    next_steps: tuple[SuggestedCommand, ...]
    data: Mapping[str, Any] = field(default_factory=dict)
    ideas: tuple[ReportIdeas, ...] = ()
    # of further metrics, which a reader may choose in the place of the first
    figures_of_others: tuple[Figure, ...] = ()

    @property
    def total(self) -> int:
        """How many attempts were recorded."""
        return sum(self.counts.values())
