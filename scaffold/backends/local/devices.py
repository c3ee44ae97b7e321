"""The GPUs and cores that this process may use, and which of the GPUs somebody computes on.

Asked of NVML where its package is there (extra `gpu`), else of nvidia-smi, with a short time-out. An inherited CUDA_VISIBLE_DEVICES is
obeyed as CUDA does: indices or UUIDs (or unique beginnings of them), MIG ids, and nothing from the first entry that names no device.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import re
import subprocess  # noqa: TID251 - it asks the driver's own tool
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from scaffold.errors import ScaffoldError

_GPU = re.compile(r"GPU (\d+): .*\(UUID: (GPU-[^)\s]+)\)")
_MIG = re.compile(r"\s+MIG .*\(UUID: (MIG-[^)\s]+)\)")
# without its persistence mode a driver takes seconds to wake up
TIMEOUT_S = 10
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """A GPU, or a MIG slice of one. `spelled` is how CUDA_VISIBLE_DEVICES names it, `uuid` None where it is not known."""

    spelled: str
    uuid: str | None

    @property
    def key(self) -> str:
        """What tells it from the others of this machine."""
        return self.uuid or self.spelled


@dataclass(frozen=True, slots=True, kw_only=True)
class PhysicalGpu:
    """A GPU as the driver lists it, with the MIG slices that it is cut into."""

    index: int
    uuid: str
    slices: tuple[str, ...] = ()


def list_gpus() -> tuple[PhysicalGpu, ...]:
    """The GPUs of this machine, in the driver's order; none where there is no driver. Raises ScaffoldError where it does not answer."""
    return tuple(_ask_each_gpu(_read_gpu) or parse_nvidia_smi_gpus(_run_nvidia_smi("-L")))


def parse_nvidia_smi_gpus(text: str) -> tuple[PhysicalGpu, ...]:
    """`nvidia-smi -L` -> GPUs."""
    gpus: list[PhysicalGpu] = []
    for line in text.splitlines():
        if gpu := _GPU.match(line):
            gpus.append(PhysicalGpu(index=int(gpu[1]), uuid=gpu[2]))
        elif (mig := _MIG.match(line)) and gpus:
            gpus[-1] = replace(gpus[-1], slices=(*gpus[-1].slices, mig[1]))
    return tuple(gpus)


def select_visible_devices(gpus: Sequence[PhysicalGpu], inherited: str | None) -> tuple[Device, ...]:
    """The devices that this process may use, each once. `inherited` is CUDA_VISIBLE_DEVICES, None where it is not set."""
    if inherited is None:
        whole = (Device(spelled=str(g.index), uuid=g.uuid) for g in gpus if not g.slices)
        return (*whole, *(Device(spelled=s, uuid=s) for g in gpus for s in g.slices))
    devices: dict[str, Device] = {}
    for entry in inherited.split(","):
        device = _find_device(gpus, entry.strip())
        if device is None:
            break
        devices.setdefault(device.key, device)
    return tuple(devices.values())


def _find_device(gpus: Sequence[PhysicalGpu], entry: str) -> Device | None:
    """The device that one entry names. Where no driver answers, its word is taken, since the user or a scheduler gave it."""
    if entry.isascii() and entry.isdigit():
        for gpu in gpus:
            if gpu.index == int(entry):
                return Device(spelled=entry, uuid=gpu.uuid)
        return None if gpus else Device(spelled=entry, uuid=None)
    if entry.startswith("MIG-"):
        return Device(spelled=entry, uuid=entry)
    if entry.startswith("GPU-"):
        matching = [g for g in gpus if g.uuid.startswith(entry)]
        if len(matching) == 1:
            return Device(spelled=entry, uuid=matching[0].uuid)
        return None if gpus else Device(spelled=entry, uuid=entry)
    return None


def visible_devices(environment: Mapping[str, str] = os.environ) -> tuple[Device, ...]:
    """The devices that this process may use."""
    inherited = environment.get("CUDA_VISIBLE_DEVICES")
    if inherited is not None and not inherited.strip():
        return ()
    return select_visible_devices(list_gpus(), inherited)


def usable_cores() -> int | None:
    """How many cores this process may use; None where the system does not say."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


def gpus_in_use() -> frozenset[str]:
    """UUIDs of the GPUs that a process computes on now, whoever's it is; none where no driver can tell."""
    uuids = _ask_each_gpu(_read_uuid_if_busy)
    if uuids is None:
        return frozenset(_run_nvidia_smi("--query-compute-apps=gpu_uuid", "--format=csv,noheader").split())
    return frozenset(filter(None, uuids))


def build_pinning_variables(devices: Sequence[str], environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The variables that pin a run to devices, as CUDA_VISIBLE_DEVICES spells them.

    Indices that are the driver's own need its order, which is not CUDA's by default.
    """
    values = {"CUDA_VISIBLE_DEVICES": ",".join(devices)}
    if "CUDA_VISIBLE_DEVICES" not in environment and any(map(str.isdigit, devices)):
        values["CUDA_DEVICE_ORDER"] = "PCI_BUS_ID"
    return values


def _run_nvidia_smi(*args: str) -> str:
    """The answer of nvidia-smi; empty where it is missing or has no driver. Raises ScaffoldError where it does not answer: nobody
    knows then whether there are GPUs, and a run must not start beside another one."""
    try:
        done = subprocess.run(
            ("nvidia-smi", *args),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=TIMEOUT_S,
            env={**os.environ, "LC_ALL": "C"},
            check=False,
        )
    except OSError:
        return ""
    except subprocess.TimeoutExpired as error:
        raise ScaffoldError(
            f"nvidia-smi did not answer within {TIMEOUT_S} s, so it is not known which GPUs are free",
            hint="try it by hand; `nvidia-smi -pm 1` (as root) makes it quicker; --gpus-per-run 0 does without GPUs",
        ) from error
    return done.stdout.decode("utf-8", "replace") if done.returncode == 0 else ""


@contextlib.contextmanager
def _open_nvml() -> Iterator[Any]:
    """NVML, ready to be asked; None where the package, its library or the driver is missing, each of which fails in its own way."""
    nvml: Any = None
    with contextlib.suppress(Exception):
        nvml = importlib.import_module("pynvml")
        nvml.nvmlInit()
    ready = False
    with contextlib.suppress(Exception):
        ready = nvml is not None and nvml.nvmlDeviceGetCount() >= 0
    try:
        yield nvml if ready else None
    finally:
        if ready:
            nvml.nvmlShutdown()


def _ask_each_gpu(question: Callable[[Any, int, Any], T]) -> list[T] | None:
    """What `question(nvml, index, handle)` answers, GPU by GPU; None where NVML cannot be asked."""
    with _open_nvml() as nvml:
        if nvml is None:
            return None
        try:
            indices = range(nvml.nvmlDeviceGetCount())
            return [question(nvml, index, nvml.nvmlDeviceGetHandleByIndex(index)) for index in indices]
        except nvml.NVMLError:
            return None


def _read_gpu(nvml: Any, index: int, handle: Any) -> PhysicalGpu:
    slices = []
    # it has no MIG, or no more slices
    with contextlib.suppress(nvml.NVMLError):
        if nvml.nvmlDeviceGetMigMode(handle)[0] == nvml.NVML_DEVICE_MIG_ENABLE:
            for number in range(nvml.nvmlDeviceGetMaxMigDeviceCount(handle)):
                slices.append(_read_uuid(nvml, nvml.nvmlDeviceGetMigDeviceHandleByIndex(handle, number)))
    return PhysicalGpu(index=index, uuid=_read_uuid(nvml, handle), slices=tuple(slices))


def _read_uuid_if_busy(nvml: Any, index: int, handle: Any) -> str | None:
    return _read_uuid(nvml, handle) if nvml.nvmlDeviceGetComputeRunningProcesses(handle) else None


def _read_uuid(nvml: Any, handle: Any) -> str:
    uuid = nvml.nvmlDeviceGetUUID(handle)
    return uuid.decode() if isinstance(uuid, bytes) else str(uuid)
