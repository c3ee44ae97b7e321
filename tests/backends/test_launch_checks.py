"""`scaffold preflight --backend`: what a launch would meet."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from scaffold.backends import launch_checks
from tests.conftest import Run
from tests.runs.conftest import MakeWorkspace

CONVENTIONS = "slurm: {partitions: [%s], evidence: {partitions: 'slurm/train.sbatch:3'}}\n"


def outcomes(text: str) -> dict[str, tuple[str, str]]:
    return {check["name"]: (check["outcome"], check["text"]) for check in json.loads(text)["checks"]}


def test_this_machine(make_workspace: MakeWorkspace, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    made = make_workspace()
    done = run("preflight", "--backend", "local", "--workdir", made.root, "--json")
    assert done.exit_code == 0 and {outcome for outcome, _ in outcomes(done.stdout).values()} <= {"ok", "failed"}
    assert "core" in outcomes(done.stdout)["devices"][1]
    settings = made.recorder.with_name("workspace.json")
    settings.write_text(json.dumps({**json.loads(settings.read_text()), "run_prefix": "no-such-tool run"}))
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=2**20))
    done = run("preflight", "--backend", "local", "--workdir", made.root)
    assert done.exit_code == 3 and "there is no no-such-tool on PATH" in done.stdout
    assert "0.0 GiB free" in done.stdout and done.stdout.splitlines()[-1].startswith("this machine: not ready")


def test_python_that_is_missing_is_said_with_what_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "python3").touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    outcome, text = launch_checks._check_python(Path.cwd())
    assert outcome == "failed" and text.startswith(
        f"there is no `python` on PATH, only python3 ({tmp_path / 'python3'})"
    )


def test_without_slurm(make_workspace: MakeWorkspace, run: Run) -> None:
    done = run("preflight", "--backend", "slurm", "--workdir", make_workspace().root, "--json")
    assert done.exit_code == 3 and outcomes(done.stdout)["controller"][0] == "failed"


@pytest.mark.usefixtures("slurm")
@pytest.mark.parametrize(("partition", "code"), [("gpu", 0), ("nope", 3)])
def test_slurm_is_asked_whether_it_would_take_the_repositorys_options(
    make_workspace: MakeWorkspace, run: Run, partition: str, code: int
) -> None:
    made = make_workspace()
    with (made.exp / ".copier-answers.scaffold.yml").open("a") as answers:
        answers.write(CONVENTIONS % partition)
    done = run("preflight", "--backend", "slurm", "--workdir", made.root, "--json")
    assert done.exit_code == code, done.output
    outcome, text = outcomes(done.stdout)["request"]
    assert outcome == ("ok" if code == 0 else "failed") and f"--partition={partition}" in text
    assert code == 0 or "is from slurm/train.sbatch:3" in text
