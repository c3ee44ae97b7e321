"""Launches a sweep in forked processes that are killed at a given point: before the k-th thing that they do to the outside.

A program of its own, because it forks: it reads k from stdin, and answers `killed` or `done`. What is done to the outside is seen by
an audit hook (files opened for writing, renamed, removed, folders made, processes started, requests sent), so that no point can be missed.
"""

from __future__ import annotations

import importlib
import os
import pickle
import sys
from pathlib import Path
from typing import Any

from tests.kill_points import kill_at
from tests.sweeps.scenario import Scenario, pace

EFFECTS = ("os.rename", "os.remove", "subprocess.Popen", "socket.connect")


def is_effect(event: str, args: tuple[Any, ...]) -> bool:
    """Whether an audit event is about something that others can see afterwards.

    Not: a temporary file, which is nothing until it is renamed; a folder that is there; opening a lock, which its holder's end frees.
    """
    if event == "os.mkdir":
        return not Path(args[0]).is_dir()
    if event == "open":
        path, _, flags = args
        if not isinstance(path, str) or path.endswith(".tmp") or "/.locks/" in path or path == os.devnull:
            return False
        writes = bool(flags & (os.O_WRONLY | os.O_RDWR))
        return writes and (bool(flags & os.O_TRUNC) or not Path(path).exists())
    return event in EFFECTS


def launch(scenario: Scenario, point: int) -> str:
    """Launch and pace in a forked process that is killed at `point`."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            kill_at(point, is_effect)
            scheduler = scenario.scheduler()
            scheduler.request_runs()
            pace(scheduler)
            code = 0
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return "killed"
    return "done" if os.WEXITSTATUS(status) == 0 else "broken"


def main() -> None:
    """Answer each number with what became of the launch."""
    for module in ("scaffold.backends.local.backend", "scaffold.backends.server.backend", "scaffold.server.transport"):
        importlib.import_module(module)  # once, and not in every fork
    scenario = pickle.loads(Path(sys.argv[1]).read_bytes())
    for line in sys.stdin:
        print(launch(scenario, int(line)), flush=True)


if __name__ == "__main__":
    main()
