"""How long it takes until the command line answers: a start, and every command that reads nothing but the workspace's own records.

    python -m benchmarks.start_up [--quick]

`--version` and `--help` stand beside `python -c "import click"`, which they cannot do without; the limit is 1.1 of it. Of the commands
that read records (`report` apart, which draws) each has 150 ms on 100 runs; the index is there, as it is after any such command.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from benchmarks import study_data
from benchmarks.fixtures import SCAFFOLD, scratch_home
from benchmarks.interleaved import Contender, measure_costs
from benchmarks.peers import Peers
from benchmarks.plan_check import make_plan
from benchmarks.result_rows import Reference, Row, run_alone

METRICS = 5
# as people start it: `python -m` costs as much as a twentieth of `import click` beside
SCRIPT = Path(sys.executable).with_name("scaffold")
START = [str(SCRIPT)] if SCRIPT.is_file() else list(SCAFFOLD)
READING = (
    *("runs list", "runs show 00000001", "runs metrics", "runs cite 0.5"),
    *("results", "results compare lr=0 lr=1", "results ablation --reference lr=0", "results sensitivity lr"),
    *("sweep list", "plan show", "plan next", "plan check"),
)


def measure(*, quick: bool = False, peers: Peers | None = None) -> list[Row]:
    """Starts, and commands that read."""
    with scratch_home() as folder:
        starts = measure_costs(
            {
                "import click": Contender(work=[sys.executable, "-c", "import click"]),
                **{option: Contender(work=[*START, option]) for option in ("--version", "--help")},
            },
            rounds=2 if quick else 25,
        )
        study = folder / "study"
        study_data.write_study(study, runs=6 if quick else 100, metrics=METRICS)
        (study / "exp/tasks.md").write_text(make_plan(25), encoding="utf-8")
        subprocess.run(["git", "init", "-q", study], check=True)
        contenders = {line: Contender(work=[*START, *line.split()], cwd=study, answers=(0, 3)) for line in READING}
        reading = measure_costs(contenders, rounds=1 if quick else 7)
    click = starts["import click"]
    rows = [
        Row(
            benchmark="results",
            what=f"{option} over `import click`",
            ours=starts[option].passed / click.passed,
            unit="x",
            limit=1.1,
            beside=(Reference(name="import click, ms", value=click.ms),),
        )
        for option in ("--version", "--help")
    ]
    return rows + [
        Row(benchmark="results", what=f"{_spoken(line)}, 100 runs", ours=reading[line].ms, unit="ms", limit=150)
        for line in READING
    ]


def _spoken(line: str) -> str:
    """The command without its arguments."""
    words = line.split()
    return " ".join(words[: 1 if words[0] == "results" and len(words) == 1 else 2])


if __name__ == "__main__":
    raise SystemExit(run_alone(measure, __doc__))
