"""Records a run in forked processes that are killed at a given point: before the k-th thing that they do to the outside.

A program of its own, because it forks: for k = 1, 2, ... it says `killed`, until one is `done`. Every effect counts, those on
temporary files too; each k is a run of its own (parameter `k`), with a patch and a config copy.
"""

from __future__ import annotations

import os
import sys
from typing import Any

from scaffold.runs import recorder
from tests.kill_points import kill_at

EFFECTS = ("os.rename", "os.link", "os.remove", "os.mkdir", "os.rmdir")


def is_effect(event: str, args: tuple[Any, ...]) -> bool:
    """Whether an audit event is about something that others can see afterwards."""
    if event == "open":
        return isinstance(args[0], str) and args[0] != os.devnull and bool(args[2] & (os.O_WRONLY | os.O_RDWR))
    return event in EFFECTS


def record_a_run(scripts: str, point: int) -> None:
    """What the recorder does for one run, without a command in the middle."""
    request = recorder.request.parse_options(["--config", "c.yaml", "--param", f"k={point}", "--", "true"])
    attempt = recorder.attempt.Attempt(recorder.workspace.locate(scripts), request)
    kill_at(point, is_effect)
    attempt.claim()
    attempt.begin()
    attempt.add_facts("environment", {"packages": attempt.store_packages("a==1\n")})
    attempt.write()
    attempt.end(recorder.command.Outcome(0, None, stopped=False, usage={}), 1.0)


def main() -> None:
    """A line on stdout for each run: what became of it."""
    record_a_run(sys.argv[1], 0)  # loads the modules, once and not in every fork
    for point in range(1, 200):
        child = os.fork()
        if child == 0:
            code = 1
            try:
                record_a_run(sys.argv[1], point)
                code = 0
            finally:
                os._exit(code)
        _, status = os.waitpid(child, 0)
        killed = os.WIFSIGNALED(status)
        print("killed" if killed else "done" if os.WEXITSTATUS(status) == 0 else "broken", flush=True)
        if not killed:
            break


if __name__ == "__main__":
    main()
