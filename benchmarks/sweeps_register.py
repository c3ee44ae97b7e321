"""What registering a sweep on the research server costs beyond the requests themselves, against the tests' stand-in.

    python -m benchmarks.sweeps_register [--quick]

Bare: the same requests with the same bodies through the same client, one after another, and nothing looked for or written down.
Ours: the backend's `register` with a real ledger. Raw: the requests over one kept connection of http.client, without a deadline, a
limit or a check of the answer. Rounds are interleaved; the limit is 1.3x of bare. The stand-in runs in a process of its own and
answers in half a millisecond, where the real server takes 3 ms at 10 runs and 43 ms at 1,000: what is seen here is the worst case.
"""

from __future__ import annotations

import http.client
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks.fixtures import PROJECT, scratch_home
from benchmarks.peers import Peers
from benchmarks.result_rows import Reference, Row, run_alone
from scaffold.backends.interface import BackendContext, Job
from scaffold.backends.server import job_mapping
from scaffold.backends.server.backend import ServerBackend
from scaffold.server.client import make_server_client
from scaffold.sweeps.launch import ledger
from scaffold.sweeps.launch.ledger_entries import RunSubmission
from scaffold.workspace import Workspace

LIMIT = 1.3
SERVE = """
import sys, time
from pathlib import Path
from tests.stand_in import StandIn
from tests.stand_in.http import Handler
Handler.disable_nagle_algorithm = True  # else every answer on a kept connection waits 40 ms
stand_in = StandIn(Path(sys.argv[1]))
print(stand_in.url, flush=True)
sys.stdin.read()
"""


def send_through_client(url: str, jobs: list[Job], workdir: Path) -> None:
    """The requests through our client, and nothing else."""
    with make_server_client(url) as server:
        sweep = server.create_sweep("grid", "bench")
        for job in jobs:
            command = job_mapping.format_launcher_command(job.launcher)
            server.create_run(job.name, command, workdir=str(workdir), sweep_id=sweep.id)


def send_raw(url: str, jobs: list[Job], workdir: Path) -> None:
    """The requests as cheaply as Python can send them."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port)
    headers = {"Content-Type": "application/json"}

    def post(path: str, body: object) -> dict[str, str]:
        connection.request("POST", path, json.dumps(body), headers)
        answer: dict[str, str] = json.loads(connection.getresponse().read())
        return answer

    sweep_id = post("/sweeps/wild", {"name": "grid", "goal": "bench", "chat_session_id": None})["id"]
    for job in jobs:
        body = {"name": job.name, "command": job_mapping.format_launcher_command(job.launcher), "workdir": str(workdir)}
        post("/runs", {**body, "sweep_id": sweep_id, "chat_session_id": None, "auto_start": False})
    connection.close()


def register_sweep(url: str, jobs: list[Job], workdir: Path) -> None:
    """The same through the backend, every handle into a ledger."""
    answers = {"experiment_root": "exp", "workspace_layout": "flat", "role_dirs": {}, "research_server_url": url}
    folder = workdir / "exp" / "metadata" / "sweeps"
    with tempfile.TemporaryDirectory(dir=folder) as place:
        path = Path(place) / "grid.ledger.json"
        with ledger.lock_sweep_ledger(path, "grid", doing="bench") as book:
            for job in jobs:
                book.put_submission(job.name, RunSubmission(number=1, backend="server"))

            def keep(key: str, value: str) -> None:
                book.keep_note("server", key, value)
                book.save()

            context = BackendContext(
                workspace=Workspace(workdir=workdir, root="exp", answers=answers),
                sweep=Path(place).name,  # no other round's sweep is to be found again
                goal="bench",
                experiment="train",
                folder=folder / "grid",
                logs=folder,
                notes={},
                warn=lambda text: print(text, file=sys.stderr),
            )

            def on_registered(name: str, job_id: str) -> None:
                book.change_newest(name, job_id=job_id)
                book.save(batch=True)

            ServerBackend(context).register(jobs, on_registered, keep)
        known = ledger.read_ledger(path, "grid")
        if not all((one := known.newest_submission(job.name)) and one.job_id for job in jobs):
            raise RuntimeError("the ledger does not hold every handle")


def time_once(way: Callable[[str, list[Job], Path], None], jobs: list[Job], workdir: Path) -> float:
    """Seconds of one way with a fresh server."""
    command = [sys.executable, "-c", SERVE, str(workdir)]
    with subprocess.Popen(command, cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        url = server.stdout.readline().strip()
        began = time.perf_counter()
        way(url, jobs, workdir)
        return time.perf_counter() - began


def measure(*, quick: bool = False, peers: Peers | None = None) -> list[Row]:
    """The three ways, in turn."""
    runs, rounds = (20, 1) if quick else (1_000, 5)
    ways = {"bare": send_through_client, "ours": register_sweep, "raw": send_raw}
    times: dict[str, list[float]] = {name: [] for name in ways}
    with scratch_home() as workdir:
        folder = workdir / "exp" / "metadata" / "sweeps" / "grid"
        folder.mkdir(parents=True)
        names = [f"train-lr=0.{i:04}-s1-0a1b2c3d" for i in range(runs)]
        jobs = [Job(name=name, number=1, launcher=folder / f"{name}.sh") for name in names]
        for turn in range(rounds + 1):
            for name, way in ways.items():
                took = time_once(way, jobs, workdir)
                if turn:
                    times[name].append(took)
    found = {name: statistics.median(values) for name, values in times.items()}
    beside = (
        Reference(name="the requests, through our client", value=found["bare"]),
        Reference(name="the requests, http.client alone", value=found["raw"]),
    )
    return [
        Row(
            benchmark="sweeps",
            what=f"{runs:,} runs registered over the same requests",
            ours=found["ours"] / found["bare"],
            unit="x",
            limit=LIMIT,
        ),
        Row(benchmark="sweeps", what="the same, time", ours=found["ours"], unit="s", beside=beside),
    ]


if __name__ == "__main__":
    raise SystemExit(run_alone(measure, __doc__))
