"""Time commands against each other: rounds that run every one once, in turn, so that a busy machine slows all alike.

What counts is the ratio of medians; absolute times depend on the machine. The first round only fills caches. A command is started
and waited for by a small process of its own: on Linux a process begins with the peak memory of the one that started it, and this one
may be large.
"""

from __future__ import annotations

import os
import shlex
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

METER = """
import os, sys, time
null = os.open(os.devnull, os.O_RDWR)
began = time.perf_counter()
actions = [(os.POSIX_SPAWN_DUP2, null, 0), (os.POSIX_SPAWN_DUP2, null, 1)]
child = os.posix_spawnp(sys.argv[1], sys.argv[1:], os.environ, file_actions=actions)
_, status, usage = os.wait4(child, 0)
passed = time.perf_counter() - began
print(passed, usage.ru_utime + usage.ru_stime, usage.ru_maxrss, os.waitstatus_to_exitcode(status))
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    """A command, or a function of this process, and what makes things ready before each of its turns (not timed)."""

    work: list[str] | Callable[[], object]
    prepare: Callable[[], object] = lambda: None
    cwd: Path | None = None
    answers: tuple[int, ...] = (0,)  # the exit codes that are no failure


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """Seconds that passed, seconds of processors (children included), and the peak megabytes of one process."""

    passed: float
    used: float
    megabytes: float

    @property
    def ms(self) -> float:
        return self.passed * 1000


def measure_costs(contenders: Mapping[str, Contender], *, rounds: int) -> dict[str, Cost]:
    """The median cost of each contender over `rounds` interleaved rounds, after one to warm up; of memory the peak."""
    return {name: median_cost(turns) for name, turns in measure_turns(contenders, rounds=rounds).items()}


def measure_turns(contenders: Mapping[str, Contender], *, rounds: int) -> dict[str, list[Cost]]:
    """The cost of each turn of each contender, after one to warm up."""
    costs: dict[str, list[Cost]] = {name: [] for name in contenders}
    for turn in range(rounds + 1):
        for name, contender in contenders.items():
            contender.prepare()
            cost = (
                _measure_command(name, contender.work, contender)
                if isinstance(contender.work, list)
                else _measure_call(contender.work)
            )
            if turn > 0:
                costs[name].append(cost)
    return costs


def median_cost(turns: Sequence[Cost]) -> Cost:
    """The medians of times, and the peak of memory."""
    return Cost(
        passed=statistics.median(turn.passed for turn in turns),
        used=statistics.median(turn.used for turn in turns),
        megabytes=max(turn.megabytes for turn in turns),
    )


def _measure_command(name: str, command: list[str], contender: Contender) -> Cost:
    meter = [sys.executable, "-IS", "-c", METER, *command]
    process = subprocess.run(meter, cwd=contender.cwd, capture_output=True, text=True, errors="replace", check=False)
    if process.returncode != 0:
        raise RuntimeError(f"{name} cannot be started: {shlex.join(command)}\n{process.stderr}")
    passed, used, peak, code = process.stdout.split()
    if int(code) not in contender.answers:
        raise RuntimeError(f"{name} ended with {code}: {shlex.join(command)}\n{process.stderr}")
    return Cost(
        passed=float(passed), used=float(used), megabytes=int(peak) / (1024 if sys.platform == "linux" else 1024**2)
    )


def _measure_call(work: Callable[[], object]) -> Cost:
    began, used = time.perf_counter(), sum(os.times()[:4])
    work()
    return Cost(passed=time.perf_counter() - began, used=sum(os.times()[:4]) - used, megabytes=0.0)


def measure_cold_and_warm(command: list[str], root: Path, cache: Path, *, rounds: int) -> tuple[Cost, Cost]:
    """What a command costs without the cache, which is deleted before, and right after that with it."""
    cold = Contender(work=command, cwd=root, prepare=lambda: shutil.rmtree(cache, ignore_errors=True))
    costs = measure_costs({"cold": cold, "warm": Contender(work=command, cwd=root)}, rounds=rounds)
    return costs["cold"], costs["warm"]
