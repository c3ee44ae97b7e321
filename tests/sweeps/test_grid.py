"""Rules become configurations; what cannot be meant is said."""

from __future__ import annotations

import time

import pytest

from scaffold.errors import WrongUsage
from scaffold.sweeps.spec import grid, parameter_texts, sampling
from scaffold.sweeps.spec.model import ConfigurationRule


def test_the_grid_is_every_combination_in_the_order_it_was_typed() -> None:
    rule = ConfigurationRule(grid={"lr": ("1e-2", "5e-3"), "bs": ("64", "128")})
    assert [tuple(c.values()) for c in grid.expand_configurations(rule)] == [
        ("1e-2", "64"),
        ("1e-2", "128"),
        ("5e-3", "64"),
        ("5e-3", "128"),
    ]


def test_zip_groups_move_together_and_combine_with_everything_else() -> None:
    rule = ConfigurationRule(
        listed=({"x": "1"}, {"x": "2"}),
        zips=({"a": ("1", "2"), "b": ("3", "4")}, {"c": ("5",)}),
        grid={"lr": ("0.1",)},
        baseline=True,
    )
    found = grid.expand_configurations(rule)
    assert found[0] == {}
    assert [(c["x"], c["a"], c["b"], c["c"], c["lr"]) for c in found[1:]] == [
        ("1", "1", "3", "5", "0.1"),
        ("1", "2", "4", "5", "0.1"),
        ("2", "1", "3", "5", "0.1"),
        ("2", "2", "4", "5", "0.1"),
    ]


def test_without_a_rule_there_is_the_command_as_it_is() -> None:
    assert grid.expand_configurations(ConfigurationRule()) == ({},)


def test_a_filter_leaves_the_baseline_alone_and_may_leave_nothing_else() -> None:
    rule = ConfigurationRule(grid={"lr": ("0.1", "0.2")}, only_if="lr > 1", baseline=True)
    assert grid.expand_configurations(rule) == ({},)


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        (ConfigurationRule(grid={"a": ("1",)}, zips=({"a": ("1",)},)), "a gets its values from two sides"),
        (
            ConfigurationRule(grid={"batch-size": ("1",), "+batch_size": ("2",)}),
            "batch_size gets its values from two sides",
        ),
        (ConfigurationRule(zips=({"a": ("1", "2"), "b": ("1",)},)), "a has 2, b has 1"),
        (ConfigurationRule(grid={k: tuple(map(str, range(100))) for k in "abcd"}), "100,000,000 configurations"),
    ],
)
def test_a_rule_that_cannot_be_meant(rule: ConfigurationRule, said: str) -> None:
    with pytest.raises(WrongUsage, match=said):
        grid.expand_configurations(rule)


def test_so_many_draws_are_refused_before_they_are_drawn() -> None:
    began = time.process_time()
    with pytest.raises(WrongUsage, match="1,000,001 configurations are more"):
        sampling.draw_configurations({"lr": "log:1e-5,1e-1"}, 1_000_001, 0)
    assert time.process_time() - began < 1


def test_many_values_are_split_in_good_time() -> None:
    began = time.process_time()
    assert len(parameter_texts.split_parameter_values(",".join(map(str, range(20_000))), option="--grid x")) == 20_000
    assert time.process_time() - began < 2


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("1e-2,0.01", ("1e-2", "0.01")),
        ("'a,b',c", ("a,b", "c")),
        ('"a\\"b","c\\\\",\'d"\'', ('a"b', "c\\", 'd"')),
        ("[1,2]", ("[1", "2]")),
        ("'[1,2]',3", ("[1,2]", "3")),
        ("'',x", ("", "x")),
        ("it's,that's", ("it's", "that's")),
        ("a b,-1", ("a b", "-1")),
    ],
)
def test_commas_divide_values_and_quotes_keep_them(text: str, values: tuple[str, ...]) -> None:
    assert parameter_texts.split_parameter_values(text, option="--grid x") == values


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        (["lr"], "needs KEY=VALUE"),
        (["lr="], "needs KEY=VALUE"),
        (["=1"], "cannot be a parameter's name"),
        (["--lr=1"], "without dashes: lr"),
        (["1r=1"], "cannot be a parameter's name"),
        (["l r=1"], "cannot be a parameter's name"),
        (["lr=1,,2"], "a value is empty"),
        (["lr=1,"], "a value is empty"),
        (["lr='1"], "a quote ' is open"),
        (["lr=1,1"], "there twice"),
        (["lr=1", "lr=2"], "names lr twice"),
        (["seed=1,2"], "--seeds"),
    ],
)
def test_wrong_spellings_of_values(texts: list[str], said: str) -> None:
    with pytest.raises(WrongUsage) as caught:
        parameter_texts.parse_swept_parameters(texts, option="--grid")
    assert said in str(caught.value)


@pytest.mark.parametrize("text", ["1-5,7", "0", "3,1,2", "1-3,10-12", "1,2", "5"])
def test_seeds_are_read_as_they_are_written(text: str) -> None:
    assert parameter_texts.format_seeds(parameter_texts.parse_seeds(text)) == text


def test_seeds_may_have_blanks_around_commas_and_dashes_only() -> None:
    assert parameter_texts.parse_seeds(" 1 - 3, 5 ") == (1, 2, 3, 5)


@pytest.mark.parametrize("text", ["", "a", "5-1", "1,1", "1-3,2", "-1", "1-", "1.5", "1-999999999", "\u0661", "1 2 3"])
def test_wrong_seeds(text: str) -> None:
    with pytest.raises(WrongUsage, match="--seeds"):
        parameter_texts.parse_seeds(text)


# Drawing: these values are a promise; a change of them changes every sweep that was ever drawn.
SPACE = {
    "lr": "log:1e-5,1e-1",
    "p": "uniform:0,0.5",
    "n": "int:1,6",
    "w": "logint:16,1024",
    "act": "relu,gelu",
    "c": "choice:int:1,2",
}

DRAWN = (
    {"lr": "0.0469384", "p": "0.370865", "n": "5", "w": "440", "act": "relu", "c": "2"},
    {"lr": "0.0201771", "p": "0.49713", "n": "2", "w": "20", "act": "gelu", "c": "int:1"},
    {"lr": "0.00640567", "p": "0.331147", "n": "5", "w": "232", "act": "relu", "c": "2"},
)


def test_values_that_hold_a_colon_are_values() -> None:
    for text in ("cuda:0,cuda:1", "s3://a,s3://b", "cuda:0", "choice:loguniform:1,2"):
        assert sampling.draw_configurations({"x": text}, 1, 0)


def test_the_same_seed_draws_the_same_values_on_every_python() -> None:
    assert sampling.draw_configurations(SPACE, 3, 7) == DRAWN


def test_one_more_parameter_changes_nothing_about_the_others() -> None:
    fewer = sampling.draw_configurations({"lr": SPACE["lr"]}, 3, 7)
    assert [c["lr"] for c in fewer] == [c["lr"] for c in DRAWN]
    assert sampling.draw_configurations(SPACE, 2, 7) == DRAWN[:2]
    assert sampling.draw_configurations(SPACE, 3, 8) != DRAWN


def test_drawn_values_lie_in_their_ranges_and_reach_the_ends() -> None:
    drawn = sampling.draw_configurations(SPACE, 2000, 0)
    assert {c["n"] for c in drawn} == set("123456")
    assert {c["act"] for c in drawn} == {"relu", "gelu"}
    assert {c["c"] for c in drawn} == {"int:1", "2"}
    rates = sorted(float(c["lr"]) for c in drawn)
    assert 1e-5 <= rates[0] < 2e-5
    assert 0.05 < rates[-1] < 0.1
    assert 0.7e-3 < rates[1000] < 1.5e-3  # half of them are below the middle of the logarithms
    widths = [int(c["w"]) for c in drawn]
    assert (min(widths), max(widths)) == (16, max(widths))
    assert 900 < max(widths) <= 1024


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("log:0,1", "above 0"),
        ("log:1", "needs two numbers"),
        ("uniform:1,0", "not below"),
        ("uniform:a,b", "needs two numbers"),
        ("int:1,2.5", "whole numbers"),
        ("int:2,2", "not below"),
        ("a,a", "there twice"),
        ("loguniform:1e-5,1e-1", "loguniform is no kind of range; there are uniform, log"),
        ("normal:0,1,0.1", "normal is no kind of range"),
    ],
)
def test_ranges_that_cannot_be_meant(text: str, said: str) -> None:
    with pytest.raises(WrongUsage, match=said):
        sampling.draw_configurations({"x": text}, 1, 0)


CONFIGURATION = {"lr": "1e-2", "batch-size": "64", "opt": "adam", "model.depth": "3", "amp": "true", "+new": "none"}


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("lr == 0.01", True),
        ("lr < 0.01 or batch_size == 64", True),
        ("not (lr < 0.01 or batch_size == 64)", False),
        ("0 < lr <= 0.01", True),
        ("opt in ('adam', 'sgd') and opt != 'sgd'", True),
        ("opt not in ['adam']", False),
        ("model.depth * 2 - 1 == 5", True),
        ("batch_size % 3 == 1 and batch_size // 10 == 6 and -lr < 0", True),
        ("amp and amp == true", True),
        ("new == None and new == null", True),
        ('opt == "adam"', True),
        ("opt == adam", True),
    ],
)
def test_conditions(text: str, holds: bool) -> None:
    assert grid.parse_configuration_filter(text)(CONFIGURATION) is holds


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("lr <", "cannot be understood"),
        ("", "cannot be understood"),
        ("__import__('os').system('true')", "cannot be understood"),
        ("lr.__class__()", "cannot be understood"),
        ("[x for x in (1,)]", "cannot be understood"),
        ("lambda: 1", "cannot be understood"),
        ("lr ** 99999999", "cannot be understood"),
        ("opt is 'adam'", "cannot be understood"),
        ("(" * 500 + "lr" + ")" * 500, "cannot be understood"),
        ("lrr < 1", "did you mean lr?"),
        ("adam == opt", "there is no parameter adam"),
        ("adam == opt", "a text stands on the right, or in quotes"),
        ("opt < 1", "has no answer for lr=1e-2"),
        ("'x' * 999999999 == opt", "is not a number"),
        ("lr / 0 > 1", "has no answer"),
    ],
)
def test_conditions_that_cannot_be_meant(text: str, said: str) -> None:
    with pytest.raises(WrongUsage) as caught:
        grid.parse_configuration_filter(text)(CONFIGURATION)
    assert said in str(caught.value)
