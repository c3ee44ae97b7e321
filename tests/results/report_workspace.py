"""A workspace with something of everything, for tests of the report."""

from __future__ import annotations

import json
import math

from tests.conftest import write_tree
from tests.results.conftest import Study

ATTACK = "<script>window.pwned=1</script>"
IMAGE = "<img src=x onerror=window.pwned=1>"
TOKEN = "hf_" + "AbCdEfGhIjKlMnOpQrStUvWxYz012345"
ANSWERS = f"""\
experiment_goal: "Does wide beat the baseline? {ATTACK} It must not run."
primary_metric: val/acc
metric_direction: maximize
"""
PLAN = f"""\
# Tasks

## Goal

Does wide beat the baseline?

## Phase 1 - Preparation {IMAGE}

- [x] [P1-T1] Read `train.py` {ATTACK} | deliverable: exp/analysis/notes.md | done-when: it is there
- [x] [P1-T2] Set up | deliverable: exp/analysis/none.md | done-when: it is there

## Phase 2 - Work

- [/] [P2-T1] Run the baseline | depends: P1-T1 | deliverable: exp/results/*.csv | done-when: 3 runs finished in baseline
- [ ] [P2-T2] Midpoint reflection: go on or replan | depends: P2-T1 | deliverable: exp/analysis/midpoint.md | done-when: it says
- [ ] [P2-T3] Final reflection: what follows | depends: P2-T2 | deliverable: ../../etc/passwd | done-when: it says

## Shared Metrics and Analytics Contract

- Primary metrics: `val/acc`, higher is better
- Secondary diagnostics: run time
- Statistical checks: mean and 95% interval over 3 seeds
- Required artifacts: result table (CSV), learning curves, `exp/analysis/notes.md`, `exp/analysis/gone.md`; happiness
  - a run manifest for every number
"""


def fill(study: Study) -> Study:
    """Runs of all kinds: good ones with curves, attacks in every text, failures with logs, a lost one, a plan, a contract."""
    write_tree(
        study.root,
        {
            "exp/tasks.md": PLAN,
            "exp/analysis/notes.md": "notes\n",
            "exp/results/baseline.csv": "a,b\n1,2\n",
            "train.py": "print(1)\n",
        },
    )
    for experiment, top in (("baseline", 0.7), ("wide", 0.8), (f"evil {ATTACK}", 0.75)):
        for rate in (0.01, 0.1, 1.0) if experiment == "wide" else (0.1,):
            for seed in (1, 2, 3):
                end = top - 0.01 * abs(math.log10(rate) + 1) + 0.002 * seed
                rows = [{"step": i, "val/acc": end * (1 - 0.5**i), "loss": 0.5**i} for i in range(1, 8)]
                study.add(
                    experiment,
                    seed,
                    {"lr": rate, "note": IMAGE} if "evil" in experiment else {"lr": rate},
                    {"val/acc": rows[-1]["val/acc"], "loss": rows[-1]["loss"], f"x{IMAGE}": 0.5},
                    files={"metrics.jsonl": "".join(json.dumps(row) + "\n" for row in rows)},
                    task="P2-T1" if experiment == "baseline" else None,
                    sweep=f"sweep {IMAGE}" if experiment == "wide" else None,
                    name=None if experiment in ("baseline", "wide") else f"evil-s{seed}-0000000{seed}",
                )
    for seed in (4, 5, 6):
        name = study.add("wide", seed, {"lr": 100.0}, status="failed")
        trace = f"Traceback (most recent call last):\nValueError: loss {seed}.5 {ATTACK}\ntoken={TOKEN}\n"
        tail = "" if seed == 6 else f"ValueError: loss {seed}.5 {ATTACK}\n"
        write_tree(
            study.root, {f"exp/logs/{name}.err": "x\n" * 5000 + trace + tail, f"exp/logs/{name}.out": "started\n"}
        )
    study.add("wide", 7, {"lr": 0.1}, status="lost")
    return study
