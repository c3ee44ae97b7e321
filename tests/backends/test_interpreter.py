"""Which Python a command gets, said before the first start."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from scaffold.backends.local.interpreter import find_interpreter, find_on_path, is_scaffolds_own
from scaffold.errors import ScaffoldError
from scaffold.workspace import Workspace

PATH = {"python3": "/usr/bin/python3"}


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(workdir=tmp_path, root="exp", answers={})


def test_a_python_that_is_missing_is_an_error_that_names_the_other(workspace: Workspace) -> None:
    with pytest.raises(
        ScaffoldError, match=r"says `python`, and there is none on PATH \(python3 is /usr/bin/python3\)"
    ):
        find_interpreter(workspace, ("python", "train.py"), ".", PATH.get)
    assert find_interpreter(workspace, ("python3", "train.py"), ".", PATH.get) == Path("/usr/bin/python3")
    assert find_interpreter(workspace, ("sh", "train.sh"), ".", PATH.get) is None


def test_only_what_would_be_started_is_found_on_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folders = [tmp_path / name for name in ("none", "a folder", "a text", "a program", "another")]
    monkeypatch.setenv("PATH", ":".join(map(str, folders)))
    (tmp_path / "a folder" / "python3").mkdir(parents=True)
    for folder, mode in ((folders[2], 0o644), (folders[3], 0o755), (folders[4], 0o755)):
        folder.mkdir()
        (folder / "python3").touch()
        (folder / "python3").chmod(mode)
    assert find_on_path("python3") == str(folders[3] / "python3")
    assert find_on_path("python") is None


def test_the_repositorys_own_environment_goes_first(workspace: Workspace) -> None:
    own = workspace.workdir / ".venv" / "bin" / "python"
    own.parent.mkdir(parents=True)
    own.touch()
    assert find_interpreter(workspace, ("python", "train.py"), ".", PATH.get) == own


def test_scaffolds_own_environment_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    beside = Path(sys.executable).with_name("python")
    monkeypatch.setattr(sys, "base_prefix", "/elsewhere")
    assert is_scaffolds_own(beside) and not is_scaffolds_own(Path("/usr/bin/python3"))
    monkeypatch.setattr(sys, "base_prefix", sys.prefix)
    assert not is_scaffolds_own(beside)
