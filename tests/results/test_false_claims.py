"""Studies without any effect, whose configurations are compared one at a time as they are finished: how many studies announce one."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import NamedTuple

import pytest

from scaffold.observations.model import MeasuredRun, MetricValue
from scaffold.results.metrics.query import MetricQuery, QueryResult
from scaffold.results.stats import power
from scaffold.results.tables.expectation import ComparisonExpectation
from scaffold.results.tables.family import ComparisonFamilies, FamilyKind
from scaffold.results.tables.fold import fold_seeds
from scaffold.results.tables.pair_comparisons import ComparisonRules, compare_pairs
from scaffold.results.tables.pairing import RowPair
from scaffold.results.tables.verdicts import MetricComparison
from tests.results.conftest import Ask, Study
from tests.results.test_run_filter import RUN

SEEDS = 3
NOISE = 0.01
# enough that 6 studies of 100 are told from 8: one standard error is 0.4 of 100
STUDIES = 3000
MOST_STUDIES = 0.06


class Layout(NamedTuple):
    """How the runs of a study lie: configurations in one experiment, or each in its own; all on the same seeds, or each on its own."""

    one_experiment: bool = True
    same_seeds: bool = True


LAYOUTS = [Layout(), Layout(one_experiment=False), Layout(same_seeds=False)]


def draw_values(draw: random.Random, configurations: int, layout: Layout, shift: float = 0.0) -> list[dict[int, float]]:
    """By seed the values of a reference and of configurations, all `shift` above it; the same seeds move all of them alike."""
    shared = [draw.gauss(0.0, NOISE) for _ in range(SEEDS)]
    return [
        {
            seed + (0 if layout.same_seeds else SEEDS * index): 0.9
            + (shift if index else 0.0)
            + (shared[seed] if layout.same_seeds else 0.0)
            + draw.gauss(0.0, NOISE)
            for seed in range(SEEDS)
        }
        for index in range(configurations + 1)
    ]


def record_in_memory(query: MetricQuery, values: list[dict[int, float]], layout: Layout) -> QueryResult:
    """The records of a study, without files."""
    measured = [
        MeasuredRun(
            run=RUN._replace(
                name=f"e-x_{index}-s{seed}-0000000{seed}",
                path=f"{index}-{seed}",
                experiment="e" if layout.one_experiment else f"e{index}",
                params={"x": index},
                seed=seed,
                sweep=None,
            ),
            values={"acc": MetricValue(value, "x")},
        )
        for index, by_seed in enumerate(values)
        for seed, value in by_seed.items()
    ]
    return QueryResult(query=query, measured=tuple(measured))


def compare_one_at_a_time(
    result: QueryResult, family: FamilyKind, expectation: ComparisonExpectation | None = None
) -> list[MetricComparison]:
    """Each configuration, asked for by itself, against the first, once all are there."""
    rows = sorted(
        fold_seeds(result, mark_best=False, metrics=["acc"]).rows, key=lambda row: str(row.config["x"]).zfill(2)
    )
    families = None if family == "asked" else ComparisonFamilies(result, tuple(rows), family)
    rules = ComparisonRules(families=families, expectation=expectation)
    return [compare_pairs([RowPair(rows[0], row, "x=0", "x")], ["acc"], {}, rules)[0] for row in rows[1:]]


def is_distinguishable(comparison: MetricComparison) -> bool:
    """Whether it is called better or worse: a claim is a claim."""
    return comparison.distinguishable


def is_called_equal(comparison: MetricComparison) -> bool:
    return comparison.expected is not None and comparison.expected.shown is True


def count_claims(
    query: MetricQuery,
    make_values: Callable[[], list[dict[int, float]]],
    layout: Layout,
    families: tuple[FamilyKind, ...] = ("experiment", "asked"),
    *,
    margin: float | None = None,
    studies: int = STUDIES,
) -> list[float]:
    """The share of studies that call anything better or worse (or, with a margin, equal within it), by each family."""
    expectation = None if margin is None else ComparisonExpectation("equal", margin)
    claim = is_distinguishable if margin is None else is_called_equal
    claims = [0] * len(families)
    for _ in range(studies):
        result = record_in_memory(query, make_values(), layout)
        for place, family in enumerate(families):
            claims[place] += any(map(claim, compare_one_at_a_time(result, family, expectation)))
    return [count / studies for count in claims]


@pytest.fixture
def query(study: Study, monkeypatch: pytest.MonkeyPatch) -> MetricQuery:
    """A query of an empty workspace; what would be needed to see more is no part of what is claimed, and not computed."""
    for slow in ("detectable_effect", "seeds_needed"):
        monkeypatch.setattr(power, slow, lambda *_, **__: None)
    return study.read().query


@pytest.mark.long
@pytest.mark.parametrize("layout", LAYOUTS, ids=["one-experiment", "experiments", "own-seeds"])
@pytest.mark.parametrize("configurations", [2, 7, 30])
def test_studies_without_an_effect_announce_one_in_at_most_6_of_100(
    query: MetricQuery, configurations: int, layout: Layout
) -> None:
    draw = random.Random(configurations)
    among, asked = count_claims(query, lambda: draw_values(draw, configurations, layout), layout)
    print(f"{configurations} configurations, {layout}: {among:.4f} of studies, {asked:.4f} uncorrected")
    assert among <= MOST_STUDIES
    assert configurations == 2 or asked > 0.1, "who asks one at a time, and is not corrected, finds something"


@pytest.mark.long
@pytest.mark.parametrize("layout", [LAYOUTS[0], LAYOUTS[2]], ids=["one-experiment", "own-seeds"])
@pytest.mark.parametrize("configurations", [2, 7, 30])
def test_studies_of_differences_as_large_as_the_margin_call_one_equal_in_at_most_6_of_100(
    query: MetricQuery, configurations: int, layout: Layout
) -> None:
    draw = random.Random(configurations)
    margin = 10 * NOISE  # a smaller one is hardly ever shown with 3 seeds, and holds its level for that alone
    (among,) = count_claims(
        query, lambda: draw_values(draw, configurations, layout, margin), layout, ("experiment",), margin=margin
    )
    print(f"{configurations} configurations, {layout}: {among:.4f} of studies")
    assert among <= MOST_STUDIES


@pytest.mark.long
@pytest.mark.parametrize("layout", [LAYOUTS[0], LAYOUTS[2]], ids=["one-experiment", "own-seeds"])
def test_the_command_says_of_each_study_what_is_counted(study: Study, ask: Ask, layout: Layout) -> None:
    """A few studies go through files and the command line; of the third on, something is to be found."""
    draw, words = random.Random(7), []
    for number, shift in enumerate((0.0, 0.0, 0.05, 0.1)):
        values = draw_values(draw, 4, layout, shift)
        for index, by_seed in enumerate(values):
            for seed, value in by_seed.items():
                study.add(f"e{number}", seed, {"x": index}, {"acc": value})
        result = record_in_memory(study.read().query, values, layout)
        for kind in ("experiment", "asked"):
            for index, counted in enumerate(compare_one_at_a_time(result, kind), start=1):
                names = [f"experiment=e{number} and x={x}" for x in (0, index)]
                (told,) = ask("compare", *names, "--family", kind)["comparisons"]
                words.append(told["distinguishable"])
                assert (told["distinguishable"], told["p_holm"]) == (counted.distinguishable, counted.p_holm)
    assert {*words} == {True, False}


def test_eight_studies_of_seven_announce_none_that_only_asking_would(query: MetricQuery) -> None:
    """The long test in small: what is found by asking one at a time is found in no more studies than chance allows."""
    draw, layout = random.Random(1), Layout(one_experiment=False)
    among, asked = count_claims(query, lambda: draw_values(draw, 7, layout), layout, studies=8)
    assert among <= 2 / 8 and among < asked
