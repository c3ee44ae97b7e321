"""Locks: who holds them keeps others out, and ends with them; where a file system has none, reading goes on and writing is careful."""

from __future__ import annotations

import errno
import fcntl
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from scaffold import locks, transaction
from scaffold.backends.local import leases
from scaffold.errors import ScaffoldError
from scaffold.sweeps.launch import sweep_locks
from tests.runs.conftest import MakeWorkspace, make_workspace
from tests.sweeps import scenario

__all__ = ["make_workspace"]

Hold = Callable[[], AbstractContextManager[None]]
BUSY = ScaffoldError("somebody else has it")
# what flock answers where there are no locks: FUSE and Lustre without -o flock, NFS whose lock daemon is away
NO_LOCKS = [errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOLCK]


@pytest.fixture(params=NO_LOCKS, ids=errno.errorcode.get)
def without_locks(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file system without locks."""

    def flock(handle: object, how: int) -> None:
        raise OSError(request.param, os.strerror(request.param))

    monkeypatch.setattr(fcntl, "flock", flock)


def test_a_lock_keeps_others_out_until_it_is_released(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    assert not locks.is_lock_held(path) and not path.exists()
    handle = locks.acquire_file_lock(path)
    assert handle is not None and locks.is_lock_held(path) and locks.acquire_file_lock(path, wait_s=0.05) is None
    locks.release_file_lock(handle)
    assert not locks.is_lock_held(path)


def test_a_lock_ends_with_who_held_it(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    code = "import sys, pathlib; from scaffold import locks\n"
    code += "locks.acquire_file_lock(pathlib.Path(sys.argv[1])); print('up', flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", code, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None and other.stdout.readline() == b"up\n" and locks.is_lock_held(path)
        other.kill()
    assert not locks.is_lock_held(path)


@pytest.mark.usefixtures("without_locks")
def test_without_locks_reading_goes_on_and_what_has_to_end_with_its_holder_refuses(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    path.touch()
    assert not locks.is_lock_held(path)
    with pytest.raises(locks.FileNotLockable, match="cannot be locked") as error:
        locks.acquire_file_lock(path)
    assert error.value.hint is not None and "no locks" in error.value.hint


def in_file(folder: Path) -> Hold:
    return lambda: locks.hold_file_lock(folder / ".lock", wait_s=0.05, busy=BUSY)


def in_directory(folder: Path) -> Hold:
    return lambda: locks.hold_directory_lock(folder, stand_in=".lock", wait_s=0.05, busy=BUSY)


@pytest.mark.parametrize("way", [in_file, in_directory])
def test_one_at_a_time_and_nothing_is_left(tmp_path: Path, way: Callable[[Path], Hold]) -> None:
    hold = way(tmp_path)
    with hold(), pytest.raises(ScaffoldError, match="somebody else"), hold():
        pass
    with hold():
        assert (tmp_path / ".lock").exists() == (way is in_file), "a directory needs no file"
    assert not list(tmp_path.iterdir())


@pytest.mark.usefixtures("without_locks")
@pytest.mark.parametrize("way", [in_file, in_directory])
def test_without_locks_a_file_that_only_one_can_create_stands_in(tmp_path: Path, way: Callable[[Path], Hold]) -> None:
    hold = way(tmp_path)
    with hold(), pytest.raises(ScaffoldError, match="somebody else"), hold():
        pass
    assert not list(tmp_path.iterdir())
    (tmp_path / ".lock").touch()  # of one that was killed: nobody can tell, so a person has to
    with pytest.raises(ScaffoldError, match="somebody else"), hold():
        pass


@pytest.mark.usefixtures("without_locks")
def test_without_locks_two_commands_still_do_not_change_one_repository(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transaction, "LOCK_WAIT_S", 0.05)
    with transaction.hold_workdir_lock(tmp_path):
        with (
            pytest.raises(ScaffoldError, match="another scaffold command") as error,
            transaction.hold_workdir_lock(tmp_path),
        ):
            pass
        assert error.value.hint is not None and transaction.STAND_IN in error.value.hint
    with transaction.hold_workdir_lock(tmp_path):
        pass


@pytest.mark.usefixtures("without_locks")
def test_without_locks_a_sweep_can_be_looked_at_and_is_not_launched(
    make_workspace: MakeWorkspace, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    found = scenario.make(make_workspace, configurations=({},), seeds=(1,))
    scheduler = found.scheduler()
    assert [s.state for s in scheduler.snapshot().states] == ["missing"] and scheduler.current_holder() is None
    with pytest.raises(ScaffoldError, match=r"lr\.lock cannot be locked"):
        scheduler.request_runs()
    assert not scheduler.paths.ledger.exists()
    with pytest.raises(ScaffoldError, match="cannot be locked"):
        sweep_locks.take_sweep_lock(scheduler.paths.sweeps, sweep_locks.scheduler_lock_name("lr"), doing="watch")
    monkeypatch.setenv("SCAFFOLD_RUNTIME_DIR", str(tmp_path / "leases"))
    with pytest.raises(ScaffoldError, match="cannot be used: lock: ") as error, leases.hold_machine_lock():
        pass
    assert "SCAFFOLD_RUNTIME_DIR" in str(error.value.hint)
