"""Files of the workspace are replaced whole or not at all, and who may read them is the user's choice."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import pytest

from scaffold.atomic_write import write_atomic


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
