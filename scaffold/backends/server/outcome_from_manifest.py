"""How a run on the research server has ended by its manifest, and making it end by its recorder: the server's own word and stop do not
reach that far."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from scaffold.runs import liveness, manifests, recorder, records, records_home, timestamps
from scaffold.server.json_values import mapping_or_empty
from scaffold.workspace import Workspace

GRACE_S = 10.0
# a recorder that is interrupted twice kills its command, and gives it 3 s for that
KILL_S = 5.0
# after a run's end its shell writes the exit code, and the server reads it when it is next asked
SETTLED_S = 10.0
POLL_S = 0.05


def read_attempt_manifests(workspace: Workspace, name: str) -> Iterator[tuple[Path, dict[str, Any]]]:
    """The manifests of a run that can be read, with their paths, an earlier attempt before a later one."""
    for folder in records.manifest_directories(workspace):
        number = 1
        # of an attempt that another working tree has there is a copy at least, or the empty file that keeps its number
        while any(
            map(Path.exists, places := records_home.candidate_record_paths(folder / f"{_stem(name, number)}.json"))
        ):
            path = next((place for place in places if records_home.is_complete_record(place)), places[0])
            with contextlib.suppress(ValueError):
                yield path, manifests.read_manifest(path)
            number += 1


def _stem(name: str, number: int) -> str:
    return name if number == 1 else f"{name}.{number}"


def read_run_status(workspace: Workspace, name: str, run_id: str) -> str | None:
    """The status of the run that has this id on the research server, `lost` included; None where it has no manifest."""
    attempt = _find_attempt(workspace, name, run_id)
    return None if attempt is None else attempt[0]


def end_reason(workspace: Workspace, name: str, run_id: str) -> str | None:
    """How the run that has this id on the research server ended; None where it has not, or so lately that the server may not know."""
    status, manifest = _find_attempt(workspace, name, run_id) or ("running", {})
    ended_at = timestamps.to_epoch_seconds(str(mapping_or_empty(manifest.get("time")).get("ended_at"))) or 0.0
    if status == "lost":
        return "its recorder is gone"
    return None if status == "running" or time.time() - ended_at < SETTLED_S else f"its manifest says {status}"


def _find_attempt(workspace: Workspace, name: str, run_id: str) -> tuple[str, Mapping[str, Any]] | None:
    for path, manifest in read_attempt_manifests(workspace, name):
        if mapping_or_empty(manifest.get("tracking")).get("run_id") == run_id:
            status, hostname = str(manifest.get("status")), str(mapping_or_empty(manifest.get("host")).get("hostname"))
            return "lost" if status == "running" and liveness.is_run_lost(path, hostname) else status, manifest
    return None


def list_recorder_child_processes(workspace: Workspace, names: Iterable[str]) -> list[dict[str, Any]]:
    """The marks of all processes below the live recorders of these runs on this host. To be asked before those are told to end: what a
    command leaves behind is nobody's child then."""
    pids = (pid for name in names for mark in _live_recorders(workspace, name) for pid in _descendants(mark["pid"]))
    return [recorder.processes.process_mark(pid) for pid in pids]


def _descendants(pid: int) -> list[int]:
    return list(recorder.processes.descendants(pid))


def end_recorders(
    workspace: Workspace, names: Iterable[str], workers: Iterable[dict[str, Any]] = (), grace_s: float = GRACE_S
) -> None:
    """End what still runs of these runs on this host: its recorder is told to end, again after `grace_s` seconds, then killed, and with it
    what is left of its `workers`.

    The recorder passes the first word on to its command, kills it at the second, and takes it along when it is killed itself.
    """
    live = [mark for name in names for mark in _live_recorders(workspace, name)]
    workers = list(workers)
    for number, patience in ((signal.SIGTERM, grace_s), (signal.SIGTERM, KILL_S), (signal.SIGKILL, KILL_S)):
        live = [mark for mark in live if not liveness.is_process_gone(mark)]
        workers = [mark for mark in workers if not liveness.is_process_gone(mark)]
        for mark in (*live, *workers) if number == signal.SIGKILL else live:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(mark["pid"], number)
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline and not all(map(liveness.is_process_gone, (*live, *workers))):
            time.sleep(POLL_S)


def _live_recorders(workspace: Workspace, name: str) -> Iterator[dict[str, Any]]:
    for path, manifest in read_attempt_manifests(workspace, name):
        mark = liveness.read_recorder_mark(path)
        same_host = mapping_or_empty(manifest.get("host")).get("hostname") == os.uname().nodename
        if (
            manifest.get("status") == "running"
            and same_host
            and mark is not None
            and not liveness.is_process_gone(mark)
        ):
            yield mark
