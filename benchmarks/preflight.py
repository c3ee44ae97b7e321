"""How long `scaffold preflight` takes on a healthy loopback server: against its slowest single check.

    python -m benchmarks.preflight [--quick]

The server is the stand-in of the tests, in a process of its own, which holds each answer back for 50 ms, as a busy server does. Each
round measures, one after the other, so that a busy machine slows all alike: every check alone, all checks together, the whole command,
and its start-up (the same command, its checks taken out). Two ratios of medians, each with the limit of 1.5: the whole command over
start-up and slowest check, and the checks together over the slowest of them alone.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.fixtures import PROJECT, scratch_home
from benchmarks.peers import Peers
from benchmarks.result_rows import Reference, Row, run_alone
from scaffold.server import operations
from scaffold.server.client import ServerClient, make_server_client
from scaffold.server.preflight import run_server_preflight

LIMIT, HELD_S = 1.5, 0.05
SERVER = """
import sys, time
from pathlib import Path
from tests.stand_in import StandIn, http
plain = http.Handler._answer
http.Handler.do_GET = lambda self: (time.sleep(float(sys.argv[2])), plain(self))
server = StandIn(Path(sys.argv[1]))
print(server.url, flush=True)
sys.stdin.read()
"""
START_UP = """
import sys
from scaffold.server import preflight
assert preflight.run_server_preflight  # a name that is gone would be replaced in vain, and the checks be counted as start-up
preflight.run_server_preflight = lambda server, workdirs: preflight.PreflightReport(server=server.url, checks=(), seconds=0.0)
from scaffold.cli.main import main
sys.argv[1:1] = ["preflight"]
main()
"""


def time_call(call: Callable[[], object]) -> float:
    """How long one call takes."""
    begun = time.perf_counter()
    call()
    return time.perf_counter() - begun


def run_python(*command: str) -> None:
    """Run Python; an error where it ends with another code than 0."""
    process = subprocess.run([sys.executable, *command], cwd=PROJECT, capture_output=True, text=True)
    if process.returncode != 0:
        raise RuntimeError(f"{command} failed:\n{process.stdout}{process.stderr}")


def single_requests(server: ServerClient) -> list[Callable[[], object]]:
    """The requests of preflight, one by one."""
    protocol = operations.PROTOCOL
    return [
        server.docs,
        server.openapi,
        server.skills,
        lambda: server.skill(protocol),
        server.system_health,
        server.health,
    ]


def median_times(url: str, workdir: Path, rounds: int) -> dict[str, float]:
    """Median seconds of the slowest check alone, all checks, the start-up and the whole command."""
    times: dict[str, list[float]] = {"slowest": [], "together": [], "start-up": [], "whole": []}
    arguments = ("--workdir", str(workdir), "--server-url", url)
    with make_server_client(url) as server:
        run_server_preflight(server, [workdir])
        for _ in range(rounds):
            times["slowest"].append(max(time_call(call) for call in single_requests(server)))
            report = run_server_preflight(server, [workdir])
            if not report.ready:
                raise RuntimeError(f"{url} is not ready: {report.reason}")
            times["together"].append(report.seconds)
            times["start-up"].append(time_call(lambda: run_python("-c", START_UP, *arguments)))
            times["whole"].append(time_call(lambda: run_python("-m", "scaffold", "preflight", *arguments)))
    return {name: statistics.median(values) for name, values in times.items()}


@contextmanager
def running_stand_in(workdir: Path) -> Iterator[str]:
    """The URL of a server in a process of its own."""
    command = [sys.executable, "-c", SERVER, str(workdir), str(HELD_S)]
    with subprocess.Popen(command, cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        yield child.stdout.readline().strip()
        child.communicate()


def measure(*, quick: bool = False, peers: Peers | None = None) -> list[Row]:
    """Both ratios, and the time of the command."""
    with scratch_home() as folder, running_stand_in(folder) as url:
        seconds = median_times(url, folder, rounds=2 if quick else 11)
    floor = seconds["start-up"] + seconds["slowest"]
    return [
        Row(
            benchmark="preflight",
            what="the command over start-up and its slowest check",
            ours=seconds["whole"] / floor,
            unit="x",
            limit=LIMIT,
        ),
        Row(
            benchmark="preflight",
            what="its checks together over the slowest alone",
            ours=seconds["together"] / seconds["slowest"],
            unit="x",
            limit=LIMIT,
        ),
        Row(
            benchmark="preflight",
            what="the command, time",
            ours=seconds["whole"] * 1000,
            unit="ms",
            beside=tuple(
                Reference(name=name, value=seconds[name] * 1000) for name in ("start-up", "slowest", "together")
            ),
        ),
    ]


if __name__ == "__main__":
    raise SystemExit(run_alone(measure, __doc__))
