"""One language in `results --where` and `sweep new --only-if`: each takes what the other takes, and says where it does not understand."""

from __future__ import annotations

import contextlib
import string
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scaffold.conditions.operands import UncomputableValue
from scaffold.conditions.parse import parse_condition
from scaffold.errors import WrongUsage
from scaffold.runs.model import Scalar

VALUES: Mapping[str, Scalar] = {
    "lr": 0.01,
    "opt": "adam",
    "depth": 4,
    "width": 8,
    "batch_size": 64,
    "amp": True,
    "off": False,
    "data.name": "cifar 10",
    "split": "80/20",
    "day": "2026-01-02",
    "out": "data/",
    "layers": "[64]",
    "sweep": "lr",
    "gone": None,
}

# what one of the two took before, and now both do
UNION = [
    "lr = 0.01",
    "lr == 0.01",
    "opt = adam",
    "opt == 'adam'",
    'opt = "adam"',
    "opt in (sgd, adam)",
    "opt in ('sgd', 'adam')",
    "opt in ['sgd', adam]",
    "opt in {adam}",
    "opt not in [sgd]",
    "opt not in (sgd, lion) and lr<1",
    "opt ~ 'ad*'",
    "opt~a*m",
    "'dam' in opt",
    "0.001 < lr <= 0.01",
    "depth * 2 == width",
    "depth*2=width",
    "2 * (depth + 1) < width+4",
    "(depth + 1)*2 = 10",
    "2* depth = width",
    "-depth < 0",
    "batch_size % 3 == 1 and batch_size // 10 = 6",
    "lr < 1/10",
    "width - 4 = depth",
    "width-4 = depth",
    "depth = width-4",
    "depth = 10-6",
    "amp and not off",
    "amp = true",
    "not amp = 1",
    "gone = null and gone == None",
    "(lr, depth) in ((0.1, 4), (0.01, 4))",
    "(lr, opt) = (0.01, adam)",
    "lr=0.01 depth=4, opt=adam",
    "split = 80/20",
    "split != 4",
    "day > 2026-01-01",
    "day = 2026-01-02",
    "out=data/ lr=0.01",
    "layers=[64]",
    "opt != do-not-use",
    "lr*2 > 0.01 or opt = sgd",
    "data.name = 'cifar 10'",
    "NOT (lr > 1 OR depth = 5)",
]


@pytest.mark.parametrize("text", UNION)
@pytest.mark.parametrize("strict", [True, False])
def test_what_holds(text: str, strict: bool) -> None:
    assert parse_condition(text, strict=strict).holds(VALUES)


@pytest.mark.parametrize(
    "text",
    [
        "lr = 0.1",
        "opt = width",
        "width = depth",
        "depth*2 > width",
        "lr = 1/10",
        "'x' in opt",
        "off",
        "opt in (depth)",
        "(lr, depth) = (0.01, 4, 5)",
    ],
)
@pytest.mark.parametrize("strict", [True, False])
def test_what_does_not_hold(text: str, strict: bool) -> None:
    assert not parse_condition(text, strict=strict).holds(VALUES)


def test_a_word_on_the_right_is_a_name_where_there_is_one_and_in_quotes_never() -> None:
    values: Mapping[str, Scalar] = {"a": "b", "b": "c", "sweep": "b"}
    assert not parse_condition("a = b").holds(values)
    assert parse_condition("a = 'b'").holds(values)
    assert not parse_condition("sweep = b").holds(values)
    assert parse_condition("sweep = b", text_names=["sweep"]).holds(values)


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("new * 2 != 4", True),
        ("depth != new * 2", True),
        ("new * 2 = 4", False),
        ("depth < new + 1", False),
        ("opt * 2 < 4", False),
        ("depth / 0 > 1", False),
        ("new = null", True),
        ("new", False),
        ("not new", True),
    ],
)
def test_what_has_no_value_is_unequal_to_everything(text: str, holds: bool) -> None:
    assert parse_condition(text).holds(VALUES) is holds


@pytest.mark.parametrize("text", ["new * 2 != 4", "new = 1", "opt * 2 < 4", "depth / 0 > 1", "opt < 3", "3 < opt"])
def test_strictly_that_is_said(text: str) -> None:
    with pytest.raises(UncomputableValue):
        parse_condition(text, strict=True).holds(VALUES)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("lr <", "at its end: a value"),
        ("lr < 0.1 depth", "at `depth` (character 10)"),
        ("lr ** 2 > 1", "at `lr ** 2` (character 1): numbers and names"),
        ("lr = 1 and (opt * )", "at `(opt * )` (character 12)"),
        ("lr in (1, 2", "at its end: `)`"),
        ("lr in [1, 2)", "at `)` (character 12): `]`"),
        ("lr not 3", "at `not` (character 4)"),
        ("opt is 'adam'", "at `is` (character 5)"),
        ("'a' + lr > 1", "at `+` (character 5): a sign or the end, since 'a' is not a number,"),
        ("3", "at its end: a sign"),
        ("lr < 1 ~", "at its end: a pattern"),
    ],
)
def test_what_is_not_understood_is_said_with_its_place(text: str, place: str) -> None:
    with pytest.raises(WrongUsage) as caught:
        parse_condition(text)
    assert place in caught.value.message


def test_names_that_are_needed() -> None:
    condition = parse_condition("batch-size < 3 and lr*2 > depth or opt = adam")
    assert condition.unknown_names({"batch_size", "batch-size", "lr", "opt"}.__contains__) == []
    assert condition.unknown_names({"batch", "opt"}.__contains__) == ["lr", "size"]


@given(
    st.text(alphabet=string.printable, max_size=40) | st.text(alphabet="lr=<>~()[]'\" andotin01.,+-*/%", max_size=40)
)
def test_any_text_is_a_condition_or_wrong_usage(text: str) -> None:
    with contextlib.suppress(WrongUsage):
        assert parse_condition(text).holds(VALUES) in (True, False)
        with contextlib.suppress(UncomputableValue):
            parse_condition(text, strict=True).holds(VALUES)
