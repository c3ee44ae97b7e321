"""Time commands against each other: rounds that run every command once, in turn, so that a busy machine slows all alike.

What counts is the ratio of medians; absolute times depend on the machine.
"""

from __future__ import annotations

import os
import shlex
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    """A command, and what makes things ready before each of its turns (not timed)."""

    command: list[str]
    prepare: Callable[[], None] = lambda: None


def medians(contenders: Mapping[str, Contender], *, rounds: int) -> dict[str, float]:
    """Median wall seconds of each contender over `rounds` interleaved rounds, after one round to warm up."""
    times: dict[str, list[float]] = {name: [] for name in contenders}
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    for turn in range(rounds + 1):
        for name, contender in contenders.items():
            contender.prepare()
            began = time.perf_counter()
            done = subprocess.run(contender.command, capture_output=True, env=environment)
            took = time.perf_counter() - began
            if done.returncode != 0:
                sys.exit(f"{name} failed: {shlex.join(contender.command)}\n{done.stderr.decode(errors='replace')}")
            if turn > 0:
                times[name].append(took)
    return {name: statistics.median(values) for name, values in times.items()}


def table(found: Mapping[str, float], *, against: str) -> None:
    """Print milliseconds and the ratio to one of the contenders."""
    width = max(map(len, found))
    for name, seconds in found.items():
        print(f"{name:<{width}}  {seconds * 1000:8.0f} ms  {seconds / found[against]:5.2f} x")
