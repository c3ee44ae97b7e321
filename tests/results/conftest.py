"""Workspaces with the records of runs that never ran: manifests as the recorder writes them, and files in their output directories."""

from __future__ import annotations

import copy
import json
import os
import re
import socket
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from scaffold import workspace as workspaces
from scaffold.observations.directions import MetricDirections
from scaffold.results.metrics.query import MetricQuery, QueryResult
from scaffold.results.metrics.run_metrics import run_metric_query
from scaffold.results.tables.fold import fold_seeds
from scaffold.results.tables.model import ResultTable
from scaffold.workspace import Workspace
from tests.conftest import Run, write_tree
from tests.results.browsing import CHROMIUM
from tests.runs.conftest import ROLES, check

if TYPE_CHECKING:
    from playwright.sync_api import Browser

ANSWERS = (
    "experiment_root: exp\nworkspace_layout: flat\ntasks_path: exp/tasks.md\nexperiments: []\nrole_dirs:\n"
    + "".join(f"  {role}: {role}\n" for role in ROLES)
)
MANIFEST: dict[str, Any] = {
    "schema_version": 1,
    "run": {"name": "", "experiment": "", "attempt": 1, "uuid": "00000000-0000-4000-8000-000000000000"},
    "status": "finished",
    "command": {"argv": ["true"], "shell": "true", "cwd": "."},
    "seed": None,
    "params": {},
    "git": {
        "commit": "a" * 40,
        "branch": "main",
        "remote": None,
        "code": "c" * 64,
        "dirty": False,
        "patch": None,
        "untracked": [],
    },
    "time": {"started_at": "", "ended_at": "2026-01-02T00:00:00.000Z", "duration_s": 1.0},
    "exit": {"code": 0, "signal": None},
    "paths": {"stdout": "", "stderr": "", "outputs": "", "configs": []},
    "environment": {
        "python": None,
        "executable": None,
        "manager": None,
        "virtual_env": None,
        "conda_env": None,
        "packages": None,
        "variables": {},
    },
    "host": {"hostname": "elsewhere", "os": "Linux", "arch": "x86_64", "cpu_count": 1, "memory_bytes": 1, "gpus": []},
    "scheduler": {"kind": None, "job_id": None, "array_task_id": None, "partition": None, "nodelist": None},
    "resources": {"max_rss_bytes": 1, "user_s": 0.1, "system_s": 0.1},
    "tracking": {
        "backend": "local",
        "task": None,
        "sweep": None,
        "server_url": None,
        "sweep_id": None,
        "run_id": None,
    },
    "metrics": {},
    "recorder": {"version": "1.0"},
}
ENDS = {
    "finished": (0, None),
    "failed": (3, None),
    "terminated": (143, "SIGTERM"),
    "running": (None, None),
    "lost": (None, None),
}


class Study:
    """A workspace for tests; `add` records a run in it."""

    def __init__(self, root: Path, answers: str) -> None:
        self.root, self.count, self.commit = root, 0, "a" * 40
        write_tree(root / "exp", {".copier-answers.scaffold.yml": answers, "tasks.md": "# Tasks\n"})

    def add(
        self,
        experiment: str = "train",
        seed: int | None = None,
        params: Mapping[str, Any] | None = None,
        metrics: Mapping[str, Any] | None = None,
        *,
        status: str = "finished",
        files: Mapping[str, str | bytes] | None = None,
        attempt: int = 1,
        code: str = "c",
        sweep: str | None = None,
        task: str | None = None,
        name: str | None = None,
    ) -> str:
        """Record a run, each a minute after the one before; its name."""
        self.count += 1
        made = copy.deepcopy(MANIFEST)
        said = "".join(f"-{key}={value}" for key, value in sorted((params or {}).items()))
        seeded = "" if seed is None else f"-s{seed}"
        name = name or re.sub(r"[^\w.=-]", "_", f"{experiment}{said}{seeded}-{self.count:08x}")
        stem = name if attempt == 1 else f"{name}.{attempt}"
        made["run"].update(name=name, experiment=experiment, attempt=attempt)
        made.update(status="running" if status == "lost" else status, seed=seed, params=dict(params or {}))
        made["metrics"] = dict(metrics or {})
        made["git"].update(code=code * (64 // len(code)), commit=self.commit)
        made["time"]["started_at"] = f"2026-01-01T{self.count // 60:02}:{self.count % 60:02}:00.000Z"
        made["exit"] = dict(zip(("code", "signal"), ENDS[status], strict=True))
        made["tracking"].update(sweep=sweep, task=task)
        if status == "running":
            made["time"].update(ended_at=None, duration_s=None)
        if status == "lost":
            made["host"]["hostname"] = socket.gethostname()
            made["time"].update(ended_at=None, duration_s=None)
        outputs = f"exp/outputs/{stem}"
        made["paths"].update(stdout=f"exp/logs/{stem}.out", stderr=f"exp/logs/{stem}.err", outputs=outputs)
        check(made)
        write_tree(self.root, {f"exp/metadata/{stem}.json": json.dumps(made), f"{outputs}/note.txt": ""})
        write_tree(self.root / outputs, files or {})
        return name

    def seeds(self, experiment: str, values: list[float], metric: str = "acc", **params: Any) -> None:
        """One run for each value, with the seeds 1, 2, ..."""
        for seed, value in enumerate(values, start=1):
            self.add(experiment, seed, params, {metric: value})

    @property
    def workspace(self) -> Workspace:
        return workspaces.load_workspace(self.root, "exp")

    def read(self, **query: Any) -> QueryResult:
        """All that was read for a query."""
        directions = MetricDirections(self.workspace)
        query = {"directions": directions, "primary_metric": directions.primary, **query}
        return run_metric_query(self.workspace, MetricQuery(**query))

    def table(self, *, by: list[str] | None = None, ignore: tuple[str, ...] = (), **query: Any) -> ResultTable:
        """The table of a query."""
        return fold_seeds(self.read(ignored_params=ignore, **query), by=by)


MakeStudy = Callable[..., Study]


@pytest.fixture
def make_study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[MakeStudy]:
    """A function that makes an empty workspace; further answers are lines of YAML."""
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    yield lambda answers="", name="study": Study(tmp_path / name, ANSWERS + answers)


@pytest.fixture
def study(make_study: MakeStudy) -> Study:
    """An empty workspace."""
    return make_study()


Ask = Callable[..., Any]


@pytest.fixture
def ask(run: Run, study: Study) -> Ask:
    """The JSON answer of `scaffold results ...` in `study`."""

    def call(*args: str, code: int = 0) -> Any:
        done = run("results", *args, "--workdir", study.root, "--json")
        assert done.exit_code == code, done.output
        found = json.loads(done.stdout, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
        assert found["version"] == 1
        return found

    return call


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium, without a window."""
    if CHROMIUM is None:
        assert not os.environ.get("CI"), "the gate has no chromium: apt-get install chromium"
        pytest.skip("there is no chromium on PATH: apt-get install chromium")
    from playwright.sync_api import sync_playwright

    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield started
        started.close()
