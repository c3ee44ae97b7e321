"""What launching costs: wall time of each run of a local sweep, one after the other, beyond the recorder's own.

    python benchmarks/sweeps_launch.py [--runs N] [--rounds N] [--known N]

Each round paces a new sweep of N runs to its end, and records the same commands N times without one, interleaved, so that a busy
machine disturbs both alike. `--known` puts so many finished runs of a sweep before, since ledger and records grow. Budget: 25 ms a run.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from scaffold import workspace as workspaces
from scaffold.sweeps import codestate, launchers, naming, sheet, watching
from scaffold.sweeps.model import Code, Resources, Sweep
from scaffold.sweeps.pacing import Pacer
from scaffold.workspace import Workspace

SCRIPTS = Path(__file__).parents[1] / "template" / "exp" / "{{ experiment_root }}" / "{{ role_dirs.scripts }}"
ROLES = ("scripts", "logs", "outputs", "results", "analysis", "metadata")
BUDGET_MS = 25.0


def workspace(root: Path) -> Workspace:
    """A committed repository with a workspace."""
    (root / "exp" / "scripts").mkdir(parents=True)
    (root / "train.sh").write_text("exit 0\n")
    for name in ("record_run.py", "run_manifest.schema.json"):
        shutil.copy(SCRIPTS / name, root / "exp" / "scripts" / name)
    facts = {
        "experiment_root": "exp",
        "layout": "flat",
        "role_dirs": {r: r for r in ROLES},
        "tasks_path": "exp/tasks.md",
    }
    (root / "exp" / "scripts" / "workspace.json").write_text(json.dumps(facts))
    roles = "".join(f"  {role}: {role}\n" for role in ROLES)
    answers = (
        f"experiment_root: exp\nworkspace_layout: flat\ntasks_path: exp/tasks.md\nexperiments: []\nrole_dirs:\n{roles}"
    )
    (root / "exp" / workspaces.ANSWERS).write_text(answers)
    for words in (
        ["init", "-q"],
        ["add", "-A"],
        ["-c", "user.name=b", "-c", "user.email=b@localhost", "commit", "-qm", "b"],
    ):
        subprocess.run(["git", *words], cwd=root, check=True, capture_output=True)
    return workspaces.load(root, "exp")


def pacer(place: Workspace, name: str, first: int, runs: int) -> Pacer:
    """A planned sweep of so many runs, one at a time."""
    planned = codestate.planned(
        place,
        Sweep(
            name=name,
            goal="bench",
            experiment="bench",
            command=("sh", "train.sh"),
            cwd=".",
            style="flags",
            configurations=({},),
            seeds=tuple(range(first, first + runs)),
            task=None,
            backend="local",
            resources=Resources(gpus=0, cpus=os.cpu_count()),
            code=Code(state=None, commit=None, patch=None),
        ),
    )
    sheet.write(place, planned)
    return Pacer(
        place,
        planned,
        naming.runs(place, planned),
        launchers=lambda chosen: launchers.write(place, planned, chosen),
        warn=lambda text: print(text, file=sys.stderr),
    )


def cpu() -> float:
    """CPU seconds of this process and of what it has waited for."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(u.ru_utime + u.ru_stime for u in used)


def launch(one: Pacer) -> float:
    """Pace a sweep to its end; seconds a run."""
    began = time.perf_counter()
    one.want()
    picture = watching.pace(one, lambda picture: None, doing="bench", warn=lambda text: None)
    took = time.perf_counter() - began
    states = {s.state for s in picture.states}
    if states != {"finished"}:
        sys.exit(f"the runs are {states}")
    return took / len(picture.states)


def record(root: Path, first: int, runs: int) -> float:
    """Record the same commands without a sweep; seconds a run."""
    began = time.perf_counter()
    for seed in range(first, first + runs):
        words = [sys.executable, "-IS", "exp/scripts/record_run.py", "--experiment", "bare", "--seed", str(seed)]
        words += ["--", "sh", "train.sh", "--seed", str(seed)]
        subprocess.run(words, cwd=root, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    return (time.perf_counter() - began) / runs


def main() -> None:
    """Measure and print; exit 1 over the budget."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--runs", type=int, default=20)
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--known", type=int, default=0)
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ.update(HOME=folder, GIT_CONFIG_NOSYSTEM="1", SCAFFOLD_RUNTIME_DIR=f"{folder}/runtime")
        root = Path(folder, "repo")
        place = workspace(root)
        if chosen.known:
            launch(pacer(place, "before", 100_000, chosen.known))
        launched, recorded, used = [], [], []
        for turn in range(chosen.rounds + 1):
            first = turn * chosen.runs
            one = pacer(place, f"sweep{turn}", first, chosen.runs)
            began = cpu()
            recorded.append(record(root, first, chosen.runs))
            between = cpu()
            launched.append(launch(one))
            used.append((cpu() - between - (between - began)) / chosen.runs)
        differences = [a - b for a, b in zip(launched[1:], recorded[1:], strict=True)]
    over = statistics.median(differences) * 1000
    print(f"recorder  {statistics.median(recorded[1:]) * 1000:7.1f} ms a run")
    print(f"launched  {statistics.median(launched[1:]) * 1000:7.1f} ms a run")
    print(f"overhead  {over:7.1f} ms a run (budget {BUDGET_MS:g} ms)")
    print(f"of which  {statistics.median(used[1:]) * 1000:7.1f} ms on the CPU, however busy the machine is")
    sys.exit(over > BUDGET_MS)


if __name__ == "__main__":
    main()
