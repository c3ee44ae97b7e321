"""Which GPUs a run may have: what the driver lists, what was inherited, what is free. The driver is a script on PATH."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from scaffold.backends.local import devices, leases
from scaffold.backends.local.devices import Device
from scaffold.errors import ScaffoldError
from tests.runs.conftest import until

LIST = """\
GPU 0: NVIDIA A100-SXM4-40GB (UUID: GPU-aaaa0000-1)
GPU 1: NVIDIA A100-SXM4-40GB (UUID: GPU-aaab0000-2)
GPU 2: NVIDIA A100-SXM4-40GB (UUID: GPU-cccc0000-3)
"""
MIG = """\
GPU 0: NVIDIA A100 (UUID: GPU-aaaa)
  MIG 1g.5gb     Device  0: (UUID: MIG-1111)
  MIG 1g.5gb     Device  1: (UUID: MIG-2222)
GPU 1: NVIDIA A100 (UUID: GPU-bbbb)
"""
Driver = Callable[..., None]


@pytest.fixture
def driver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Driver:
    """A function that puts an nvidia-smi on PATH which lists `gpus` and says that `busy` are computed on."""
    monkeypatch.setitem(sys.modules, "pynvml", None)  # whatever this machine has

    def put(gpus: str = LIST, busy: str = "") -> None:
        folder = tmp_path / "driver"
        folder.mkdir(exist_ok=True)
        (folder / "list").write_text(gpus)
        (folder / "busy").write_text(busy)
        smi = folder / "nvidia-smi"
        smi.write_text(
            f'#!/bin/sh\ncase "$1" in -L) cat "{folder}/list";; --query-compute-apps*) cat "{folder}/busy";; *) exit 1;; esac\n'
        )
        smi.chmod(0o755)
        monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")

    return put


def spelled(inherited: str | None, listed: str = LIST) -> list[str]:
    return [d.spelled for d in devices.select_visible_devices(devices.parse_nvidia_smi_gpus(listed), inherited)]


@pytest.mark.parametrize(
    ("inherited", "expected"),
    [
        (None, ["0", "1", "2"]),
        ("1", ["1"]),
        ("2,0", ["2", "0"]),
        (" 2 , 0 ", ["2", "0"]),
        ("1,1", ["1"]),
        ("1,GPU-aaab", ["1"]),  # the same one by another name
        ("GPU-cccc0000-3,GPU-aaaa0000-1", ["GPU-cccc0000-3", "GPU-aaaa0000-1"]),
        ("GPU-ccc,0", ["GPU-ccc", "0"]),  # a unique beginning is enough
        ("GPU-aaa,0", []),  # not unique
        ("-1", []),
        ("0,-1,1", ["0"]),  # nothing after one that is none
        ("0,7,1", ["0"]),
        ("MIG-1111,MIG-2222", ["MIG-1111", "MIG-2222"]),
        ("", []),
        ("none", []),
    ],
)
def test_an_inherited_list_is_read_as_cuda_reads_it(inherited: str | None, expected: list[str]) -> None:
    assert spelled(inherited) == expected


def test_where_no_driver_answers_the_inherited_list_is_believed() -> None:
    assert spelled("3,GPU-x", "") == ["3", "GPU-x"]
    assert spelled(None, "") == []


def test_slices_are_used_in_place_of_the_gpu_that_they_are_cut_from() -> None:
    assert spelled(None, MIG) == ["1", "MIG-1111", "MIG-2222"]


def test_the_driver_is_asked(driver: Driver) -> None:
    driver(busy="GPU-aaab0000-2\nGPU-aaab0000-2\n")
    assert devices.visible_devices({}) == (
        Device(spelled="0", uuid="GPU-aaaa0000-1"),
        Device(spelled="1", uuid="GPU-aaab0000-2"),
        Device(spelled="2", uuid="GPU-cccc0000-3"),
    )
    assert devices.gpus_in_use() == {"GPU-aaab0000-2"}
    assert devices.visible_devices({"CUDA_VISIBLE_DEVICES": ""}) == ()


def test_without_a_driver_there_is_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", None)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert devices.visible_devices({}) == () and devices.gpus_in_use() == frozenset()


def test_a_driver_that_does_not_answer_is_not_taken_for_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", None)
    (tmp_path / "nvidia-smi").write_text("#!/bin/sh\nexec sleep 60\n")
    (tmp_path / "nvidia-smi").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setattr(devices, "TIMEOUT_S", 0.1)
    with pytest.raises(ScaffoldError, match="did not answer"):
        devices.visible_devices({})


def test_indices_of_the_driver_come_with_its_order() -> None:
    assert devices.build_pinning_variables(["1"], {}) == {
        "CUDA_VISIBLE_DEVICES": "1",
        "CUDA_DEVICE_ORDER": "PCI_BUS_ID",
    }
    assert devices.build_pinning_variables(["1"], {"CUDA_VISIBLE_DEVICES": "0,1"}) == {"CUDA_VISIBLE_DEVICES": "1"}
    assert devices.build_pinning_variables(["GPU-x"], {}) == {"CUDA_VISIBLE_DEVICES": "GPU-x"}
    assert devices.build_pinning_variables([], {}) == {"CUDA_VISIBLE_DEVICES": ""}


def test_a_lease_is_held_as_long_as_any_process_has_it(tmp_path: Path) -> None:
    fd = leases.lease_gpu(tmp_path, "GPU-x")
    assert (
        fd is not None and leases.lease_gpu(tmp_path, "GPU-x") is None and leases.has_leased_device(tmp_path, "GPU-x")
    )
    left = subprocess.run(
        ["sh", "-c", "sleep 60 >/dev/null & echo $!"], stdout=subprocess.PIPE, pass_fds=(fd,), check=True
    )
    os.close(fd)
    assert leases.has_leased_device(tmp_path, "GPU-x")  # what the run left behind may still compute
    os.kill(int(left.stdout), signal.SIGKILL)
    until(lambda: not leases.has_leased_device(tmp_path, "GPU-x"))


def test_the_leases_of_somebody_else_are_not_trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "link").symlink_to(tmp_path)
    monkeypatch.setenv("SCAFFOLD_RUNTIME_DIR", str(tmp_path / "link"))
    with pytest.raises(ScaffoldError, match="not a directory of this user"):
        leases.lease_directory()


def test_a_place_for_leases_that_cannot_be_locked_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCAFFOLD_RUNTIME_DIR", str(tmp_path))
    (tmp_path / "lock").mkdir()
    with (
        pytest.raises(ScaffoldError, match="cannot be used: lock: Is a directory") as found,
        leases.hold_machine_lock(),
    ):
        pass
    assert "SCAFFOLD_RUNTIME_DIR" in str(found.value.hint)
    leases.gpu_lease_path(tmp_path, "GPU-x").mkdir()
    with pytest.raises(ScaffoldError, match="cannot be used"):
        leases.has_leased_device(tmp_path, "GPU-x")
    assert not leases.has_leased_device(tmp_path, "GPU-y")


def test_cores_where_the_system_knows_of_no_affinity(monkeypatch: pytest.MonkeyPatch) -> None:
    assert devices.usable_cores() == len(os.sched_getaffinity(0))
    monkeypatch.delattr(os, "sched_getaffinity")
    assert devices.usable_cores() == os.cpu_count()
