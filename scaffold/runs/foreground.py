"""A command -> its recorded run, waited for: what `scaffold run --json` answers with."""

from __future__ import annotations

import signal
import subprocess  # noqa: TID251 - it starts the recorder
import sys
from collections.abc import Sequence

from scaffold.runs import manifests, start
from scaffold.runs.manifests import Run
from scaffold.workspace import Workspace


def recorded(workspace: Workspace, args: Sequence[str], *, prefix: bool = True) -> tuple[int, Run | None]:
    """Run what the recorder's `args` say and wait for it: the exit code, and the record; None where nothing was recorded.

    What the command prints goes to stderr; signals that end this process go to it. Raises ScaffoldError.
    """
    name = _output(start.command(workspace, ["--name-only", *args], prefix=prefix))
    before = {run.path for run in manifests.records(workspace).runs}
    process = subprocess.Popen(start.command(workspace, args, prefix=prefix), stdout=2)
    # what Ctrl-C sends reaches the whole group by itself
    passed = [signal.SIGTERM, signal.SIGHUP, *([] if sys.stdin is not None and sys.stdin.isatty() else [signal.SIGINT])]
    held = {number: signal.signal(number, lambda number, _: process.send_signal(number)) for number in passed}
    if signal.SIGINT not in held:
        held[signal.SIGINT] = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        code = process.wait()
    finally:
        for number, handler in held.items():
            signal.signal(number, handler)
    new = [r for r in manifests.records(workspace).runs if r.path not in before and r.name == name]
    ended = [r for r in new if r.status != "running"]
    return (128 - code if code < 0 else code), min(ended, key=lambda r: r.attempt, default=None)


def _output(command: Sequence[str]) -> str:
    """What a command prints; its complaints are left to the real call."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
    return done.stdout.decode("utf-8", "surrogateescape").strip()
