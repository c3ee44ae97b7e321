"""A notebook and its parameters become a command that the recorder reads as that of a script."""

from __future__ import annotations

import pytest

from scaffold.errors import WrongUsage
from scaffold.runs import recorder
from scaffold.runs.notebook_command import is_notebook, notebook_command


@pytest.mark.parametrize(
    ("words", "options", "added", "passed"),
    [
        ([], [], ("--experiment", "train"), ()),
        (["--lr", "0.1", "batch-size=2"], ["--experiment", "e"], (), ("--lr", "0.1", "--batch-size", "2")),
        (["--lr=0.1"], ["--seed", "3"], ("--experiment", "train"), ("--lr", "0.1", "--seed", "3")),
        (["--seed", "4"], ["--experiment=e", "--seed=5"], (), ("--seed", "4")),
    ],
)
def test_parameters_and_seed_stand_behind_it(
    words: list[str], options: list[str], added: tuple[str, ...], passed: tuple[str, ...]
) -> None:
    command = notebook_command(["nb/train.ipynb", *words], options)
    assert command.options == added and command.words[:2] == ("python", "-c")
    assert command.words[3:] == ("nb/train.ipynb", "{RUN_OUTPUT_DIR}/train.ipynb", *passed)


def test_the_recorder_reads_them_as_those_of_a_script() -> None:
    words = notebook_command(["train.ipynb", "--lr", "0.1"], ["--seed", "3"]).words
    reading = recorder.configuration.read_command(list(words), seed=None)
    assert reading.seed == 3 and reading.params["lr"] == 0.1
    compile(words[2], "<execute>", "exec")


def test_what_is_no_parameter_is_refused() -> None:
    assert is_notebook(["a.ipynb", "--lr", "1"]) and not is_notebook(["python", "a.ipynb"]) and not is_notebook([])
    with pytest.raises(WrongUsage, match="'fast' is no parameter"):
        notebook_command(["a.ipynb", "fast"], [])
