"""What a rule is: a code, a demand, a wrong and a right line, and a generator of complaints about a plan."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from scaffold.conventions.endless_scripts import EndlessScript
from scaffold.plan.document.model import Plan, Task


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleContext:
    """What a rule may know beside the plan: whether the plan is fresh (iteration 0), whether a research server is set, and which scripts
    go on until they are stopped."""

    fresh: bool = False
    server: bool = False
    endless: tuple[EndlessScript, ...] = ()


@dataclass(frozen=True, slots=True)
class Complaint:
    """One thing that is wrong, before it is a PlanFinding: where, what, and what to do."""

    line: int
    message: str
    hint: str = ""
    column: int = 1
    task: Task | None = None
    fixable: bool = False


RuleFunction = Callable[[Plan, RuleContext], Iterator[Complaint]]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanRule:
    """A rule of the plan contract. `words` are the words it reads meaning from, where it reads words; `short` is what it demands of
    a short plan where that is something else (empty: nothing)."""

    code: str
    demand: str
    wrong: str
    right: str
    words: str
    warning: bool
    check: RuleFunction
    short: str | None = None

    @property
    def severity(self) -> str:
        """error or warning."""
        return "warning" if self.warning else "error"


RULES: dict[str, PlanRule] = {}


def register_plan_rule(
    code: str,
    demand: str,
    *,
    wrong: str,
    right: str,
    words: str = "",
    warning: bool = False,
    short: str | None = None,
) -> Callable[[RuleFunction], RuleFunction]:
    """Enter a generator of complaints into `RULES`."""

    def enter(check: RuleFunction) -> RuleFunction:
        assert code not in RULES, code
        RULES[code] = PlanRule(
            code=code,
            demand=demand,
            wrong=wrong,
            right=right,
            words=words,
            warning=warning,
            check=check,
            short=short,
        )
        return check

    return enter


def complain_about_task(
    task: Task, message: str, hint: str = "", *, field: str = "", fixable: bool = False
) -> Complaint:
    """A complaint about a task, at its field where it has that."""
    column = task.field_column(field) if field else task.column
    return Complaint(task.line, message, hint, column, task, fixable)
