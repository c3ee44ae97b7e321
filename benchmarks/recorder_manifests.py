"""How long `scaffold runs list` takes over 10,000 manifests: without its index, and with it.

python benchmarks/recorder_manifests.py [--count N] [--rounds N]
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from recorder_cost import ROLES, repository


def write_manifests(root: Path, recorder: Path, count: int) -> None:
    """Record one run, and copy its manifest under so many names."""
    subprocess.run([sys.executable, "-IS", str(recorder), "--", "true", "--lr", "0.1"], cwd=root, check=True)
    (first,) = (root / "exp" / "metadata").glob("*.json")
    manifest = json.loads(first.read_text())
    for number in range(count - 1):
        name = f"train-lr=0.1-s{number}-{number:08x}"
        manifest["run"]["name"], manifest["seed"] = name, number
        manifest["time"]["started_at"] = f"2026-01-{1 + number % 28:02}T{number % 24:02}:00:00.000Z"
        (first.parent / f"{name}.json").write_text(json.dumps(manifest, indent=1))


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--count", type=int, default=10_000)
    options.add_argument("--rounds", type=int, default=7)
    chosen = options.parse_args()
    package = str(Path(__file__).parents[1])
    with tempfile.TemporaryDirectory() as folder:
        os.environ.update(HOME=folder, PYTHONPATH=package, GIT_CONFIG_NOSYSTEM="1")
        os.environ.pop("XDG_CACHE_HOME", None)
        root = Path(folder, "repository")
        recorder = repository(root, 50)
        answers = (
            "experiment_root: exp\nworkspace_layout: flat\ntasks_path: exp/tasks.md\nexperiments: []\nrole_dirs:\n"
        )
        roles = "".join(f"  {role}: {role}\n" for role in ROLES)
        (root / "exp" / ".copier-answers.scaffold.yml").write_text(answers + roles)
        write_manifests(root, recorder, chosen.count)
        took: dict[str, list[float]] = {"cold": [], "warm": []}
        for _ in range(chosen.rounds):
            shutil.rmtree(Path(folder, ".cache"), ignore_errors=True)
            for times in took.values():
                began = time.perf_counter()
                subprocess.run(
                    [sys.executable, "-m", "scaffold", "runs", "list"], cwd=root, check=True, capture_output=True
                )
                times.append(time.perf_counter() - began)
    for kind, times in took.items():
        print(f"{kind}: {statistics.median(times):.2f} s (best {min(times):.2f} s) for {chosen.count} manifests")


if __name__ == "__main__":
    main()
