"""Runs one search in forked processes, the k-th of which is killed before the k-th file that it puts in place, until one comes through.

A program of its own, because it forks. It prints how many were killed.
"""

from __future__ import annotations

import itertools
import os
import signal
import sys
from typing import Any

from scaffold.cli.main import group
from tests.kill_points import kill_at


def is_rename(event: str, args: tuple[Any, ...]) -> bool:
    """Whether an audit event puts a file in place: every file of a search is, by a rename."""
    return event == "os.rename"


def main() -> None:
    """Search with this program's arguments behind `scaffold`."""
    import optuna  # noqa: F401 - once for all forks

    for point in itertools.count(1):
        child = os.fork()
        if child == 0:
            kill_at(point, is_rename)
            group.main(sys.argv[1:], prog_name="scaffold")
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        if code != -signal.SIGKILL:
            print(point - 1)
            sys.exit(code)


if __name__ == "__main__":
    main()
