"""`scaffold init --try`: the baseline command really runs, in a copy; the user's own tree stays as it is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from scaffold.lifecycle import baseline_trial
from tests.conftest import MakeRepo, Run, git, write_tree
from tests.lifecycle.conftest import snapshot

PARSER = "import argparse, json, os, sys, time\np = argparse.ArgumentParser()\np.add_argument('--seed', type=int, default=0)\n"
WORKS = PARSER + (
    "seed = p.parse_args().seed\nout = os.environ['RUN_OUTPUT_DIR']\njson.dump({'val/loss': 1 + seed}, open(out + '/metrics.json', 'w'))\n"
    "print('seed', seed)\n"
)
README = "# x\n\n    python train.py --seed 0\n"


def tried(run: Run, repo: Path, *options: str) -> dict[str, Any]:
    before = {path: data for path, data in snapshot(repo).items() if not path.startswith(".wild/")}
    done = run("init", "--workdir", repo, "--try", "--json", "--metric", "val/loss", *options)
    assert done.exit_code == 0, done.output
    answer = json.loads(done.stdout)
    assert {path: data for path, data in snapshot(repo).items() if not path.startswith(".wild/")} == before
    assert git(repo, "worktree", "list").count("\n") <= 1
    found = answer["try"]
    assert isinstance(found, dict)
    return {**found, "answers": answer["answers"]}


def test_a_command_that_works_is_confirmed_in_answers_readme_and_plan(make_repo: MakeRepo, run: Run) -> None:
    repo = make_repo({"train.py": WORKS, "README.md": README})
    found = tried(run, repo)
    assert (found["started"], found["exit_code"], found["seed"], found["metric"]) == (True, 0, "taken", "metrics.json")
    assert (found["stray"], found["changed"], found["problem"], found["confirmed"]) == ([], [], None, True)
    stored = yaml.safe_load((repo / ".wild/experiments/.copier-answers.scaffold.yml").read_text())
    assert stored["entry_points"][0]["confirmed"] is True
    assert "confirmed by a run of it" in (repo / ".wild/experiments/README.md").read_text()
    assert "confirmed by a run of it" in (repo / ".wild/experiments/tasks.md").read_text()


@pytest.mark.parametrize(
    ("script", "line", "hint", "started"),
    [
        ("import nothing_like_it\n", "ModuleNotFoundError: No module named 'nothing_like_it'", "setup_env.sh", False),
        (PARSER + "p.parse_args()\nopen('data/x.bin')\n", "FileNotFoundError", "where it is", True),
        (
            PARSER + "p.parse_args()\nraise RuntimeError('CUDA is not available')\n",
            "CUDA is not available",
            "GPU",
            True,
        ),
        (PARSER + "p.parse_args()\nraise ValueError('odd')\n", "ValueError: odd", "by hand", True),
        (PARSER + "p.parse_args()\nraise ConnectionError('Max retries')\n", "Max retries", "network", True),
        (PARSER + "p.parse_args()\nsys.exit(7)\n", "it said nothing", "by hand", True),
    ],
)
def test_a_failure_has_its_line_and_the_next_step(
    make_repo: MakeRepo, run: Run, script: str, line: str, hint: str, started: bool
) -> None:
    found = tried(
        run, make_repo({"train.py": script + "if __name__ == '__main__': loss.backward()\n", "README.md": README})
    )
    assert line in found["problem"] and hint in found["hint"]
    assert (found["started"], found["confirmed"]) == (started, False)
    assert any("was tried and failed" in risk for risk in found["answers"]["repository_risks"])


def test_what_it_leaves_and_changes_is_told_and_lies_in_the_copy_only(make_repo: MakeRepo, run: Run) -> None:
    script = WORKS + "open('model.ckpt', 'w').write('x')\nopen('README.md', 'a').write('more')\n"
    found = tried(run, make_repo({"train.py": script, "README.md": README}))
    assert (found["stray"], found["changed"], found["confirmed"]) == (["model.ckpt"], ["README.md"], True)
    assert "a run leaves model.ckpt outside of its own folder" in found["answers"]["repository_risks"]


def test_what_does_not_end_is_ended(make_repo: MakeRepo, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(baseline_trial.try_baseline_command, "__kwdefaults__", {"seconds": 3, "setup": False})
    script = PARSER + "p.parse_args()\nwhile True:\n    print('val/loss: 0.5', flush=True)\n    time.sleep(0.2)\n"
    found = tried(run, make_repo({"train.py": script, "README.md": README}))
    assert (found["exit_code"], found["confirmed"], found["metric"]) == (None, True, "val/loss: 0.5")
    assert any("had not ended" in risk for risk in found["answers"]["repository_risks"])


def test_what_is_not_committed_is_tried_and_ignored_data_is_linked(make_repo: MakeRepo, run: Run) -> None:
    repo = make_repo(
        {"train.py": "raise SystemExit(1)\n", "README.md": README, ".gitignore": "data/\nout/\n", "gone.py": "x = 1\n"}
    )
    script = (
        WORKS
        + "assert open('data/x').read() == 'x' and not os.path.exists('out') and not os.path.exists('gone.py')\nimport helper\n"
    )
    write_tree(repo, {"train.py": script, "data/x": "x", "out/x": "x", "helper.py": "y = 1\n"})
    (repo / "gone.py").unlink()
    assert tried(run, repo)["problem"] is None


def test_without_git_a_copy_is_tried(tmp_path: Path, run: Run) -> None:
    write_tree(tmp_path, {"train.py": WORKS, "README.md": README})
    done = run("init", "--workdir", tmp_path, "--try", "--json", "--metric", "val/loss")
    assert json.loads(done.stdout)["try"]["confirmed"] is True


def test_an_open_choice_is_not_tried(make_repo: MakeRepo, run: Run) -> None:
    repo = make_repo(
        {"train.py": WORKS.replace("seed = ", "p.add_argument('--data', required=True)\nseed = "), "README.md": README}
    )
    done = run("init", "--workdir", repo, "--try", "--json")
    assert done.exit_code == 1 and "leaves open: [choice: --data" in done.stderr
    assert not (repo / ".wild").exists()


def test_nothing_is_installed_without_a_word(make_repo: MakeRepo, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("VIRTUAL_ENV", "CONDA_PREFIX"):
        monkeypatch.delenv(name, raising=False)
    repo = make_repo({"train.py": WORKS, "README.md": README, "requirements.txt": "nothing-like-it\n"})
    done = run("init", "--workdir", repo, "--try", "--json", "--metric", "val/loss")
    assert "uv pip install -r requirements.txt" in done.stderr and "--setup" in done.stderr
    assert json.loads(done.stdout)["try"]["confirmed"] is True
    assert run("init", "--workdir", repo, "--setup").exit_code == 2


def test_a_clone_that_lacks_objects_is_copied(make_repo: MakeRepo, run: Run) -> None:
    repo = make_repo({"train.py": WORKS, "README.md": README, "large.bin": "x" * 1000})
    blob = git(repo, "rev-parse", "HEAD:large.bin").strip()
    (repo / ".git/objects" / blob[:2] / blob[2:]).unlink()
    assert tried(run, repo)["confirmed"] is True
