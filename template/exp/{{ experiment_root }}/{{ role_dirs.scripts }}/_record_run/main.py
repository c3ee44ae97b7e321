"""The command line: from its arguments to the exit code."""

from __future__ import annotations

import os

from .lean_imports import signal
from .messages import RecorderError, warn
from .naming import STDIN_WORDS
from .request import PASSED_SIGNALS, USAGE, VERSION, Request, UsageError, parse_options

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from .attempt import Attempt


def load_supervision() -> None:
    """Load what the run itself needs. What is missing or broken is said by who needs it."""
    try:
        from . import records_home, secret_tokens, supervision  # noqa: F401
    except Exception:
        pass


def prepare(request: Request, folder: str) -> Attempt | None:
    """Settle what is recorded; None, and said, where that cannot be done. No trouble of ours may stop the command."""
    try:
        from .attempt import Attempt
        from .workspace import locate

        # nobody waits for the modules that load while git works
        return Attempt(locate(folder), request, meanwhile=None if request.name_only else load_supervision)
    except (RecorderError, OSError) as error:
        warn(f"this run is not recorded: {error}")
    except Exception as error:
        warn(f"this run is not recorded, by a fault of the recorder: {type(error).__name__}: {error}")
    return None


def main(args: Sequence[str], folder: str) -> int:
    """Run the recorder of a scripts `folder` with command line arguments; its exit code."""
    for fd in (0, 1, 2):
        try:
            os.fstat(fd)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    own = args[: list(args).index("--")] if "--" in args else args
    if "-h" in own or "--help" in own or "--version" in own:
        os.write(1, (f"{VERSION}\n" if "--version" in own else USAGE).encode())
        return 0
    watched = {getattr(signal, n) for n in PASSED_SIGNALS if signal.getsignal(getattr(signal, n)) != signal.SIG_IGN}
    watched |= {signal.SIGCHLD, signal.SIGALRM, signal.SIGWINCH}
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, watched)
    try:
        request = parse_options(args)
    except UsageError as error:
        usage = USAGE.split("\n")[0]
        os.write(2, f"{usage}\nrecord_run.py: {error}\n".encode("utf-8", "backslashreplace"))
        return 2
    if not request.tty and any(token in STDIN_WORDS for token in request.argv[1:]):
        from .stdin_script import read_stdin_script  # few commands read their script from standard input

        request.stdin_script = read_stdin_script(request.argv)
    if request.name_only:
        attempt = prepare(request, folder)
        if attempt is not None:
            os.write(1, (attempt.name + "\n").encode())
        return 0 if attempt is not None else 1
    signal.signal(signal.SIGCHLD, lambda *_: None)
    attempt = prepare(request, folder)
    try:
        from .supervision import run_command
    except Exception as error:  # a module is missing or broken; the command is what counts
        warn(f"this run is not recorded: {type(error).__name__}: {error}")
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        os.execvp(request.argv[0], request.argv)
    return run_command(request, attempt, mask, watched)
