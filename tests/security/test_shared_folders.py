"""Promise: a shared folder stays shared, and what ended is written down as such: umask, a disk that is full, a clean-up that fails."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from scaffold import transaction
from scaffold.runs import recorder
from scaffold.scratch import scratch_directory
from scaffold.transaction import FileChange
from tests.runs.conftest import Workspace, make_workspace, python, workspace

__all__ = ["make_workspace", "workspace"]


@pytest.mark.parametrize(("mask", "mode"), [(0o022, 0o644), (0o002, 0o664), (0o007, 0o660), (0o077, 0o600)])
def test_files_of_the_recorder_follow_the_umask(workspace: Workspace, mask: int, mode: int) -> None:
    (workspace.root / "conf.yaml").write_text("lr: 1\n")
    (workspace.root / "train.py").write_text("print('changed')\n")
    workspace.record("--config", "conf.yaml", "--", "echo", "x", preexec_fn=lambda: os.umask(mask) and None)
    files = [p for p in workspace.exp.rglob("*") if p.is_file() and workspace.recorder.parent not in p.parents]
    modes = {str(p.relative_to(workspace.exp)): stat.S_IMODE(p.stat().st_mode) for p in files}
    written = {name: m for name, m in modes.items() if name.startswith(("metadata", "logs"))}
    assert len(written) >= 5 and set(written.values()) == {mode}, written
    folders = [
        p for p in workspace.exp.rglob("*") if p.is_dir() and p.name in ("metadata", "logs", "patches", "configs")
    ]
    assert {stat.S_IMODE(p.stat().st_mode) for p in folders} == {0o777 & ~mask}


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 256 KiB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "none", str(disk)], capture_output=True)
    if mounted.returncode != 0:
        pytest.skip("mounting is not allowed here")
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_a_run_that_fills_the_disk_with_its_log_is_finished(
    workspace: Workspace, small_disk: Path, stream: str
) -> None:
    for role in ("logs", "metadata", "outputs"):
        (small_disk / role).mkdir()
        (workspace.exp / role).symlink_to(small_disk / role)
    done = workspace.record("--quiet", "--", *python(f"import sys; sys.{stream}.write('w' * 600_000)"))
    assert done.returncode == 0, done.stderr
    manifest = workspace.last()
    assert (manifest["status"], manifest["exit"]["code"]) == ("finished", 0)
    log = workspace.log(manifest, stream)
    assert log.startswith(b"w" * 50_000) and log.endswith(b"so that the end of the run could be written down]\n")


def test_without_a_log_to_give_back_the_manifest_is_written_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_room(path: str, data: bytes, **_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(recorder.full_disk, "write_atomic", no_room)
    manifest, log = tmp_path / "m.json", tmp_path / "x.out"
    manifest.write_text('{"status": "running"}' + " " * 100)
    log.write_text("short")
    recorder.full_disk.write_without_room(str(manifest), b'{"status": "finished"}', [str(log)])
    assert (manifest.read_text(), log.read_text()) == ('{"status": "finished"}', "short")
    monkeypatch.setattr(os, "posix_fallocate", lambda fd, at, size: no_room("", b""))
    with pytest.raises(OSError, match="No space"):
        recorder.full_disk.write_without_room(str(manifest), b"{}", [])
    assert manifest.read_text() == '{"status": "finished"}', "nothing is half written"


def test_a_clean_up_that_fails_after_a_whole_change_is_no_trouble(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path, missing_ok: bool = False) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(Path, "unlink", refuse)
    transaction.apply_file_changes(tmp_path, [FileChange(path="a/b.txt", old=None, new=b"x")])
    assert (tmp_path / "a/b.txt").read_bytes() == b"x"
    monkeypatch.undo()
    transaction.apply_file_changes(tmp_path, [FileChange(path="a/c.txt", old=None, new=b"y")])
    assert sorted(p.name for p in (tmp_path / "a").iterdir()) == ["b.txt", "c.txt"], "the next one sweeps"


def test_a_scratch_directory_that_cannot_be_deleted_is_no_trouble(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EBUSY, "Device or resource busy")

    with scratch_directory() as folder:
        (folder / "x").write_text("")
        monkeypatch.setattr(os, "unlink", refuse)
        monkeypatch.setattr(os, "rmdir", refuse)
    monkeypatch.undo()
    assert folder.exists()
