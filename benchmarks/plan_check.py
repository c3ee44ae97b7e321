"""How long `scaffold plan check` takes: against `python -c "import click"`, and as a plan grows.

    python -m benchmarks.plan_check [--quick]

The limit is 2x for a plan of 25 tasks in 5 phases. Growth is measured in one process, as milliseconds for each task of plans
of 100, 1,000 and 10,000 tasks. It is to be linear: that is taken as at most twice the time for a task when there are ten
times as many (the best of three turns counts; were it quadratic, it would be ten times).
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

from benchmarks.fixtures import SCAFFOLD, scratch_home
from benchmarks.interleaved import Contender, measure_costs
from benchmarks.peers import Peers
from benchmarks.result_rows import Reference, Row, run_alone

SIZES, TURNS = (100, 1_000, 10_000), 3


def make_plan(tasks: int, phases: int = 5) -> str:
    """A plan of that many tasks, each with three fields and a dependency, in which nothing is wrong with a line."""
    lines = ["# Tasks\n", "## Goal\n", "Measure.\n"]
    for phase in range(1, phases + 1):
        lines.append(f"## Phase {phase} - part {phase}\n")
        for number in range(1, tasks // phases + 1):
            depends = f" | depends: P{phase}-T{number - 1}" if number > 1 else ""
            lines.append(
                f"- [ ] [P{phase}-T{number}] Look at `python x.py | tee {number}` and write it down{depends}"
                f" | deliverable: exp/analysis/{phase}-{number}.md | done-when: the file has {number} lines and val/loss <= 3.2"
            )
    return "\n".join(lines) + "\n"


def measure(*, quick: bool = False, peers: Peers | None = None) -> list[Row]:
    """The whole command for a small plan, and the growth of check and fix."""
    from scaffold.plan.document.fix import fix_plan
    from scaffold.plan.rules.check import check_plan

    with scratch_home() as folder:
        path = folder / "tasks.md"
        path.write_text(make_plan(25), encoding="utf-8")
        contenders = {
            "import click": Contender(work=[sys.executable, "-c", "import click"]),
            "check": Contender(work=[*SCAFFOLD, "plan", "check", str(path)], answers=(0, 3)),
        }
        cost = measure_costs(contenders, rounds=2 if quick else 15)
    whole, click = cost["check"], cost["import click"]
    ratio = Row(
        benchmark="plan",
        what="check of 25 tasks over `import click`",
        ours=whole.passed / click.passed,
        unit="x",
        limit=2,
    )
    time_ = Row(
        benchmark="plan",
        what="the same, time",
        ours=whole.ms,
        unit="ms",
        beside=(Reference(name="import click", value=click.ms),),
    )
    sizes = SIZES[:2] if quick else SIZES
    return [ratio, time_, *measure_growth("check", check_plan, sizes), *measure_growth("fix", fix_plan, sizes)]


def measure_growth(name: str, work: Callable[[str], object], sizes: tuple[int, ...]) -> list[Row]:
    """Milliseconds for each task as the plan grows."""
    # another text each turn: one that was read before is not read again
    each = {
        size: min(time_call(work, make_plan(size) + "\n" * turn) for turn in range(TURNS)) * 1000 / size
        for size in sizes
    }
    largest, second = sizes[-1], sizes[-2]
    return [
        Row(
            benchmark="plan",
            what=f"{name}, a task of {largest:,} over one of {second:,}",
            ours=each[largest] / each[second],
            unit="x",
            limit=2,
        ),
        Row(
            benchmark="plan",
            what=f"{name}, a task of {largest:,}",
            ours=each[largest],
            unit="ms",
            beside=tuple(Reference(name=f"of {size:,}", value=each[size]) for size in sizes[:-1]),
        ),
    ]


def time_call(work: Callable[[str], object], text: str) -> float:
    """How long one call takes."""
    began = time.perf_counter()
    work(text)
    return time.perf_counter() - began


if __name__ == "__main__":
    raise SystemExit(run_alone(measure, __doc__))
