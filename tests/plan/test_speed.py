"""A check costs little more than starting Python, and grows with the plan, not faster. Processor time, so that no load disturbs it."""

from __future__ import annotations

import os
import resource
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
    def seconds(tasks: int) -> float:
        text = plan(tasks)
        begun = time.process_time()
        assert len(check(text).plan.tasks) == tasks
        fixed(text)
        return time.process_time() - begun

    seconds(100)
    assert seconds(10_000) / seconds(1_000) < 30


@pytest.mark.slow
def test_a_check_takes_at_most_three_times_as_long_as_importing_click(tmp_path: Path) -> None:
    path = tmp_path / "tasks.md"
    path.write_text(plan(25), encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": str(PROJECT)}

    def seconds(*arguments: str) -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, *arguments], env=environment, stdout=subprocess.DEVNULL, check=False)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    ratios = [seconds("-m", "scaffold", "plan", "check", str(path)) / seconds("-c", "import click") for _ in range(9)]
    assert statistics.median(ratios[1:]) < 3, ratios
