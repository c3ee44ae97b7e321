"""Which runs of this workspace a research server has, and their GPUs: it pins nothing, and forgets its runs when it restarts.

What does not are the start tokens of all sweeps: each holds the devices that its run was given, and the server's id of it.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

from scaffold.backends import start_tokens
from scaffold.backends.local import devices, leases
from scaffold.backends.server import outcome_from_manifest
from scaffold.backends.server.job_mapping import ServerJobId
from scaffold.runs import liveness
from scaffold.workspace import Workspace

# a launcher that has not taken its token by then, or has not written its manifest, will not come
LAUNCH_S = 120.0


def find_free_server_gpus(gpu_count: int, held: frozenset[str], *, same_host: bool) -> tuple[str, ...]:
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
        and not (folder is not None and leases.has_leased_device(folder, gpu.key))
    )


class WorkspaceRuns:
    """The runs of all sweeps of a workspace on one server. Tokens of runs that are over are read once."""

    def __init__(self, workspace: Workspace, url: str, sweeps: Path) -> None:
        self._workspace = workspace
        self._url = url
        self._sweeps = sweeps
        self._over: set[tuple[str, int]] = set()

    def list_held_gpus(self) -> frozenset[str]:
        """The devices that runs hold, as CUDA_VISIBLE_DEVICES spells them."""
        devices_of = (token.exports.get("CUDA_VISIBLE_DEVICES", "") for _, token in self._open_tokens())
        return frozenset(gpu for text in devices_of for gpu in text.split(",") if gpu)

    def list_live_jobs(self) -> frozenset[ServerJobId]:
        """The server's ids of the runs that are surely there: their process, on this host, is."""
        return frozenset(
            ServerJobId(token.exports.get("RUN_SERVER_SWEEP_ID", ""), token.exports.get("RUN_SERVER_RUN_ID", ""))
            for name, token in self._open_tokens()
            if self._is_alive(name, token)
        )

    def _open_tokens(self) -> Iterator[tuple[str, start_tokens.StartToken]]:
        """The tokens of runs on this server that are not known to be over, and whose they are."""
        for path in (*self._sweeps.glob("*/*.ticket"), *self._sweeps.glob("*/*.taken")):
            try:
                key = (str(path), path.stat().st_mtime_ns)
            except OSError:  # it was taken just now, and is seen as such the next time
                continue
            token = None if key in self._over else start_tokens.read_start_token_file(path)
            if token is None:
                continue
            if token.exports.get("RUN_SERVER_URL") != self._url or self._is_over(path.stem, token):
                self._over.add(key)
            else:
                yield path.stem, token

    def _status(self, name: str, token: start_tokens.StartToken) -> str | None:
        return outcome_from_manifest.read_run_status(self._workspace, name, token.exports.get("RUN_SERVER_RUN_ID", ""))

    def _is_over(self, name: str, token: start_tokens.StartToken) -> bool:
        status = self._status(name, token)
        if status is None and self._has_living_taker(token):
            return False
        return time.time() - token.changed_at > LAUNCH_S if status is None else status != "running"

    def _is_alive(self, name: str, token: start_tokens.StartToken) -> bool:
        # of another host nobody can tell for sure, and a run that is gone must not take up room for ever
        if not token.taken or token.host != os.uname().nodename:
            return False
        return self._status(name, token) == "running" or self._has_living_taker(token)

    def _has_living_taker(self, token: start_tokens.StartToken) -> bool:
        if not token.taken or token.host != os.uname().nodename or token.pid is None:
            return False
        return not liveness.is_pid_gone_since(token.pid, token.changed_at)
