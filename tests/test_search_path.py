"""Which program a name starts."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from scaffold.facts.search_path import find_program


@pytest.fixture
def folders(tmp_path: Path) -> dict[str, Path]:
    """Folders with a `tool` each: a folder of this name, a text, two programs."""
    folders = {name: tmp_path / name for name in ("none", "folder", "text", "program", "another")}
    (folders["folder"] / "tool").mkdir(parents=True)
    for name, mode in (("text", 0o644), ("program", 0o755), ("another", 0o755)):
        folders[name].mkdir()
        (folders[name] / "tool").touch(mode)
    return folders


def test_only_what_would_be_started_is_taken(folders: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", ":".join(map(str, folders.values())))
    assert find_program("tool") == str(folders["program"] / "tool")
    assert find_program("hammer") is None


@pytest.mark.parametrize("path", ["", ".", "none:"], ids=repr)
def test_a_relative_folder_of_the_path_counts_from_where_the_program_is_started(
    path: str, folders: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", path)
    assert find_program("tool", cwd=folders["program"]) == str(folders["program"] / "tool")
    assert find_program("tool", cwd=folders["program"].parent) is None
    monkeypatch.chdir(folders["another"])
    assert find_program("tool") == str(folders["another"] / "tool")


def test_a_name_with_a_slash_is_a_path(folders: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(folders["another"]))
    tool = folders["program"] / "tool"
    assert find_program("program/tool", cwd=tool.parents[1]) == find_program(str(tool)) == str(tool)
    assert find_program("./tool", cwd=folders["text"]) is None


@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("setpriv"), reason="needs root, to give away what it may")
def test_what_only_a_capability_lets_start_is_taken_and_without_it_is_not(tmp_path: Path) -> None:
    """A folder that is closed to all but its owner: root with the capability passes it, a shell finds the tool, and so must this."""
    tool = tmp_path / "closed" / "tool"
    tool.parent.mkdir()
    tool.write_text("#!/bin/sh\necho started\n")
    tool.chmod(0o755)
    os.chown(tool.parent, 12345, 12345)
    tool.parent.chmod(0o700)
    code = "import os, subprocess, sys; os.setreuid(54321, -1) if sys.argv[1] == 'real' else None\n"
    code += "from scaffold.facts.search_path import find_program; print(find_program('tool'))\n"
    environment = {
        **os.environ,
        "PATH": f"{tool.parent}:{os.environ['PATH']}",
        "PYTHONPATH": str(Path(__file__).parents[1]),
    }
    python = shutil.which("python3") or "python3"

    def ask(*before: str, user: str) -> str:
        command = [*before, python, "-c", code, user]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout.strip()

    assert ask(user="real") == str(tool)
    assert ask("setpriv", "--bounding-set=-dac_override,-dac_read_search", user="same") == "None"
