"""Workspaces with records that were made up, and such in which runs are recorded; an environment with other people's libraries."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from tests.results.conftest import Study
from tests.results.conftest import make_study as make_study
from tests.results.conftest import study as study
from tests.runs.conftest import make_workspace as make_workspace
from tests.runs.conftest import workspace as workspace

REPOSITORY = Path(__file__).parents[2]
# this package needs the first four for what is called there
LIBRARIES = (
    *("click", "pyyaml", "rich", "packaging"),
    *(
        "pandas",
        "polars",
        "pyarrow",
        "ipython",
        "wandb",
        "hydra-core",
        "papermill",
        "nbconvert",
        "nbformat",
        "ipykernel",
    ),
)
RunPython = Callable[..., subprocess.CompletedProcess[str]]


def install_python(folder: Path, packages: Sequence[str]) -> Path:
    """The Python of a new environment with these packages."""
    uv, python = str(Path(sys.executable).with_name("uv")), folder / "bin" / "python"
    subprocess.run([uv, "venv", "-q", "-p", sys.executable, folder], check=True, capture_output=True, timeout=600)
    subprocess.run([uv, "pip", "install", "-q", "-p", python, *packages], check=True, capture_output=True, timeout=600)
    return python


@pytest.fixture(scope="session")
def libraries_python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python with the real libraries that tables, exports and commands are for: installed for the tests that are run before a release."""
    return install_python(tmp_path_factory.mktemp("libraries") / "venv", LIBRARIES)


@pytest.fixture
def run_python(libraries_python: Path) -> RunPython:
    """Call that Python, in which this package can be imported; it must end well."""

    def call(*words: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
        path = f"{libraries_python.parent}:{os.environ['PATH']}"
        done = subprocess.run(
            [str(libraries_python), *map(str, words)],
            cwd=cwd,
            env={**os.environ, "PYTHONPATH": str(REPOSITORY), "PATH": path},
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done

    return call


@pytest.fixture
def three_runs(study: Study) -> Study:
    """Two runs with metrics, one of them with a course, and one that failed."""
    course = '{"step": 1, "loss": 0.5}\n{"step": 2, "loss": 0.25}\n'
    study.add("train", 1, {"lr": 0.1}, {"acc": 0.7}, files={"metrics.jsonl": course})
    study.add("train", 2, {"lr": 0.1}, {"acc": 0.6})
    study.add("train", 3, {"lr": "big"}, status="failed")
    for number, path in enumerate(sorted((study.root / "exp/metadata").glob("*.json"))):
        path.write_text(re.sub(r'("uuid": "[0-9a-f-]{35})0', rf"\g<1>{number}", path.read_text()))
    return study
