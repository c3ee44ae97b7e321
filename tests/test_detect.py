"""`scaffold detect`: what it prints, and that the same tree gives the same bytes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from scaffold import conventions
from scaffold.conventions.detect_all import derive_conventions
from scaffold.facts.model import facts_from_texts
from tests.conftest import MakeRepo, Run, commit_all, write_tree

TRAIN = """import argparse
import wandb
if __name__ == '__main__':
    p = argparse.ArgumentParser()
    p.add_argument('--seed')
    wandb.log({'val/loss': loss})
"""
REPOSITORY = {
    "README.md": "# Lab\n\n```bash\ntorchrun --nproc_per_node=4 train.py --seed 1\n```\n",
    "train.py": TRAIN,
    "pyproject.toml": '[project]\nname = "lab"\nrequires-python = ">=3.10"\n',
    "uv.lock": "version = 1\n",
    "jobs/train.sbatch": "#!/bin/bash\n#SBATCH --partition=gpu\n#SBATCH --account=lab\nmodule load cuda/12.1\nsrun python train.py\n",
    "configs/a.yaml": "lr: 1\n",
    "tests/test_a.py": "def test_a(): ...\n",
}
FIELDS = (
    "version workdir experiment_root existing_experiment_dirs role_dirs environment config_systems trackers launchers slurm"
    " entry_points tests workflow agent_guides metrics primary_metric printed_metrics git machine risks evidence certainty"
)


def detected(run: Run, repo: Path, *options: str) -> dict[str, object]:
    result = run("detect", "--workdir", repo, "--json", *options)
    assert result.exit_code == 0
    found = json.loads(result.stdout)
    assert isinstance(found, dict)
    return found


def test_json_is_one_object_with_the_fields_of_the_specification(make_repo: MakeRepo, run: Run) -> None:
    found = detected(run, make_repo(REPOSITORY))
    assert list(found) == [*FIELDS.split(), "left_out"]
    assert found["version"] == 1
    assert found["environment"] == {
        "manager": "uv",
        "files": ["pyproject.toml", "uv.lock"],
        "python": ">=3.10",
        "setup": "uv sync",
        "run_prefix": "uv run",
        "modules": ["cuda/12.1"],
    }
    assert found["entry_points"][0] == {  # type: ignore[index]
        "path": "train.py",
        "kind": "train",
        "seed_flag": "--seed",
        "command": "uv run torchrun --nproc_per_node=4 train.py --seed 1",
        "length_option": None,
    }
    assert found["slurm"]["partitions"] == ["gpu"]  # type: ignore[index]
    assert found["metrics"] == ["val/loss"]
    assert found["evidence"]["slurm.partitions"] == [  # type: ignore[index]
        {"path": "jobs/train.sbatch", "line": 2, "text": "#SBATCH --partition=gpu"}
    ]


def test_the_same_tree_gives_the_same_bytes(make_repo: MakeRepo, run: Run) -> None:
    first, second = (make_repo(REPOSITORY, name=name) for name in ("first", "second"))
    assert run("detect", "--workdir", first, "--json").stdout == run("detect", "--workdir", second, "--json").stdout


def test_detection_changes_nothing(make_repo: MakeRepo, run: Run) -> None:
    repo = make_repo(REPOSITORY)
    before = {p: p.stat().st_mtime_ns for p in repo.rglob("*")}
    run("detect", "--workdir", repo)
    assert {p: p.stat().st_mtime_ns for p in repo.rglob("*")} == before


def test_every_value_with_evidence_names_a_file_of_the_repository(make_repo: MakeRepo) -> None:
    found = conventions.detect_conventions(make_repo(REPOSITORY))
    for field, places in found.evidence.items():
        for place in places:
            lines = REPOSITORY.get(place.path, "").splitlines()
            assert place.path in {"."} | REPOSITORY.keys() | {"configs", "jobs", "tests"}, field
            assert place.line is None or 1 <= place.line <= len(lines), field


def test_an_empty_repository_is_answered_with_blanks(tmp_path: Path) -> None:
    found = conventions.detect_conventions(tmp_path)
    assert (found.entry_points, found.slurm, found.git, found.environment.manager) == ((), None, None, "none")
    assert found.experiment_root == ".wild/experiments"


def test_the_table_shows_value_file_and_line(make_repo: MakeRepo, run: Run) -> None:
    shown = run("detect", "--workdir", make_repo(REPOSITORY)).stdout
    assert "environment.python        >=3.10  [pyproject.toml:3]\n" in shown
    assert "slurm.partitions          gpu  [jobs/train.sbatch:2]\n" in shown
    assert (
        "  train.py           train       --seed\n      uv run torchrun --nproc_per_node=4 train.py --seed 1\n" in shown
    )
    assert "nothing found for: " in shown


def test_explain_tells_the_evidence_and_what_lost(make_repo: MakeRepo, run: Run) -> None:
    repo = make_repo({**REPOSITORY, "requirements.txt": "torch\n"})
    shown = run("detect", "--workdir", repo, "--explain", "environment.manager").stdout
    assert shown.splitlines()[:2] == ["environment.manager: uv", "  uv.lock  uv.lock"]
    assert (
        "  lost: requirements.txt  pip: a lock file (uv.lock) comes before requirements, pyproject.toml or setup.py"
        in shown
    )
    as_json = json.loads(run("detect", "--workdir", repo, "--explain", "slurm", "--json").stdout)
    assert as_json["fields"]["slurm.accounts"]["value"] == ["lab"]


def test_explain_says_who_was_asked_where_no_file_says_it(make_repo: MakeRepo, run: Run) -> None:
    assert (
        run("detect", "--workdir", make_repo(), "--explain", "git.branch").stdout
        == "git.branch: main\n  asked of git\n"
    )


def test_explain_of_an_unknown_field_is_wrong_usage(make_repo: MakeRepo, run: Run) -> None:
    result = run("detect", "--workdir", make_repo(), "--explain", "colour")
    assert result.exit_code == 2
    assert "there is no field 'colour'; the fields are: experiment_root," in result.stderr


def test_explain_of_a_field_below_one_that_is_not_there(make_repo: MakeRepo, run: Run) -> None:
    result = run("detect", "--workdir", make_repo(), "--explain", "slurm.partitions")
    assert result.exit_code == 0
    assert result.stdout == "slurm: nothing\n  no tracked file says so\n"


def test_a_missing_directory_is_an_error_without_a_traceback(tmp_path: Path, run: Run) -> None:
    result = run("detect", "--workdir", tmp_path / "missing")
    assert result.exit_code == 1
    assert result.stderr.startswith("error: ")
    assert result.stdout == ""


def test_history_is_a_field_only_where_it_was_asked_for(make_repo: MakeRepo, run: Run, sealed: Path) -> None:
    repo = make_repo(REPOSITORY)
    (sealed / ".bash_history").write_text("python train.py --token abc\n")
    assert "history" not in detected(run, repo)
    assert detected(run, repo, "--history")["history"] == ["python train.py --token ***"]
    assert "python train.py --token ***" in run("detect", "--workdir", repo, "--history").stdout


def test_a_file_name_that_is_no_utf_8_can_be_printed(make_repo: MakeRepo, run: Run) -> None:
    repo = make_repo(REPOSITORY)
    write_tree(repo, {"caf\udce9_train.py": REPOSITORY["train.py"]})
    commit_all(repo)
    assert "caf\udce9_train.py" in [e["path"] for e in detected(run, repo)["entry_points"]]  # type: ignore[attr-defined]
    assert run("detect", "--workdir", repo).exit_code == 0


@pytest.mark.parametrize("drop", [*REPOSITORY])
def test_each_file_alone_can_be_missing(drop: str) -> None:
    found = derive_conventions(facts_from_texts({p: t for p, t in REPOSITORY.items() if p != drop}))
    assert found.experiment_root == ".wild/experiments"


@pytest.mark.parametrize(
    "texts",
    [
        {"pyproject.toml": 'tool = "x"\nproject = ["y"]\n'},
        {"pyproject.toml": "[tool]\npoetry = 1\nuv = []\npixi = true\n"},
        {"pyproject.toml": "x = " + "[" * 5000},
        {"setup.cfg": "no section\n", "tox.ini": "[a\n", "pytest.ini": "= =\n"},
        {"setup.py": "from setuptools import setup\nsetup(entry_points='x', python_requires=V)\n"},
        {"environment.yml": "- - -\n\t:"},
        {"configs/a.yaml": "logger: &a [*a]\nreport_to: {wandb: 1}\n"},
        {"a.ipynb": "[1, 2]"},
        {"a.ipynb": '{"cells": [1, {"cell_type": "code", "source": null}]}'},
        {"a.ipynb": "[" * 100_000},
        {"README.md": "```bash\npython foo../train.py 'x\n\\\n```\n", "train.py": TRAIN},
        {"run.sh": "python \\\n", "job.sbatch": "#SBATCH\n#SBATCH -p\n#SBATCH --partition=\n#SBATCH --gres\n"},
        {"dvc.yaml": "stages: [cmd: python train.py]\n", "train.py": TRAIN},
        {"train.py": "import hydra\n@hydra.main(config_path=P, config_name=N)\ndef main(c): ...\n", "N.yaml": "seed"},
    ],
)
def test_no_broken_file_makes_detection_fail(texts: dict[str, str]) -> None:
    assert derive_conventions(facts_from_texts(texts)).to_json()["workdir"] == "."


def test_values_are_whole_for_programs_and_short_for_people(run: Run, make_repo: MakeRepo) -> None:
    jobs = {f"jobs/{n:02d}.sbatch": "#!/bin/bash\n#SBATCH --partition=gpu\nsrun python train.py\n" for n in range(30)}
    repo = make_repo({"train.py": "print(1)\n", **jobs})
    found = json.loads(run("detect", "--json", "--limit", "5", "--workdir", repo).stdout)
    assert len(found["slurm"]["scripts"]) == 30
    assert len(found["evidence"]["slurm.scripts"]) == 5 and found["left_out"] >= 25
    people = run("detect", "--workdir", repo)
    assert "jobs/19.sbatch, and 10 more" in " ".join(people.stdout.split())


def test_what_the_template_wrote_is_no_evidence_about_the_repository(run: Run, make_repo: MakeRepo) -> None:
    job = "#!/bin/bash\n#SBATCH --partition={}\nsrun python train.py\n"
    written = {"exp/.copier-answers.scaffold.yml": "x: 1\n", "exp/scripts/run.sbatch": job.format("ours")}
    written |= {
        "exp/scripts/record_run.py": TRAIN,
        "exp/AGENTS.md": "x\n",
        "exp/README.md": "```\nsbatch -p shown x.sh\n```\n",
    }

    def found(files: dict[str, str]) -> dict[str, object]:
        answer: dict[str, object] = json.loads(run("detect", "--json", "--workdir", make_repo(files)).stdout)
        return answer

    plain = found({"train.py": TRAIN, **written})
    assert (plain["slurm"], plain["agent_guides"], plain["experiment_root"]) == (None, [], "exp")
    assert "record_run.py" not in json.dumps(plain["entry_points"])
    theirs = found({"train.py": TRAIN, **written, "exp/scripts/mine.sbatch": job.format("theirs")})["slurm"]
    assert isinstance(theirs, dict)
    assert (theirs["scripts"], theirs["partitions"]) == (["exp/scripts/mine.sbatch"], ["theirs"])


def test_every_field_says_how_sure_it_is(make_repo: MakeRepo, run: Run) -> None:
    repo = make_repo(REPOSITORY)
    found = detected(run, repo)["certainty"]
    assert isinstance(found, dict)
    assert found["environment.manager"] == found["entry_points"] == found["slurm.partitions"] == "read"
    assert found["slurm.qos"] == found["workflow"] == found["git.remote"] == "open"
    assert set(found.values()) == {"read", "open"}
    write_tree(repo, {"README.md": "```\npython train.py --seed $SEED\n```\n"})
    assert detected(run, repo)["certainty"]["entry_points"] == "open"  # type: ignore[index]


def test_a_command_that_a_run_has_confirmed_is_called_so(make_repo: MakeRepo, run: Run) -> None:
    script = (
        "import argparse\np = argparse.ArgumentParser()\np.add_argument('--seed')\np.parse_args()\nprint('loss 1')\n"
    )
    repo = make_repo({"train.py": script, "README.md": "```\npython train.py --seed 1\n```\n"})
    assert run("init", "--workdir", repo, "--try", "--yes").exit_code == 0
    assert detected(run, repo)["certainty"]["entry_points"] == "confirmed"  # type: ignore[index]
    assert "confirmed by a run of it" in run("detect", "--workdir", repo).stdout
    write_tree(repo, {"README.md": "```\npython train.py --other 1\n```\n"})
    assert detected(run, repo)["certainty"]["entry_points"] == "read"  # type: ignore[index]
