"""How long `scaffold preflight` takes on a healthy loopback server: against its slowest single check.

    python benchmarks/preflight.py [ROUNDS] [URL]

Without a URL the server is the stand-in of the tests, in a process of its own, which holds each answer back for 50 ms, as a busy server
does. Each round measures, one after the other, so that a busy machine slows all alike: every check alone, all checks together, the
whole command, and its start-up (the same command, its checks taken out). Two ratios of medians, each with the limit of 1.5:

- the checks together over the slowest of them alone; this one counts for the stand-in only: a real server that answers in 3 ms does so on
  one thread, and six answers take it as long as they take it, however they are asked for;
- the whole command over start-up and slowest check.

Exit code 3 where one that counts is missed.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

PROJECT = Path(__file__).parent.parent
sys.path.insert(0, str(PROJECT))

from scaffold.server import operations  # noqa: E402
from scaffold.server.client import Client, connect  # noqa: E402
from scaffold.server.preflight import preflight  # noqa: E402

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
preflight.preflight = lambda server, workdirs: preflight.Report(server=server.url, checks=(), seconds=0.0)
from scaffold.cli import main
sys.argv[1:1] = ["preflight"]
main()
"""


def seconds(call: Callable[[], object]) -> float:
    begun = time.perf_counter()
    call()
    return time.perf_counter() - begun


def ran(*command: str) -> None:
    done = subprocess.run([sys.executable, *command], cwd=PROJECT, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{command} failed:\n{done.stdout}{done.stderr}")


def singles(server: Client) -> list[Callable[[], object]]:
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


def measure(url: str, workdir: Path, rounds: int) -> dict[str, float]:
    """Median seconds of the slowest check alone, all checks, the start-up and the whole command."""
    times: dict[str, list[float]] = {"slowest": [], "together": [], "start-up": [], "whole": []}
    arguments = ("--workdir", str(workdir), "--server-url", url)
    with connect(url) as server:
        preflight(server, [workdir])
        for _ in range(rounds):
            times["slowest"].append(max(seconds(call) for call in singles(server)))
            report = preflight(server, [workdir])
            if not report.ready:
                sys.exit(f"{url} is not ready: {report.reason}")
            times["together"].append(report.seconds)
            times["start-up"].append(seconds(lambda: ran("-c", START_UP, *arguments)))
            times["whole"].append(seconds(lambda: ran("-m", "scaffold", "preflight", *arguments)))
    return {name: statistics.median(found) for name, found in times.items()}


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 11
    real = sys.argv[2] if len(sys.argv) > 2 else None
    with tempfile.TemporaryDirectory() as folder:
        if real is not None:
            with connect(real) as server:
                found = measure(real, Path(server.health().workdir), rounds)
        else:
            command = [sys.executable, "-c", SERVER, folder, str(HELD_S)]
            with subprocess.Popen(
                command, cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            ) as child:
                assert child.stdout is not None
                found = measure(child.stdout.readline().strip(), Path(folder), rounds)
                child.communicate()
    print(", ".join(f"{name} {value * 1000:.1f} ms" for name, value in found.items()))
    together = found["together"] / found["slowest"]
    whole = found["whole"] / (found["start-up"] + found["slowest"])
    print(f"checks together: {together:.2f} x the slowest alone (limit {'none for a real server' if real else LIMIT})")
    print(f"whole command: {whole:.2f} x start-up and the slowest check (limit {LIMIT})")
    if whole > LIMIT or (real is None and together > LIMIT):
        sys.exit(3)


if __name__ == "__main__":
    main()
