"""What the stand-in knows: sweeps, runs and alerts, and how they change. Answers are (status, object) as the real server gives them."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
import time
import uuid
from pathlib import Path
from typing import Any

Answer = tuple[int, Any]
COUNTED = ("running", "launching", "queued", "ready", "failed", "finished")
NO_TMUX = "Tmux session not available. Start tmux first."


def missing(what: str) -> Answer:
    return 404, {"detail": f"{what} not found"}


class State:
    """All methods that the HTTP side calls take the lock."""

    def __init__(self, workdir: Path) -> None:
        self.workdir = workdir
        self.lock = threading.RLock()
        self.sweeps: dict[str, dict[str, Any]] = {}
        self.runs: dict[str, dict[str, Any]] = {}
        self.alerts: list[dict[str, Any]] = []
        self.metrics: dict[str, dict[str, Any]] = {}
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self.execute = False
        self.tmux = True
        self.launch_s = 0.0
        self.gpu_count: int | None = None
        self.cluster_type = "unknown"
        # a restart makes the real one forget what it is on, until it is told to look
        self.cluster_is_set = True

    # sweeps

    def create_sweep(self, body: dict[str, Any]) -> Answer:
        now = time.time()
        name, goal = body.get("name", "Wild Loop Sweep"), body.get("goal", "")
        context = dict.fromkeys(
            [
                "description",
                "command",
                "notes",
                "max_runs",
                "parallel_runs",
                "early_stopping_enabled",
                "early_stopping_patience",
                "metric_count",
                "insight_count",
            ]
        )
        sweep = {
            "id": _id(),
            "name": name,
            "base_command": "",
            "workdir": str(self.workdir),
            "parameters": {},
            "run_ids": [],
            "status": "pending",
            "created_at": now,
            "goal": goal,
            "is_wild": True,
            "chat_session_id": body.get("chat_session_id"),
            "ui_config": None,
            "creation_context": {
                "name": name,
                "goal": goal or None,
                "hyperparameter_count": 0,
                "created_at": now,
                "ui_config_snapshot": {},
                **context,
            },
        }
        self.sweeps[sweep["id"]] = sweep
        return 200, self.shown_sweep(sweep)

    def shown_sweep(self, sweep: dict[str, Any]) -> dict[str, Any]:
        states = [self.runs[one]["status"] for one in sweep["run_ids"] if one in self.runs]
        counts = {name: states.count(name) for name in ("failed", "running", "launching", "ready", "queued")}
        progress = {
            "total": len(states),
            "completed": states.count("finished"),
            **counts,
            "canceled": states.count("stopped"),
        }
        return {**sweep, "status": _derived(progress), "progress": progress}

    def list_sweeps(self, limit: int) -> Answer:
        newest = sorted(self.sweeps.values(), key=lambda one: -one["created_at"])
        return 200, [self.shown_sweep(one) for one in newest[:limit]]

    def get_sweep(self, sweep_id: str) -> Answer:
        sweep = self.sweeps.get(sweep_id)
        return (200, self.shown_sweep(sweep)) if sweep else missing("Sweep")

    # runs

    def create_run(self, body: dict[str, Any]) -> Answer:
        sweep_id = body.get("sweep_id")
        if sweep_id and sweep_id not in self.sweeps:
            return 404, {"detail": f"Sweep not found: {sweep_id}"}
        auto_start = body.get("auto_start") in (True, "true", 1)
        names = ["sweep_id", "parent_run_id", "origin_alert_id", "chat_session_id", "gpuwrap_config"]
        run: dict[str, Any] = {
            "id": _id(),
            "name": body["name"],
            "command": body["command"],
            "workdir": body.get("workdir") or str(self.workdir),
            "status": "queued" if auto_start else "ready",
            "created_at": time.time(),
            "is_archived": False,
            **{name: body.get(name) for name in names},
            **dict.fromkeys(["tmux_window", "run_dir", "exit_code", "error", "wandb_dir"]),
        }
        self.runs[run["id"]] = run
        if sweep_id:
            self.sweeps[sweep_id]["run_ids"].append(run["id"])
        if auto_start:
            if not self.tmux:
                return 500, {"detail": NO_TMUX}  # and yet it is stored
            self._launch(run)
        return 200, dict(run)

    def start_run(self, run_id: str) -> Answer:
        run = self._known(run_id)
        if run is None:
            return missing("Run")
        if run["status"] not in ("ready", "queued"):
            return 400, {"detail": f"Run cannot be started (status: {run['status']})"}
        if run["status"] == "ready":
            run.update(status="queued", queued_at=time.time())
        if not self.tmux:
            return 500, {"detail": NO_TMUX}
        self._launch(run)
        return 200, {"message": "Run started", "tmux_window": run["tmux_window"]}

    def queue_run(self, run_id: str) -> Answer:
        run = self._known(run_id)
        if run is None:
            return missing("Run")
        if run["status"] != "ready":
            return 400, {"detail": f"Run is not ready (status: {run['status']})"}
        run.update(status="queued", queued_at=time.time())
        return 200, {"message": "Run queued", **run}

    def stop_run(self, run_id: str) -> Answer:
        run = self._known(run_id)
        if run is None:
            return missing("Run")
        if run["status"] not in ("launching", "running"):
            return 400, {"detail": f"Run is not active (status: {run['status']})"}
        _hang_up(self.processes.pop(run_id, None))
        run.update(status="stopped", stopped_at=time.time())
        return 200, {"message": "Run stopped"}

    def get_run(self, run_id: str) -> Answer:
        run = self._known(run_id)
        return (200, {**run, **(self.metrics.get(run_id, {}) if run.get("run_dir") else {})}) if run else missing("Run")

    def list_runs(self, archived: bool, limit: int) -> Answer:
        self.reconcile()
        kept = [one for one in self.runs.values() if bool(one.get("is_archived")) <= archived]
        return 200, [dict(one) for one in sorted(kept, key=lambda one: -one["created_at"])[:limit]]

    def get_logs(self, run_id: str, offset: int, limit: int) -> Answer:
        run = self._known(run_id)
        if run is None:
            return missing("Run")
        path = Path(run["run_dir"]) / "run.log" if run.get("run_dir") else None
        raw = path.read_bytes() if path and path.exists() else b""
        start = max(0, len(raw) + offset) if offset < 0 else min(offset, len(raw))
        piece = raw[start : start + max(0, min(limit, 102_400))]
        more = {"has_more_before": start > 0, "has_more_after": start + len(piece) < len(raw)}
        content = piece.decode("utf-8", "replace").replace("\r", "")
        return 200, {"content": content, "offset": start, "total_size": len(raw), **more}

    def get_metrics(self, run_id: str) -> Answer:
        return (200, self.metrics.get(run_id, {})) if self._known(run_id) else missing("Run")

    # the whole

    def cluster(self) -> Answer:
        self.reconcile()
        cluster_type = self.cluster_type if self.cluster_is_set else "unknown"
        known = cluster_type != "unknown"
        states = [one["status"] for one in self.runs.values() if not one.get("is_archived")]
        cluster: dict[str, Any] = {
            "type": cluster_type,
            "status": "healthy" if known else "unknown",
            "source": "detected" if self.cluster_is_set else "unset",
            "label": cluster_type.replace("_", " ").title(),
            "description": "Words of ours.",
            "head_node": "host" if known else None,
            "node_count": 1 if known else None,
            "gpu_count": self.gpu_count if self.cluster_is_set else None,
            "notes": None,
            "confidence": 0.78 if known else 0.35,
            "details": {"signals": [], "slurm_nodes": None, "kubernetes_nodes": None, "ssh_hosts": 0},
            "last_detected_at": time.time(),
            "updated_at": time.time(),
        }
        return 200, {
            "cluster": cluster,
            "run_summary": {"total": len(states), **{name: states.count(name) for name in COUNTED}},
        }

    def detect_cluster(self) -> Answer:
        self.cluster_is_set = True
        return self.cluster()

    def system_health(self) -> Answer:
        states = [one["status"] for one in self.runs.values()]
        return 200, {
            "running": states.count("running"),
            "queued": states.count("queued") + states.count("ready"),
            "completed": states.count("finished"),
            "failed": states.count("failed"),
            "total": len(states),
            "max_concurrent": 5,
        }

    def events(self) -> Answer:
        self.reconcile()
        found = [
            {
                "id": one["id"],
                "type": "alert",
                "title": "Alert: unknown",
                "detail": one["message"],
                "run_id": one["run_id"],
                "created_at": time.time(),
            }
            for one in self.alerts
            if one["status"] == "pending"
        ]
        found += [
            {
                "id": f"run-{one['id']}-{one['status']}",
                "type": "run_complete",
                "title": f"Run {one['status']}: {one.get('name')}",
                "detail": f"Status: {one['status']}",
                "run_id": one["id"],
                "created_at": time.time(),
            }
            for one in self.runs.values()
            if one["status"] in ("finished", "failed", "stopped")
        ]
        return 200, found

    def alert(self, run_id: str, message: str, severity: str = "warning") -> None:
        """A run asks."""
        self.alerts.insert(
            0,
            {
                "id": uuid.uuid4().hex,
                "run_id": run_id,
                "timestamp": time.time(),
                "severity": severity,
                "message": message,
                "choices": ["Acknowledge"],
                "status": "pending",
                **dict.fromkeys(["response", "responded_at", "session_id"]),
                "auto_session": False,
            },
        )

    # how a run goes on

    def _known(self, run_id: str) -> dict[str, Any] | None:
        self.reconcile()
        return self.runs.get(run_id)

    def _launch(self, run: dict[str, Any]) -> None:
        folder = self.workdir / ".agents" / "runs" / run["id"]
        folder.mkdir(parents=True)
        run.update(status="launching", tmux_window=f"ra-{run['id'][:8]}", run_dir=str(folder), launched_at=time.time())
        if not self.execute:
            return
        where = Path(run["workdir"])
        with (folder / "run.log").open("wb") as log:
            self.processes[run["id"]] = subprocess.Popen(
                ["bash", "-c", f"({run['command']}); echo $? > '{folder}/job.done'"],
                cwd=where if where.is_dir() else self.workdir,  # a missing one is not noticed
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def reconcile(self) -> None:
        """Look how the runs are, as the real server does on GET /runs, /runs/{id} and /cluster."""
        for run in list(self.runs.values()):
            if run["status"] == "launching" and time.time() >= run["launched_at"] + self.launch_s:
                run.update(status="running", tmux_pane="%1", started_at=time.time())
            if run["status"] == "stopped":
                run.setdefault("ended_at", time.time())
        for run_id, process in list(self.processes.items()):
            if process.poll() is None:
                continue
            del self.processes[run_id]
            code = self._written_code(run_id)
            if run_id in self.runs:
                self.end(self.runs[run_id], code)
            else:  # it was started before a restart: its last report makes a stub
                self.runs[run_id] = {
                    "id": run_id,
                    "created_at": time.time(),
                    "exit_code": code,
                    "status": "finished" if code == 0 else "failed",
                    "ended_at": time.time(),
                }

    def _written_code(self, run_id: str) -> int | None:
        try:
            return int((self.workdir / ".agents" / "runs" / run_id / "job.done").read_text())
        except (OSError, ValueError):
            return None

    def end(self, run: dict[str, Any], code: int | None) -> None:
        with self.lock:
            error = "Pane disappeared" if code is None else f"Process exited with code {code}" if code else None
            run.setdefault("started_at", time.time())
            run.update(status="failed" if error else "finished", exit_code=code, error=error, ended_at=time.time())

    def forget(self) -> None:
        with self.lock:
            self.runs, self.sweeps, self.alerts, self.metrics = {}, {}, [], {}
            self.cluster_is_set = False

    def kill_all(self) -> None:
        with self.lock:
            for process in self.processes.values():
                _hang_up(process)
            self.processes.clear()


def _id() -> str:
    return uuid.uuid4().hex[:12]


def _derived(progress: dict[str, int]) -> str:
    if not progress["total"]:
        return "pending"
    if progress["running"] or progress["launching"]:
        return "running"
    if progress["queued"] or progress["ready"]:
        return "pending"
    if progress["failed"]:
        return "failed"
    return "completed" if progress["completed"] else "canceled"


def _hang_up(process: subprocess.Popen[bytes] | None) -> None:
    if process is None:
        return
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGHUP)
    try:
        process.wait(2)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
