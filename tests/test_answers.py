"""Conventions and wishes become answers; what is not known stays empty."""

from __future__ import annotations

import pytest

from scaffold import metric_directions
from scaffold.conventions.model import (
    Conventions,
    EntryPoint,
    Evidence,
    Machine,
    PrimaryMetricChoice,
    RepositoryEnvironment,
    SlurmConventions,
)
from scaffold.errors import WrongUsage
from scaffold.lifecycle import answers_from_conventions
from scaffold.lifecycle.answers_from_conventions import InitOptions
from scaffold.plan.document.server_loop_protocol import read_placeholder_plan_goal
from scaffold.server import address

NOTHING = Conventions()


def test_nothing_known_leaves_everything_empty() -> None:
    found = answers_from_conventions.make_init_answers(NOTHING, InitOptions())
    assert found["experiment_root"] == ".wild/experiments" and found["tasks_path"] == ".wild/experiments/tasks.md"
    assert (found["slurm"], found["entry_points"], found["primary_metric"], found["metric_direction"]) == (
        None,
        [],
        "",
        "",
    )
    assert found["repository_findings"] == []


def test_a_wish_beats_what_was_found() -> None:
    choice = PrimaryMetricChoice(name="val/loss", direction="minimize")
    found = Conventions(experiment_root="exp", metrics=("val/loss", "acc"), primary_metric=choice)
    assert answers_from_conventions.make_init_answers(found, InitOptions())["primary_metric"] == "val/loss"
    given = answers_from_conventions.make_init_answers(
        found, InitOptions(root="lab/", metric="acc", direction="minimize")
    )
    assert (given["experiment_root"], given["primary_metric"], given["metric_direction"]) == ("lab", "acc", "minimize")


@pytest.mark.parametrize(
    ("metric", "direction"),
    [
        ("val/loss", "minimize"),
        ("val_loss", "minimize"),
        ("test-accuracy", "maximize"),
        ("eval/mean_reward", "maximize"),
        ("mfu", ""),
        ("", ""),
        ("glossary", ""),
    ],
)
def test_direction_follows_from_a_word_of_the_name_or_is_not_known(metric: str, direction: str) -> None:
    assert (metric_directions.guess_direction(metric) or "") == direction


def test_role_folders_take_the_names_used_inside_the_root_only() -> None:
    used = {
        "logs": ("exp/log", "logs"),
        "results": ("results",),
        "metadata": ("exp/meta [old]", "exp/meta"),
        "scripts": (),
    }
    names = answers_from_conventions.role_folder_names("exp", used)
    assert (names["logs"], names["results"], names["metadata"], names["scripts"]) == (
        "log",
        "results",
        "meta",
        "scripts",
    )


def test_one_folder_never_serves_two_roles() -> None:
    names = answers_from_conventions.role_folder_names("exp", {"outputs": ("exp/out",), "results": ("exp/out",)})
    assert (names["outputs"], names["results"]) == ("out", "results")


def test_slurm_is_there_where_the_repository_or_the_machine_knows_it() -> None:
    here = Conventions(machine=Machine(slurm=True))
    assert answers_from_conventions.make_init_answers(here, InitOptions())["slurm"]["partitions"] == []
    said = {"slurm.partitions": (Evidence(path="a.sbatch", line=2),)}
    repo = Conventions(slurm=SlurmConventions(partitions=("gpu", "cpu")), evidence=said)
    assert (
        answers_from_conventions.make_init_answers(repo, InitOptions())["slurm"]
        | {"partitions": ["gpu", "cpu"], "evidence": {"partitions": "a.sbatch:2"}}
        == (answers_from_conventions.make_init_answers(repo, InitOptions())["slurm"])
    )


def test_findings_name_the_place_that_says_so() -> None:
    found = Conventions(
        environment=RepositoryEnvironment(manager="uv"),
        entry_points=(EntryPoint(path="train.py", kind="train", seed_flag="--seed", command="python train.py"),),
        trackers=("wandb",),
        evidence={
            "environment.manager": (Evidence(path="uv.lock"),),
            "entry_points": (Evidence(path="README.md", line=3), Evidence(path="train.py", line=40)),
            "trackers": (Evidence(path="train.py", line=7),),
        },
    )
    assert answers_from_conventions.describe_repository(found) == [
        "environment: uv (uv.lock)",
        "entry point train.py (train), seed option --seed (train.py:40)",
        "trackers: wandb (train.py:7)",
    ]


def test_the_placeholder_plan_gives_its_goal_and_nothing_else_does() -> None:
    plan = "# Tasks\n\n## Goal\nOne\ntwo\n\n## Tasks\n- [ ] (Agent will decompose the goal into tasks on iteration 1)\n"
    assert read_placeholder_plan_goal(plan) == "One\ntwo"
    assert read_placeholder_plan_goal(plan.replace("\n", "\r\n")) == "One\ntwo"
    for work in [plan + "- [ ] mine\n", plan.replace("[ ]", "[x]"), "# Tasks\n", ""]:
        assert read_placeholder_plan_goal(work) is None


@pytest.mark.parametrize("path", ["exp", "a/b c/ünï", ".wild/experiments", "exp/"])
def test_paths_that_can_be(path: str) -> None:
    assert answers_from_conventions.checked_relative_path(path, option="--root") == path.rstrip("/")


@pytest.mark.parametrize("url", ["http://127.0.0.1:10000", "https://host/base/", "", "http://[::1]:1"])
def test_urls_that_can_be(url: str) -> None:
    assert address.validate_server_url(url) == url.rstrip("/")


@pytest.mark.parametrize("name", ["scripts", "README.md", "a/b", "", ".x", "ü"])
def test_names_that_no_experiment_can_have(name: str) -> None:
    with pytest.raises(WrongUsage, match="cannot be an experiment's name"):
        answers_from_conventions.checked_experiment_name(name)
