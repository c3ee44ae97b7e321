"""`scaffold update --detect`: who adds a parser or a metric after init gets something of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml

from tests.conftest import MakeRepo, Run, write_tree

PLAIN = "if __name__ == '__main__':\n    loss.backward()\n"
LATER = (
    "import argparse, wandb\nif __name__ == '__main__':\n    p = argparse.ArgumentParser()\n    p.add_argument('--seed')\n"
    "    loss.backward()\n    wandb.log({'val/acc': 1})\n"
)


def stored(repo: Path) -> dict[str, Any]:
    found = yaml.safe_load((repo / ".wild/experiments/.copier-answers.scaffold.yml").read_text())
    assert isinstance(found, dict)
    return found


def later(make_repo: MakeRepo, run: Run, **options: str) -> Path:
    repo = make_repo({"train.py": PLAIN})
    assert run("init", "--workdir", repo, "--yes", *options.values()).exit_code == 0
    write_tree(repo, {"train.py": LATER})
    return repo


def test_it_shows_what_would_change_with_the_place_and_changes_nothing(make_repo: MakeRepo, run: Run) -> None:
    repo = later(make_repo, run)
    before = stored(repo)
    done = run("update", "--workdir", repo, "--detect")
    assert done.exit_code == 3
    for line in (
        "trackers  [train.py:1]\n  + wandb\n",
        "config_systems  [train.py:3]\n  + argparse\n",
        "entry_points  [train.py:2]\n  - train.py (train, no seed option): python train.py\n",
        "  + train.py (train, --seed): python train.py\n",
        "primary_metric  [train.py:6]\n  + val/acc\n",
        "  - train.py has no seed option\n",
    ):
        assert line in done.stdout, done.stdout
    assert "not taken: " in done.stderr and stored(repo) == before


def test_it_takes_what_is_accepted(make_repo: MakeRepo, run: Run) -> None:
    repo = later(make_repo, run)
    done = run("update", "--workdir", repo, "--detect", "--accept", "trackers", "--accept", "entry_points")
    assert done.exit_code == 3 and "trackers" not in done.stderr
    assert stored(repo)["trackers"] == ["wandb"] and stored(repo)["entry_points"][0]["seed_flag"] == "--seed"
    assert (
        stored(repo)["config_systems"] == []
        and "takes no seed" not in (repo / ".wild/experiments/README.md").read_text()
    )
    assert run("update", "--workdir", repo, "--detect", "--accept", "all").exit_code == 0
    assert (stored(repo)["primary_metric"], stored(repo)["metric_direction"]) == ("val/acc", "maximize")
    done = run("update", "--workdir", repo, "--detect")
    assert done.exit_code == 0 and "nothing to do" in done.stdout


def test_a_metric_that_decides_stays(make_repo: MakeRepo, run: Run) -> None:
    repo = make_repo({"train.py": PLAIN})
    assert run("init", "--workdir", repo, "--yes", "--metric", "mine", "--direction", "minimize").exit_code == 0
    write_tree(repo, {"train.py": LATER})
    assert run("update", "--workdir", repo, "--detect", "--accept", "all").exit_code == 0
    assert stored(repo)["primary_metric"] == "mine" and stored(repo)["repository_metrics"] == ["val/acc"]


def test_json_has_old_new_place_and_whether_it_is_taken(make_repo: MakeRepo, run: Run) -> None:
    repo = later(make_repo, run)
    done = run("update", "--workdir", repo, "--detect", "--accept", "trackers", "--json")
    assert done.exit_code == 3
    found = {change.pop("name"): change for change in json.loads(done.stdout)["detected"]}
    assert found["trackers"] == {"old": [], "new": ["wandb"], "place": "train.py:1", "accepted": True}
    assert found["config_systems"]["accepted"] is False


def test_a_dry_run_shows_the_patch_and_changes_nothing(make_repo: MakeRepo, run: Run) -> None:
    repo = later(make_repo, run)
    before = stored(repo)
    done = run("update", "--workdir", repo, "--detect", "--accept", "all", "--dry-run")
    assert done.exit_code == 0 and "+  seed_flag: --seed" in done.stdout and stored(repo) == before


def test_what_cannot_go_together(make_repo: MakeRepo, run: Run) -> None:
    repo = later(make_repo, run)
    assert run("update", "--workdir", repo, "--accept", "all").exit_code == 2
    assert run("update", "--workdir", repo, "--detect", "--accept", "tests").exit_code == 2
    assert run("update", "--workdir", repo, "--detect", "--check").exit_code == 2
