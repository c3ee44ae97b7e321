"""Files of the workspace are replaced whole or not at all, and who may read them is the user's choice."""

from __future__ import annotations

import builtins
import errno
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

import pytest

from scaffold import scratch
from scaffold.atomic_write import write_atomic
from scaffold.errors import ScaffoldError
from scaffold.workspace import ANSWERS_FILE, load_workspace


@pytest.fixture(params=[0o022, 0o077, 0o002], ids=oct)
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    """The user's umask: usual, private, or for a group that works together."""
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def test_a_new_file_is_as_private_as_the_user_wants_it(umask: int, tmp_path: Path) -> None:
    write_atomic(tmp_path / "record.json", b"{}")
    write_atomic(tmp_path / "launcher.sh", b"true", executable=True)
    write_atomic(tmp_path / "index", b"", mode=0o600)
    write_atomic(tmp_path / "plan.md", b"", mode=0o664)
    modes = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()}
    assert modes == {"record.json": 0o666 & ~umask, "launcher.sh": 0o777 & ~umask, "index": 0o600, "plan.md": 0o664}


def test_on_a_full_disk_the_old_file_stays_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "record.json"
    write_atomic(path, b"old")

    def full(handle: int) -> NoReturn:
        raise OSError(errno.ENOSPC, "no space left")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="no space"):
        write_atomic(path, b"new")
    assert {one.name: one.read_bytes() for one in tmp_path.iterdir()} == {"record.json": b"old"}


@pytest.mark.parametrize("mode", [0o600, 0o664, 0o755])
def test_a_file_that_is_replaced_keeps_its_mode(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "a.txt"
    path.touch()
    path.chmod(mode)
    write_atomic(path, b"x")
    assert (path.read_bytes(), path.stat().st_mode & 0o7777) == (b"x", mode)


ANSWERS = """\
experiment_root: exp
tasks_path: exp/tasks.md
workspace_layout: flat
role_dirs: {scripts: scripts, logs: logs, outputs: outputs, results: results, analysis: analysis, metadata: metadata}
experiments: [baseline]
experiment_goal: größer
"""


def answers_of(folder: Path, text: str) -> dict[str, Any]:
    (folder / "exp").mkdir(exist_ok=True)
    (folder / "exp" / ANSWERS_FILE).write_text(text, encoding="utf-8")
    return dict(load_workspace(folder, "exp").answers)


def test_answers_that_were_read_before_need_no_parser(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = answers_of(tmp_path, ANSWERS)
    load = builtins.__import__

    def without_yaml(name: str, *rest: Any, **more: Any) -> Any:
        assert name != "yaml", "a parser of YAML"
        return load(name, *rest, **more)

    with monkeypatch.context() as patched:
        patched.setattr(builtins, "__import__", without_yaml)
        assert answers_of(tmp_path, ANSWERS) == first and first["experiment_goal"] == "größer"
        with pytest.raises(AssertionError, match="parser"):
            answers_of(tmp_path, ANSWERS + "more: 1\n")
    assert answers_of(tmp_path, ANSWERS + "more: 1\n")["more"] == 1


def test_what_is_kept_of_answers_is_never_believed_over_them(tmp_path: Path) -> None:
    first = answers_of(tmp_path, ANSWERS)
    (kept,) = Path(scratch.cache_path("answers") or "").iterdir()
    for damaged in (b"", b"[]", b"{}", b'{"text": "x", "answers": {"experiment_root": "exp"}}'):
        kept.write_bytes(damaged)
        assert answers_of(tmp_path, ANSWERS) == first
    # a set, and keys that are no text, are what YAML alone can say
    for more in ("more: !!set {a, b}\n", "more: {1: one}\n"):
        assert answers_of(tmp_path, ANSWERS + more) == answers_of(tmp_path, ANSWERS + more)
        assert not isinstance(answers_of(tmp_path, ANSWERS + more)["more"], list)
    assert answers_of(tmp_path, ANSWERS + "more: {1: one}\n")["more"] == {1: "one"}
    for _ in range(2):
        with pytest.raises(ScaffoldError, match="cannot be read"):
            answers_of(tmp_path, ANSWERS + "]")
