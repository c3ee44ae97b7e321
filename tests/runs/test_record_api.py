"""`record` inside Python, environment facts, tracking, ranks and layouts."""

from __future__ import annotations

import ast
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.runs.conftest import PYTHON, SCRIPTS, MakeWorkspace, Workspace, python, until

IN_PYTHON = """
import sys
sys.path.insert(0, {scripts!r})
from record_run import record
with record("baseline", seed=1, params={{"model": {{"lr": 1e-3}}, "layers": [1, 2], "api_key": "swordfish"}}) as run:
    print("inside", run.name)
    run.log(step=1, loss=0.5, token="swordfish")
    run.log(step=2, loss=0.25, nan=float("nan"))
    {more}
print("outside")
"""


def in_python(workspace: Workspace, more: str = "pass", **options: Any) -> subprocess.CompletedProcess[str]:
    (workspace.root / "work.py").write_text(IN_PYTHON.format(scripts=str(workspace.recorder.parent), more=more))
    return subprocess.run(
        [PYTHON, "work.py"],
        cwd=workspace.root,
        capture_output=True,
        text=True,
        **options,
    )


def test_a_block_of_python_is_recorded(workspace: Workspace) -> None:
    patient = "sys.modules['_record_run.environment'].FACTS_S = 60"  # else a busy machine is given up on
    done = in_python(workspace, f"run.summary(acc=0.9, deep={{'x': 1}}); {patient}")
    manifest = workspace.last()
    assert done.returncode == 0 and done.stdout == f"inside {manifest['run']['name']}\noutside\n"
    assert (manifest["status"], manifest["seed"]) == ("finished", 1)
    assert manifest["params"] == {"api_key": "***", "layers": "1,2", "model.lr": 0.001}
    assert manifest["metrics"] == {"acc": 0.9, "deep.x": 1}
    assert workspace.log(manifest).decode() == f"inside {manifest['run']['name']}\n"
    assert manifest["environment"]["executable"] == PYTHON
    assert b"swordfish" not in workspace.all_bytes()


def test_the_last_value_of_each_name_is_the_final_metric(workspace: Workspace) -> None:
    in_python(workspace)
    # only the first row has a token
    assert workspace.last()["metrics"] == {"loss": 0.25, "nan": "nan", "step": 2, "token": "***"}


@pytest.mark.parametrize(
    ("more", "status", "code", "signal"),
    [
        ("raise ValueError('oh')", "failed", 1, None),
        ("sys.exit(3)", "failed", 3, None),
        ("sys.exit()", "finished", 0, None),
        ("raise KeyboardInterrupt", "terminated", None, "SIGINT"),
    ],
)
def test_how_a_block_ends(workspace: Workspace, more: str, status: str, code: int | None, signal: str | None) -> None:
    in_python(workspace, more)
    manifest = workspace.last()
    assert (manifest["status"], manifest["exit"]) == (status, {"code": code, "signal": signal})
    if status != "finished" and "exit" not in more:
        assert b"Traceback" in workspace.log(manifest, "stderr")


def test_a_block_that_cannot_be_recorded_still_runs(workspace: Workspace) -> None:
    (workspace.exp / "outputs").write_text("in the way")
    done = in_python(workspace, "run.summary(acc=1)")
    assert done.returncode == 0 and "inside" in done.stdout and "not recorded" in done.stderr


def test_the_command_sees_its_run(workspace: Workspace) -> None:
    code = "import os; print(*(os.environ.get(k) for k in ('RUN_NAME', 'RUN_OUTPUT_DIR', 'RUN_SEED', 'RUN_MANIFEST')), sep='\\n')"
    name, outputs, seed, manifest = workspace.record("--seed", "7", "--", *python(code)).stdout.splitlines()
    found = workspace.last()
    assert (name, seed) == (found["run"]["name"], "7")
    assert Path(outputs) == workspace.root / found["paths"]["outputs"] and Path(outputs).is_dir()
    assert Path(manifest) == workspace.paths()[0]
    assert workspace.record("--", *python(code), env={**os.environ, "RUN_SEED": "9"}).stdout.splitlines()[2] == "None"


def test_the_python_of_the_command_and_its_packages(workspace: Workspace) -> None:
    environment = {**os.environ, "VIRTUAL_ENV": "/v", "CONDA_DEFAULT_ENV": "c"}
    workspace.record("--", *python("import time; time.sleep(1)"), env=environment)
    found = workspace.last()["environment"]
    assert found["python"] == ".".join(map(str, sys.version_info[:3])) and found["executable"] == PYTHON
    assert (found["virtual_env"], found["conda_env"], found["manager"]) == ("/v", "c", "uv")
    packages = (workspace.root / found["packages"]).read_text().splitlines()
    assert any(p.startswith("pytest==") for p in packages)
    workspace.record("--", "sh", "-c", f"sleep 0.05; {PYTHON} -c 'import time; time.sleep(1)'", env=environment)
    assert workspace.last()["environment"]["packages"] == found["packages"]
    workspace.record("--", "sleep", "0.3")
    assert workspace.last()["environment"]["python"] is None


def test_a_short_command_is_described_from_what_is_known(workspace: Workspace) -> None:
    for _ in range(8):
        workspace.record("--", *python("pass"))
        if workspace.last()["environment"]["packages"] is not None:
            break
    workspace.record("--", *python("pass"))
    assert workspace.last()["environment"]["packages"] is not None


def test_the_duration_is_the_commands_own(workspace: Workspace, tmp_path: Path) -> None:
    slow = tmp_path / "bin" / "nvidia-smi"
    slow.parent.mkdir()
    slow.write_text("#!/bin/sh\nsleep 1.5\n")
    slow.chmod(0o755)
    workspace.record("--", "true", env={**os.environ, "PATH": f"{slow.parent}:{os.environ['PATH']}"})
    assert workspace.last()["time"]["duration_s"] < 1.2


def test_gpus_are_asked_of_nvidia_smi(workspace: Workspace, tmp_path: Path) -> None:
    tool = tmp_path / "bin" / "nvidia-smi"
    tool.parent.mkdir()
    tool.write_text(
        "#!/bin/sh\necho '0, NVIDIA H200, GPU-1, 143771, 570.1'\necho '1, NVIDIA H200, GPU-2, [N/A], 570.1'\n"
    )
    tool.chmod(0o755)
    workspace.record("--", "sleep", "0.5", env={**os.environ, "PATH": f"{tool.parent}:{os.environ['PATH']}"})
    first, second = workspace.last()["host"]["gpus"]
    assert first == {"index": 0, "name": "NVIDIA H200", "uuid": "GPU-1", "memory_mib": 143771, "driver": "570.1"}
    assert second["memory_mib"] is None


def test_task_sweep_and_server_come_from_options_or_the_environment(workspace: Workspace) -> None:
    server = {"RUN_SERVER_URL": "http://h:1", "RUN_SERVER_SWEEP_ID": "s1", "RUN_SERVER_RUN_ID": "r1"}
    workspace.record("--", "true", env={**os.environ, "RUN_TASK": "P1-T1", "RUN_SWEEP": "grid", **server})
    assert workspace.last()["tracking"] == {
        "backend": "server", "task": "P1-T1", "sweep": "grid", "server_url": "http://h:1", "sweep_id": "s1", "run_id": "r1"
    }  # fmt: skip
    workspace.record("--task", "P2-T1", "--", "true", env={**os.environ, "RUN_TASK": "P1-T1", "SLURM_JOB_ID": "5"})
    assert (workspace.last()["tracking"]["task"], workspace.last()["tracking"]["backend"]) == ("P2-T1", "slurm")
    assert workspace.last()["scheduler"]["job_id"] == "5"


def test_who_starts_a_run_can_be_told_where_its_manifest_is(workspace: Workspace, tmp_path: Path) -> None:
    asked = {**os.environ, "RUN_TELL": str(tmp_path / "told")}
    for _ in range(2):
        workspace.record("--", "sh", "-c", 'echo "${RUN_TELL-nothing}"', env=asked)
    told = [Path(line) for line in (tmp_path / "told").read_text().splitlines()]
    assert told == sorted(workspace.paths(), key=lambda path: len(path.name)) and len(told) == 2
    assert (workspace.root / workspace.last()["paths"]["stdout"]).read_text() == "nothing\n", "it is not the command's"
    done = workspace.record("--", "true", env={**os.environ, "RUN_TELL": str(tmp_path / "no" / "folder")})
    assert done.returncode == 0 and "cannot be written" in done.stderr and workspace.last()["status"] == "finished"


def test_other_ranks_write_only_their_logs(workspace: Workspace) -> None:
    ranks = [
        subprocess.Popen(
            workspace.command("--", "sh", "-c", "echo rank $RANK $RUN_OUTPUT_DIR"),
            cwd=workspace.root,
            env={**os.environ, "RANK": str(k)},
        )
        for k in (1, 2, 0)
    ]
    assert [p.wait(30) for p in ranks] == [0, 0, 0]
    manifest = workspace.last()
    assert len(workspace.paths()) == 1
    for k in (1, 2):
        log = workspace.root / manifest["paths"]["stdout"].replace(".out", f".rank{k}.out")
        assert log.read_text() == f"rank {k} {workspace.root / manifest['paths']['outputs']}\n"


def test_metrics_files_that_are_damaged_or_deep(workspace: Workspace) -> None:
    rows = '{"a": 1}\n{"a": 2, "b": {"c": NaN}}\n{"a": 3, "b'
    code = f"import os; open(os.environ['RUN_OUTPUT_DIR'] + '/metrics.jsonl', 'w').write({rows!r})"
    workspace.record("--", *python(code))
    assert workspace.last()["metrics"] == {"a": 2, "b.c": "nan"}
    code = "import os; open(os.environ['RUN_OUTPUT_DIR'] + '/metrics.json', 'w').write('{broken')"
    assert "metrics of the run" in workspace.record("--", *python(code)).stderr
    assert workspace.last()["metrics"] == {} and workspace.last()["status"] == "finished"
    code = "import os; open(os.environ['RUN_OUTPUT_DIR'] + '/metrics.json', 'w').write('{\"a\": ' * 5000 + '1' + '}' * 5000)"
    assert "metrics of the run" in workspace.record("--", *python(code)).stderr
    assert workspace.last()["metrics"] == {} and workspace.last()["status"] == "finished"


def test_each_experiment_has_its_own_folders(make_workspace: MakeWorkspace) -> None:
    workspace = make_workspace(layout="per-experiment")
    workspace.record("--experiment", "base line", "--", "true")
    assert workspace.last()["paths"]["stdout"].startswith("exp/base_line/logs/")
    assert workspace.paths()[0].parent == workspace.exp / "base_line" / "metadata"
    workspace.record("--", "true", cwd=workspace.exp / "base_line" / "logs")
    assert workspace.last()["run"]["experiment"] == "base_line"


def test_role_directories_of_the_repository_and_links(make_workspace: MakeWorkspace, tmp_path: Path) -> None:
    roles = {
        "scripts": "tools",
        "logs": "log",
        "outputs": "out",
        "results": "results",
        "analysis": "a",
        "metadata": "meta/runs",
    }
    workspace = make_workspace(role_dirs=roles)
    (tmp_path / "scratch").mkdir()
    (workspace.exp / "log").symlink_to(tmp_path / "scratch")
    assert workspace.record("--", "echo", "hi").returncode == 0
    assert workspace.last()["paths"]["stdout"].startswith("exp/log/")
    assert [p.read_text() for p in (tmp_path / "scratch").glob("*.out")] == ["hi\n"]


def test_a_recorder_without_its_settings_or_with_broken_ones_still_works(workspace: Workspace) -> None:
    settings = workspace.recorder.parent / "workspace.json"
    settings.unlink()
    assert workspace.record("--", "true").returncode == 0
    settings.write_text("{")
    assert "workspace.json" in workspace.record("--", "true").stderr
    assert len(workspace.manifests()) == 2


def test_a_fault_of_the_recorder_never_stops_the_command(workspace: Workspace) -> None:
    module = workspace.recorder.parent / "_record_run" / "workspace.py"
    text = module.read_text()
    broken = text.replace(
        "\ndef locate(", "\ndef locate(*_: object) -> None:\n    raise RuntimeError('boom')\n\n\ndef other("
    )
    assert broken != text
    module.write_text(broken)
    done = workspace.record("--", "sh", "-c", "echo hi; exit 5")
    assert (done.returncode, done.stdout) == (5, "hi\n") and "boom" in done.stderr


def test_the_source_is_python_38_and_imports_little() -> None:
    for path in [SCRIPTS / "record_run.py", *(SCRIPTS / "_record_run").glob("*.py")]:
        ast.parse(path.read_text(), feature_version=(3, 8))
    code = f"""
import sys
before = set(sys.modules)
sys.path.insert(0, {str(SCRIPTS)!r})
sys.dont_write_bytecode = True
import record_run
print(*set(sys.modules) - before)
"""
    done = subprocess.run([PYTHON, "-IS", "-c", code], capture_output=True, text=True, check=True)
    assert not {"json", "re", "enum", "subprocess", "hashlib", "typing", "threading"} & set(done.stdout.split())


def test_the_schema_in_the_workspace_is_one_with_what_is_written(workspace: Workspace) -> None:
    schema = json.loads((workspace.recorder.parent / "run_manifest.schema.json").read_text())
    assert schema["properties"]["schema_version"] == {"const": 1}


@pytest.mark.parametrize("version", ["3.8", "3.9", "3.10", "3.12", "3.13"])
def test_other_pythons(workspace: Workspace, version: str) -> None:
    beside = Path(sys.base_prefix).parent.glob(f"{version}.*/bin/python")
    found = [*map(str, beside), *filter(None, [shutil.which(f"python{version}")])]
    if not found:
        pytest.skip(f"Python {version} is not here")
    done = subprocess.run(
        [found[0], "-IS", str(workspace.recorder), "--tty", "--", "sh", "-c", "echo hi; exit 3"],
        cwd=workspace.root,
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout, done.stderr) == (3, "hi\n", "")
    until(lambda: workspace.last()["status"] == "failed")
