"""Is the server there, is it ours, does it take our token, and can it do what we ask of it: all asked at once, each with its time.

Source: the planning protocol's five requests (specs: server API, section 1), and what they leave out: of the five only
system-health looks at the token, and none tells whose server it is.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scaffold.server import address, openapi, operations
from scaffold.server.client import ServerClient
from scaffold.server.errors import InvalidResponse, ServerError, ServerUnauthorized, ServerUnreachable
from scaffold.server.sanitize import sanitize_line

OK, DOWN, UNAUTHORIZED, FAILED, UNKNOWN = "ok", "down", "unauthorized", "failed", "unknown"
LONG = 200
READY, NO_TOKEN, NOT_READY = "ready", "wrong token", "not ready"


@dataclass(frozen=True, slots=True, kw_only=True)
class PreflightCheck:
    """One question: `outcome` is ok, down (no answer), unauthorized (up, wrong token), failed, or unknown where the answer it hangs
    on is missing. `seconds` is its request's time; None where it made none of its own.
    """

    name: str
    asks: str
    outcome: str
    text: str
    seconds: float | None = None
    mandatory: bool = True

    @property
    def is_blocking(self) -> bool:
        """Whether nothing may begin because of it."""
        return self.mandatory and self.outcome != OK


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerPreflightReport:
    """All checks in the order of the table, and how long they took together, in seconds."""

    server: str
    checks: tuple[PreflightCheck, ...]
    seconds: float

    @property
    def ready(self) -> bool:
        """Whether every mandatory check is ok."""
        return not any(check.is_blocking for check in self.checks)

    @property
    def verdict(self) -> str:
        """ready, down (nothing answered), wrong token (it is up), or not ready."""
        if self.ready:
            return READY
        asked = [check for check in self.checks if check.seconds is not None]
        if all(check.outcome == DOWN for check in asked):
            return DOWN
        return NO_TOKEN if any(check.outcome == UNAUTHORIZED for check in asked) else NOT_READY

    @property
    def may_change(self) -> bool:
        """Whether it may get ready by itself: a server that answers everything and does not take the token will not."""
        return self.verdict != NO_TOKEN or any(check.outcome == DOWN for check in self.checks)

    @property
    def reason(self) -> str:
        """What stops, in one line: what nobody answered is said once, what hangs on another answer not at all."""
        if self.verdict == DOWN:
            return f"{self.server} does not answer: {self.checks[0].text}"
        stopping = [check for check in self.checks if check.is_blocking and check.outcome != UNKNOWN]
        return "; ".join(f"{check.name}: {check.text}" for check in stopping)


@dataclass(frozen=True, slots=True)
class _TimedAnswer:
    value: Any
    error: ServerError | None
    seconds: float


def run_server_preflight(server: ServerClient, workdirs: Iterable[Path]) -> ServerPreflightReport:
    """Ask everything side by side. `workdirs` are the directories that the server may call its work directory, ours first."""
    questions: dict[str, Callable[[], Any]] = {
        "docs": server.docs,
        "openapi": server.openapi,
        "skills": server.skills,
        "protocol": lambda: server.skill(operations.PROTOCOL),
        "system-health": server.system_health,
        "workdir": server.health,
    }
    started = time.perf_counter()
    with ThreadPoolExecutor(len(questions)) as pool:
        answers = dict(zip(questions, pool.map(_ask_timed, questions.values()), strict=True))
    seconds = time.perf_counter() - started
    checks = (
        _judge_answer("docs", "GET /docs", answers["docs"], lambda page: (True, "")),
        _judge_answer("openapi", "GET /openapi.json", answers["openapi"], _judge_openapi),
        _judge_answer(
            "skills", "GET /prompt-skills", answers["skills"], lambda skills: (bool(skills), f"{len(skills)} skills")
        ),
        _judge_answer("protocol", f"GET /prompt-skills/{operations.PROTOCOL}", answers["protocol"], _judge_protocol),
        _judge_answer("system-health", "GET /wild/v2/system-health", answers["system-health"], _judge_health),
        _check_token(server, answers["system-health"]),
        _check_operations(answers["openapi"]),
        *_check_optional_operations(answers["openapi"]),
        _judge_answer(
            "workdir",
            "GET /health",
            answers["workdir"],
            lambda health: _judge_workdir(health, tuple(workdirs), server.url),
        ),
    )
    return ServerPreflightReport(server=server.url, checks=checks, seconds=seconds)


def _ask_timed(question: Callable[[], Any]) -> _TimedAnswer:
    started = time.perf_counter()
    try:
        value, error = question(), None
    except ServerError as caught:
        value, error = None, caught
    return _TimedAnswer(value, error, time.perf_counter() - started)


def _judge_answer(
    name: str, asks: str, answer: _TimedAnswer, judge: Callable[[Any], tuple[bool, str]]
) -> PreflightCheck:
    if answer.error is not None:
        outcome, text = _error_outcome(answer.error), _error_reason(answer.error)
    else:
        is_good, text = judge(answer.value)
        outcome = OK if is_good else FAILED
    return PreflightCheck(name=name, asks=asks, outcome=outcome, text=text, seconds=answer.seconds)


def _error_outcome(error: ServerError) -> str:
    if isinstance(error, ServerUnreachable) or (isinstance(error, InvalidResponse) and error.status in (502, 503, 504)):
        return DOWN
    return UNAUTHORIZED if isinstance(error, ServerUnauthorized) else FAILED


def _error_reason(error: ServerError) -> str:
    """An error's message without the method and the URL, which stand beside it."""
    return error.message.partition(": ")[2] or error.message


def _judge_openapi(document: dict[str, Any]) -> tuple[bool, str]:
    paths = document.get("paths")
    number = len(paths) if isinstance(paths, dict) else 0
    return number > 0, f"{number} paths"


def _judge_protocol(skill: Any) -> tuple[bool, str]:
    is_empty = not skill.template.strip()
    return not is_empty, "it is empty" if is_empty else f"{len(skill.template)} characters"


def _judge_health(health: Any) -> tuple[bool, str]:
    return True, f"{health.running} running, {health.queued} waiting"


def _check_token(server: ServerClient, health: _TimedAnswer) -> PreflightCheck:
    name, asks = "token", f"${address.TOKEN_VARIABLE}"
    if health.error is None:
        text = "accepted" if server.has_token else "none is wanted"
        return PreflightCheck(name=name, asks=asks, outcome=OK, text=text)
    if isinstance(health.error, ServerUnauthorized):
        problem = "does not take this token" if server.has_token else "wants one"
        return PreflightCheck(name=name, asks=asks, outcome=FAILED, text=f"the server is up, and {problem}")
    return PreflightCheck(name=name, asks=asks, outcome=UNKNOWN, text="system-health would tell")


def _check_operations(answer: _TimedAnswer) -> PreflightCheck:
    called = [operation for operation in operations.CALLED if operation.mandatory]
    if answer.error is not None:
        return PreflightCheck(name="operations", asks="openapi.json", outcome=UNKNOWN, text="openapi.json would tell")
    gaps = openapi.find_missing_operations(answer.value, called)
    text = "; ".join(f"{gap.operation.name} {gap.lacks}" for gap in gaps) or f"{len(called)} that are needed are there"
    return PreflightCheck(name="operations", asks="openapi.json", outcome=FAILED if gaps else OK, text=text)


def _check_optional_operations(answer: _TimedAnswer) -> list[PreflightCheck]:
    """A row for the operations that can be done without, where some are missing."""
    called = [operation for operation in operations.CALLED if not operation.mandatory]
    gaps = openapi.find_missing_operations(answer.value, called) if answer.error is None else []
    text = "; ".join(f"{gap.operation.name} {gap.lacks}" for gap in gaps)
    text = f"{text}; done without"
    row = PreflightCheck(name="extras", asks="openapi.json", outcome=FAILED, text=text, mandatory=False)
    return [row] if gaps else []


def _judge_workdir(health: Any, allowed: tuple[Path, ...], url: str) -> tuple[bool, str]:
    """Whether the server works in one of our directories, links followed; on another machine only the names can be compared."""
    workdir = health.workdir
    if not workdir:
        return False, "it does not say where it works: is that the research server?"
    local = address.is_loopback(url)
    path = _resolve_or_keep(Path(workdir)) if local else Path(workdir)
    if any(path == (ours.resolve() if local else ours) or Path(workdir) == ours.resolve() for ours in allowed):
        return True, "this repository"
    return False, f"it works in {sanitize_line(workdir, LONG)}, and not in {allowed[0]}"


def _resolve_or_keep(path: Path) -> Path:
    try:
        return path.resolve()
    except (OSError, RuntimeError, ValueError):  # links in a circle, letters that no path has
        return path
