"""Runs to MLflow's own server on loopback and back, before a release: its start alone takes longer than the check of the gate."""

from __future__ import annotations

import os
import socket
import subprocess
import urllib.request
from pathlib import Path

import pytest

from tests.conftest import Run
from tests.python.conftest import install_python
from tests.python.test_mlflow import PACKAGES, check_round_trip
from tests.results.conftest import Study
from tests.runs.conftest import until

pytestmark = pytest.mark.long


def test_runs_come_to_the_server_once(three_runs: Study, run: Run, tmp_path: Path) -> None:
    python = install_python(tmp_path / "venv", [*PACKAGES[1:], "mlflow"])
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"http://127.0.0.1:{free.getsockname()[1]}"
    words = ["--backend-store-uri", "sqlite:///server.db", "--host", "127.0.0.1", "--port", address.rpartition(":")[2]]
    environment = {**os.environ, "MLFLOW_DISABLE_TELEMETRY": "true"}
    command = [str(python), "-m", "mlflow", "server", "--workers", "1", *words]
    with (tmp_path / "log").open("w") as log:
        server = subprocess.Popen(command, cwd=three_runs.root, env=environment, stdout=log, stderr=log)

    def is_up() -> bool:
        assert server.poll() is None, (tmp_path / "log").read_text()
        try:
            return bool(urllib.request.urlopen(f"{address}/health", timeout=1).status == 200)
        except OSError:
            return False

    try:
        until(is_up, seconds=240)
        assert check_round_trip(three_runs, run, python, [address]) == ["server.db"]
    finally:
        server.terminate()
        server.wait(timeout=60)
