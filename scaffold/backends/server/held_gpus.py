"""Which GPUs of the research server's machine have a run of this workspace: the server pins nothing and cannot say.

What can is the start tokens of all sweeps: each holds the devices that its run was given, and the server's id of it.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from scaffold.backends import start_tokens
from scaffold.backends.local import devices, leases
from scaffold.backends.server import manifest_status
from scaffold.workspace import Workspace

# a launcher that has not taken its token by then, or has not written its manifest, will not come
LAUNCH_S = 120.0


def free_gpus(gpu_count: int, held: frozenset[str], *, same_host: bool) -> tuple[str, ...]:
    """The server's GPUs that no run holds: by start tokens, and where the server is on this machine by leases and what computes on them.

    There they are those that this process may use; of another host only their number is known, and so their indices.
    """
    gpus = devices.visible_devices()[:gpu_count] if same_host else ()
    if not gpus:
        gpus = tuple(devices.Device(spelled=str(index), uuid=None) for index in range(gpu_count))
    in_use = devices.gpus_in_use() if same_host else frozenset()
    folder = leases.lease_directory() if same_host else None
    return tuple(
        gpu.spelled
        for gpu in gpus
        if gpu.spelled not in held
        and gpu.uuid not in in_use
        and not (folder is not None and leases.is_leased(folder, gpu.key))
    )


class HeldGpus:
    """The devices that runs on one server hold. Tokens of runs that are over are read once."""

    def __init__(self, workspace: Workspace, url: str, sweeps: Path) -> None:
        self._workspace = workspace
        self._url = url
        self._sweeps = sweeps
        self._over: set[tuple[str, int]] = set()

    def list_held_gpus(self) -> frozenset[str]:
        """As CUDA_VISIBLE_DEVICES spells them."""
        paths = [*self._sweeps.glob("*/*.ticket"), *self._sweeps.glob("*/*.taken")]
        return frozenset(gpu for path in paths for gpu in self._held_by_token(path))

    def _held_by_token(self, path: Path) -> Sequence[str]:
        try:
            key = (str(path), path.stat().st_mtime_ns)
        except OSError:  # it was taken just now, and is seen as such the next time
            return ()
        token = None if key in self._over else start_tokens.read_token_file(path)
        if token is None:
            return ()
        gpus = [gpu for gpu in token.exports.get("CUDA_VISIBLE_DEVICES", "").split(",") if gpu]
        ours = token.exports.get("RUN_SERVER_URL") == self._url
        if not gpus or not ours or self._is_over(path.stem, token):
            self._over.add(key)
            return ()
        return gpus

    def _is_over(self, name: str, token: start_tokens.StartToken) -> bool:
        status = manifest_status.run_status(self._workspace, name, token.exports.get("RUN_SERVER_RUN_ID", ""))
        return time.time() - token.changed_at > LAUNCH_S if status is None else status != "running"
