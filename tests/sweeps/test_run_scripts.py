"""Launchers: run for real, they give the runs that were planned, whatever stands in paths and values."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from scaffold.backends.start_tokens import NO_TOKEN
from scaffold.sweeps.launch import run_scripts
from scaffold.sweeps.spec import run_names, sweep_paths
from scaffold.sweeps.spec.model import RunResources
from tests.conftest import write_tree
from tests.old_shells import unportable
from tests.runs.conftest import MakeWorkspace, Workspace, settings, until
from tests.sweeps.conftest import SCRIPT, plan, start, sweep, there, ticket

SHELLCHECK = Path(sys.executable).with_name("shellcheck")
NASTY = {
    "quotes": 'it\'s "so"',
    "dollar": "$HOME `id` $(id) ${x}",
    "bang": "a!b !! !$",
    "hash": "#no comment",
    "newline": "one\ntwo\n",
    "tab": "a\tb",
    "return": "a\rb",
    "long": "x" * 20_000,
    "dash": "-x",
    "dashes": "--",
    "negative": "-1e-5",
    "empty": "",
    "backslash": "a\\nb\\",
    "unicode": "größe “quoted” \u2018q\u2019 \u2013 数\u00a0\u200b",
    "assignment": "a=b",
    "glob": "*?[x] ~ {a,b}",
    "space": " a  b ",
    "bell": "\x07\x7f\u0085",
    "config": "conf.yaml",
}


def manifest_of(workspace: Workspace, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(next(p for p in workspace.paths() if p.name == f"{name}.json").read_text())
    return found


def seen(workspace: Workspace, manifest: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((workspace.root / manifest["paths"]["outputs"] / "seen.json").read_text())
    return found


@pytest.mark.parametrize("style", ["flags", "equals", "hydra"])
def test_a_run_has_its_planned_name_and_its_words_whatever_the_values(
    make_workspace: MakeWorkspace, style: str
) -> None:
    workspace = make_workspace({"train.py": SCRIPT, "conf.yaml": "a: 1\n"})
    _, (run,), paths = plan(workspace, configurations=(NASTY,), seeds=(3,), style=style)
    ticket(paths[run.name])
    done = start(paths[run.name])
    assert (done.returncode, done.stderr) == (0, "")
    manifest = manifest_of(workspace, run.name)
    assert seen(workspace, manifest)["argv"] == list(run.argv[2:])
    assert set(manifest["params"]) == set(NASTY)
    assert manifest["seed"] == 3 == run.seed


def test_shellcheck_has_nothing_to_say_whatever_the_values_and_the_path(make_workspace: MakeWorkspace) -> None:
    workspace = make_workspace({"train.py": SCRIPT}, name="it's $HOME größe")
    answers = workspace.exp / ".copier-answers.scaffold.yml"
    answers.write_text(
        answers.read_text()
        + "environment: {modules: [cuda/12, gcc]}\nslurm: {setup: ['source ~/.bashrc', 'conda activate x']}\n"
    )
    configurations = tuple({"value": value, "told": "true"} for value in NASTY.values())
    _, _, paths = plan(workspace, configurations=configurations, seeds=(1,), booleans={"told": "switch"}, task="P1-T1")
    done = subprocess.run([str(SHELLCHECK), *map(str, paths.values())], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize(
    ("name", "below", "changes"),
    [
        ("plain", "", {}),
        ("sp ace 'q' \"d\" $HOME `x` größe\nline", "", {}),
        ("mono", "packages/a", {}),
        ("each", "", {"layout": "per-experiment"}),
        ("other", "", {"experiment_root": ".wild/experiments", "tasks_path": ".wild/experiments/tasks.md"}),
    ],
)
def test_a_run_has_its_planned_name_in_every_kind_of_repository(
    make_workspace: MakeWorkspace, name: str, below: str, changes: dict[str, Any]
) -> None:
    prefix = f"{below}/" if below else ""
    files = {f"{prefix}src/train.py": SCRIPT, f"{prefix}src/conf/a.yaml": "a: 1\n", "root.py": "x = 1\n"}
    workspace = make_workspace(files, name=name, below=below, **changes)
    write_tree(
        workspace.root, {"src/conf/new.yaml": "b: 1\n", "src/extra.py": "y = 1\n", "exp/configs/c.yaml": "c: 1\n"}
    )
    (workspace.root / "src/train.py").write_text(SCRIPT + "# changed\n")
    values = (
        "conf/new.yaml",
        "../exp/configs/c.yaml",
        "conf/none.yaml",
        str(workspace.root / "src/conf/a.yaml"),
    )
    planned, runs, paths = plan(
        workspace, cwd="src", configurations=tuple({"config": v} for v in values), seeds=(1,), experiment="base.line"
    )
    assert (workspace.root / (planned.code.patch or "")).is_file()
    for run in runs:
        ticket(paths[run.name])
        done = start(paths[run.name])
        assert (done.returncode, done.stderr) == (0, "")
        manifest = manifest_of(workspace, run.name)
        assert manifest["tracking"]["sweep"] == "lr"
        assert manifest["run"]["experiment"] == "base.line"
        assert seen(workspace, manifest)["cwd"] == str((workspace.root / "src").resolve())
    assert len(runs) == len(values)


def test_a_run_outside_git_has_its_planned_name(tmp_path: Path) -> None:
    from tests.runs.conftest import write_workspace

    write_tree(tmp_path / "bare", {"train.py": SCRIPT, "a.yaml": "a: 1\n"})
    workspace = write_workspace(tmp_path / "bare", settings())
    planned, runs, paths = plan(workspace, configurations=({"c": "a.yaml"}, {"c": "b.yaml"}))
    assert (planned.code.state, planned.code.commit) == (None, None)
    for run in runs:
        ticket(paths[run.name])
        assert start(paths[run.name]).returncode == 0
        assert manifest_of(workspace, run.name)["git"] is None


def test_what_the_recorder_is_told_and_what_the_run_finds(make_workspace: MakeWorkspace) -> None:
    workspace = make_workspace({"train.py": SCRIPT}, run_prefix="env FROM_PREFIX='a b'")
    _, runs, paths = plan(
        workspace,
        command=("python3", "train.py", "{lr}", "out/{lr}-{seed}", "${lr}", "{other}"),
        configurations=({"lr": "1e-2", "amp": "false", "ema": "false", "on": "true"},),
        booleans={"amp": "switch", "ema": "paired", "on": "switch"},
        seeds=(7,),
        task="P3-T2",
        resources=RunResources(timeout_s=1234567.5),
    )
    (run,) = runs
    ticket(
        paths[run.name], CUDA_VISIBLE_DEVICES="GPU-1,GPU-2", RUN_SERVER_RUN_ID="r=1=", HOME="/nowhere", LD_PRELOAD="x"
    )
    done = start(paths[run.name], input="typed")
    assert done.returncode == 0, done.stderr
    manifest = manifest_of(workspace, run.name)
    assert manifest["params"] == {"amp": False, "ema": False, "lr": 0.01, "on": True}
    assert (manifest["seed"], manifest["tracking"]["task"]) == (7, "P3-T2")
    found = seen(workspace, manifest)
    assert found["argv"] == ["1e-2", "out/1e-2-7", "${lr}", "{other}", "--no-ema", "--on"]
    assert found["stdin"] == ""
    environment = found["env"]
    assert environment["FROM_PREFIX"] == "a b"
    assert (environment["CUDA_VISIBLE_DEVICES"], environment["RUN_SERVER_RUN_ID"]) == ("GPU-1,GPU-2", "r=1=")
    assert environment["HOME"] != "/nowhere"
    assert "LD_PRELOAD" not in environment
    assert "1234567.5" in paths[run.name].read_text()


def test_only_one_of_many_starts_takes_the_ticket(make_workspace: MakeWorkspace) -> None:
    workspace = make_workspace({"train.py": SCRIPT})
    _, (run,), paths = plan(workspace)
    launcher = paths[run.name]
    ticket(launcher, number="4")
    started = [subprocess.Popen(["bash", str(launcher)], stderr=subprocess.PIPE, text=True) for _ in range(8)]
    errors = [process.communicate(timeout=60)[1] for process in started]
    codes = [process.returncode for process in started]
    assert sorted(codes) == [0] + [NO_TOKEN] * 7
    assert all(run.name in e and e.count("\n") == 1 for e, code in zip(errors, codes, strict=True) if code)
    assert [m["run"]["attempt"] for m in workspace.manifests()] == [1]
    assert not launcher.with_suffix(".ticket").exists()
    taken = dict(row.split("=", 1) for row in launcher.with_suffix(".taken").read_text().splitlines())
    assert (taken["number"], taken["host"]) == ("4", os.uname().nodename)
    assert int(taken["pid"]) == started[codes.index(0)].pid
    assert taken["taken_at"].endswith("Z")


def test_without_a_ticket_nothing_runs_except_by_hand_or_when_slurm_requeues(make_workspace: MakeWorkspace) -> None:
    workspace = make_workspace({"train.py": SCRIPT})
    _, (run,), paths = plan(workspace)
    launcher = paths[run.name]
    assert start(launcher).returncode == NO_TOKEN
    assert start(launcher, env={"SLURM_RESTART_COUNT": "1"}).returncode == NO_TOKEN
    assert start(launcher, "--byhand").returncode == 2
    assert workspace.paths() == []
    assert start(launcher, "--by-hand").returncode == 0
    ticket(launcher)
    assert start(launcher).returncode == 0
    assert start(launcher, env={"SLURM_RESTART_COUNT": "0"}).returncode == NO_TOKEN
    assert start(launcher, env={"SLURM_RESTART_COUNT": "1"}).returncode == 0
    assert [m["run"]["attempt"] for m in workspace.manifests()] == [1, 2, 3]


def test_the_launchers_process_becomes_the_recorders(make_workspace: MakeWorkspace) -> None:
    workspace = make_workspace({"train.py": "import time\ntime.sleep(60)\n"})
    _, (run,), paths = plan(workspace)
    process = subprocess.Popen(["bash", str(paths[run.name]), "--by-hand"], start_new_session=True)
    live = workspace.exp / "metadata" / ".live" / f"{run.name}.json"
    until(lambda: live.is_file() and workspace.paths())
    assert json.loads(live.read_text())["pid"] == process.pid
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 128 + signal.SIGTERM
    assert manifest_of(workspace, run.name)["status"] == "terminated"


def test_the_environment_of_the_work_directory_is_entered_where_nothing_else_is_said(
    make_workspace: MakeWorkspace,
) -> None:
    workspace = make_workspace({"train.py": SCRIPT})
    _, (run,), paths = plan(workspace, command=("python", "train.py"))
    conda = workspace.root / ".conda"
    hook = "echo $UNSET_BEFORE >/dev/null; false; export FROM_HOOK=1\n"
    write_tree(conda, {"bin/python": f'#!/bin/sh\nexec {sys.executable} "$@"\n', "etc/conda/activate.d/x.sh": hook})
    (conda / "bin/python").chmod(0o755)
    assert start(paths[run.name], "--by-hand").returncode == 0
    found = seen(workspace, workspace.last())["env"]
    assert (found["CONDA_PREFIX"], found["FROM_HOOK"]) == (str(conda), "1")
    venv = workspace.root / ".venv"
    conda.rename(venv)
    assert start(paths[run.name], "--by-hand").returncode == 0
    found = seen(workspace, workspace.last())["env"]
    assert (found["VIRTUAL_ENV"], found["PATH"].split(":")[0]) == (str(venv), f"{venv}/bin")


def test_modules_and_setup_lines_survive_strict_mode_and_a_module_that_fails_ends_the_run(
    make_workspace: MakeWorkspace, tmp_path: Path
) -> None:
    workspace = make_workspace({"train.py": SCRIPT})
    answers = workspace.exp / ".copier-answers.scaffold.yml"
    lines = "environment: {modules: [cuda/12]}\nslurm: {setup: ['source ./site.sh', 'export FROM_SETUP=1']}\n"
    answers.write_text(answers.read_text() + lines)
    (workspace.root / "site.sh").write_text("echo $NEVER_SET; false\n")
    _, (run,), paths = plan(workspace)
    known = {"BASH_FUNC_module%%": '() { : "$NOT_SET"; export MODULES="$*"; [ "$2" != "${BAD-}" ]; }'}
    assert start(paths[run.name], "--by-hand", env=known).returncode == 0
    found = seen(workspace, workspace.last())["env"]
    assert found["MODULES"] == "load cuda/12"
    assert "FROM_SETUP" not in found
    assert start(paths[run.name], "--by-hand", env={**known, "SLURM_JOB_ID": "1"}).returncode == 0
    assert seen(workspace, workspace.last())["env"]["FROM_SETUP"] == "1"
    count = len(workspace.paths())
    assert start(paths[run.name], "--by-hand", env={**known, "BAD": "cuda/12"}).returncode != 0
    assert len(workspace.paths()) == count
    assert start(paths[run.name], "--by-hand").returncode == 0  # a machine without modules


def test_a_launcher_works_from_a_login_shell_and_from_sh(make_workspace: MakeWorkspace) -> None:
    workspace = make_workspace({"train.py": SCRIPT}, name="a 'b'")
    _, (run,), paths = plan(workspace)
    from scaffold.sweeps.launch.run_scripts import escape_bash_word

    typed = f"bash {escape_bash_word(str(paths[run.name]))} --by-hand"
    for shell in (["bash", "-lc"], ["sh", "-c"]):
        assert subprocess.run([*shell, typed], timeout=60, env={**os.environ, "CDPATH": "/"}).returncode == 0
    assert subprocess.run([paths[run.name], "--by-hand"], timeout=60).returncode == 0
    assert len(workspace.paths()) == 3


def test_launchers_are_written_once_and_again_where_they_differ(make_workspace: MakeWorkspace) -> None:
    workspace = make_workspace({"train.py": SCRIPT})
    planned, runs, paths = plan(workspace, configurations=({"lr": "0.1"}, {"lr": "0.2"}))
    one, other = paths.values()
    assert one.stat().st_mode & 0o700 == 0o700
    before = one.read_bytes(), one.stat().st_mtime_ns
    other.write_text("damaged")
    run_scripts.write_launchers(there(workspace), planned, runs)
    assert (one.read_bytes(), one.stat().st_mtime_ns) == before
    assert b"damaged" not in other.read_bytes()
    assert paths == run_scripts.write_launchers(
        there(workspace), planned, run_names.planned_runs(there(workspace), planned)
    )
    assert workspace.root / "exp" not in {p.parent for p in sweep_paths.sweeps_folder(there(workspace)).rglob("*.tmp")}
    status = subprocess.run(
        ["git", "status", "--porcelain", "-uall"], cwd=workspace.root, capture_output=True, text=True
    )
    assert ".sh" not in status.stdout


def test_run_scripts_need_no_later_bash_than_macos_has_and_no_gnu_tools(workspace: Workspace) -> None:
    made = sweep(configurations=({"lr": "a\nb\u0085é"},), seeds=(1,))
    answers = {"environment": {"modules": ["cuda/12"]}, "slurm": {"setup": ["ulimit -n 1"], "modules": []}}
    inside = replace(there(workspace), answers={**there(workspace).answers, **answers})
    [path] = run_scripts.write_launchers(inside, made, run_names.planned_runs(inside, made)).values()
    text = path.read_text()
    assert "module load" in text and "ulimit" in text and "places=(" in text
    assert unportable(text) == []
    assert unportable("mapfile -t a\necho ${x,,} && sed -i s/a/b/ f\n") != []
