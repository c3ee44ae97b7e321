"""Commands of runs, in every style; names that are the recorder's."""

from __future__ import annotations

import subprocess

import pytest

from scaffold.sweeps.launch.shell_quoting import shell_line, shell_word
from scaffold.sweeps.spec import run_names
from scaffold.sweeps.spec.model import NO_SEED_OPTION, Sweep
from tests.runs.conftest import Workspace
from tests.sweeps.conftest import sweep, there


def argv(one: Sweep) -> list[str]:
    """The words of a sweep's only run, behind its script."""
    ((_, _, words, _),) = run_names.run_commands(one)
    return words[2:]


@pytest.mark.parametrize(
    ("style", "words"),
    [
        ("flags", ["--lr", "1e-2", "--x.y=-1", "--on=true", "--s=a=b", "--e", "", "--seed", "3"]),
        ("equals", ["--lr=1e-2", "--x.y=-1", "--on=true", "--s=a=b", "--e=", "--seed=3"]),
        ("hydra", ["lr=1e-2", "x.y=-1", "on=true", "s=a=b", "e=", "seed=3"]),
    ],
)
def test_styles(style: str, words: list[str]) -> None:
    values = {"lr": "1e-2", "x.y": -1, "on": True, "s": "a=b", "e": ""}
    assert argv(sweep(style=style, configurations=(values,), seeds=(3,))) == words


@pytest.mark.parametrize(
    ("style", "option", "words"),
    [
        ("flags", "--config.seed", ["--config.seed", "3"]),
        ("flags", "trainer.seed=", ["trainer.seed=3"]),
        ("flags", "-s", ["-s", "3"]),
        ("equals", "-s", ["-s", "3"]),
        ("equals", "--config.seed", ["--config.seed=3"]),
        ("hydra", "trainer.seed=", ["trainer.seed=3"]),
        ("hydra", NO_SEED_OPTION, []),
    ],
)
def test_seed_options(style: str, option: str, words: list[str]) -> None:
    assert argv(sweep(style=style, seed_option=option, seeds=(3,))) == words


def test_every_configuration_runs_with_every_seed_and_one_name_is_one_run(workspace: Workspace) -> None:
    one = sweep(configurations=({"lr": "1e-2"}, {"lr": "0.01"}, {"lr": 0.5}), seeds=(2, 1))
    runs = run_names.planned_runs(there(workspace), one)
    assert [(r.params, r.seed, r.argv[3]) for r in runs] == [
        ({"lr": 0.01}, 2, "1e-2"),
        ({"lr": 0.01}, 1, "1e-2"),
        ({"lr": 0.5}, 2, "0.5"),
        ({"lr": 0.5}, 1, "0.5"),
    ]
    assert runs == run_names.planned_runs(there(workspace), one)


@pytest.mark.parametrize(
    "word", ["", "a b", "it's", "a\nb\r\t\x07\\'", "\x7f\u0085é", "~", "$x `y` !", "x" * 20_000, "\udce9"]
)
def test_a_word_of_bash_is_one_line_and_stands_for_itself(word: str) -> None:
    text = shell_word(word)
    assert not set(text) & set("\n\r\t\x07\x7f\u0085")
    script = f"printf %s {shell_line([word])}".encode("utf-8", "surrogateescape")
    done = subprocess.run(["bash"], input=script, capture_output=True, check=True)
    assert done.stdout == word.encode("utf-8", "surrogateescape")
