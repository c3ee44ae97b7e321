"""A recorded command from its start to its end: everything of the other modules put together.

Nothing of the recorder's own may keep the command from its end, or its end from being recorded: what fails is said, and done without.
"""

from __future__ import annotations

import errno
import os
import time

from .attempt import ASKING_VARIABLES
from .capture import Pump, Stream, open_log, wide_pipe
from .command import Command, Outcome
from .display import Display
from .environment import SlowFacts
from .guard import Guard
from .lean_imports import signal
from .manifest import RUN_VARIABLES, process_rank
from .messages import warn
from .naming import is_assignment

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Iterable, Mapping, Sequence, TypeVar

    from .attempt import Attempt
    from .pins import Pinning
    from .pseudo_terminal import PseudoTerminal
    from .request import Request

    T = TypeVar("T")


def run_command(request: Request, attempt: Attempt | None, mask: Iterable[int], watched: Iterable[int]) -> int:
    """Run the command, recorded as far as that can be done; the exit code."""
    of_rank = process_rank()
    if attempt is not None:
        try:
            if of_rank:
                attempt.claim_rank(of_rank)
            else:
                attempt.claim()
                attempt.begin()
                if attempt.seed_source == "label":
                    attempt_to("a warning is missing", attempt.warn_of_label)
        except Exception as error:
            warn(f"this run is not recorded: {error}")
            attempt = None
    env = {k: v for k, v in os.environ.items() if k not in (*RUN_VARIABLES, *ASKING_VARIABLES)}
    env.update(attempt.environment() if attempt else unrecorded_environment(request))
    command = Command(fill_placeholders(request.argv, env), env, timeout=request.timeout)
    began = time.monotonic()
    outcome, displays = supervise(command, request, attempt, of_rank, mask, watched)
    if attempt is not None and of_rank == 0:
        attempt.end(outcome, max(0.0, (command.ended or time.monotonic()) - began))
    signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    for display in displays:
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
    try:
        from tempfile import mkdtemp

        folder = mkdtemp(prefix="run-")
    except (OSError, ImportError):
        return {}
    warn(f"outputs of this unrecorded run go to {folder}")
    values = {"RUN_NAME": os.path.basename(folder), "RUN_OUTPUT_DIR": folder}
    return values if request.seed is None else {**values, "RUN_SEED": str(request.seed)}


def attempt_to(what: str, action: Callable[[], T]) -> T | None:
    """What `action` gives; None, and said, where it fails."""
    try:
        return action()
    except Exception as error:
        warn(f"{what} ({getattr(error, 'strerror', None) or error})")
        return None


class Streams:
    """Where the command's two streams go: through pipes or pseudo-terminals into the logs and to the user.

    Where those are not to be had (no descriptors, no thread), straight into the logs, which are shown when the command has ended.
    """

    def __init__(self, request: Request, attempt: Attempt | None, of_rank: int, command: Command) -> None:
        self.logs = [open_log(attempt, name, of_rank) for name in ("out", "err")]
        self.pty: PseudoTerminal | None = (
            attempt_to("no terminal for the command", open_pseudo_terminal) if request.tty else None
        )
        self.pipes: list[tuple[int, int]] = [] if self.pty else attempt_to("no pipes for its output", open_pipes) or []
        sources = [self.pty.out, self.pty.err] if self.pty else [ours for ours, _ in self.pipes]
        # forked while there is no thread yet
        self.guard = attempt_to(
            "no guard process: the command would outlive a killed recorder",
            lambda: Guard(list(zip(sources, self.logs)), group=bool(self.pty) or not command.interactive),
        )
        self.displays = open_displays(quiet=request.quiet)
        labels = [attempt.log_path(name, of_rank) if attempt else "" for name in ("out", "err")]
        shown = [self.displays[0], self.displays[-1]] if self.displays else [None, None]
        streams = [Stream(s, self.logs[i], labels[i], shown[i], i + 1) for i, s in enumerate(sources)]
        self.pump = attempt_to("its output is shown when it has ended", lambda: Pump(streams)) if sources else None

    def actions(self) -> list[tuple[Any, ...]]:
        """What the child does to its descriptors."""
        if self.pump is None:
            return [(os.POSIX_SPAWN_DUP2, log, n) for n, log in enumerate(self.logs, 1) if log is not None]
        if self.pty:
            return self.pty.actions()
        return [(os.POSIX_SPAWN_DUP2, theirs, n) for n, (_, theirs) in enumerate(self.pipes, 1)]

    def close_theirs(self) -> None:
        """Let go of the command's ends, whether it has started or not: then its end can be seen."""
        for _, theirs in self.pipes:
            os.close(theirs)
        if self.pty:
            attempt_to("the terminal cannot be fed", self.pty.started)

    def finish(self) -> None:
        """The command has ended: take what is there."""
        left = self.pump.finish() if self.pump else []
        if self.guard is not None:
            self.guard.finish(drain=bool(left) and self.pty is None)
        if self.pty:
            attempt_to("the terminal is not as it was", self.pty.restore)
        if self.pump is None and self.displays:
            for to, log in enumerate(self.logs, 1):
                if log is not None:
                    self.displays[to - 1 if len(self.displays) > 1 else 0].follow(to, log, 0, os.fstat(log).st_size)


def supervise(
    command: Command,
    request: Request,
    attempt: Attempt | None,
    of_rank: int,
    mask: Iterable[int],
    watched: Iterable[int],
) -> tuple[Outcome, list[Display]]:
    """Start the command with its output captured and wait for its end; how it ended, and who is still showing output."""
    streams = Streams(request, attempt, of_rank, command)
    pty = streams.pty if streams.pump else None
    try:
        script = request.stdin_script
        command.start([*streams.actions(), *(script.actions() if script else [])], mask, session=bool(pty))
        if script:
            script.start()
    except OSError as error:
        hint = f"; a variable is set with `env`: -- env {request.argv[0]} ..." if is_assignment(request.argv[0]) else ""
        warn(f"{request.argv[0]}: {error.strerror}{hint}")
        outcome = Outcome(127 if error.errno == errno.ENOENT else 126, None, stopped=False, usage={})
        streams.close_theirs()
        streams.finish()
        finish_pinning(begin_pinning(attempt))
        return outcome, streams.displays
    if streams.guard is not None:
        streams.guard.watch(command.pid)
    streams.close_theirs()
    pinning = begin_pinning(attempt)
    facts: SlowFacts | None = None
    if attempt is not None and attempt.manifest:
        recorded = attempt
        facts = attempt_to("its Python and the GPUs are not asked", lambda: SlowFacts(recorded, command.pid))
    outcome = command.wait(watched, pty.resize if pty else lambda: None)
    attempt_to("its last output may be missing", streams.finish)
    if facts is not None:
        facts.finish()
    finish_pinning(pinning)
    return outcome, streams.displays


def begin_pinning(attempt: Attempt | None) -> Pinning | None:
    """Begin to pin the code of a recorded attempt, where that is still to be done."""
    if attempt is None or not attempt.manifest:
        return None
    if all(state.pin is None for state in [attempt.state, *attempt.state.submodules]):
        return None
    return attempt_to("its code is not pinned", lambda: start_pinning(attempt))


def start_pinning(attempt: Attempt) -> Pinning:
    """Start to pin the code of an attempt. Raises ImportError where the module is missing or broken."""
    from .pins import Pinning  # once for each state of the code

    return Pinning(attempt)


def finish_pinning(pinning: Pinning | None) -> None:
    """The command has ended: wait until its code is pinned."""
    if pinning is not None:
        pinning.finish()


def open_pseudo_terminal() -> PseudoTerminal:
    """Pseudo-terminals for the command. Raises OSError or termios.error where there are none to be had."""
    from .pseudo_terminal import PseudoTerminal

    return PseudoTerminal()


def open_pipes() -> list[tuple[int, int]]:
    """A pipe for each stream. Raises OSError."""
    return [wide_pipe(), wide_pipe()]


def open_displays(*, quiet: bool) -> list[Display]:
    """Who shows the command's output: none, one where both streams go to the same place, else one each."""
    if quiet:
        return []
    return [Display()] if is_same_file(1, 2) else [Display(), Display()]


def is_same_file(descriptor: int, other: int) -> bool:
    """Whether two descriptors show the same file or terminal."""
    first, second = os.fstat(descriptor), os.fstat(other)
    return (first.st_dev, first.st_ino) == (second.st_dev, second.st_ino)
