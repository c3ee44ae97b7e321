"""`scaffold guard` as the hook of a coding agent: its small configuration file, written where there is none, else the lines to add."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scaffold import path_containment
from scaffold.lifecycle.file_kinds import FileAction
from scaffold.transaction import FileChange

GUARD = "scaffold guard"


@dataclass(frozen=True, slots=True)
class AgentHookFile:
    """Where an agent reads a project's hooks, and what makes it ask the guard before each shell command."""

    path: str
    content: dict[str, Any]

    @property
    def text(self) -> str:
        """The file's text."""
        return json.dumps(self.content, indent=2) + "\n"


def _matched(event: str, tool: str) -> dict[str, Any]:
    return {"hooks": {event: [{"matcher": tool, "hooks": [{"type": "command", "command": GUARD}]}]}}


# as the agents' own documentation has them; each takes exit code 2 for "do not run it", with the reason on stderr
HOOK_FILES = {
    "claude": AgentHookFile(".claude/settings.json", _matched("PreToolUse", "Bash")),
    "codex": AgentHookFile(".codex/hooks.json", _matched("PreToolUse", "Bash")),
    "cursor": AgentHookFile(
        ".cursor/hooks.json", {"version": 1, "hooks": {"beforeShellExecution": [{"command": GUARD}]}}
    ),
    "gemini": AgentHookFile(".gemini/settings.json", _matched("BeforeTool", "run_shell_command")),
}


def plan_agent_hook_file(workdir: Path, agent: str) -> tuple[FileAction, FileChange | None]:
    """What becomes of an agent's file in `workdir`: it is created where there is none; somebody's own stays as it is."""
    hook = HOOK_FILES[agent]
    if not path_containment.is_contained(workdir, hook.path):
        return FileAction(hook.path, "linked", "a link leads out of the repository"), None
    try:
        text = (workdir / hook.path).read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        change = FileChange(path=hook.path, old=None, new=hook.text.encode())
        return FileAction(hook.path, "create", f"asks `{GUARD}` before each shell command"), change
    except OSError as error:
        return FileAction(hook.path, "keep", f"it cannot be read: {error.strerror}"), None
    if GUARD in text:
        return FileAction(hook.path, "same", f"asks `{GUARD}` already"), None
    return FileAction(hook.path, "keep", f"yours stays; `{GUARD}` is to be added"), None


def hooks_to_add(actions: Iterable[FileAction]) -> tuple[AgentHookFile, ...]:
    """The files that hold no hook of ours and are not written, since they are somebody's own: what is to be added to each."""
    left = {action.path for action in actions if action.what in ("keep", "linked")}
    return tuple(hook for hook in HOOK_FILES.values() if hook.path in left)
