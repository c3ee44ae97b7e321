"""How long `scaffold guard` takes, which a hook of a coding agent runs before every shell command: against `python -c "import click"`.

    python -m benchmarks.guard [--quick]

The limit is 1.5x, for a command that is stopped as for one that passes, in a workspace with one script that runs experiments.
"""

from __future__ import annotations

import json
import sys

from benchmarks.fixtures import SCAFFOLD, make_recorded_repository, scratch_home
from benchmarks.interleaved import Contender, measure_costs
from benchmarks.peers import Peers
from benchmarks.result_rows import Reference, Row, run_alone

LIMIT = 1.5
STOPPED, PASSED = "cd src && timeout 60 python train.py --lr 0.1", "git status && ls src"
ENTRIES = "entry_points:\n- command: python train.py\n  kind: train\n  path: train.py\n"


def measure(*, quick: bool = False, peers: Peers | None = None) -> list[Row]:
    """A command that is stopped, and one that is not."""
    with scratch_home() as folder:
        root = folder / "repository"
        make_recorded_repository(root, 5)
        answers = root / "exp" / ".copier-answers.scaffold.yml"
        facts = json.loads(answers.read_text())
        plain = "".join(f"{name}: {json.dumps(value)}\n" for name, value in facts.items())
        answers.write_text(plain + ENTRIES)  # as Copier writes it, one answer a line
        contenders = {
            "import click": Contender(work=[sys.executable, "-c", "import click"], cwd=root),
            "stopped": Contender(work=[*SCAFFOLD, "guard", "--command", STOPPED], cwd=root, answers=(3,)),
            "passed": Contender(work=[*SCAFFOLD, "guard", "--command", PASSED], cwd=root),
        }
        cost = measure_costs(contenders, rounds=2 if quick else 25)
    click = Reference(name="import click", value=cost["import click"].ms)
    rows = []
    for name in ("stopped", "passed"):
        ratio = cost[name].passed / cost["import click"].passed
        what = f"guard, a command that is {name}, over `import click`"
        rows.append(Row(benchmark="plan", what=what, ours=ratio, unit="x", limit=LIMIT))
        rows.append(Row(benchmark="plan", what="the same, time", ours=cost[name].ms, unit="ms", beside=(click,)))
    return rows


if __name__ == "__main__":
    raise SystemExit(run_alone(measure, __doc__))
