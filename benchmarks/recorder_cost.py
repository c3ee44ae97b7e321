"""What recording a run costs: wall time over the bare command, in a small, a large and a crowded repository, and throughput.

    python benchmarks/recorder_cost.py [--rounds N] [--python PATH] [--peers] [--large]

Rounds are interleaved, and medians are printed beside each other, so that a busy machine disturbs all alike. `--peers` adds
con-duct (`duct`) and sacred where they are installed in this Python.
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

SCRIPTS = Path(__file__).parents[1] / "template" / "exp" / "{{ experiment_root }}" / "{{ role_dirs.scripts }}"
ROLES = ("scripts", "logs", "outputs", "results", "analysis", "metadata")
SACRED = """
from sacred import Experiment, SETTINGS
from sacred.observers import FileStorageObserver
SETTINGS.CAPTURE_MODE = "fd"
experiment = Experiment("bench", save_git_info=True)
experiment.observers.append(FileStorageObserver("sacred-runs"))
@experiment.main
def main():
    pass
experiment.run()
"""


def git(root: Path, *args: str) -> None:
    """Run git, with a name of its own."""
    named = ("-c", "user.name=bench", "-c", "user.email=bench@localhost")
    subprocess.run(["git", *named, *args], cwd=root, check=True, capture_output=True)


def repository(root: Path, files: int, *, untracked: bool = False) -> Path:
    """A committed repository of so many files in folders of 100, with a workspace; the recorder's path."""
    for number in range(files):
        path = root / "src" / str(number // 100) / f"file_{number}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"VALUE = {number}\n" * 20)
    recorder = root / "exp" / "scripts" / "record_run.py"
    recorder.parent.mkdir(parents=True)
    shutil.copy(SCRIPTS / "record_run.py", recorder)
    facts = {
        "experiment_root": "exp",
        "layout": "flat",
        "role_dirs": {r: r for r in ROLES},
        "tasks_path": "exp/tasks.md",
    }
    (recorder.parent / "workspace.json").write_text(json.dumps(facts))
    (root / "train.py").write_text("pass\n")
    git(root, "init", "-q")
    git(root, "add", *(["exp", "train.py"] if untracked else ["-A"]))
    git(root, "commit", "-qm", "bench")
    return recorder


def interleaved(commands: dict[str, list[str]], root: Path, rounds: int) -> dict[str, float]:
    """The median wall time of each command in milliseconds."""
    took: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(rounds + 1):
        for name, command in commands.items():
            began = time.perf_counter()
            subprocess.run(
                command, cwd=root, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
            took[name].append((time.perf_counter() - began) * 1000)
    return {name: statistics.median(times[1:]) for name, times in took.items()}


def report(title: str, medians: dict[str, float]) -> None:
    """Print medians, and what each costs over the bare command."""
    print(title)
    for name, milliseconds in medians.items():
        print(f"  {name:28} {milliseconds:8.1f} ms   {milliseconds - medians['bare']:+8.1f} ms over bare")


def throughput(recorder: Path, root: Path, python: str, size: int) -> None:
    """Megabytes per second of a command that writes as fast as it can, beside `tee`."""
    source = f"head -c {size} /dev/zero"
    ways = {
        "tee": f"{source} | tee {root}/copy > /dev/null",
        "recorder": f"'{python}' -IS '{recorder}' -- {source} > /dev/null",
    }
    for name, line in ways.items():
        rates = []
        for _ in range(3):
            began = time.perf_counter()
            subprocess.run(["sh", "-c", line], cwd=root, check=True)
            rates.append(size / (time.perf_counter() - began) / 1e6)
            for path in [root / "copy", *root.glob("exp/logs/*")]:
                path.unlink(missing_ok=True)
        print(f"  {name:28} {statistics.median(rates):8.0f} MB/s")


def peers(root: Path) -> dict[str, list[str]]:
    """Commands of other recorders, as far as they are installed."""
    found = {}
    duct = shutil.which("duct") or shutil.which(str(Path(sys.executable).with_name("duct")))
    if duct:
        found["con-duct"] = [duct, "-q", sys.executable, "train.py"]
    (root / "sacred_run.py").write_text(SACRED)
    if subprocess.run([sys.executable, "-c", "import sacred"], capture_output=True).returncode == 0:
        found["sacred"] = [sys.executable, "sacred_run.py"]
    return found


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rounds", type=int, default=20)
    options.add_argument("--python", default=sys.executable, help="starts the recorder and the command")
    options.add_argument("--peers", action="store_true")
    options.add_argument("--large", action="store_true", help="repositories of 50,000 files too")
    chosen = options.parse_args()
    python = chosen.python
    os.environ["GIT_CONFIG_NOSYSTEM"] = "1"
    with tempfile.TemporaryDirectory() as folder:
        os.environ["HOME"] = folder
        small = Path(folder, "small")
        recorder = repository(small, 50)
        commands = {"bare": [python, "train.py"], "recorder": [python, "-IS", str(recorder), "--", python, "train.py"]}
        if chosen.peers:
            commands.update(peers(small))
        report("50 files", interleaved(commands, small, chosen.rounds))
        print("throughput")
        throughput(recorder, small, python, 1 << 30)
        for untracked in (False, True) if chosen.large else ():
            large = Path(folder, f"large-{untracked}")
            recorder = repository(large, 50_000, untracked=untracked)
            commands = {
                "bare": [python, "train.py"],
                "git status": ["git", "status", "--porcelain"],
                "recorder": [python, "-IS", str(recorder), "--", python, "train.py"],
            }
            medians = interleaved(commands, large, max(5, chosen.rounds // 4))
            report(f"50,000 {'untracked' if untracked else 'tracked'} files", medians)
            ratio = medians["recorder"] / (medians["git status"] + medians["bare"])
            print(f"  recorder / (git status + bare) {ratio:.2f}")


if __name__ == "__main__":
    main()
