"""A check costs little more than starting Python, and grows with the plan, not faster."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

import pytest

from benchmarks.plan_check import plan
from scaffold.plan.check import check
from scaffold.plan.fix import fixed

PROJECT = Path(__file__).parents[2]


@pytest.mark.slow
def test_time_grows_no_faster_than_the_plan() -> None:
    def seconds(text: str) -> float:
        begun = time.perf_counter()
        check(text)
        fixed(text)
        return time.perf_counter() - begun

    small, large = plan(1_000), plan(10_000)
    assert check(large).findings and len(check(large).plan.tasks) == 10_000
    ratios = sorted(seconds(large) / seconds(small) for _ in range(2))
    assert ratios[0] < 30, ratios


@pytest.mark.slow
def test_a_check_takes_at_most_three_times_as_long_as_importing_click(tmp_path: Path) -> None:
    path = tmp_path / "tasks.md"
    path.write_text(plan(25), encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": str(PROJECT)}

    def seconds(*arguments: str) -> float:
        begun = time.perf_counter()
        subprocess.run([sys.executable, *arguments], env=environment, stdout=subprocess.DEVNULL, check=False)
        return time.perf_counter() - begun

    ratios = [seconds("-m", "scaffold", "plan", "check", str(path)) / seconds("-c", "import click") for _ in range(9)]
    assert statistics.median(ratios[1:]) < 3, ratios
