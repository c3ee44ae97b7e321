"""A command -> its recorded run, waited for: what `scaffold run --json` answers with, and how a run is repeated."""

from __future__ import annotations

import os
import signal
import subprocess  # noqa: TID251 - it starts the recorder
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from scaffold.errors import ScaffoldError
from scaffold.runs import manifests, recorder, recorder_command, records
from scaffold.scratch import scratch_directory
from scaffold.stop_signals import handle_stop_signals

if TYPE_CHECKING:
    from scaffold.runs.model import Run
    from scaffold.workspace import Workspace


def run_with_recorder(
    workspace: Workspace,
    args: Sequence[str],
    *,
    prefix: bool = True,
    recorder_workspace: Workspace | None = None,
    cwd: Path | None = None,
    variables: Mapping[str, str] | None = None,
    stdin: bytes | None = None,
) -> tuple[int, Run | None]:
    """Run what the recorder's `args` say and wait for it: the exit code, and the record; None where nothing was recorded.

    `recorder_workspace` is the workspace whose recorder it is, where its records come to `workspace` by links; `variables` are added to its
    environment, `stdin` is what it reads (None: what this process would).
    What the command prints goes to stderr; signals that end this process go to it. Raises ScaffoldError.
    """
    with scratch_directory() as folder:
        report = folder / "manifest"
        code = _run_passing_signals(
            recorder_command.recorder_command(recorder_workspace or workspace, args, prefix=prefix),
            cwd,
            {**(variables or {}), recorder.attempt.REPORT_VARIABLE: str(report)},
            stdin,
        )
        # a signal's end as a shell says it
        return (128 - code if code < 0 else code), _read_record(workspace, report)


def _run_passing_signals(
    command: Sequence[str], cwd: Path | None, variables: Mapping[str, str], stdin: bytes | None
) -> int:
    """The exit code of a command that gets the signals that this process gets, and `variables` in its environment."""
    process: subprocess.Popen[bytes] | None = None
    early: list[int] = []
    at_terminal = sys.stdin is not None and sys.stdin.isatty()

    def pass_on(number: int, frame: FrameType | None) -> None:
        if number == signal.SIGINT and at_terminal:
            return  # what Ctrl-C sends reaches the whole group by itself; ignoring it would be inherited
        if process is None:
            early.append(number)
        else:
            process.send_signal(number)

    with handle_stop_signals(pass_on), tempfile.TemporaryFile() as script:
        script.write(stdin or b"")
        script.seek(0)
        try:
            source = None if stdin is None else script
            process = subprocess.Popen(command, stdin=source, stdout=2, cwd=cwd, env={**os.environ, **variables})
        except OSError as error:
            raise ScaffoldError(f"{command[0]} cannot be started: {error.strerror}") from error
        for number in early:
            process.send_signal(number)
        return process.wait()


def _read_record(workspace: Workspace, report: Path) -> Run | None:
    """The record whose manifest the recorder told of; None where there is none. Raises ScaffoldError where it is not to be had."""
    try:
        manifest = Path(report.read_text(encoding="utf-8", errors="surrogateescape").split("\n")[0])
    except FileNotFoundError:
        variable = recorder.attempt.REPORT_VARIABLE.encode()
        scripts = recorder_command.recorder_path(workspace).parent
        if any(variable in content for content in recorder.read_recorder_sources(scripts).values()):
            return None
        raise ScaffoldError(
            "this workspace's recorder is older than this scaffold, and does not tell where it recorded the run",
            hint="bring it up to date: scaffold update; the run itself is in: scaffold runs list",
        ) from None
    metadata = manifest.parent.resolve()
    folder = next((folder for folder in records.manifest_directories(workspace) if folder.resolve() == metadata), None)
    try:
        return None if folder is None else manifests.read_run(workspace, folder / manifest.name)
    except ValueError as error:
        raise ScaffoldError(f"the record {manifest.name} cannot be read: {error}") from error
