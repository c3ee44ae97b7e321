"""A repository with a workspace whose plan is one of the good ones."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import MakeRepo, commit_all
from tests.plan.cases import FOLDER
from tests.results.conftest import MANIFEST

ANSWERS = """\
experiment_root: exp
experiment_goal: 'Find out: is it so'
research_server_url: '{server}'
tasks_path: exp/tasks.md
workspace_layout: {layout}
experiments: [baseline]
role_dirs: {{scripts: scripts, logs: logs, outputs: outputs, results: results, analysis: analysis, metadata: metadata}}
"""
AddRun = Callable[..., Path]


@pytest.fixture
def repo(make_repo: MakeRepo, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A committed repository with a workspace in exp/; the working directory."""
    files = {
        "train.py": "print('hello')\n",
        "exp/tasks.md": (FOLDER / "good/short.md").read_bytes(),
        "exp/.copier-answers.scaffold.yml": ANSWERS.format(server="", layout="flat"),
    }
    root = make_repo(files)
    monkeypatch.chdir(root)
    return root


@pytest.fixture
def plan(repo: Path) -> Path:
    """The plan of the workspace."""
    return repo / "exp/tasks.md"


@pytest.fixture
def add_run(repo: Path) -> AddRun:
    """A function that writes a manifest, as the recorder would."""

    def add(
        name: str, *, experiment: str = "baseline", attempt: int = 1, folder: str = "exp/metadata", **more: Any
    ) -> Path:
        tracking = {**MANIFEST["tracking"], **more.pop("tracking", {})}
        manifest = {
            **MANIFEST,
            "run": {**MANIFEST["run"], "name": name, "experiment": experiment, "attempt": attempt},
            "seed": 1,
            "time": {"started_at": "2026-01-01T00:00:00Z", "ended_at": None, "duration_s": None},
            "tracking": tracking,
            **more,
        }
        path = repo / folder / (f"{name}.json" if attempt == 1 else f"{name}.{attempt}.json")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(manifest), encoding="utf-8")
        return path

    return add


@pytest.fixture
def committed(repo: Path) -> Callable[[str], str]:
    """A function that commits everything."""
    return lambda message: commit_all(repo, message)
