"""`scaffold init --agent-hooks`: a file of hooks where there is none; nobody's settings are changed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from scaffold.lifecycle.agent_hooks import HOOK_FILES
from tests.conftest import MakeRepo, Run

AGENTS = [word for agent in HOOK_FILES for word in ("--agent-hooks", agent)]


def test_writes_what_is_not_there_once_and_the_hook_stops_a_launch(make_repo: MakeRepo, run: Run) -> None:
    repo = make_repo({"train.py": "print('val/loss', 1)\n"})
    shown = run("init", "--workdir", repo, "--yes", "--dry-run", *AGENTS)
    assert "create" in shown.stdout and not any((repo / hook.path).exists() for hook in HOOK_FILES.values())
    made = run("init", "--workdir", repo, "--yes", *AGENTS)
    assert made.exit_code == 0 and "add to" not in made.output
    for hook in HOOK_FILES.values():
        assert json.loads((repo / hook.path).read_text()) == hook.content
    assert run("init", "--workdir", repo, "--yes", *AGENTS).stdout.count("nothing to do") == 1
    event = {"tool_name": "Bash", "tool_input": {"command": "python train.py"}, "cwd": str(repo)}
    (hook_command,) = json.loads((repo / ".claude/settings.json").read_text())["hooks"]["PreToolUse"][0]["hooks"]
    words = [sys.executable, "-m", *hook_command["command"].split()]
    stopped = subprocess.run(words, cwd=repo, input=json.dumps(event), capture_output=True, text=True)
    assert stopped.returncode == 2 and "scaffold run" in stopped.stderr
    assert run("remove", "--workdir", repo).exit_code == 0
    assert (repo / ".claude/settings.json").exists(), "what lies outside the workspace is the user's"


def test_a_file_of_the_users_stays_and_the_lines_are_printed(make_repo: MakeRepo, run: Run, tmp_path: Path) -> None:
    mine = '{"model": "small"}\n'
    repo = make_repo({".claude/settings.json": mine})
    made = run("init", "--workdir", repo, "--yes", "--agent-hooks", "claude")
    assert made.exit_code == 0 and (repo / ".claude/settings.json").read_text() == mine
    assert "add to .claude/settings.json" in made.stdout and HOOK_FILES["claude"].text in made.stdout
    answer = json.loads(run("init", "--workdir", repo, "--json", "--agent-hooks", "claude").stdout)
    assert answer["hooks_to_add"] == [{"path": ".claude/settings.json", "text": HOOK_FILES["claude"].text}]
    assert not answer["written"]
    (repo / ".claude/settings.json").write_text('{"hooks": "asks scaffold guard"}')
    assert json.loads(run("init", "--workdir", repo, "--json", "--agent-hooks", "claude").stdout)["hooks_to_add"] == []
    (repo / ".gemini").symlink_to(tmp_path)
    assert run("init", "--workdir", repo, "--yes", "--agent-hooks", "gemini").exit_code == 0
    assert not (tmp_path / "settings.json").exists()
