"""The language of --where: what it takes, what it refuses, and that it never runs anything."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scaffold.errors import WrongUsage
from scaffold.results.metrics import run_filter
from scaffold.runs.model import Run

RUN = Run(
    name="train-lr=0.01-s1-00000000",
    attempt=1,
    experiment="train",
    status="finished",
    seed=1,
    params={"lr": 0.01, "opt": "adam", "depth": 4, "fast": True, "data.name": "cifar 10"},
    metrics={"acc": 0.5},
    task="P1-T1",
    sweep=None,
    commit="a" * 40,
    dirty=False,
    started_at="2026-01-01T00:00:00.000Z",
    duration_s=5.0,
    exit_code=0,
    signal=None,
    hostname="h",
    outputs="exp/outputs/x",
    path="exp/metadata/x.json",
)


@pytest.mark.parametrize(
    "text",
    [
        "lr<0.1",
        "lr < 1e-1 and status=finished",
        "lr==.01",
        "lr=1e-2",
        "depth=4.0",
        "depth>=4 and depth<=4",
        "fast=true",
        "fast=True",
        "not fast=false",
        "opt in (sgd, adam)",
        "opt~'ad*'",
        "opt != sgd",
        "missing != 3",
        "missing = null",
        "sweep=null",
        "seed in (1)",
        "data.name='cifar 10'",
        'data.name = "cifar 10"',
        "params.depth=4",
        "(lr>1 or lr<1) and not (opt=sgd or opt=lion)",
        "lr>1 or lr<1 and opt=adam",
        "started > 2025-12-31",
        "duration<6",
        "not not depth=4",
        "LR=1 or lr=0.01",
        "lr=0.01 depth=4",
        "lr=0.01,depth=4",
        "lr<0.1 , depth = 4 seed in (1, 2), opt~'a*'",
        "lr>0.001 lr<0.1",
        "(lr=0.01 depth=4) and fast=true",
        "data.name='cifar 10' depth=4",
        "missing != 'this or that' depth=4",
        "opt != do-not-use depth=4",
        "data.name~*-or-* or depth=4",
        "opt != either/or, depth=4",
        "lr",
        "lr<(1)",
    ],
)
def test_holds(text: str) -> None:
    assert run_filter.parse_run_filter(text).admits(RUN)


@pytest.mark.parametrize(
    "text",
    [
        "lr>0.1",
        "missing<3",
        "missing>3",
        "missing=3",
        "opt<3",
        "lr='adam'",
        "fast=1",
        "opt~'s*'",
        "opt in (sgd)",
        "not lr=0.01",
        "missing~'*'",
        "lr=0.01 depth=5",
        "lr=0.02, depth=4",
    ],
)
def test_holds_not(text: str) -> None:
    assert not run_filter.parse_run_filter(text).admits(RUN)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("", "its end"),
        ("lr<", "its end"),
        ("lr 3", "`3`"),
        ("lr=1 lr=2", "`lr`"),
        ("lr=1, lr=2", "`,`"),
        ("opt=sgd, adam", "`,`"),
        ("data.name=cifar 10", "`10`"),
        ("lr=1, depth=2 or seed=3", "`,`"),
        ("not lr=1 depth=2", "`depth`"),
        ("lr=1,", "`,`"),
        ("lr=1 and, depth=2", "`,`"),
        ("(lr=1", "its end"),
        ("lr=1)", "`)`"),
        ("lr in 3", "`3`"),
        ("lr in ()", "`)`"),
        ("=3", "`=`"),
        ("lr='x", "`'`"),
        ("__import__('os').system('true')", "`(`"),
        ("lr=1 and", "its end"),
    ],
)
def test_what_is_not_understood_is_said_with_its_place(text: str, place: str) -> None:
    with pytest.raises(WrongUsage) as caught:
        run_filter.parse_run_filter(text)
    assert f"at {place}" in caught.value.message


def test_too_deep_is_refused() -> None:
    with pytest.raises(WrongUsage, match="nested deeper"):
        run_filter.parse_run_filter("(" * 10_000 + "lr=1")
    assert run_filter.parse_run_filter("not " * 10_001 + "lr=1").admits(RUN)


def test_names_that_no_run_has_are_refused() -> None:
    run_filter.parse_run_filter("lr=1 and status=lost and nothing=1").check([])
    with pytest.raises(WrongUsage) as caught:
        run_filter.parse_run_filter("dept=4").check([RUN])
    assert caught.value.hint == "did you mean `depth`?"
    with pytest.raises(WrongUsage, match="is a metric"):
        run_filter.parse_run_filter("acc>0.4").check([RUN])


@given(st.text(alphabet="lr=<>!~()'\" andotin01.,", max_size=30))
def test_any_text_is_a_condition_or_wrong_usage(text: str) -> None:
    with contextlib.suppress(WrongUsage):
        assert run_filter.parse_run_filter(text).admits(RUN) in (True, False)
