"""Studies without any effect, whose configurations are compared one at a time as they are finished: how many studies announce one."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest

from scaffold.observations.model import MeasuredRun, MetricValue
from scaffold.results.metrics.query import MetricQuery, QueryResult
from scaffold.results.tables.compare import ComparisonRequest, compare_selections
from tests.results.conftest import Study
from tests.results.test_run_filter import RUN

SEEDS = 3


def make_study(query: MetricQuery, configurations: int, draw: random.Random, *, one_experiment: bool) -> QueryResult:
    """Runs of a reference and configurations that are all alike, on the same seeds, which move all of them alike."""
    shared = [draw.gauss(0.0, 0.01) for _ in range(SEEDS)]
    measured = [
        MeasuredRun(
            run=RUN._replace(
                name=f"e-x_{index}-s{seed}-0000000{seed}",
                path=f"{index}-{seed}",
                experiment="e" if one_experiment else f"e{index}",
                params={"x": index},
                seed=seed,
                sweep=None,
            ),
            values={"acc": MetricValue(0.9 + shared[seed] + draw.gauss(0.0, 0.01), "x")},
        )
        for index in range(configurations)
        for seed in range(SEEDS)
    ]
    return QueryResult(query=query, measured=tuple(measured))


def is_announced(result: QueryResult, configurations: int, family: str) -> bool:
    """Whether any configuration, asked for by itself against the first, is called better (or worse: a claim is a claim)."""
    return any(claimed_differences(result, [f"x={index}"], family) for index in range(1, configurations))


def claimed_differences(result: QueryResult, names: Sequence[str], family: str) -> list[str]:
    """Which of the configurations are said to differ from the first, asked for in one call."""
    request = ComparisonRequest(names=("x=0", *names), records=result, family=family)  # type: ignore[arg-type]
    return [c.b for c in compare_selections(result, request).comparisons if c.distinguishable]


@pytest.mark.long
@pytest.mark.parametrize("one_experiment", [True, False])
@pytest.mark.parametrize("configurations", [2, 7, 30])
def test_at_most_6_of_100_studies_without_an_effect_announce_one(
    study: Study, configurations: int, one_experiment: bool
) -> None:
    """2,000 studies of a reference and so many configurations, at the level of 5 %: chance alone is out by 0.5 of 100.

    Whoever asks for all in one call is told the same as whoever asks one at a time, as the first studies show; of the others all are asked
    for at once, which takes a thirtieth of the time.
    """
    studies = 2000
    query, draw = study.read().query, random.Random(configurations)
    names = [f"x={index}" for index in range(1, configurations + 1)]
    announced = asked = one_by_one = 0
    for number in range(studies):
        result = make_study(query, configurations + 1, draw, one_experiment=one_experiment)
        claimed = bool(claimed_differences(result, names, "experiment"))
        announced += claimed
        if number < 40:
            assert is_announced(result, configurations + 1, "experiment") is claimed
            one_by_one += 1
            asked += is_announced(result, configurations + 1, "asked")
    print(f"{announced} of {studies} announced; uncorrected {asked} of {one_by_one}")
    assert announced <= 0.06 * studies, f"{announced} of {studies}"
    if configurations > 2:
        assert asked > 0.1 * one_by_one, "who asks one at a time, and is not corrected, finds something"


def test_eight_studies_of_seven_announce_none_that_only_asking_would(study: Study) -> None:
    """The long test in small: what is found by asking one at a time is found in no more studies than chance allows."""
    query, draw = study.read().query, random.Random(1)
    results = [make_study(query, 8, draw, one_experiment=False) for _ in range(8)]
    announced, asked = (
        sum(is_announced(result, 8, family) for result in results) for family in ("experiment", "asked")
    )
    assert announced <= 2 and announced < asked
