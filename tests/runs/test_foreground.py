"""Runs that scaffold waits for, `run --json` and `runs rerun`: whose record it is, when others run at the same time, and signals."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import IO

import pexpect

from tests import answers
from tests.conftest import git
from tests.runs.conftest import Workspace, until

# ends when there is a file
GATED = ("sh", "-c", 'while [ ! -e "$GATE" ]; do sleep 0.02; done')


def scaffold(workspace: Workspace, *args: str, gate: Path | None = None) -> subprocess.Popen[str]:
    """The command as a process."""
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), "GATE": str(gate)}
    pipe = subprocess.PIPE
    words = [sys.executable, "-m", "scaffold", *args]
    return subprocess.Popen(
        words,
        cwd=workspace.root,
        env=environment,
        stdin=pipe,
        stdout=pipe,
        stderr=pipe,
        text=True,
        start_new_session=True,
    )


def rerunning(workspace: Workspace, gate: Path) -> subprocess.Popen[str]:
    """A rerun whose command runs, until there is `gate`."""
    gate.touch()
    workspace.record("--experiment", "slow", "--seed", "1", "--", *GATED, env={**os.environ, "GATE": str(gate)})
    gate.unlink()
    process = scaffold(workspace, "runs", "rerun", "slow", "--json", gate=gate)
    until(lambda: len(workspace.manifests()) == 2)
    return process


def said(stream: IO[str] | None) -> str:
    assert stream is not None
    return stream.readline().strip()


def test_each_of_two_runs_of_a_name_that_are_there_at_once_answers_with_its_own_record(workspace: Workspace) -> None:
    words = ("run", "--json", "--experiment", "twin", "--", "sh", "-c", "echo $RUN_MANIFEST; read line")
    own = {said(one.stderr): one for one in [scaffold(workspace, *words) for _ in range(2)]}
    assert len(own) == 2
    for manifest in sorted(own, key=len):  # the first attempt ends first, while the second still runs
        text, _ = own[manifest].communicate("\n", timeout=20)
        record = answers.check(("run",), text)["run"]
        assert (workspace.root / record["path"], record["status"]) == (Path(manifest), "finished")


def test_ctrl_c_at_a_terminal_ends_the_command_and_the_record_is_printed(workspace: Workspace) -> None:
    words = ["-m", "scaffold", "run", "--json", "--experiment", "long", "--", "sh", "-c", "echo here; sleep 60"]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    terminal = pexpect.spawn(sys.executable, words, cwd=workspace.root, env=environment, timeout=20, encoding="utf-8")
    terminal.expect("here")
    terminal.sendintr()
    terminal.expect(pexpect.EOF)
    terminal.close()
    assert '"signal": "SIGINT"' in str(terminal.before) and terminal.exitstatus == 130


def test_a_run_that_is_not_recorded_answers_with_no_record(workspace: Workspace) -> None:
    workspace.record("--experiment", "twin", "--", "true")
    (workspace.exp / "metadata").rename(workspace.exp / "away")
    (workspace.exp / "metadata").write_text("no directory")
    process = scaffold(workspace, "run", "--json", "--experiment", "twin", "--", "true")
    text, complaint = process.communicate(timeout=20)
    assert (process.returncode, text) == (0, "") and "not recorded" in complaint


def test_a_rerun_is_compared_with_its_own_record_whatever_ends_meanwhile(workspace: Workspace, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    process = rerunning(workspace, gate)
    workspace.record("--experiment", "other", "--seed", "2", "--", "true")
    gate.touch()
    text, complaint = process.communicate(timeout=20)
    found = json.loads(text)
    assert (process.returncode, found["again"], found["notes"]) == (0, found["run"] + ".2", []), complaint


def test_a_rerun_that_is_told_to_end_leaves_no_worktree(workspace: Workspace, tmp_path: Path) -> None:
    process = rerunning(workspace, tmp_path / "gate")
    process.send_signal(signal.SIGTERM)
    text, _ = process.communicate(timeout=20)
    assert (process.returncode, json.loads(text)["status"]) == (3, "terminated")
    assert workspace.last()["exit"]["signal"] == "SIGTERM"
    assert git(workspace.root, "worktree", "list").count("\n") == 1


def test_an_older_recorder_does_not_tell_and_that_is_said(workspace: Workspace) -> None:
    attempt = workspace.exp / "scripts" / "_record_run" / "attempt.py"
    attempt.write_text(attempt.read_text().replace("RUN_TELL", "RUN_FORMER"))
    process = scaffold(workspace, "run", "--json", "--experiment", "twin", "--", "true")
    text, complaint = process.communicate(timeout=20)
    assert (process.returncode, text) == (1, "") and "scaffold update" in complaint
    assert workspace.last()["status"] == "finished"
