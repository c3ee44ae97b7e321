"""status compares hashes where they were kept of just this template and these answers, and renders wherever they were not."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from scaffold.lifecycle import status
from scaffold.lifecycle.template import releases
from scaffold.lifecycle.template.render import Rendering, render_template
from tests.conftest import MakeRepo, Run, commit_all, git
from tests.lifecycle.conftest import MakeInitialized, TemplateRepo
from tests.lifecycle.test_plain_copier import Copier, copier_here

ROOT = ".wild/experiments"
ANSWERS = f"{ROOT}/.copier-answers.scaffold.yml"
__all__ = ["copier_here"]


@pytest.fixture
def renderings(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The version of each template that status renders, as it does."""
    versions: list[str] = []

    def render(template: releases.TemplateVersion, answers: Mapping[str, Any]) -> Rendering:
        versions.append(template.version)
        return render_template(template, answers)

    monkeypatch.setattr(status, "render_template", render)
    return versions


@pytest.fixture
def repo(make_initialized: MakeInitialized) -> Path:
    return make_initialized(None, "--layout", "per-experiment")


def hash_files(repo: Path) -> list[Path]:
    return sorted((repo / ".git").glob("**/template-hashes-*.json"))


def read(run: Run, repo: Path) -> Any:
    return json.loads(run("status", "--workdir", repo, "--json").stdout)


def rendered(run: Run, repo: Path) -> Any:
    """What status says without hashes."""
    for path in hash_files(repo):
        path.unlink()
    return read(run, repo)


@pytest.mark.parametrize(
    "command", [["init", "--yes"], ["add", "second"], ["update", "--set", "primary_metric=val/loss"], ["update"]]
)
def test_after_each_command_that_writes_nothing_is_rendered(
    repo: Path, run: Run, renderings: list[str], command: list[str]
) -> None:
    (repo / ROOT / ".gitignore").write_text("edited")
    assert run(*command, "--workdir", repo).exit_code == 0
    answer = read(run, repo)
    assert renderings == []
    assert answer == rendered(run, repo) and len(renderings) == 1
    assert {"path": f"{ROOT}/.gitignore", "class": "managed", "state": "changed"} in answer["files"]


def test_they_are_in_nobodys_way(repo: Path, run: Run) -> None:
    commit_all(repo)
    assert len(hash_files(repo)) == 1
    assert "template-hashes" not in git(repo, "ls-files")
    assert git(repo, "status", "--porcelain", "--ignored") == ""
    assert run("remove", "--workdir", repo).exit_code == 0
    assert not (repo / ".git/scaffold").exists()


def test_a_dry_run_keeps_none(make_repo: MakeRepo, run: Run) -> None:
    made = make_repo()
    run("init", "--workdir", made, "--yes", "--dry-run")
    assert not (made / ".git/scaffold").exists()


def test_an_answer_that_was_changed_by_hand(repo: Path, run: Run, renderings: list[str]) -> None:
    path = repo / ANSWERS
    path.write_text(path.read_text().replace("primary_metric: ''", "primary_metric: val/acc"))
    answer = read(run, repo)
    assert renderings == [releases.CURRENT]
    assert answer["summary"]["changed"] > 0
    assert answer == rendered(run, repo)


def test_a_merge_of_two_branches_that_each_added_an_experiment(repo: Path, run: Run, renderings: list[str]) -> None:
    commit_all(repo)
    git(repo, "checkout", "-q", "-b", "other")
    assert run("add", "second", "--workdir", repo).exit_code == 0
    commit_all(repo)
    git(repo, "checkout", "-q", "main")
    assert run("add", "third", "--workdir", repo).exit_code == 0
    commit_all(repo)
    git(repo, "merge", "-q", "-X", "theirs", "--no-edit", "other")
    assert yaml.safe_load((repo / ANSWERS).read_text())["experiments"] == ["baseline", "second"]
    answer = read(run, repo)
    assert renderings == [releases.CURRENT], "the hashes are of the branch with `third`"
    assert answer == rendered(run, repo)


def test_a_branch_without_the_change_renders_and_the_way_back_does_not(
    repo: Path, run: Run, renderings: list[str]
) -> None:
    commit_all(repo)
    git(repo, "checkout", "-q", "-b", "other")
    run("add", "second", "--workdir", repo)
    commit_all(repo)
    git(repo, "checkout", "-q", "main")
    assert "second" not in str(read(run, repo)) and len(renderings) == 1
    git(repo, "checkout", "-q", "other")
    assert "second" in str(read(run, repo)) and len(renderings) == 1


def test_a_workspace_of_plain_copier(
    make_repo: MakeRepo, run: Run, copier_here: Copier, template: TemplateRepo, renderings: list[str]
) -> None:
    made = make_repo()
    assert copier_here("copy", "--defaults", template.path, made) == 0
    commit_all(made)
    assert hash_files(made) == []
    assert set(read(run, made)["summary"]) == {"same"} and renderings == ["v9.0.0"]
    template.edit("template/exp/{{ experiment_root }}/README.md.jinja", "\n", "\nnews\n")
    template.tag("v9.1.0")
    assert copier_here("update", "--defaults", "-a", ANSWERS, made) == 0
    assert set(read(run, made)["summary"]) == {"same"} and renderings == ["v9.0.0", "v9.1.0"]


def test_a_template_from_elsewhere_is_asked_each_time(
    make_repo: MakeRepo, run: Run, template: TemplateRepo, renderings: list[str]
) -> None:
    made = make_repo()
    run("init", "--workdir", made, "--yes", "--template", template.path)
    assert hash_files(made) == [] and read(run, made)["newest"] is None
    assert renderings == ["v9.0.0"]


def test_an_earlier_version_is_known_by_its_commit(repo: Path, run: Run, renderings: list[str]) -> None:
    earlier = releases.list_template_versions()[-2]
    assert run("update", "--workdir", repo, "--to", earlier).exit_code == 0
    answer = read(run, repo)
    assert (answer["template"], answer["update_available"], renderings) == (earlier, True, [])
    assert answer == rendered(run, repo)


def test_a_template_that_changes_while_its_version_stays(
    repo: Path, run: Run, renderings: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    checkout = tmp_path / "checkout"
    shutil.copytree(releases.PACKAGE.parent / "template", checkout / "template")
    shutil.copy2(releases.PACKAGE.parent / "copier.yml", checkout)
    monkeypatch.setattr(releases, "PACKAGE", checkout / "scaffold")
    assert set(read(run, repo)["summary"]) == {"same"} and renderings == []
    guide = checkout / "template/exp/{{ experiment_root }}/README.md.jinja"
    guide.write_text(guide.read_text() + "news\n")
    assert read(run, repo)["summary"]["changed"] == 1 and len(renderings) == 1


@pytest.mark.parametrize("content", ["", "{", "[]", '{"version": 1}', '{"version": 2, "files": {}}'])
def test_what_is_no_file_of_hashes_counts_for_nothing(
    repo: Path, run: Run, renderings: list[str], content: str
) -> None:
    hash_files(repo)[0].write_text(content)
    assert set(read(run, repo)["summary"]) == {"same"} and len(renderings) == 1


def test_a_folder_that_may_not_be_written_costs_time_alone(
    make_repo: MakeRepo, run: Run, renderings: list[str]
) -> None:
    made = make_repo()
    (made / ".git/scaffold").write_text("in the way")
    assert run("init", "--workdir", made, "--yes").exit_code == 0
    assert set(read(run, made)["summary"]) == {"same"} and len(renderings) == 1


def test_a_linked_worktree_has_its_own(repo: Path, run: Run, renderings: list[str], tmp_path: Path) -> None:
    commit_all(repo)
    git(repo, "worktree", "add", "-q", str(tmp_path / "linked"))
    assert set(read(run, tmp_path / "linked")["summary"]) == {"same"} and len(renderings) == 1
    assert run("add", "second", "--workdir", tmp_path / "linked").exit_code == 0
    assert len(hash_files(repo)) == 2
    assert "second" in str(read(run, tmp_path / "linked")) and "second" not in str(read(run, repo))
    assert len(renderings) == 1


def test_two_workspaces_of_one_repository_do_not_mix(make_repo: MakeRepo, run: Run, renderings: list[str]) -> None:
    made = make_repo({"a/train.py": "", "b/train.py": ""})
    for folder in ("a", "b"):
        assert run("init", "--workdir", made / folder, "--yes", "--goal", folder).exit_code == 0
    for folder in ("a", "b"):
        assert set(read(run, made / folder)["summary"]) == {"same"}
    assert renderings == [] and len(hash_files(made)) == 2


def test_without_git_it_renders(tmp_path: Path, run: Run, renderings: list[str]) -> None:
    folder = tmp_path / "plain"
    folder.mkdir()
    (folder / "train.py").write_text("")
    assert run("init", "--workdir", folder, "--yes").exit_code == 0
    assert set(read(run, folder)["summary"]) == {"same"} and len(renderings) == 1
