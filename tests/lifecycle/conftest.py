"""Workspaces and template versions to work on."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from tests.conftest import HELLO, Originals, Run, commit_all, commit_files, git, new_repository

PROJECT = Path(__file__).parent.parent.parent
GUIDE = "template/exp/{{ experiment_root }}/README.md.jinja"
RULES = "template/exp/{{ experiment_root }}/AGENTS.md.jinja"


class TemplateRepo:
    """A git repository that holds the project's template, and whose versions a test makes by editing files."""

    def __init__(self, path: Path, *, is_made: bool = False) -> None:
        self.path = path
        if is_made:
            return
        path.mkdir(exist_ok=True)
        new_repository(path)
        shutil.copy2(PROJECT / "copier.yml", path)
        shutil.copytree(PROJECT / "template", path / "template", ignore=shutil.ignore_patterns("__pycache__"))

    def tag(self, version: str) -> None:
        """Commit what is there as `version`."""
        commit_all(self.path, version)
        git(self.path, "tag", version)

    def edit(self, name: str, old: str, new: str) -> None:
        """Replace text that must be there in a file of the template."""
        path = self.path / name
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new, 1))

    def add(self, name: str, text: str) -> None:
        """Write a file of the template."""
        (self.path / name).parent.mkdir(parents=True, exist_ok=True)
        (self.path / name).write_text(text)


@pytest.fixture
def template(tmp_path_factory: pytest.TempPathFactory, originals: Originals) -> TemplateRepo:
    """The template as it is now, tagged v9.0.0; for every test in the same place, so that the same answers make the same rendering."""
    path = tmp_path_factory.getbasetemp() / "template" / "template-repo"
    shutil.rmtree(path.parent, ignore_errors=True)
    originals.put(path, TemplateRepo, lambda place: TemplateRepo(place).tag("v9.0.0"))
    return TemplateRepo(path, is_made=True)


MakeInitialized = Callable[..., Path]


@pytest.fixture
def make_initialized(tmp_path: Path, run: Run, originals: Originals) -> MakeInitialized:
    """A function that makes a committed repository in which `scaffold init --yes` has been called: where that is no part of the test."""

    def make(files: Mapping[str, str | bytes] | None = None, *options: str, name: str = "repo") -> Path:
        root, content = tmp_path / name, files or HELLO

        def initialize(repo: Path) -> None:
            commit_files(repo, content)
            assert run("init", "--workdir", repo, "--yes", *options).exit_code == 0

        originals.put(root, ("init", sorted(content.items()), options), initialize, is_costly=True)
        return root

    return make


Snapshot = Callable[[Path], dict[str, bytes]]


def snapshot(root: Path) -> dict[str, bytes]:
    """Every file and link below `root` outside `.git`, with its content (a link's is its target)."""
    found = {}
    for path in sorted(root.rglob("*")):
        name = path.relative_to(root).as_posix()
        if name.split("/")[0] == ".git" or (path.is_dir() and not path.is_symlink()):
            continue
        found[name] = str(path.readlink()).encode() if path.is_symlink() else path.read_bytes()
    return found
