"""Names at their edges: numbers that are hard to write, commands that are hard to read, parameters that are hard to keep short."""

from __future__ import annotations

import types
from typing import Any

import pytest

from scaffold.runs import recorder


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0", 0),
        ("00", None),
        ("-0", 0),
        ("-07", None),
        ("0.5", 0.5),
        ("05.5", None),
        ("200", 200),
        ("5000000000000000", 5 * 10**15),
        ("9999999999999998", 9999999999999998),
        ("5.", 5),
        ("1e0", 1),
        ("+-5", None),
        ("1e", None),
        ("e5", None),
        ("+", None),
        ("1-2", None),
        ("9999999999999999", 9999999999999999),
        ("9999999999999999.0", 9999999999999998 + 2.0),
        ("10000000000000000", 1e16),
        ("10000000000000001", 10000000000000001),
        ("-10000000000000000", -1e16),
        ("1e15", 10**15),
        ("1e16", 1e16),
        ("-1e16", -1e16),
        ("1" + "0" * 22, 1e22),
        ("1" + "0" * 23, 10**23),  # no float has this value
        (str(2**996), float(2**996)),
        (str(2**997), 2**997),
        ("1" + "0" * 400, 10**400),
        ("1e308", 1e308),
        ("-1e309", None),
        ("infinity", None),
        ("1 ", None),
        ("\u0665", None),  # a digit, though not one that a command would mean
    ],
)
def test_what_is_a_number(text: str, value: float | None) -> None:
    found = recorder.values.parse_number(text)
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1e-7, "1e-7"),
        (1.5e-10, "1.5e-10"),
        (1e16, "1e16"),
        (1e100, "1e100"),
        (0.1, "0.1"),
        (3, "3"),
        (True, "true"),
        (False, "false"),
        (None, "null"),
        ("1e+5", "1e+5"),
    ],
)
def test_the_shortest_form(value: Any, text: str) -> None:
    assert recorder.values.format_value(value) == text


class Item:
    """As a number of numpy or torch: `item` gives Python's own."""

    def __init__(self, value: object) -> None:
        self.value = value

    def item(self) -> object:
        if isinstance(self.value, Exception):
            raise self.value
        return self.value

    def __str__(self) -> str:
        return "[1 2]"


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        (Item(0.5), 0.5),
        (Item(2.0), 2),
        (Item(True), True),
        (Item(ValueError("only one element")), "[1 2]"),
        (Item(TypeError("no scalar")), "[1 2]"),
        (float("nan"), "nan"),
        (float("-inf"), "-inf"),
        ([1, 2.0, None, True, "a"], "1,2,null,true,a"),
        ((Item(1e-3), [1, 2]), "0.001,1,2"),
        (frozenset(), "frozenset()"),
    ],
)
def test_any_value_becomes_one_that_a_manifest_holds(value: object, kept: object) -> None:
    found = recorder.values.to_scalar(value)
    assert (found, type(found)) == (kept, type(kept))


def test_nested_parameters_become_one_level() -> None:
    nested = {"lr": 0.1, "model": {"depth": 2, "head": {"kind": "mlp", "empty": {}}}, "layers": [1, 2]}
    flat = {"lr": 0.1, "model.depth": 2, "model.head.kind": "mlp", "layers": "1,2"}
    assert recorder.values.flatten(nested) == recorder.values.flatten(types.SimpleNamespace(**nested)) == flat
    assert recorder.values.flatten({"a": 1}, "x.") == {"x.a": 1}


@pytest.mark.parametrize(
    ("command", "at", "experiment"),
    [
        ("python train.py --lr 1", 1, "train"),
        ("bash run.sh", 1, "run"),
        ("./train.py", 0, "train"),
        ("python -m pkg.fit --lr 1", 2, "fit"),
        ("/usr/bin/python3.11 -u -m fit", 3, "fit"),
        ("accelerate launch -m pkg.fit", 3, "fit"),
        ("python -m torch.distributed.run fit.py", 2, "run"),
        ("torchrun -m pkg.fit", 2, "fit"),
        ("deepspeed --num_gpus 2 -m pkg.fit", 4, "fit"),
        ("fit -m python", 0, "fit"),  # not Python's -m
        ("fit -c python", 0, "fit"),
        ("python -c pass --lr 1", 2, "python"),
        ("perl -e 1", 2, "perl"),
        ("/opt/fit --lr 1", 0, "fit"),
        ("fit -m grid", 0, "fit"),  # the program's own -m
        ("fit -c conf", 0, "fit"),
        ("fit.bin x=1 -m", 0, "fit.bin"),
        ("/opt/fit -m", 0, "fit"),
        ("-m", 0, "-m"),
        ("torchrun --log=a.py train.py", 2, "train"),
    ],
)
def test_where_a_program_begins_and_what_it_is_called(command: str, at: int, experiment: str) -> None:
    argv = command.split()
    assert (recorder.naming.script_index(argv), recorder.naming.default_experiment(argv)) == (at, experiment)


@pytest.mark.parametrize(
    ("command", "params"),
    [
        ("t.py --lr -1e-3 --x -y --z", {"lr": -0.001, "x": True, "y": True, "z": True}),
        ("t.py --in - --on a=b", {"in": "-", "on": True, "a": "b"}),
        ("t.py --no_cuda --nothing --no-", {"cuda": False, "nothing": True}),
        ("t.py -5 -- --a", {"a": True}),
        ("t.py --a=--b --c==", {"a": "--b", "c": "="}),
        ("t.py --x 1 --x 1.0 --x true", {"x": "1,1,true"}),
        ("t.py _a=1 9=1 =1 a%b=1 a/b@c-d.e=1", {"_a": 1, "a/b@c_d.e": 1}),
        ("t.py +a=1 ++b=2 ~c=3 -d=4 +=5", {"a": 1, "b": 2, "c": 3, "d": 4}),
    ],
)
def test_parameters_that_are_hard_to_read(command: str, params: dict[str, object]) -> None:
    assert recorder.naming.command_params(command.split()) == params


@pytest.mark.parametrize(
    ("params", "seed"),
    [
        ({"rng_seed": 1}, "rng_seed"),
        ({"global_seed": 1}, "global_seed"),
        ({"manual_seed": 1, "rng_seed": 2}, "rng_seed"),
        ({"rng_seed": 1, "random_seed": 2}, "random_seed"),
        ({"manual_seed": 1, "global_seed": 2}, "manual_seed"),
        ({"global_seed": 1, "a.b.manual_seed": 2}, "a.b.manual_seed"),
        ({"a.b.seed": 1, "z.seed": 2, "y.seed": 3}, "y.seed"),
        ({"seed": True}, None),
        ({"seed": 1.5}, None),
        ({"seed": "a"}, None),
        ({"data_seed": 1, "seeds": 2}, None),
    ],
)
def test_which_parameter_is_the_seed(params: dict[str, Any], seed: str | None) -> None:
    assert recorder.naming.command_seed(params) == seed


def name(command: str, **more: Any) -> str:
    found: str = recorder.naming.Identity(command.split(), **more).name
    return found


def test_a_seed_that_is_told_twice_stands_once_in_the_name() -> None:
    assert name("t.py --seed 3") == name("t.py --seed 3", seed=3)
    assert name("t.py --seed 3", seed=4).startswith("t-seed_3-s4-"), "two different ones are two things"
    assert name("t.py --seed 0").startswith("t-s0-") and name("t.py", seed=-1).startswith("t-s-1-")


def test_parameters_that_are_told_replace_those_of_the_command() -> None:
    found = recorder.naming.Identity(["t.py", "--lr", "1", "--where={RUN_OUTPUT_DIR}"], params={"lr": 2, "x": "a b"})
    assert found.params == {"lr": 2, "x": "a b"} and found.name.startswith("t-lr_2-x_a_b-")


def test_a_long_name_is_cut_before_seed_and_digest() -> None:
    long = name("t.py", params={"x": "y" * 300}, seed=12345, scheme=2)
    assert len(long) == 120 and long[:-9].endswith("yyy-s12345")
    assert name("t.py", params={"x": "y" * 300}, seed=12345)[:-9] == f"t-x_{'y' * 24}-s12345", "of a long value the end"
    cut = name("t.py", params={"x": "y" * 98 + "." * 50}, seed=1, scheme=2)
    assert "y-s1-" in cut and len(cut) < 120, "not in the middle of dots"
    endless = name("t.py", seed=10**200)
    assert len(endless) <= 120 and endless[:-9].endswith("0000")


def test_a_long_name_is_cut_between_parameters() -> None:
    """By a rule that sees this command alone: what does not fit is left out, and the digest knows it. In scheme 2 from the end."""
    params = {f"parameter{i:02}": "value" * (1 + i % 3) for i in range(20)}
    last = name("t.py", params=params, seed=3)
    pairs = last[len("t-") : -len("-s3-00000000")].split("-")
    assert len(last) <= 120 and pairs[-1] == "parameter19_valuevalue" and all(p.startswith("parameter") for p in pairs)
    assert last != name("t.py", params={**params, "parameter00": "other"}, seed=3)
    long = name("t.py", params=params, seed=3, scheme=2)
    pairs = long[len("t-") : -len("-s3-00000000")].split("-")
    assert 100 < len(long) <= 120 and pairs[0] == "parameter00_value" and all(p.startswith("parameter") for p in pairs)
    assert long != name("t.py", params={**params, "parameter19": "other"}, seed=3, scheme=2)


@pytest.mark.parametrize(
    "text", ["a=b", "a,b", "{x}", "[1,2]", "a b", "'q'", "$x", "a:b", "~x", "(y)", "a@b", "+x", "\u00e9"]
)
def test_a_name_holds_nothing_that_hydra_or_a_shell_reads(text: str) -> None:
    found = name("t.py", params={"x": text, text: 1}, experiment=f"e{text}")
    assert not found.strip("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")


def test_a_name_begins_with_a_letter_or_a_digit() -> None:
    assert name("t.py", experiment="._=,+@-x").startswith("x-")
    assert name("t.py", experiment="---").startswith("run-") and name("t.py", experiment="\u00e9t\u00e9").startswith(
        "t-"
    )


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("python /repo/t.py /repo/d", "python t.py d", True),
        ("python /repository/t.py", "python t.py", False),
        ("/a/b/tool x", "tool x", True),
        ("a/tool x", "tool x", False),  # not the one on PATH
        ("tool /a/x", "tool x", False),  # only a program is looked for on PATH
        ("tool --data=/a/x", "tool --data=/b/x", False),
        ("tool --data=/repo/x", "tool --data=x", True),
        ("tool --data /repo/x", "tool --data x", True),
        ("tool data.path=/repo/x/y", "tool data.path=x/y", True),
        ("tool --data=/repo", "tool --data=", False),
        ("tool --lr=1e-3", "tool --lr=.001", True),
        ("tool --name=True", "tool --name=true", True),
    ],
)
def test_where_a_repository_lies_changes_no_name(one: str, other: str, same: bool) -> None:
    assert (name(one, top="/repo", experiment="e") == name(other, top="/repo", experiment="e")) == same


def test_two_clones_name_a_run_alike_and_record_the_path_as_it_was() -> None:
    one, other = (
        recorder.naming.Identity(f"python train.py --data {top}/data/x --seed 1".split(), top=top, cwd="")
        for top in ("/home/a/repo", "/scratch/b/repo")
    )
    assert one.name == other.name and "home" not in one.name and "data_data_x" in one.name
    assert (one.params["data"], other.params["data"]) == ("/home/a/repo/data/x", "/scratch/b/repo/data/x")


def test_outside_a_repository_a_path_is_what_it_says() -> None:
    assert name("tool /a/x", experiment="e") != name("tool a/x", experiment="e")


def test_names_are_the_same_in_every_version() -> None:
    """A sweep that was planned with an older recorder goes on with a newer one: these never change."""
    settings = {"experiment": "base", "code": "a" * 64, "cwd": "sub", "files": ["b" * 64], "params": {"x": True}}
    command = "python /repo/train.py --lr 1e-3 --seed 3"
    assert name("python train.py", scheme=1) == "train-c0407750"
    assert name(command, top="/repo", scheme=1, **settings) == "base-lr=0.001,x=true-s3-b2212a89"
    assert name("python train.py") == "train-32683dc6"
    assert name(command, top="/repo", **settings) == "base-lr_0.001-x_true-s3-d3e0f80a"
