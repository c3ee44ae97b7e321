"""Runs the command of a done-when: its output into a file, ended with all that it started when its time is over or we are ended."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess  # noqa: TID251 - a done-when in back-ticks is a command
import time
from pathlib import Path

from scaffold.atomic_write import open_to_append
from scaffold.errors import ScaffoldError
from scaffold.runs import recorder
from scaffold.stop_signals import defer_stop_signals

# how long a signal may wait until it is heeded
POLL_S = 0.2
LARGEST_REDACTED_BYTES = 8 << 20


def run_done_when_command(command: str, workdir: Path, log: Path, timeout_s: float) -> int | None:
    """The exit status of a bash command that ran in `workdir`; None where it was ended after `timeout_s` seconds.

    What it prints is added to `log`, without secrets. Raises ScaffoldError where that cannot be written or bash cannot be started.
    """
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        output = open_to_append(log)
        start = log.stat().st_size
    except OSError as error:
        raise ScaffoldError(f"the output of a done-when cannot be kept in {log}: {error.strerror}") from error
    # dying of a signal at once would leave behind a process that is just being started
    with output, defer_stop_signals() as signals:
        output.write(f"$ {recorder.redaction.redact(command)}\n".encode("utf-8", "surrogateescape"))
        output.flush()
        try:
            process = subprocess.Popen(
                ["bash", "-c", command],
                cwd=workdir,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            raise ScaffoldError(f"`{command}` cannot be started: {error}", hint="a done-when is run by bash") from error
        try:
            return _wait_for_exit(process, timeout_s, signals)
        finally:
            _redact_from(log, start)


def _redact_from(log: Path, start: int) -> None:
    """Take the secrets out of what was added to a log, where it is not very long."""
    with contextlib.suppress(OSError), log.open("r+b") as file:
        file.seek(start)
        text = file.read(LARGEST_REDACTED_BYTES + 1).decode("utf-8", "surrogateescape")
        safe = recorder.redaction.redact(text) if len(text) <= LARGEST_REDACTED_BYTES else text
        if safe != text:
            file.seek(start)
            file.write(safe.encode("utf-8", "surrogateescape"))
            file.truncate()


def _wait_for_exit(process: subprocess.Popen[bytes], timeout_s: float, signals: list[int]) -> int | None:
    """How a process exited; None where it was ended past its time. A noted signal ends it, and then us.

    It has a session of its own, so a Ctrl-C at the terminal does not reach it: its process group is ended here.
    """
    deadline = time.monotonic() + timeout_s
    while process.poll() is None and not signals and (left := deadline - time.monotonic()) > 0:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=min(left, POLL_S))
    if process.returncode is not None and not signals:
        return process.returncode
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    if signals:
        raise KeyboardInterrupt if signals[0] == signal.SIGINT else SystemExit(128 + signals[0])
    return None
