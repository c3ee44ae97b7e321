"""What is to be recorded: the options of the command line."""

from __future__ import annotations

import os

from .messages import warn
from .naming import command_params
from .redaction import redact
from .values import format_value, parse_number, parse_value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from .stdin_script import StdinScript
    from .values import Scalar


VERSION = "1.0"

# what the command is passed of what the recorder is told
PASSED_SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2")


class Request:
    """What is to be recorded, as the options say."""

    def __init__(self) -> None:
        self.argv: list[str] = []
        self.experiment: str | None = os.environ.get("RUN_EXPERIMENT") or None
        self.seed: int | None = None
        self.params: dict[str, Scalar] = {}
        self.configs: list[str] = []
        self.metric_patterns: list[str] = []
        self.task: str | None = os.environ.get("RUN_TASK") or None
        self.sweep: str | None = os.environ.get("RUN_SWEEP") or None
        self.timeout: float | None = None
        self.name_only = False
        self.quiet = False
        self.patch = True
        self.tty = False
        self.stdin_script: StdinScript | None = None


USAGE = """usage: record_run.py [options] -- COMMAND ...

Runs COMMAND and records it: name, code, seed, parameters, environment, output and end, in one manifest.
The exit code is the command's own (128+n for a signal, 127 not found, 126 not executable).

  --experiment NAME     the line of work it belongs to (default: the script's name)
  --seed N              the seed (default: read off the command)
  --param K=V ...       parameters beside those read off the command
  --config FILE ...     config files: their content counts, and is kept
  --metric-from RE ...  how a metric is printed, such as 'val_bpb:\\s*(\\S+)': its last value counts
  --task ID             the plan's task, such as P2-T1 (default: $RUN_TASK)
  --sweep NAME          the sweep (default: $RUN_SWEEP)
  --timeout S           end the command after S seconds
  --tty                 give the command a terminal
  --quiet               keep its output in the logs only
  --no-patch            do not save the diff of uncommitted code
  --name-only           print the run's name and do nothing
  -h, --help            this text
  --version             the recorder's version

{RUN_OUTPUT_DIR}, {RUN_NAME}, {RUN_SEED} and {RUN_MANIFEST} in COMMAND stand for what the run finds under these names in its environment.
"""


class UsageError(Exception):
    """The options are wrong."""


def parse_options(args: Sequence[str]) -> Request:
    """The request that the options make. Raises UsageError."""
    request = Request()
    rest = list(args)
    several = "--" in args
    while rest and rest[0] != "--" and rest[0].startswith("-"):
        option, equals, value = rest.pop(0).partition("=")
        flag = {"--name-only": "name_only", "--quiet": "quiet", "--tty": "tty", "--no-patch": "patch"}.get(option)
        if flag and not equals:
            setattr(request, flag, flag != "patch")
        elif option in OPTIONS:
            values = [value] if equals else [rest.pop(0)] if rest and rest[0] != "--" else []
            while several and not equals and option in ("--param", "--config") and rest and not rest[0].startswith("-"):
                values.append(rest.pop(0))
            if not values:
                raise UsageError(f"{option} needs a value")
            for text in values:
                set_option(request, option, text)
        else:
            raise UsageError(f"there is no option {option}")
    if rest and rest[0] == "--":
        rest.pop(0)
    request.argv = list(rest)
    if not request.argv:
        raise UsageError("no command is given")
    own_seed = command_params(request.argv).get("seed")
    if request.seed is not None and own_seed is not None and own_seed != request.seed:
        warn(
            "warning: recorded with seed %d, as --seed says; the command itself has seed %s"
            % (request.seed, format_value(own_seed))
        )
    return request


OPTIONS = ("--experiment", "--seed", "--param", "--config", "--metric-from", "--task", "--sweep", "--timeout")


def set_option(request: Request, option: str, value: str) -> None:
    """Put one option's value into the request. Raises UsageError."""
    if option == "--metric-from":
        add_metric_pattern(request, value)
    elif option == "--seed":
        seed = parse_number(value)
        if not isinstance(seed, int):
            raise UsageError(f"--seed needs a whole number, not {value!r}")
        request.seed = seed
    elif option == "--param":
        add_param(request, value)
    elif option == "--config":
        if not os.path.isfile(value):
            raise UsageError(f"--config: there is no file {value}")
        request.configs.append(value)
    elif option == "--timeout":
        limit = parse_number(value)
        if limit is None or limit <= 0:
            raise UsageError(f"--timeout needs a number of seconds above 0, not {value!r}")
        request.timeout = float(limit)
    elif not value:
        raise UsageError(f"{option} needs a value")
    else:
        setattr(request, option[2:], value)


def add_param(request: Request, text: str) -> None:
    """Put a parameter into the request. Raises UsageError."""
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise UsageError(f"--param needs KEY=VALUE, not {redact(text)!r}")
    request.params[key.replace("-", "_")] = parse_value(value)


def add_metric_pattern(request: Request, text: str) -> None:
    """Let the run look for a printed metric. Raises UsageError."""
    from .printed_patterns import PatternError, pattern_of_text

    try:
        pattern_of_text(text)
    except PatternError as error:
        raise UsageError(f"--metric-from {error}") from error
    request.metric_patterns.append(text)
