"""Studies without any effect, whose configurations are compared one at a time as they are finished: how many studies announce one."""

from __future__ import annotations

import random

import pytest

from scaffold.observations.model import MeasuredRun, MetricValue
from scaffold.results.metrics.query import MetricQuery, QueryResult
from scaffold.results.stats import power
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
    for index in range(1, configurations):
        request = ComparisonRequest(names=("x=0", f"x={index}"), records=result, family=family)  # type: ignore[arg-type]
        (found,) = compare_selections(result, request).comparisons
        if found.distinguishable:
            return True
    return False


@pytest.mark.long
@pytest.mark.parametrize("one_experiment", [True, False])
@pytest.mark.parametrize(("configurations", "studies"), [(2, 1500), (7, 600), (30, 150)])
def test_studies_without_an_effect_announce_one_in_5_of_100(
    study: Study, monkeypatch: pytest.MonkeyPatch, configurations: int, studies: int, one_experiment: bool
) -> None:
    for slow in ("detectable_effect", "seeds_needed"):  # what would be needed to see more is no part of what is claimed
        monkeypatch.setattr(power, slow, lambda *_, **__: None)
    query, draw = study.read().query, random.Random(configurations)
    announced = asked = 0
    for _ in range(studies):
        result = make_study(query, configurations + 1, draw, one_experiment=one_experiment)
        announced += is_announced(result, configurations + 1, "experiment")
        asked += is_announced(result, configurations + 1, "asked")
    allowance = 2 * (0.05 * 0.95 / studies) ** 0.5
    assert announced / studies <= 0.05 + allowance, f"{announced} of {studies}"
    if configurations > 2:
        assert asked / studies > 0.1, "who asks one at a time, and is not corrected, finds something"


def test_eight_studies_of_seven_announce_none_that_only_asking_would(study: Study) -> None:
    """The long test in small: what is found by asking one at a time is found in no more studies than chance allows."""
    query, draw = study.read().query, random.Random(1)
    results = [make_study(query, 8, draw, one_experiment=False) for _ in range(8)]
    announced, asked = (
        sum(is_announced(result, 8, family) for result in results) for family in ("experiment", "asked")
    )
    assert announced <= 2 and announced < asked
