"""The sweep that every backend has to end alike: 2 x 2 configurations with 3 seeds, one configuration of which fails.

Each run appends a line to `started.txt`, so that a run that was started twice is seen.
"""

from __future__ import annotations

import dataclasses
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from scaffold.sweeps.launch import run_scripts
from scaffold.sweeps.launch.run_states import SweepSnapshot
from scaffold.sweeps.launch.scheduler import Scheduler
from scaffold.sweeps.spec import code_state, run_names, sweep_file
from scaffold.sweeps.spec.model import PlannedRun, RunResources, Sweep
from scaffold.workspace import Workspace
from tests.runs import conftest as recording
from tests.runs.conftest import MakeWorkspace
from tests.sweeps.conftest import sweep, there

TRAIN = """\
import argparse, json, os, pathlib, sys, time
options = argparse.ArgumentParser()
options.add_argument("--lr", type=float, default=0)
options.add_argument("--batch_size", type=int, default=1)
options.add_argument("--seed", type=int, default=0)
options.add_argument("--pause", type=float, default=0)
chosen = options.parse_args()
with open(pathlib.Path(__file__).with_name("started.txt"), "a") as file:
    file.write(os.environ["RUN_NAME"] + "\\n")
time.sleep(chosen.pause)
if (chosen.lr, chosen.batch_size) == (0.1, 64) and not pathlib.Path(__file__).with_name("mended").exists():
    sys.exit("it diverges")
loss = {"loss": chosen.lr * chosen.batch_size + chosen.seed}
pathlib.Path(os.environ["RUN_OUTPUT_DIR"], "metrics.json").write_text(json.dumps(loss))
"""
LRS, BATCH_SIZES, SEEDS = (0.01, 0.1), (32, 64), (1, 2, 3)
GRID = tuple({"lr": lr, "batch_size": size} for lr in LRS for size in BATCH_SIZES)


@dataclasses.dataclass(frozen=True)
class Scenario:
    """A planned sweep in a workspace of its own."""

    made: recording.Workspace
    workspace: Workspace
    sweep: Sweep
    runs: tuple[PlannedRun, ...]
    warnings: list[str]
    late_s: float = 0

    def write(self, runs: Sequence[PlannedRun]) -> Mapping[str, Path]:
        """WriteScripts, which take their tickets `late_s` seconds late."""
        paths = run_scripts.write_launchers(self.workspace, self.sweep, runs)
        for path in paths.values() if self.late_s else ():
            path.write_text(
                path.read_text().replace("set -euo pipefail\n", f"set -euo pipefail\nsleep {self.late_s}\n")
            )
        return paths

    def scheduler(self) -> Scheduler:
        """Whoever launches, new."""
        return Scheduler(
            self.workspace,
            self.sweep,
            self.runs,
            write_scripts=self.write,
            warn=self.warnings.append,
        )

    @property
    def failing(self) -> set[str]:
        """The runs that fail."""
        return {r.name for r in self.runs if (r.params.get("lr"), r.params.get("batch_size")) == (0.1, 64)}

    def started(self) -> Counter[str]:
        """How often each run was started, by its own account."""
        path = self.made.root / "started.txt"
        return Counter(path.read_text().split() if path.exists() else [])

    def mend(self) -> None:
        """From now on nothing fails."""
        (self.made.root / "mended").touch()

    def outcome(self) -> dict[str, tuple[str, Mapping[str, Any]]]:
        """What the newest manifest of each run says: its status and its metrics."""
        newest = sorted(self.made.manifests(), key=lambda m: m["run"]["attempt"])
        return {m["run"]["name"]: (m["status"], m["metrics"]) for m in newest}

    def expected(self) -> dict[str, tuple[str, Mapping[str, Any]]]:
        """What they have to say, on every backend."""
        failed: dict[str, tuple[str, Mapping[str, Any]]] = {name: ("failed", {}) for name in self.failing}
        return {r.name: failed.get(r.name, ("finished", {"loss": loss(r)})) for r in self.runs}


def loss(run: PlannedRun) -> float:
    """A run's metric."""
    params = run.params
    value = float(str(params.get("lr", 0))) * int(str(params.get("batch_size", 1))) + (run.seed or 0)
    return int(value) if value == int(value) else value


def make(
    make_workspace: MakeWorkspace, *, name: str = "repo", files: Mapping[str, str] | None = None, **changes: Any
) -> Scenario:
    """A workspace with the sweep planned; `files` are more of the repository's, `changes` are fields of the sweep."""
    made = make_workspace({"train.py": TRAIN, ".gitignore": "started.txt\nmended\n", **(files or {})}, name=name)
    place = there(made)
    given = {"configurations": GRID, "seeds": SEEDS, "resources": RunResources(cpus=1), **changes}
    planned = code_state.replan_with_current_code(place, sweep(**given))
    sweep_file.write_sweep(place, planned)
    return Scenario(made, place, planned, run_names.planned_runs(place, planned), [])


def pace(scheduler: Scheduler, *, seconds: float = 60) -> SweepSnapshot:
    """Step until nothing is open."""
    limit = time.monotonic() + seconds
    while True:
        snapshot = scheduler.step()
        if not snapshot.outstanding and not snapshot.started:
            return snapshot
        assert time.monotonic() < limit, [(s.name, s.state, s.reason) for s in snapshot.outstanding]
        scheduler.wait_for_change(snapshot, 0.1)


def launchers_of(found: Scenario) -> Path:
    """The folder of launchers and tickets."""
    return found.scheduler().paths.folder
