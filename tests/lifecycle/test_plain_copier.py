"""The template works with plain Copier, without this package and without --trust, and gives the same tree."""

from __future__ import annotations

import json
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from scaffold.lifecycle.template import releases
from tests.conftest import MakeRepo, Run, commit_all, git, write_tree
from tests.lifecycle.conftest import GUIDE, TemplateRepo, snapshot

COPIER = [str(Path(sys.executable).with_name("copier"))]
Copier = Callable[..., int]
ROOT = ".wild/experiments"


def copier(*args: str | Path) -> subprocess.CompletedProcess[str]:
    """Run Copier as its users do, with nothing to answer questions from."""
    command = [*COPIER, *map(str, args)]
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    assert done.returncode == 0, done.stderr
    return done


@pytest.fixture
def copier_here(quick_copier: None, capsys: pytest.CaptureFixture[str]) -> Copier:
    """Copier's command line in this process, which is far quicker; its exit code."""
    from copier._cli import CopierApp

    def call(*args: str | Path) -> int:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            _, code = CopierApp.run(["copier", *map(str, args)], exit=False)
        return int(code)

    return call


def without_origin(tree: dict[str, bytes]) -> dict[str, bytes]:
    """The tree without the two lines of the answers file that say where the template came from."""
    lines = {
        name: [row for row in data.splitlines() if not row.startswith((b"_commit:", b"_src_path:"))]
        for name, data in tree.items()
    }
    return {name: b"\n".join(rows) for name, rows in lines.items()}


@pytest.mark.parametrize("layout", ["flat", "per-experiment"])
@pytest.mark.parametrize("slurm", [False, True])
def test_copier_copy_gives_the_same_tree_for_the_same_answers(
    make_repo: MakeRepo, run: Run, copier_here: Copier, template: TemplateRepo, tmp_path: Path, layout: str, slurm: bool
) -> None:
    files = {"train.py": "import argparse\n", "uv.lock": "version = 1\n"}
    if slurm:
        files["run.sbatch"] = "#!/bin/bash\n#SBATCH -p gpu\nsrun python train.py\n"
    ours, theirs = make_repo(files, name="ours"), make_repo(files, name="theirs")
    run("init", "--workdir", ours, "--yes", "--template", template.path, "--layout", layout, "--goal", "a: b\nc")
    answers = yaml.safe_load((ours / ROOT / ".copier-answers.scaffold.yml").read_text())
    data = tmp_path / "answers.yml"
    data.write_text(yaml.safe_dump({key: value for key, value in answers.items() if not key.startswith("_")}))
    assert copier_here("copy", "--defaults", "--data-file", data, template.path, theirs) == 0
    assert without_origin(snapshot(theirs)) == without_origin(snapshot(ours))
    programs = [
        {p.name for p in (repo / ROOT / "scripts").iterdir() if p.stat().st_mode & 0o100} for repo in (ours, theirs)
    ]
    assert programs[0] == programs[1] != set()


@pytest.mark.parametrize(
    ("files", "root", "manager"),
    [
        ({"train.py": ""}, ROOT, "none"),
        ({"exp/log/a.txt": "", "uv.lock": ""}, "exp", "uv"),
        ({"exp/exp_basic.py": "", "requirements.txt": ""}, ROOT, "pip"),
        ({"exp/deep/a.txt": "", "environment.yml": ""}, "exp", "conda"),
        ({"poetry.lock": "", "pyproject.toml": ""}, ROOT, "poetry"),
    ],
)
def test_defaults_look_at_the_destination(
    make_repo: MakeRepo, copier_here: Copier, template: TemplateRepo, files: dict[str, str], root: str, manager: str
) -> None:
    repo = make_repo(files, name="we[i]rd")
    before = snapshot(repo)
    assert copier_here("copy", "--defaults", template.path, repo) == 0
    answers = yaml.safe_load((repo / root / ".copier-answers.scaffold.yml").read_text())
    assert (answers["experiment_root"], answers["environment"]["manager"]) == (root, manager)
    assert {name: data for name, data in snapshot(repo).items() if name in before} == before
    if "exp/log/a.txt" in files:
        assert answers["role_dirs"]["logs"] == "log"


@pytest.mark.parametrize("value", ["../x", "/x", ".", "a//b", 'a"b', ".git", "exp/"])
def test_a_root_that_cannot_be_is_refused_before_anything_is_written(
    make_repo: MakeRepo, copier_here: Copier, template: TemplateRepo, value: str
) -> None:
    repo = make_repo()
    with pytest.raises(ValueError, match="Validation error for question 'experiment_root'"):
        copier_here("copy", "--defaults", "-d", f"experiment_root={value}", template.path, repo)
    assert git(repo, "status", "--porcelain") == ""


@pytest.mark.long
def test_copier_update_after_init_changes_what_is_managed_and_nothing_else(
    make_repo: MakeRepo, run: Run, template: TemplateRepo
) -> None:
    repo = make_repo({"exp/README.md": "mine\n", "exp/a.txt": ""})
    run("init", "--workdir", repo, "--yes", "--template", template.path)
    (repo / "exp/tasks.md").write_text("my plan\n")
    (repo / "exp/logs/README.md").unlink()
    write_tree(repo / "exp", {"metadata/run.json": "{}"})
    commit_all(repo)
    (template.path / "template/parts/tasks.md.jinja").write_text("another plan\n")
    template.edit(GUIDE, "# Experiments", "# Experiments, newer")
    template.edit("template/exp/{{ experiment_root }}/AGENTS.md.jinja", "## Read first", "## Read this first")
    template.tag("v9.1.0")
    before = snapshot(repo)
    copier("update", "--defaults", "-a", "exp/.copier-answers.scaffold.yml", repo)
    after = snapshot(repo)
    assert sorted(n for n in {*before, *after} if before.get(n) != after.get(n)) == [
        "exp/.copier-answers.scaffold.yml",
        "exp/AGENTS.md",
    ]


def test_copier_update_gives_what_scaffold_update_gives(
    make_repo: MakeRepo, run: Run, copier_here: Copier, template: TemplateRepo
) -> None:
    repos = [make_repo(name="ours"), make_repo(name="theirs")]
    for repo in repos:
        run("init", "--workdir", repo, "--yes", "--template", template.path)
        readme = repo / ROOT / "README.md"
        readme.write_text(readme.read_text().replace("## Who owns what", "## Mine\n\n## Who owns what"))
        commit_all(repo)
    template.edit(GUIDE, "# Experiments", "# Experiments, newer")
    template.add("template/exp/{{ experiment_root }}/NEW.md", "new\n")
    template.tag("v9.1.0")
    assert run("update", "--workdir", repos[0]).exit_code == 0
    assert copier_here("update", "--defaults", "-a", f"{ROOT}/.copier-answers.scaffold.yml", repos[1]) == 0
    assert snapshot(repos[0]) == snapshot(repos[1])


def test_the_shipped_bundle_serves_plain_copier_and_its_copies_are_updated_by_scaffold(
    make_repo: MakeRepo, run: Run
) -> None:
    repo = make_repo()
    copier("copy", "--defaults", "--vcs-ref", releases.list_template_versions()[0], releases.BUNDLE, repo)
    commit_all(repo)
    status = json.loads(run("status", "--workdir", repo, "--json").stdout)
    assert (status["template"], set(status["summary"])) == (releases.list_template_versions()[0], {"same"})
    assert run("update", "--workdir", repo).exit_code == 0
    answers = yaml.safe_load((repo / ROOT / ".copier-answers.scaffold.yml").read_text())
    assert answers["_commit"] == releases.newest_template_version()


def test_copier_updates_a_workspace_of_init_from_the_bundle(make_repo: MakeRepo, run: Run) -> None:
    repo = make_repo()
    run("init", "--workdir", repo, "--yes")
    commit_all(repo)
    copier("update", "--defaults", "-a", f"{ROOT}/.copier-answers.scaffold.yml", repo)
    assert git(repo, "status", "--porcelain") == ""
