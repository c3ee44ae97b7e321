"""Commands of runs: places in the command, flags that are there or not, labels, and which code a run's name stands for."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from scaffold.sweeps.spec import run_names
from scaffold.sweeps.spec.model import CommandFilesCodeState, PlannedRun, SweepCode
from tests.runs.conftest import Workspace
from tests.sweeps.conftest import sweep, there


def made(seed: int | None = None, **changes: Any) -> tuple[list[str], dict[str, str]]:
    """The words behind the script of a sweep with one run, and what the recorder is told."""
    one = sweep(seeds=() if seed is None else (seed,), **changes)
    ((_, found, argv, told),) = run_names.list_run_commands(one)
    assert found == seed
    return argv[2:], dict(told)


def test_parameters_take_their_places_in_the_command() -> None:
    command = ("python3", "train.py", "--out={lr}-{model.depth}", "{seed}", "${HOME}", "{other}", "{lr}")
    found = made(3, command=command, configurations=({"lr": 0.1, "model.depth": 2, "wd": 0},))
    assert found == (
        ["--out=0.1-2", "3", "${HOME}", "{other}", "0.1", "--wd", "0"],
        {"lr": "0.1", "model.depth": "2"},
    )
    assert made(command=("python3", "train.py", "{seed}"))[0] == ["{seed}"], "there is no seed to put in its place"


def test_a_seed_that_has_a_place_is_not_given_again() -> None:
    assert made(3, command=("python3", "train.py", "-s{seed}"), seed_option="--seed") == (["-s3"], {})
    assert made(3, configurations=({"lr": 1},)) == (["--lr", "1", "--seed", "3"], {})


@pytest.mark.parametrize(
    ("kind", "value", "words", "told"),
    [
        ("switch", True, ["--amp"], {}),
        ("switch", "True", ["--amp"], {}),
        ("switch", False, [], {"amp": "false"}),
        ("paired", True, ["--amp"], {}),
        ("paired", False, ["--no-amp"], {}),
        ("paired", "FALSE", ["--no-amp"], {}),
        ("switch", "auto", ["--amp", "auto"], {}),
        ("switch", 0, ["--amp", "0"], {}),
    ],
)
def test_flags_that_are_there_or_not(kind: str, value: Any, words: list[str], told: dict[str, str]) -> None:
    """A flag that is not there does not show in the command: so the recorder is told of it."""
    for style in ("flags", "hydra"):
        found = made(style=style, configurations=({"amp": value},), booleans={"amp": kind})
        assert found[1] == told
        assert found[0] == (words if len(words) < 2 or style == "flags" else [f"amp={words[1]}"])


@pytest.mark.parametrize("text", ["-1", "-x", "a=b", "True", "false"])
def test_a_value_that_could_be_mistaken_is_tied_to_its_option(text: str) -> None:
    assert made(configurations=({"x": text},))[0] == [f"--x={text}"] and made(configurations=({"x": "1"},))[0] == [
        "--x",
        "1",
    ]


@pytest.mark.parametrize("text", ["", "a", "a b", "1e-3", "=b"])
def test_any_other_value_is_a_word_of_its_own(text: str) -> None:
    assert made(configurations=({"x": text},))[0] == ["--x", text]


def test_what_the_recorder_is_told_is_sorted_and_holds_the_labels() -> None:
    found = made(command=("python3", "train.py", "{b}"), configurations=({"b": "1"},), labels={"z": "1", "a": "x"})
    assert list(found[1].items()) == [("a", "x"), ("b", "1"), ("z", "1")]


def test_words_that_look_like_source_or_config_files() -> None:
    argv = ["python3", "train.py", "--config=conf/a.yaml", "run.sh", "run.sh", "data.csv", "x=1"]
    assert run_names.find_command_files(argv, 1) == ("--config=conf/a.yaml", "conf/a.yaml", "run.sh", "train.py")


def test_a_place_below_the_top_and_one_outside(workspace: Workspace) -> None:
    top = os.path.realpath(workspace.root)
    (workspace.root / "sub" / "deep").mkdir(parents=True)
    (workspace.root / "..x").mkdir()
    place = there(workspace)
    assert run_names.repository_and_cwd(place, ".") == (top, ".")
    assert run_names.repository_and_cwd(place, "sub/deep") == (top, "sub/deep")
    assert run_names.repository_and_cwd(place, "..x") == (top, "..x")
    assert run_names.repository_and_cwd(place, "..") == run_names.repository_and_cwd(place, "/") == (top, "")


def test_the_top_is_the_repository_s_or_the_work_directory_where_there_is_none(workspace: Workspace) -> None:
    root = Path(os.path.realpath(workspace.root))
    (root / ".git").rename(root.parent / ".git")
    assert run_names.repository_and_cwd(there(workspace), "sub") == (str(root.parent), f"{root.name}/sub")
    (root.parent / ".git").rename(root / "no longer git")
    assert run_names.repository_and_cwd(there(workspace), "sub") == (str(root), "sub")


def names(workspace: Workspace, **changes: Any) -> list[PlannedRun]:
    return list(run_names.planned_runs(there(workspace), sweep(**changes)))


def test_a_run_whose_command_names_other_files_has_their_code_state(workspace: Workspace) -> None:
    other = CommandFilesCodeState(words=("b.yaml", "train.py"), state="b" * 64, files=())
    code = SweepCode(state="a" * 64, commit=None, patch=None, named=(other,))
    configurations = ({"conf": "a.yaml"}, {"conf": "b.yaml"})
    plain = names(workspace, configurations=configurations, code=SweepCode(state="a" * 64, commit=None, patch=None))
    named = names(workspace, configurations=configurations, code=code)
    assert plain[0].name == named[0].name and plain[1].name != named[1].name


def test_labels_and_experiment_are_part_of_a_name(workspace: Workspace) -> None:
    (plain,) = names(workspace, configurations=({"lr": 1},))
    (told,) = names(workspace, configurations=({"lr": 1},), labels={"num-gpus": "2", "on": "true"})
    (other,) = names(workspace, configurations=({"lr": 1},), experiment="other")
    assert plain.name.startswith("train-lr=1-") and told.name.startswith("train-lr=1,num_gpus=2,on=true-")
    assert other.name.startswith("other-lr=1-") and (plain.recorder_params, told.recorder_params) == (
        {},
        {"num-gpus": "2", "on": "true"},
    )
