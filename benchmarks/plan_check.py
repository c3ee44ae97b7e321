"""How long `scaffold plan check` takes: against `python -c "import click"`, and as a plan grows.

    python benchmarks/plan_check.py [ROUNDS]

The two commands alternate, and the median of their ratios is shown: a busy machine slows both. The file that is checked has
25 tasks in 5 phases. Growth is measured in one process, as seconds for each 1,000 tasks.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from scaffold.plan.check import check
from scaffold.plan.fix import fixed

PROJECT = Path(__file__).parent.parent
SIZES = (100, 1_000, 10_000)


def plan(tasks: int, phases: int = 5) -> str:
    """A plan of that many tasks, each with three fields and a dependency, in which nothing is wrong with a line."""
    lines = ["# Tasks\n", "## Goal\n", "Measure.\n"]
    for phase in range(1, phases + 1):
        lines.append(f"## Phase {phase} - part {phase}\n")
        for number in range(1, tasks // phases + 1):
            before = f" | depends: P{phase}-T{number - 1}" if number > 1 else ""
            lines.append(
                f"- [ ] [P{phase}-T{number}] Look at `python x.py | tee {number}` and write it down{before}"
                f" | deliverable: exp/analysis/{phase}-{number}.md | done-when: the file has {number} lines and val/loss <= 3.2"
            )
    return "\n".join(lines) + "\n"


def seconds(command: list[str]) -> float:
    begun = time.perf_counter()
    subprocess.run(command, cwd=PROJECT, stdout=subprocess.DEVNULL, check=False)
    return time.perf_counter() - begun


def against_click(rounds: int) -> list[float]:
    """The ratio of both commands' times, for each round."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "tasks.md"
        path.write_text(plan(25), encoding="utf-8")
        click = [sys.executable, "-c", "import click"]
        checked = [sys.executable, "-m", "scaffold", "plan", "check", str(path)]
        seconds(click), seconds(checked)
        return [seconds(checked) / seconds(click) for _ in range(rounds)]


def growth() -> None:
    for size in SIZES:
        text = plan(size)
        begun = time.perf_counter()
        check(text)
        checked = time.perf_counter()
        fixed(text)
        mended = time.perf_counter()
        per = 1000 / size
        print(
            f"{size:6} tasks: check {(checked - begun) * per:.3f} s, fix {(mended - checked) * per:.3f} s for each 1,000"
        )


def main() -> None:
    ratios = against_click(int(sys.argv[1]) if len(sys.argv) > 1 else 15)
    low, high = min(ratios), max(ratios)
    print(f"plan check of 25 tasks: {statistics.median(ratios):.2f} times `import click` ({low:.2f} to {high:.2f})")
    growth()


if __name__ == "__main__":
    main()
