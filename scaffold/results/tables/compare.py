"""Names of what was run -> pairs of configurations to compare, and the comparisons with one reference, with the best, or of all."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from scaffold.errors import ScaffoldError, WrongUsage
from scaffold.results.metrics.planned_comparisons import PlannedComparisonReader
from scaffold.results.metrics.run_selectors import RunSelection, restrict_to_selection, select_runs
from scaffold.results.tables.family import ComparisonFamilies, FamilyKind, list_run_paths
from scaffold.results.tables.fold import fold_seeds, row_label
from scaffold.results.tables.newest_common_code import restrict_to_common_code
from scaffold.results.tables.pair_comparisons import ComparisonRules, compare_pairs
from scaffold.results.tables.pairing import RowPair, pair_rows

if TYPE_CHECKING:
    from scaffold.metric_directions import Direction
    from scaffold.results.metrics.query import QueryResult
    from scaffold.results.tables.expectation import ComparisonExpectation
    from scaffold.results.tables.model import ResultRow, ResultTable
    from scaffold.results.tables.verdicts import MetricComparison

BEST = "best"


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparisonRequest:
    """What is to be compared: each further name with the first, all of them with each other, or with the best so far.

    `records` is all that is on record, of which `family` is taken; `planned` says which comparisons the plan named before they ran.
    """

    names: Sequence[str]
    records: QueryResult
    family: FamilyKind = "experiment"
    noise_from: str | None = None
    all_pairs: bool = False
    against_best: bool = False
    expectation: ComparisonExpectation | None = None
    planned: PlannedComparisonReader = field(default_factory=PlannedComparisonReader)


class ComparisonReport(NamedTuple):
    """Comparisons with a reference (metrics outermost), and sentences about names, and configurations that have no partner."""

    reference: str
    comparisons: Sequence[MetricComparison]
    unmatched: tuple[str, ...]

    @property
    def is_expected(self) -> bool | None:
        """Whether what was expected is shown for all; None where one cannot be compared, or nothing was."""
        from scaffold.results.tables.expectation import are_expectations_shown

        return are_expectations_shown([c.expected for c in self.comparisons])


@dataclass(slots=True)
class _Pairs:
    """Pairs as they are found, with sentences about them; of each pair the names that it was asked by."""

    pairs: list[RowPair] = field(default_factory=list)
    sentences: list[str] = field(default_factory=list)
    names: dict[int, tuple[str, str]] = field(default_factory=dict)

    def add(self, pairs: Iterable[RowPair], a: str, b: str) -> None:
        for pair in pairs:
            self.pairs.append(pair)
            self.names[id(pair)] = (a, b)

    def say(self, sentences: Iterable[str | None]) -> None:
        self.sentences += dict.fromkeys(s for s in sentences if s and s not in self.sentences)


def compare_selections(result: QueryResult, request: ComparisonRequest) -> ComparisonReport:
    """Compare what names stand for. Raises ScaffoldError where a name means nothing, or several configurations that do not match, and
    WrongUsage where two sides have a run in common."""
    metrics = result.metrics_to_compare()
    directions = {metric: way for metric in metrics if (way := result.query.directions.direction(metric))}
    _check_directions(metrics, directions, request)
    if request.against_best:
        reference, compared = _pairs_with_best(result, request.names, metrics)
    else:
        reference, compared = request.names[0], _pairs_of_names(result, request)
    rows = fold_seeds(request.records, mark_best=False, metrics=metrics).rows if request.family != "asked" else ()
    families = ComparisonFamilies(request.records, rows, request.family, every_pair=request.against_best)
    single = [pair for pair in compared.pairs if list(compared.names.values()).count(compared.names[id(pair)]) == 1]
    alone = {id(pair): request.planned.find(*compared.names[id(pair)], [m.run for m in pair.b.runs]) for pair in single}
    rules = ComparisonRules(
        noise_baseline=find_single_row(result, request.noise_from) if request.noise_from else None,
        families=None if request.family == "asked" else families,
        expectation=request.expectation,
        alone=lambda pair: alone.get(id(pair)),
    )
    comparisons = compare_pairs(compared.pairs, metrics, directions, rules)
    return ComparisonReport(reference=reference, comparisons=comparisons, unmatched=tuple(compared.sentences))


def _check_directions(metrics: Sequence[str], directions: Mapping[str, Direction], request: ComparisonRequest) -> None:
    """Refuse what can be judged only where it is known which way a metric is better."""
    unknown = [metric for metric in metrics if metric not in directions]
    needs = request.against_best or (request.expectation is not None and request.expectation.needs_direction)
    if needs and unknown:
        name = unknown[0]
        raise ScaffoldError(
            f"whether {name} is better high or low is not known",
            hint=f"--minimize {name} or --maximize {name}, or choose another with --metric",
        )


def _pairs_of_names(result: QueryResult, request: ComparisonRequest) -> _Pairs:
    """Each further name with the first, or all with each other."""
    selections = [select_runs(name, result) for name in request.names]
    compared = _Pairs()
    compared.say(selection.note for selection in selections)
    combinations = (
        itertools.combinations(selections, 2) if request.all_pairs else ((selections[0], s) for s in selections[1:])
    )
    for a, b in combinations:
        sides = [(side.text, restrict_to_selection(result, side)) for side in (a, b)]
        shared = any(a.admits(run) and b.admits(run) for run in result.runs())
        if shared and not {a.kind, b.kind} == {"sweep"}:
            raise WrongUsage(f"{a.text!r} and {b.text!r} share runs", hint="name things that have no run in common")
        common, sentence = restrict_to_common_code(sides, result.code_states)
        table_a, table_b = (fold_seeds(side, mark_best=False) for side in common)
        pairs, sentences = pair_rows(a.text, table_a, b.text, table_b)
        if shared:
            pairs, sentences = _without_shared(pairs, sentences, a, b)
        compared.say([sentence, *sentences])
        compared.add(pairs, a.text, b.text)
    return compared


def _without_shared(
    pairs: Sequence[RowPair], sentences: Sequence[str], a: RunSelection, b: RunSelection
) -> tuple[list[RowPair], list[str]]:
    """The pairs whose sides have no run in common: a run may belong to two sweeps, and is nothing to compare with itself."""
    apart = [pair for pair in pairs if list_run_paths(pair.a).isdisjoint(list_run_paths(pair.b))]
    if not apart:
        raise WrongUsage(
            f"the sweeps {a.text!r} and {b.text!r} share their runs, so that both are one configuration",
            hint="name two configurations, such as 'lr=0.1' and 'lr=0.2'",
        )
    same = sum(1 for pair in pairs if pair not in apart)
    return apart, [
        *sentences,
        f"the sweeps {a.text!r} and {b.text!r} have {same} configurations in common, which are left out",
    ]


def _pairs_with_best(result: QueryResult, names: Sequence[str], metrics: Sequence[str]) -> tuple[str, _Pairs]:
    """The best configuration so far, and each of the others, or of those that are named, held against it."""
    from scaffold.results.tables.best_row import choose_best_so_far

    if len(metrics) != 1:
        raise ScaffoldError(
            f"which is the best so far depends on the metric, and there are {len(metrics)}",
            hint="choose one with --metric",
        )
    table, compared = fold_seeds(result, mark_best=False, metrics=metrics), _Pairs()
    chosen: list[tuple[str, ResultRow, ResultTable]] = []
    for name in names:
        selection = select_runs(name, result)
        compared.say([selection.note])
        side = fold_seeds(restrict_to_selection(result, selection), mark_best=False, metrics=metrics)
        chosen += [
            (name if len(side.rows) == 1 else f"{name} {row_label(row, side.by)}", row, side) for row in side.rows
        ]
    best = choose_best_so_far(table, metrics[0], [row for _, row, _ in chosen])
    name_a, paths = row_label(best, table.by), list_run_paths(best)
    if not names:
        chosen = [(row_label(row, table.by), row, table) for row in table.rows if row.seed_values(metrics[0])]
    others = [(name, row) for name, row, _ in chosen if list_run_paths(row).isdisjoint(paths)]
    if len(others) < len(chosen):
        compared.say([f"the best so far is {name_a}, which is not held against itself"])
    for name, row in others:
        compared.add([RowPair(a=best, b=row, name_a=name_a, name_b=name)], BEST, name)
    return name_a, compared


def find_single_row(result: QueryResult, name: str) -> ResultRow:
    """The one configuration that a name stands for. Raises ScaffoldError where it stands for several."""
    table = fold_seeds(restrict_to_selection(result, select_runs(name, result)), mark_best=False)
    if len(table.rows) != 1:
        labels = "; ".join(row_label(row, table.by) for row in table.rows[:5])
        raise ScaffoldError(
            f"{name!r} stands for {len(table.rows)} configurations: {labels}",
            hint="name one of them, for example 'lr=0.1'",
        )
    return table.rows[0]
