"""The smoke sweep: one configuration, one seed, the user's smoke options, a name of its own."""

from __future__ import annotations

import pytest

from scaffold.errors import WrongUsage
from scaffold.sweeps.launch import smoke_test
from scaffold.sweeps.spec import code_state, run_names, sweep_file
from scaffold.sweeps.spec.model import ConfigurationRule
from tests.runs.conftest import Workspace
from tests.sweeps.conftest import sweep, there


def test_it_is_the_first_configuration_with_the_first_seed_under_another_name() -> None:
    one = sweep(
        configurations=({"lr": "1e-2"}, {"lr": "2"}),
        seeds=(3, 4),
        rule=ConfigurationRule(grid={"lr": ("1e-2", "2")}),
        task="P1-T1",
    )
    tried = smoke_test.make_smoke_sweep(one, "--steps 2 --name 'a b'")
    assert tried.name == "lr-smoke"
    assert tried.command == ("python3", "train.py", "--steps", "2", "--name", "a b")
    assert (tried.configurations, tried.seeds) == (({"lr": "1e-2"},), (3,))
    assert (tried.task, tried.rule.grid) == ("P1-T1", {})


def test_smoke_options_win_over_the_command_and_the_configuration() -> None:
    command = (
        "python3",
        "-m",
        "pkg.train",
        "data.csv",
        "--steps",
        "100",
        "--out=x",
        "--amp",
        "lr=3",
        "--max-steps",
        "9",
    )
    one = sweep(command=command, configurations=({"max_steps": "5", "wd": "0"},))
    tried = smoke_test.make_smoke_sweep(one, "--steps 2 --out=y --max-steps 1")
    assert tried.command == (
        *("python3", "-m", "pkg.train", "data.csv", "--amp", "lr=3"),
        *("--steps", "2", "--out=y", "--max-steps", "1"),
    )
    assert tried.configurations == ({"wd": "0"},)


def test_its_runs_are_other_runs_and_its_sheet_can_be_read(workspace: Workspace) -> None:
    place = there(workspace)
    one = code_state.replan_with_current_code(place, sweep(configurations=({"lr": 0.01},), seeds=(1,)))
    tried = smoke_test.make_smoke_sweep(one, "--steps 2")
    sweep_file.write_sweep(place, tried)
    assert sweep_file.read_sweep(place, "lr-smoke") == tried
    (run,), (real,) = run_names.planned_runs(place, tried), run_names.planned_runs(place, one)
    assert run.name != real.name
    assert run.argv == ("python3", "train.py", "--steps", "2", "--lr", "0.01", "--seed", "1")
    (bare,) = run_names.planned_runs(place, smoke_test.make_smoke_sweep(one))
    assert bare.argv == real.argv
    assert bare.name != real.name  # a failing try must not be an attempt of the real run
    assert bare.recorder_params == {"smoke": "true"}


def test_smoke_options_that_cannot_be_meant() -> None:
    with pytest.raises(WrongUsage, match="close the quote"):
        smoke_test.make_smoke_sweep(sweep(), "--name 'a")
    with pytest.raises(WrongUsage, match="no configuration"):
        smoke_test.make_smoke_sweep(sweep(configurations=()))
