"""A recorded command from its start to its end: everything of the other modules put together."""

from __future__ import annotations

import errno
import os
import time

from .attempt import REPORT_VARIABLE
from .capture import Pump, Stream, open_log, wide_pipe
from .command import Command, Outcome
from .display import Display
from .environment import SlowFacts
from .guard import Guard
from .lean_imports import signal
from .manifest import RUN_VARIABLES, process_rank
from .messages import warn
from .naming import SCHEME_VARIABLE, is_assignment

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from .attempt import Attempt
    from .pseudo_terminal import PseudoTerminal
    from .request import Request


def run_command(request: Request, attempt: Attempt | None, mask: Iterable[int], watched: Iterable[int]) -> int:
    """Run the command, recorded as far as that can be done; the exit code."""
    of_rank = process_rank()
    writes_manifest = attempt is not None and of_rank == 0
    if attempt is not None:
        try:
            if of_rank:
                attempt.claim_rank(of_rank)
            else:
                attempt.claim()
                attempt.begin()
        except OSError as error:
            warn(f"this run is not recorded: {error}")
            attempt, writes_manifest = None, False
    env = {k: v for k, v in os.environ.items() if k not in (*RUN_VARIABLES, REPORT_VARIABLE, SCHEME_VARIABLE)}
    env.update(attempt.environment() if attempt else unrecorded_environment(request))
    command = Command(fill_placeholders(request.argv, env), env, timeout=request.timeout)
    began = time.monotonic()
    try:
        outcome, output = supervise(command, request, attempt, of_rank, mask, watched)
    except OSError as error:
        if command.pid:
            raise
        warn(f"its output cannot be recorded ({error.strerror}): the command runs in the recorder's place")
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        os.execvpe(command.argv[0], command.argv, env)
    if writes_manifest and attempt is not None:
        attempt.end(outcome, max(0.0, (command.ended or time.monotonic()) - began))
    signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    for display in output:
        display.finish()
    return outcome.exit_code


def fill_placeholders(argv: Sequence[str], env: Mapping[str, str]) -> list[str]:
    """The command with `{RUN_OUTPUT_DIR}` and the other names of RUN_VARIABLES replaced by what the run finds in its environment.

    Only here: the manifest, the parameters and the name know the command as it was written, so that it can be run again.
    """
    tokens = list(argv)
    for name in RUN_VARIABLES:
        if name in env:
            tokens = [token.replace(f"{{{name}}}", env[name]) for token in tokens]
    return tokens


def unrecorded_environment(request: Request) -> dict[str, str]:
    """The environment of a run that cannot be recorded: it may still want to write its outputs somewhere."""
    from tempfile import mkdtemp

    try:
        folder = mkdtemp(prefix="run-")
    except OSError:
        return {}
    warn(f"outputs of this unrecorded run go to {folder}")
    values = {"RUN_NAME": os.path.basename(folder), "RUN_OUTPUT_DIR": folder}
    return values if request.seed is None else {**values, "RUN_SEED": str(request.seed)}


def supervise(
    command: Command,
    request: Request,
    attempt: Attempt | None,
    of_rank: int,
    mask: Iterable[int],
    watched: Iterable[int],
) -> tuple[Outcome, list[Display]]:
    """Start the command with its output captured and wait for its end; how it ended, and who is still showing output."""
    pty = open_pseudo_terminal() if request.tty else None
    pipes = [] if pty else [wide_pipe(), wide_pipe()]
    sources = [pty.out, pty.err] if pty else [p[0] for p in pipes]
    actions = pty.actions() if pty else [(os.POSIX_SPAWN_DUP2, p[1], n) for n, p in enumerate(pipes, 1)]
    logs = [open_log(attempt, name, of_rank) for name in ("out", "err")]
    guard = start_guard(
        [Stream(s, log, "", None, n) for n, (s, log) in enumerate(zip(sources, logs), 1)], command, session=bool(pty)
    )
    displays = [] if request.quiet else [Display()] if is_same_file(1, 2) else [Display(), Display()]
    labels = [attempt.log_path(name, of_rank) if attempt else "" for name in ("out", "err")]
    shown = [displays[0], displays[-1]] if displays else [None, None]
    streams = [Stream(s, logs[i], labels[i], shown[i], i + 1) for i, s in enumerate(sources)]
    try:
        command.start(actions, mask, session=bool(pty))
    except OSError as error:
        hint = f"; a variable is set with `env`: -- env {request.argv[0]} ..." if is_assignment(request.argv[0]) else ""
        warn(f"{request.argv[0]}: {error.strerror}{hint}")
        outcome = Outcome(127 if error.errno == errno.ENOENT else 126, None, stopped=False, usage={})
        return outcome, displays
    finally:
        for _, theirs in pipes:
            os.close(theirs)
    if guard is not None:
        guard.watch(command.pid)
    if pty:
        pty.started()
    pump = Pump(streams)
    facts = SlowFacts(attempt, command.pid) if attempt is not None and attempt.manifest else None
    outcome = command.wait(watched, pty.resize if pty else lambda: None)
    left = pump.finish()
    if guard is not None:
        guard.finish(drain=bool(left) and pty is None)
    if pty:
        pty.restore()
    if facts is not None:
        facts.finish()
    return outcome, displays


def start_guard(streams: Sequence[Stream], command: Command, *, session: bool) -> Guard | None:
    """The guard of a command; without one (no process to be had) the run goes on."""
    try:
        return Guard(streams, group=session or not command.interactive)
    except OSError as error:
        warn(f"no guard process ({error.strerror}): the command would outlive a killed recorder")
        return None


def open_pseudo_terminal() -> PseudoTerminal | None:
    """Pseudo-terminals; None, and said, where there are none to be had."""
    from .pseudo_terminal import PseudoTerminal

    try:
        return PseudoTerminal()
    except OSError as error:
        warn(f"no terminal for the command ({error.strerror})")
        return None


def is_same_file(descriptor: int, other: int) -> bool:
    """Whether two descriptors show the same file or terminal."""
    first, second = os.fstat(descriptor), os.fstat(other)
    return (first.st_dev, first.st_ino) == (second.st_dev, second.st_ino)
