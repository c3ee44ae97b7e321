"""Every released template version is in the bundle, and the newest of them is the template beside the package."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from scaffold import __version__
from scaffold.errors import ScaffoldError
from scaffold.lifecycle.content_hashes import hash_content
from scaffold.lifecycle.template import releases
from tests.conftest import write_tree

PROJECT = Path(__file__).parent.parent


def tree(root: Path) -> dict[str, tuple[str, bool]]:
    """Path -> hash of the content (a failure takes long to print whole files) and executable bit of a template."""
    files = [
        root / "copier.yml",
        *(p for p in (root / "template").rglob("*") if p.is_file() and "__pycache__" not in p.parts),
    ]
    return {
        p.relative_to(root).as_posix(): (hash_content(p.read_bytes()), bool(p.stat().st_mode & 0o100)) for p in files
    }


def test_the_template_is_the_newest_release() -> None:
    """Only released versions can be updated from: after a change, run `python -m tools.release`."""
    assert releases.list_template_versions()[-1] == f"v{__version__}"
    with releases.open_external_template(str(releases.BUNDLE), f"v{__version__}") as released:
        assert tree(released.path) == tree(PROJECT)


def test_versions_are_in_order_and_newer_is_by_number() -> None:
    assert releases.newest_template_version() == releases.CURRENT
    assert releases.is_newer_version("v0.10.0", "v0.9.0") and not releases.is_newer_version("v0.9.0", "v0.10.0")
    assert releases.is_newer_version("v1.0.0", "abc1234"), "what is no release can only differ"


def test_a_version_that_there_is_not() -> None:
    with pytest.raises(ScaffoldError, match="no template version v99"), releases.open_released_template("v99"):
        pass


def test_the_bundle_is_recorded_without_the_users_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(releases, "BUNDLE", tmp_path / "lib/scaffold/template.bundle")
    assert releases.format_bundle_path() == "~/lib/scaffold/template.bundle"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of what a release touches."""
    copy = tmp_path / "project"
    for name in ["tools", "template", "scaffold"]:
        shutil.copytree(PROJECT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy2(PROJECT / "copier.yml", copy)
    write_tree(
        copy, {"CHANGELOG.md": "# Changelog\n\n## Unreleased\n\n- Something new.\n\n## 0.0.1 - 2025-01-01\n\n- Old.\n"}
    )
    return copy


def release(project: Path, version: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tools.release", version, "--date", "2027-01-31"]
    return subprocess.run(command, cwd=project, capture_output=True, text=True)


def test_one_command_cuts_a_release(project: Path) -> None:
    guide = project / "template/parts/playbook.md.jinja"
    guide.write_text("changed\n")
    assert release(project, "77.0.0").returncode == 0
    assert '__version__ = "77.0.0"' in (project / "scaffold/__init__.py").read_text()
    changelog = (project / "CHANGELOG.md").read_text()
    assert "## Unreleased\n\n## 77.0.0 - 2027-01-31\n\n- Something new.\n\n## 0.0.1" in changelog
    bundle = str(project / "scaffold/template.bundle")
    with releases.open_external_template(bundle, "v77.0.0") as new:
        assert tree(new.path) == tree(project)
    with releases.open_external_template(bundle, f"v{__version__}") as old:
        assert tree(old.path) == tree(PROJECT), "earlier versions stay as they were"


def test_the_same_release_gives_the_same_commit(project: Path, tmp_path: Path) -> None:
    shutil.copytree(project, tmp_path / "again")
    heads = []
    for copy in (project, tmp_path / "again"):
        release(copy, "77.0.0")
        listed = subprocess.run(
            ["git", "ls-remote", str(copy / "scaffold/template.bundle")], capture_output=True, text=True, check=True
        )
        heads.append(listed.stdout)
    assert heads[0] == heads[1]


def test_a_release_that_is_not_newer_or_has_no_news_changes_nothing(project: Path) -> None:
    before = (
        tree(project),
        (project / "scaffold/__init__.py").read_text(),
        (project / "scaffold/template.bundle").read_bytes(),
    )
    assert "is not newer" in release(project, "0.0.1").stderr
    (project / "CHANGELOG.md").write_text("# Changelog\n\n## Unreleased\n\n")
    assert "nothing under `## Unreleased`" in release(project, "77.0.0").stderr
    assert (
        tree(project),
        (project / "scaffold/__init__.py").read_text(),
        (project / "scaffold/template.bundle").read_bytes(),
    ) == before
