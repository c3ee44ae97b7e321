"""Commands of runs, in every style; names that are the recorder's."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from scaffold.errors import WrongUsage
from scaffold.sweeps.launch import run_scripts
from scaffold.sweeps.launch.run_scripts import escape_bash_word, join_bash_words
from scaffold.sweeps.spec import code_state, parsing, run_names, sweep_file
from scaffold.sweeps.spec.model import NO_SEED_OPTION, Sweep
from tests.runs.conftest import Workspace
from tests.sweeps.conftest import sweep, there


def argv(one: Sweep) -> list[str]:
    """The words of a sweep's only run, behind its script."""
    ((_, _, words, _),) = run_names.list_run_commands(one)
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
    text = escape_bash_word(word)
    assert not set(text) & set("\n\r\t\x07\x7f\u0085")
    script = f"printf %s {join_bash_words([word])}".encode("utf-8", "surrogateescape")
    done = subprocess.run(["bash"], input=script, capture_output=True, check=True)
    assert done.stdout == word.encode("utf-8", "surrogateescape")


def test_a_sweep_keeps_the_scheme_of_names_that_it_was_planned_with(workspace: Workspace) -> None:
    """A later recorder names otherwise; what was planned before is still found under its names, and run under them."""
    one = code_state.replan_with_current_code(there(workspace), sweep(configurations=({"lr": "0.1"},), seeds=(1,)))
    (run,) = run_names.planned_runs(there(workspace), one)
    naming = workspace.recorder.parent / "_record_run" / "naming.py"
    naming.write_text(naming.read_text() + "\n")  # another recorder than ours is asked
    facts = workspace.recorder.parent / "workspace.json"
    facts.write_text(json.dumps({**json.loads(facts.read_text()), "name_scheme": 2}))
    options = run_names.recorder_options(one, run)
    assert workspace.name(*options, "--", *run.argv) != run.name
    run_names.check_recorder_run_name(there(workspace), one, run)
    [path] = run_scripts.write_launchers(there(workspace), one, [run]).values()
    assert subprocess.run(["bash", str(path), "--by-hand"], cwd=workspace.root).returncode == 0
    assert workspace.last()["run"]["name"] == run.name and "name_scheme" not in workspace.last()["recorder"]
    workspace.record(*options, "--", *run.argv)
    assert workspace.last()["recorder"]["name_scheme"] == 2 and workspace.last()["run"]["name"] != run.name


def test_the_scheme_is_in_the_sweeps_file(tmp_path: Path) -> None:
    assert "\nname_scheme: 1\n" in sweep_file.format_sweep_file(sweep())
    found = {
        "version": "1",
        "name": "lr",
        "goal": "g",
        "experiment": "e",
        "command": ["x"],
        "style": "flags",
        "code": {},
    }
    assert parsing.parse_sweep(found, "lr").name_scheme == 1, "where none is said, as before there were any"
    with pytest.raises(WrongUsage, match="named by scheme 4"):
        parsing.parse_sweep({**found, "name_scheme": "4"}, "lr")
