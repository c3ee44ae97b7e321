"""Which Python a command gets, said before the first start."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from scaffold.backends.local.interpreter import find_launcher_interpreter, is_scaffold_interpreter
from scaffold.errors import ScaffoldError
from scaffold.workspace import Workspace


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(workdir=tmp_path, root="exp", answers={})


@pytest.fixture
def python3(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only Python on PATH."""
    program = tmp_path / "bin" / "python3"
    program.parent.mkdir()
    program.touch(0o755)
    monkeypatch.setenv("PATH", str(program.parent))
    return program


def test_a_python_that_is_missing_is_an_error_that_names_the_other(workspace: Workspace, python3: Path) -> None:
    with pytest.raises(ScaffoldError, match=rf"says `python`, and there is none on PATH \(python3 is {python3}\)"):
        find_launcher_interpreter(workspace, ("python", "train.py"), ".")
    assert find_launcher_interpreter(workspace, ("python3", "train.py"), ".") == python3
    assert find_launcher_interpreter(workspace, ("sh", "train.sh"), ".") is None


@pytest.mark.usefixtures("python3")
def test_the_repositorys_own_environment_goes_first(workspace: Workspace) -> None:
    own = workspace.workdir / ".venv" / "bin" / "python3"
    own.parent.mkdir(parents=True)
    own.touch()
    assert find_launcher_interpreter(workspace, ("python3", "train.py"), ".") == own


def test_scaffolds_own_environment_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    beside = Path(sys.executable).with_name("python")
    monkeypatch.setattr(sys, "base_prefix", "/elsewhere")
    assert is_scaffold_interpreter(beside) and not is_scaffold_interpreter(Path("/usr/bin/python3"))
    monkeypatch.setattr(sys, "base_prefix", sys.prefix)
    assert not is_scaffold_interpreter(beside)
