"""The repositories and workspaces that benchmarks work in, below a scratch folder where nothing of this machine's user counts."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parents[1]
SCRIPTS = PROJECT / "template" / "exp" / "{{ experiment_root }}" / "{{ role_dirs.scripts }}"
ROLES = ("scripts", "logs", "outputs", "results", "analysis", "metadata")
SCAFFOLD = (sys.executable, "-m", "scaffold")
DROPPED_VARIABLES = ("PYTHONDONTWRITEBYTECODE", "XDG_CACHE_HOME", "XDG_CONFIG_HOME")
DROPPED_PREFIXES = ("GIT_", "COPIER_", "RUN_", "RESEARCH_AGENT_", "SLURM_", "SCAFFOLD_", "CUDA_VISIBLE_DEVICES")


@contextlib.contextmanager
def scratch_home() -> Iterator[Path]:
    """A temporary folder that is HOME too, in an environment that says nothing of this machine's user; both end with it.

    Python keeps compiled modules, as it does where the package is installed.
    """
    environment = dict(os.environ)
    with tempfile.TemporaryDirectory(prefix="scaffold-benchmark-", ignore_cleanup_errors=True) as name:
        folder = Path(name).resolve()
        try:
            for key in environment:
                if key in DROPPED_VARIABLES or key.startswith(DROPPED_PREFIXES):
                    del os.environ[key]
            os.environ.update(
                HOME=str(folder),
                PYTHONPATH=str(PROJECT),
                GIT_CONFIG_NOSYSTEM="1",
                GIT_CEILING_DIRECTORIES=str(folder),
                SCAFFOLD_RUNTIME_DIR=f"{folder}/runtime",
            )
            yield folder
        finally:
            os.environ.clear()
            os.environ.update(environment)


def run_git(root: Path, *args: str) -> None:
    """Run git, with a name of its own."""
    identity = ("-c", "user.name=bench", "-c", "user.email=bench@localhost")
    subprocess.run(["git", *identity, *args], cwd=root, check=True, stdout=subprocess.DEVNULL)


def commit_files(root: Path, *paths: str) -> None:
    """Make `root` a repository where it is none, with one more commit, of `paths` (else of everything)."""
    if not (root / ".git").exists():
        run_git(root, "init", "-q", "-b", "main")
    run_git(root, "add", *(paths or ["-A"]))
    run_git(root, "commit", "-qm", "bench")


def make_recorded_repository(root: Path, files: int, *, untracked: bool = False, **answers: str) -> Path:
    """A committed repository of so many files in folders of 100, with a workspace in `exp`; the recorder's path."""
    for number in range(files):
        path = root / "src" / str(number // 100) / f"file_{number}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"VALUE = {number}\n" * 20)
    recorder = root / "exp" / "scripts" / "record_run.py"
    recorder.parent.mkdir(parents=True)
    for name in ("record_run.py", "run_manifest.schema.json"):
        shutil.copy(SCRIPTS / name, recorder.parent)
    modules = recorder.parent / "_record_run"
    shutil.copytree(SCRIPTS / modules.name, modules, ignore=shutil.ignore_patterns("__pycache__"))
    roles = {role: role for role in ROLES}
    facts = {"experiment_root": "exp", "layout": "flat", "role_dirs": roles, "tasks_path": "exp/tasks.md"}
    (recorder.parent / "workspace.json").write_text(json.dumps(facts))
    basics = {"experiment_root": "exp", "workspace_layout": "flat", "tasks_path": "exp/tasks.md", "experiments": []}
    (root / "exp" / ".copier-answers.scaffold.yml").write_text(json.dumps({**basics, **answers, "role_dirs": roles}))
    (root / "train.py").write_text("pass\n")
    (root / "train.sh").write_text("exit 0\n")
    commit_files(root, *(["exp", "train.py", "train.sh"] if untracked else []))
    return recorder


def copy_runs(root: Path, recorder: Path, count: int, change: Callable[[int, dict[str, Any]], str]) -> None:
    """Record one run, and copy its manifest so often, each changed by `change`, which gives the run's new name."""
    command = [sys.executable, "-IS", str(recorder), "--", "true", "--lr", "0.1"]
    subprocess.run(command, cwd=root, check=True, stdout=subprocess.DEVNULL)
    (path,) = (root / "exp" / "metadata").glob("*.json")
    manifest = json.loads(path.read_text())
    path.unlink()
    for number in range(count):
        name = change(number, manifest)
        manifest["run"]["name"] = name
        (path.parent / f"{name}.json").write_text(json.dumps(manifest, indent=1))
