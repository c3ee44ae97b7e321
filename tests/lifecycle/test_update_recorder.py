"""From a release whose recorder was one file to today's, which is an entry and a folder of modules."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from scaffold.lifecycle.template import releases
from scaffold.runs import recorder
from tests.conftest import MakeRepo, Run, commit_all, git
from tests.lifecycle.conftest import PROJECT, TemplateRepo

SCRIPTS = ".wild/experiments/scripts"
ONE_FILE = ["v0.1.0", "v0.2.0", "v0.3.0", "v0.4.0", "v0.5.0"]
# the first and the last in the gate, all of them before a release
VERSIONS = [*ONE_FILE[::4], *(pytest.param(version, marks=pytest.mark.long) for version in ONE_FILE[1:4])]
# names of runs are those of the first in the last as well, as the test above has it
LAST = [*(pytest.param(version, marks=pytest.mark.long) for version in ONE_FILE[:4]), ONE_FILE[4]]


def released_then_current(folder: Path, version: str) -> TemplateRepo:
    """A template repository with one released version; `release` adds today's."""
    repo = TemplateRepo(folder)
    shutil.rmtree(repo.path / "template")
    (repo.path / "copier.yml").unlink()
    git(repo.path, "fetch", "-q", str(releases.BUNDLE), f"refs/tags/{version}")
    git(repo.path, "checkout", "-q", "FETCH_HEAD", "--", ".")
    repo.tag(version)
    return repo


def release(template: TemplateRepo) -> None:
    shutil.rmtree(template.path / "template")
    shutil.copy2(PROJECT / "copier.yml", template.path)
    shutil.copytree(PROJECT / "template", template.path / "template", ignore=shutil.ignore_patterns("__pycache__"))
    template.tag("v9.0.0")


def workspace(make_repo: MakeRepo, run: Run, template: TemplateRepo) -> Path:
    repo = make_repo({"train.py": "print('hello')\n"})
    done = run("init", "--workdir", repo, "--yes", "--goal", "find out", "--template", template.path)
    assert done.exit_code == 0, done.output
    commit_all(repo, "workspace")
    return repo


def record(repo: Path, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-IS", str(repo / SCRIPTS / "record_run.py"), *words]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return subprocess.run(command, cwd=repo, env={**environment, **more}, capture_output=True, text=True)


@pytest.mark.parametrize("version", VERSIONS)
def test_a_recorder_of_one_file_becomes_a_folder_and_names_stay(
    make_repo: MakeRepo, run: Run, tmp_path: Path, version: str
) -> None:
    template = released_then_current(tmp_path / "template-repo", version)
    repo = workspace(make_repo, run, template)
    words = ["--seed", "1", "--", "python3", "train.py", "--lr", "1e-3"]
    assert record(repo, *words).returncode == 0
    [before] = (repo / ".wild/experiments/metadata").glob("*.json")
    commit_all(repo, "a run")
    release(template)
    done = run("update", "--workdir", repo)
    assert done.exit_code == 0, done.output
    assert len(list((repo / SCRIPTS / "_record_run").glob("*.py"))) > 15
    assert recorder.read_recorder_sources(repo / SCRIPTS) == recorder.read_recorder_sources(
        recorder.recorder_source_directory()
    )
    # what asks for the scheme of old names, as sweeps and reruns of before do, gets the old name; new runs have one of scheme 2
    assert record(repo, *words, RUN_NAME_SCHEME="1").returncode == 0
    names = {json.loads(path.read_text())["run"]["name"] for path in before.parent.glob("*.json")}
    assert names == {before.stem} and len(list(before.parent.glob("*.json"))) == 2
    assert record(repo, *words).returncode == 0
    manifests = [json.loads(path.read_text()) for path in before.parent.glob("*.json")]
    (new,) = (manifest for manifest in manifests if manifest["run"]["name"] != before.stem)
    assert new["recorder"]["name_scheme"] == 3 and new["run"]["name"].startswith("train-lr_0.001-s1-")
    assert len(manifests) == 3
    assert list((repo / SCRIPTS / "_record_run").rglob("*.pyc"))
    commit_all(repo, "updated")
    assert "__pycache__" not in git(repo, "ls-files")
    assert run("update", "--workdir", repo).stdout.startswith("nothing to do")


@pytest.mark.parametrize("version", LAST)
def test_a_sweep_of_before_is_finished_after_an_update(
    make_repo: MakeRepo, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str
) -> None:
    template = released_then_current(tmp_path / "template-repo", version)
    repo = workspace(make_repo, run, template)
    monkeypatch.chdir(repo)
    words = ("old", "--goal", "find out", "--workdir", repo, "--grid", "lr=0.1,0.2", "--seeds", "1", "--force-param")
    planned = run("sweep", "new", *words, "--seed-option=--seed", "--", "python3", "train.py")
    assert planned.exit_code == 0, planned.output
    for lr in ("0.1", "0.2"):
        options = ("--experiment", "train", "--sweep", "old", "--seed", "1")
        assert record(repo, *options, "--", "python3", "train.py", "--lr", lr, "--seed", "1").returncode == 0
    commit_all(repo, "a sweep")
    release(template)
    assert run("update", "--workdir", repo).exit_code == 0
    runs = json.loads(run("sweep", "status", "old", "--workdir", repo, "--json").stdout)["runs"]
    assert [(one["state"], one["name"].rpartition("-")[0]) for one in runs] == [
        ("finished", "train-lr=0.1-s1"),
        ("finished", "train-lr=0.2-s1"),
    ]


def test_an_edit_of_the_one_file_is_a_conflict_that_says_what_to_do(
    make_repo: MakeRepo, run: Run, tmp_path: Path
) -> None:
    template = released_then_current(tmp_path / "template-repo", "v0.5.0")
    repo = workspace(make_repo, run, template)
    entry = repo / SCRIPTS / "record_run.py"
    mine = entry.read_text().replace("GIT_S = 10\n", "GIT_S = 60\n")
    entry.write_text(mine)
    release(template)
    done = run("update", "--workdir", repo)
    assert done.exit_code == 3 and "_record_run" in done.stdout and "<<<<<<<" in done.stderr
    text = entry.read_text()
    ours, theirs = text.split("\n=======\n")
    assert ours.removeprefix("<<<<<<< yours\n") + "\n" == mine, "what was theirs is there, in one piece"
    assert (
        theirs.partition("\n>>>>>>> ")[0] + "\n" == (recorder.recorder_source_directory() / "record_run.py").read_text()
    )
    answer = run("update", "--workdir", repo)
    assert answer.exit_code == 1 and "still open" in answer.stderr
    entry.write_text(theirs.partition("\n>>>>>>> ")[0] + "\n")
    assert record(repo, "--", "true").returncode == 0
    assert run("update", "--workdir", repo).stdout.startswith("nothing to do")


def test_another_first_line_stays(make_repo: MakeRepo, run: Run, tmp_path: Path) -> None:
    template = released_then_current(tmp_path / "template-repo", "v0.5.0")
    repo = workspace(make_repo, run, template)
    entry = repo / SCRIPTS / "record_run.py"
    first, _, rest = entry.read_text().partition("\n")
    entry.write_text("#!/opt/python -IS\n" + rest)
    release(template)
    assert run("update", "--workdir", repo).exit_code == 0
    assert entry.read_text() == (recorder.recorder_source_directory() / "record_run.py").read_text().replace(
        first, "#!/opt/python -IS"
    )


def test_back_to_one_file(make_repo: MakeRepo, run: Run, tmp_path: Path) -> None:
    """Whoever goes back gets the one file, and what lies in the folder goes with it."""
    template = released_then_current(tmp_path / "template-repo", "v0.5.0")
    repo = workspace(make_repo, run, template)
    release(template)
    assert run("update", "--workdir", repo).exit_code == 0
    assert record(repo, "--", "true").returncode == 0
    done = run("update", "--workdir", repo, "--to", "v0.5.0")
    assert done.exit_code == 0 and not list((repo / SCRIPTS / "_record_run").glob("*.py"))
    assert record(repo, "--", "true").returncode == 0
