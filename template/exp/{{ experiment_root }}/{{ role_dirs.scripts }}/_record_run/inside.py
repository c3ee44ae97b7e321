"""A block of Python as a run: `with record("baseline", seed=1) as run`."""

from __future__ import annotations

import os
import sys
import time

import _record_run

from .attempt import Attempt
from .capture import open_log
from .command import Outcome
from .environment import SlowFacts
from .files import append_to, write_atomic
from .json_text import to_json
from .manifest import RUN_VARIABLES, process_rank
from .messages import RecorderError, warn
from .redaction import redact_metrics
from .request import Request
from .supervision import begin_pinning, finish_pinning, unrecorded_environment
from .values import flatten
from .workspace import locate

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import IO, Any

    from .pins import Pinning
    from .values import Scalar


class Tee:
    """A Python text stream that also keeps what is written to it."""

    def __init__(self, stream: IO[str], log: int | None) -> None:
        self._stream = stream
        self._log = log

    def write(self, text: str) -> int:
        """Write to both."""
        self.log(text)
        self._stream.write(text)
        return len(text)

    def log(self, text: str) -> None:
        """Write to the log only; trouble with it is said once."""
        if self._log is not None:
            try:
                os.write(self._log, text.encode("utf-8", "backslashreplace"))
            except OSError as error:
                self._log = None
                warn(f"a log cannot be written ({error.strerror}): further output is not kept")

    def close_log(self) -> None:
        """The run is over: who still holds this stream writes to the other alone."""
        log, self._log = self._log, None
        if log is not None:
            os.close(log)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


class Run:
    """A run recorded inside Python, as `record` makes it."""

    def __init__(self, request: Request) -> None:
        self.request = request
        self._attempt: Attempt | None = None
        self._facts: SlowFacts | None = None
        self._pinning: Pinning | None = None
        self._summary: dict[str, Scalar] = {}
        outer = os.environ.get("RUN_SEED", "")
        self._seed = int(outer) if request.seed is None and outer.lstrip("-").isdigit() else request.seed
        self.name = ""
        self.output_dir = ""

    def __enter__(self) -> Run:
        self._began = time.monotonic()
        self._before = {k: os.environ.get(k) for k in RUN_VARIABLES}
        self._streams = sys.stdout, sys.stderr
        try:
            attempt = Attempt(locate(_record_run.scripts), self.request)
            attempt.claim_rank(process_rank()) if process_rank() else attempt.claim()
            logs = [open_log(attempt, name, process_rank()) for name in ("out", "err")]
            if process_rank() == 0:
                attempt.begin()
                self._pinning = begin_pinning(attempt)
                self._facts = SlowFacts(attempt, os.getpid(), python=sys.executable)
            self._attempt = attempt
            self.name, self.output_dir = attempt.name, attempt.path(attempt.outputs)
            self._seed = self._seed if attempt.identity.seed is None else attempt.identity.seed
            values = attempt.environment()
            self._before.update((k, None) for k in attempt.workspace.tracker_variables())
            sys.stdout, sys.stderr = Tee(sys.stdout, logs[0]), Tee(sys.stderr, logs[1])
        except Exception as error:  # no trouble of ours may stop the code
            warn(
                "this run is not recorded: %s" % (error if isinstance(error, (RecorderError, OSError)) else repr(error))
            )
            values = unrecorded_environment(self.request)
            self.output_dir = values.get("RUN_OUTPUT_DIR", "")
        os.environ.update(values)
        return self

    @property
    def seed(self) -> int | None:
        """The run's seed, also where it was given from outside (`$RUN_SEED`). That it was read is recorded: else it is a mere label."""
        if self._attempt is not None and self._attempt.seed_source == "label":
            self._attempt.seed_source = "environment"
            if self._attempt.manifest:
                self._attempt.manifest["seed_source"] = "environment"
        return self._seed

    def log(self, **values: Any) -> None:
        """Append a row to the run's `metrics.jsonl`."""
        row = to_json(redact_metrics(flatten(values))) + "\n"
        self._write("metrics.jsonl", lambda path: append_to(path, row.encode()))

    def summary(self, **values: Any) -> None:
        """Set final values: the run's `metrics.json`."""
        self._summary.update(redact_metrics(flatten(values)))
        self._write("metrics.json", lambda path: write_atomic(path, to_json(self._summary).encode()))

    def _write(self, name: str, write: Callable[[str], None]) -> None:
        try:
            write(os.path.join(self.output_dir, name))
        except OSError as error:
            warn(f"{name} of the run cannot be written ({error})")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None and not isinstance(error, SystemExit):
            from traceback import format_exception

            if isinstance(sys.stderr, Tee):
                sys.stderr.log("".join(format_exception(kind, error, trace)))
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, Tee):
                stream.close_log()
        sys.stdout, sys.stderr = self._streams
        for key, value in self._before.items():
            os.environ.pop(key, None)
            if value is not None:
                os.environ[key] = value
        duration = time.monotonic() - self._began
        if self._attempt is not None and self._attempt.manifest:
            if self._attempt.seed_source == "label":
                self._attempt.warn_of_label()
            if self._facts is not None:
                self._facts.finish()
            finish_pinning(self._pinning)
            self._attempt.end(python_outcome(error), duration)


def python_outcome(error: BaseException | None) -> Outcome:
    """How a block of Python ended, in a command's terms."""
    import resource

    used = resource.getrusage(resource.RUSAGE_SELF)
    scale = 1 if sys.platform == "darwin" else 1024
    usage = {"max_rss_bytes": used.ru_maxrss * scale, "user_s": used.ru_utime, "system_s": used.ru_stime}
    if isinstance(error, KeyboardInterrupt):
        return Outcome(None, "SIGINT", stopped=True, usage=usage)
    if isinstance(error, SystemExit):
        code = error.code if isinstance(error.code, int) else 0 if error.code is None else 1
        return Outcome(code, None, stopped=False, usage=usage)
    return Outcome(0 if error is None else 1, None, stopped=False, usage=usage)


def record(
    experiment: str, *, seed: int | None = None, params: Any = None, task: str | None = None, patch: bool = True
) -> Run:
    """Record a block of Python: `with record("baseline", seed=1, params=cfg) as run: ...; run.log(step=1, loss=0.3)`.

    `params` may be nested, or anything that `vars` takes. Output that passes through `sys.stdout` and `sys.stderr` is kept.
    """
    request = Request()
    request.experiment, request.seed, request.patch = experiment, seed, patch
    request.task = task or request.task
    request.params = flatten(params) if params is not None else {}
    notebook = "ipykernel" in sys.modules or not sys.argv or not sys.argv[0]
    request.argv = ["python", "-"] if notebook else ["python", *sys.argv]
    return Run(request)
