"""status says how things stand; remove takes back what was not touched."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from scaffold.runs import records_home
from scaffold.workspace import ANSWERS_FILE, load_workspace
from tests.conftest import MakeRepo, Run, commit_all, git, write_tree
from tests.lifecycle.conftest import snapshot
from tests.lifecycle.test_init import FLAT

ROOT = ".wild/experiments"


@pytest.fixture
def repo(make_repo: MakeRepo, run: Run) -> Path:
    made = make_repo()
    run("init", "--workdir", made, "--yes")
    return made


def states(run: Run, repo: Path) -> dict[str, tuple[str, str]]:
    found = json.loads(run("status", "--workdir", repo, "--json").stdout)["files"]
    return {row["path"].removeprefix(f"{ROOT}/"): (row["class"], row["state"]) for row in found}


def test_each_file_has_a_class_and_a_state(repo: Path, run: Run) -> None:
    (repo / ROOT / "README.md").write_text("edited")
    (repo / ROOT / "tasks.md").write_text("my plan")
    (repo / ROOT / "scripts/setup_env.sh").unlink()
    found = states(run, repo)
    assert found["README.md"] == ("managed", "changed")
    assert found["tasks.md"] == ("seeded", "changed")
    assert found["scripts/setup_env.sh"] == ("managed", "missing")
    assert found["logs/README.md"] == ("seeded", "same")
    assert found[".copier-answers.scaffold.yml"] == ("answers", "same")


def test_names_the_rule_that_hides_a_file(repo: Path, run: Run) -> None:
    (repo / ".gitignore").write_text("# mine\n.wild/\n")
    result = run("status", "--workdir", repo)
    assert result.exit_code == 0
    assert ".gitignore:2 says .wild/" in result.stderr and f"git add -f '{ROOT}'" in result.stderr


def test_files_in_git_are_not_reported_as_ignored(repo: Path, run: Run) -> None:
    commit_all(repo)
    (repo / ".gitignore").write_text(".wild/\n")
    assert "ignores" not in run("status", "--workdir", repo).stderr


def test_remove_leaves_the_repository_as_it_was(make_repo: MakeRepo, run: Run) -> None:
    made = make_repo({"train.py": "", "exp/log/a.txt": "mine"})
    before = snapshot(made)
    run("init", "--workdir", made, "--yes")
    result = run("remove", "--workdir", made)
    assert result.exit_code == 0
    assert snapshot(made) == before
    assert git(made, "status", "--porcelain") == ""


def test_remove_keeps_what_was_touched_and_every_record(repo: Path, run: Run) -> None:
    (repo / ROOT / "README.md").write_text("edited")
    (repo / ROOT / "tasks.md").write_text("my plan")
    write_tree(repo / ROOT, {"metadata/run.json": "{}", "logs/run.out": "x"})
    result = run("remove", "--workdir", repo, "--json")
    answer = json.loads(result.stdout)
    kept = {row["path"].removeprefix(f"{ROOT}/"): row["reason"] for row in answer["kept"]}
    assert kept == {
        "README.md": "you changed it",
        "tasks.md": "you changed it",
        "metadata/run.json": "not from the template",
        "logs/run.out": "not from the template",
    }
    assert sorted(snapshot(repo / ROOT)) == sorted(kept)


def test_remove_dry_run_deletes_nothing(repo: Path, run: Run) -> None:
    before = snapshot(repo)
    result = run("remove", "--workdir", repo, "--dry-run")
    assert "would delete" in result.stdout
    assert snapshot(repo) == before


def test_remove_never_deletes_a_file_that_was_there_before(make_repo: MakeRepo, run: Run) -> None:
    made = make_repo({"exp/README.md": "mine\n"})
    run("init", "--workdir", made, "--yes", "--root", "exp")
    result = run("remove", "--workdir", made)
    assert "it was here before" in result.stdout
    assert snapshot(made / "exp") == {"README.md": b"mine\n"}


def test_init_after_remove_starts_afresh(repo: Path, run: Run) -> None:
    run("remove", "--workdir", repo)
    assert f"wrote {len(FLAT)} of {len(FLAT)}" in run("init", "--workdir", repo, "--yes").stdout


def test_status_and_remove_name_where_records_are_kept_beside_the_workspace(repo: Path, run: Run) -> None:
    (identity,) = [line for line in (repo / ROOT / ANSWERS_FILE).read_text().splitlines() if "workspace_id" in line]
    home = repo / ".git/scaffold/records" / f"{ROOT.replace('/', '%2F')}@{identity.split()[1]}"
    write_tree(home, {"metadata/train-0a1b2c3d.json": "{}", "metadata/patches/x.patch": "x"})
    git(repo, "update-ref", "refs/scaffold/code", "HEAD")
    answer = json.loads(run("status", "--workdir", repo, "--json").stdout)
    assert (answer["records_homes"], answer["refs"]) == ([{"path": str(home), "records": 1}], 1)
    shown = run("status", "--workdir", repo).stdout
    assert f"records are kept in {home} too: 1 attempt" in shown and "1 ref below refs/scaffold/" in shown
    kept = run("remove", "--workdir", repo).stdout
    assert f"kept {home}: 1 record" in kept and home.is_dir() and "git update-ref" in kept
    run("init", "--workdir", repo, "--yes")
    assert json.loads(run("remove", "--workdir", repo, "--with-records", "--json").stdout)["records_deleted"]
    assert not home.exists()


def test_a_workspace_where_another_one_was_before_it_moved_has_an_id_of_its_own(make_repo: MakeRepo, run: Run) -> None:
    made = make_repo()
    run("init", "--workdir", made, "--yes", "--root", "exp")
    first = load_workspace(made, "exp")
    write_tree(records_home.list_record_home_folders(first)[0], {"metadata/train-0a1b2c3d.json": "{}"})
    commit_all(made)
    git(made, "mv", "exp", "lab")
    answers = made / "lab" / ANSWERS_FILE
    answers.write_text(answers.read_text().replace("experiment_root: exp", "experiment_root: lab"))
    run("init", "--workdir", made, "--yes", "--root", "exp")
    moved, new = load_workspace(made, "lab"), load_workspace(made, "exp")
    assert records_home.workspace_id(moved) == records_home.workspace_id(first) != records_home.workspace_id(new)
    # and the same one again where a branch has lost it
    git(made, "rm", "-rqf", "lab")
    git(made, "clean", "-fdxq")
    run("init", "--workdir", made, "--yes", "--root", "exp")
    assert records_home.workspace_id(load_workspace(made, "exp")) == records_home.workspace_id(first)
