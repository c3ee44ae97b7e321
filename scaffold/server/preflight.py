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
from scaffold.server.client import Client
from scaffold.server.errors import Broken, ServerError, Unauthorized, Unreachable
from scaffold.server.sanitize import flat

OK, DOWN, UNAUTHORIZED, FAILED, UNKNOWN = "ok", "down", "unauthorized", "failed", "unknown"
LONG = 200
READY, NO_TOKEN, NOT_READY = "ready", "wrong token", "not ready"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
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
    def stops(self) -> bool:
        """Whether nothing may begin because of it."""
        return self.mandatory and self.outcome != OK


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """All checks in the order of the table, and how long they took together, in seconds."""

    server: str
    checks: tuple[Check, ...]
    seconds: float

    @property
    def ready(self) -> bool:
        """Whether every mandatory check is ok."""
        return not any(check.stops for check in self.checks)

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
        stopping = [check for check in self.checks if check.stops and check.outcome != UNKNOWN]
        return "; ".join(f"{check.name}: {check.text}" for check in stopping)


@dataclass(frozen=True, slots=True)
class _Answer:
    value: Any
    error: ServerError | None
    seconds: float


def preflight(server: Client, workdirs: Iterable[Path]) -> Report:
    """Ask everything side by side. `workdirs` are the directories that the server may call its work directory, ours first."""
    questions: dict[str, Callable[[], Any]] = {
        "docs": server.docs,
        "openapi": server.openapi,
        "skills": server.skills,
        "protocol": lambda: server.skill(operations.PROTOCOL),
        "system-health": server.system_health,
        "workdir": server.health,
    }
    begun = time.perf_counter()
    with ThreadPoolExecutor(len(questions)) as pool:
        answers = dict(zip(questions, pool.map(_timed, questions.values()), strict=True))
    seconds = time.perf_counter() - begun
    checks = (
        _asked("docs", "GET /docs", answers["docs"], lambda page: (True, "")),
        _asked("openapi", "GET /openapi.json", answers["openapi"], _described),
        _asked("skills", "GET /prompt-skills", answers["skills"], lambda found: (bool(found), f"{len(found)} skills")),
        _asked("protocol", f"GET /prompt-skills/{operations.PROTOCOL}", answers["protocol"], _protocol),
        _asked("system-health", "GET /wild/v2/system-health", answers["system-health"], _health),
        _token(server, answers["system-health"]),
        _operations(answers["openapi"]),
        *_lesser_operations(answers["openapi"]),
        _asked(
            "workdir", "GET /health", answers["workdir"], lambda health: _workdir(health, tuple(workdirs), server.url)
        ),
    )
    return Report(server=server.url, checks=checks, seconds=seconds)


def _timed(question: Callable[[], Any]) -> _Answer:
    begun = time.perf_counter()
    try:
        value, error = question(), None
    except ServerError as caught:
        value, error = None, caught
    return _Answer(value, error, time.perf_counter() - begun)


def _asked(name: str, asks: str, answer: _Answer, judge: Callable[[Any], tuple[bool, str]]) -> Check:
    if answer.error is not None:
        return Check(
            name=name, asks=asks, outcome=_outcome(answer.error), text=_said(answer.error), seconds=answer.seconds
        )
    fine, text = judge(answer.value)
    return Check(name=name, asks=asks, outcome=OK if fine else FAILED, text=text, seconds=answer.seconds)


def _outcome(error: ServerError) -> str:
    if isinstance(error, Unreachable) or (isinstance(error, Broken) and error.status in (502, 503, 504)):
        return DOWN
    return UNAUTHORIZED if isinstance(error, Unauthorized) else FAILED


def _said(error: ServerError) -> str:
    """An error's message without the method and the URL, which stand beside it."""
    return error.message.partition(": ")[2] or error.message


def _described(document: dict[str, Any]) -> tuple[bool, str]:
    paths = document.get("paths")
    number = len(paths) if isinstance(paths, dict) else 0
    return number > 0, f"{number} paths"


def _protocol(skill: Any) -> tuple[bool, str]:
    return bool(
        skill.template.strip()
    ), f"{len(skill.template)} characters" if skill.template.strip() else "it is empty"


def _health(found: Any) -> tuple[bool, str]:
    return True, f"{found.running} running, {found.queued} waiting"


def _token(server: Client, health: _Answer) -> Check:
    name, asks = "token", f"${address.TOKEN}"
    if health.error is None:
        said = "accepted" if server.has_token else "none is wanted"
        return Check(name=name, asks=asks, outcome=OK, text=said)
    if isinstance(health.error, Unauthorized):
        text = (
            "the server is up, and does not take this token" if server.has_token else "the server is up, and wants one"
        )
        return Check(name=name, asks=asks, outcome=FAILED, text=text)
    return Check(name=name, asks=asks, outcome=UNKNOWN, text="system-health would tell")


def _operations(answer: _Answer) -> Check:
    called = [one for one in operations.CALLED if one.mandatory]
    if answer.error is not None:
        return Check(name="operations", asks="openapi.json", outcome=UNKNOWN, text="openapi.json would tell")
    missing = openapi.gaps(answer.value, called)
    text = (
        "; ".join(f"{gap.operation.name} {gap.lacks}" for gap in missing) or f"{len(called)} that are needed are there"
    )
    return Check(name="operations", asks="openapi.json", outcome=FAILED if missing else OK, text=text)


def _lesser_operations(answer: _Answer) -> list[Check]:
    """A row for the operations that can be done without, where some are missing."""
    called = [one for one in operations.CALLED if not one.mandatory]
    missing = openapi.gaps(answer.value, called) if answer.error is None else []
    text = "; ".join(f"{gap.operation.name} {gap.lacks}" for gap in missing)
    row = Check(name="extras", asks="openapi.json", outcome=FAILED, text=f"{text}; done without", mandatory=False)
    return [row] if missing else []


def _workdir(health: Any, ours: tuple[Path, ...], url: str) -> tuple[bool, str]:
    """Whether the server works in one of our directories, links followed; on another machine only the names can be compared."""
    said = health.workdir
    if not said:
        return False, "it does not say where it works: is that the research server?"
    local = address.is_loopback(url)
    theirs = _resolved(Path(said)) if local else Path(said)
    if any(theirs == (one.resolve() if local else one) or Path(said) == one.resolve() for one in ours):
        return True, "this repository"
    return False, f"it works in {flat(said, LONG)}, and not in {ours[0]}"


def _resolved(path: Path) -> Path:
    try:
        return path.resolve()
    except (OSError, RuntimeError, ValueError):  # links in a circle, letters that no path has
        return path
