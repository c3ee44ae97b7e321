"""Which GPUs of the research server's machine have a run of this workspace: the server pins nothing and cannot say.

What can is the tickets of all sweeps: each holds the devices that its run was given, and the server's id of it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from scaffold.backends import manifest_status
from scaffold.backends.local import devices, leases
from scaffold.workspace import Workspace

# a launcher that has not taken its ticket by then, or has not written its manifest, will not come
LAUNCH_S = 120.0


def there(gpu_count: int, *, here: bool) -> tuple[devices.Device, ...]:
    """The server's GPUs: this machine's that this process may use where the server is on it (`here`), else by index."""
    found = devices.here() if here else ()
    return found[:gpu_count] or tuple(devices.Device(spelled=str(index), uuid=None) for index in range(gpu_count))


def free(found: Sequence[devices.Device], held: frozenset[str], *, here: bool) -> tuple[str, ...]:
    """Those that no run holds: by tickets, and on this machine by leases and by what computes on them."""
    used = devices.in_use() if here else frozenset()
    folder = leases.directory() if here else None
    return tuple(
        device.spelled
        for device in found
        if device.spelled not in held
        and device.uuid not in used
        and not (folder is not None and leases.is_leased(folder, device.key))
    )


class Holdings:
    """The devices that runs on one server hold. Tickets of runs that are over are read once."""

    def __init__(self, workspace: Workspace, url: str, sweeps: Path) -> None:
        self._workspace = workspace
        self._url = url
        self._sweeps = sweeps
        self._over: set[tuple[str, int]] = set()

    def held(self) -> frozenset[str]:
        """As CUDA_VISIBLE_DEVICES spells them."""
        return frozenset(device for path in self._tickets() for device in self._of(path))

    def _tickets(self) -> Iterator[Path]:
        for suffix in ("ticket", "taken"):
            yield from self._sweeps.glob(f"*/*.{suffix}")

    def _of(self, path: Path) -> Sequence[str]:
        try:
            changed = path.stat().st_mtime
            key = (str(path), int(changed * 1e9))
            if key in self._over:
                return ()
            text = path.read_text(encoding="utf-8", errors="replace")
        except OSError:  # it was taken just now, and is found as such the next time
            return ()
        said = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
        given = [one for one in said.get("CUDA_VISIBLE_DEVICES", "").split(",") if one]
        if not given or said.get("RUN_SERVER_URL") != self._url:
            self._over.add(key)
            return ()
        if self._is_over(path.stem, said.get("RUN_SERVER_RUN_ID", ""), time.time() - changed):
            self._over.add(key)
            return ()
        return given

    def _is_over(self, name: str, run_id: str, age_s: float) -> bool:
        status = manifest_status.status(self._workspace, name, run_id)
        return age_s > LAUNCH_S if status is None else status != "running"
