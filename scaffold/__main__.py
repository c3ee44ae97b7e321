"""`python -m scaffold` and the `scaffold` command: a process of its own."""

from __future__ import annotations

import atexit
import os
import sys

from scaffold.cli.main import main as run_command_line


def main() -> None:
    """Run the command line, and end this process with its exit status."""
    try:
        run_command_line()
    except SystemExit as end:
        if end.code is None or isinstance(end.code, int):
            end_process(end.code or 0)
        raise


def end_process(status: int) -> None:
    """End without taking apart what is in memory: of a hundred thousand runs that takes a tenth of a command's time.

    Comes back, so that Python ends as it always does, where somebody still has to be heard: a thread, a profiler, a stream that fails.
    """
    threading = sys.modules.get("threading")
    has_threads = threading is not None and threading.active_count() > 1
    if has_threads or sys.getprofile() is not None or sys.gettrace() is not None:
        return
    try:
        atexit._run_exitfuncs()  # what `os._exit` leaves out, and somebody may count on
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:
                stream.flush()
    except (OSError, ValueError):
        return
    os._exit(status & 0xFF)


if __name__ == "__main__":
    main()
