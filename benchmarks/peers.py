"""Other tools, in an environment of their own, which is made once and kept in a cache folder.

con-duct (`con-duct run`) wraps a command as our recorder does: it keeps the streams and samples the use of memory and processors. It
records no commit, no change of the code, no seed, no environment, and gives no name to a run.

sacred runs inside the user's script, which has to be written for it. With its observer for files it keeps sources, host, packages,
commit and whether there are changes (not which), configuration and seed, and, with capture of file descriptors, the output in one file.
Its import is what its users wait for, so it counts. It needs GitPython for the commit, and setuptools before 81 to be imported at all.

MLflow's `search_runs` gives a table of runs from its database (SQLite), all metrics of each; it folds no seeds and computes no interval.
DVC's `exp show` gives a table of experiments, which are commits, with parameters and metrics, and says which are out of date; it folds no
seeds either. Both are timed when their stores are there and have been read once; `benchmarks/study_data.py` says how those are made.

Copier is what our template is written for, and one of our dependencies, so it is there in any case. Plain Copier detects nothing: its
answers are the defaults of the template.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

REQUIREMENTS = (
    "con-duct",
    "sacred",
    "gitpython",
    "setuptools<81",
    "mlflow-skinny",
    "sqlalchemy",
    "alembic",
    "pandas",
    "dvc",
)
VERSIONS = "import importlib.metadata as m, sys\nfor n in sys.argv[1:]: print(n, m.version(n))"


@dataclass(frozen=True, slots=True, kw_only=True)
class Peers:
    """An environment with the peers: its folder of commands, and the version of each."""

    bin: Path
    versions: Mapping[str, str]

    @property
    def python(self) -> str:
        return str(self.bin / "python")


def copier_version() -> str:
    """The version of the Copier beside us."""
    return version("copier")


def default_cache() -> Path:
    """Where the environment is kept: below XDG_CACHE_HOME, or ~/.cache."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "experiment-scaffold-benchmarks"


def prepare_peers(folder: Path) -> Peers:
    """The peers, installed into `folder` with pip where they are not there yet. Exits where that cannot be done."""
    python = folder / "bin" / "python"
    names = [name.partition("<")[0] for name in REQUIREMENTS]
    versions = _versions(python, names)
    if versions is None:
        print(f"installing {', '.join(REQUIREMENTS)} into {folder}", file=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
        pip = [str(python), "-m", "pip", "install", "-qq", "--disable-pip-version-check", *REQUIREMENTS]
        if subprocess.run(pip, check=False).returncode:
            raise SystemExit("the peers cannot be installed; without them: --no-peers")
        versions = _versions(python, names)
    if versions is None:
        raise SystemExit(f"{folder} has no peers; delete it, or do without them: --no-peers")
    return Peers(bin=python.parent, versions=versions)


def _versions(python: Path, names: list[str]) -> dict[str, str] | None:
    if not python.exists():
        return None
    process = subprocess.run([str(python), "-c", VERSIONS, *names], capture_output=True, text=True, check=False)
    return dict(line.split() for line in process.stdout.splitlines()) if process.returncode == 0 else None
