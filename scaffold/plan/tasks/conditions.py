"""The value of a `done-when` field -> the parts of it that a machine can check."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from scaffold.plan.document.inline import codes, masked, unquoted
from scaffold.plan.tasks.run_summaries import Run

NUMBER = r"[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?"
NAME = r"[A-Za-z0-9_][A-Za-z0-9_.-]*"
RUNS = re.compile(
    rf"(?:at least\s+)?(?P<count>\d{{1,9}})\s+(?:(?P<before>(?!runs?\b){NAME})\s+)?runs?\s+"
    rf"(?:(?:of|in|for)\s+`?(?P<of>{NAME})`?\s+)?(?:are\s+|have\s+)?finished(?:\s+(?:in|of|for)\s+`?(?P<in>{NAME})`?)?",
    re.IGNORECASE,
)
METRIC = re.compile(
    rf"`?(?P<metric>[A-Za-z_][\w./@-]*)`?\s*(?P<op><=|>=|==|<|>|=|\u2264|\u2265)\s*(?P<value>{NUMBER})(?P<percent>%)?"
    rf"(?:\s+(?:in|of|for)\s+`?(?P<in>{NAME})`?)?"
)
# what is said behind a command without meaning more than its exit status
EXITS = re.compile(
    r"(?<!\s)\s+(?:passes|succeeds|(?:exits|returns)(?:\s+with)?(?:\s+(?:code|status))?\s+(?:0|zero))$", re.IGNORECASE
)
# a joint begins where white space begins, not within it: else a run of spaces would be scanned once for each of them
PARTS = re.compile(r"(?<!\s)(?:\s*[;,]\s+(?:and\s+)?|\s+and\s+)")
OPERATORS: dict[str, Callable[[float, float], bool]] = {
    "<=": operator.le,
    "\u2264": operator.le,
    ">=": operator.ge,
    "\u2265": operator.ge,
    "<": operator.lt,
    ">": operator.gt,
    "=": math.isclose,
    "==": math.isclose,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """Exit 0 is asked of this command."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FinishedRuns:
    """At least `count` runs finished, in `experiment`, or of the task where that is None."""

    text: str
    count: int
    experiment: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricBound:
    """The mean of a metric over the finished runs of `experiment`, or of the task, is on this side of `value`."""

    text: str
    metric: str
    sign: str
    value: float
    experiment: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Prose:
    """What only a reader can check."""

    text: str


Condition = Command | FinishedRuns | MetricBound | Prose


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What came of a condition: `holds` is None where it could not be checked."""

    holds: bool | None
    text: str


def read(value: str) -> list[Condition]:
    """The conditions in a done-when, which `and`, `;` and `,` join. All of it in back-ticks is a command, as is each part so quoted.

    `passes` and `exits with 0` behind a command, and a full stop at the end of a part, mean nothing more.
    """
    if not value.strip():
        return []
    whole = unquoted(value)
    if whole != value.strip():
        bound = METRIC.fullmatch(whole) or RUNS.fullmatch(whole)
        return [_part(whole) if bound else Command(text=whole)]
    mask, ends, starts = masked(value), [], [0]
    for joint in PARTS.finditer(mask):
        ends.append(joint.start())
        starts.append(joint.end())
    return _merged(value, [(start, end) for start, end in zip(starts, [*ends, len(value)], strict=True) if start < end])


def _merged(value: str, spans: Sequence[tuple[int, int]]) -> list[Condition]:
    """The conditions at `spans`, where prose next to prose is one piece of prose."""
    found: list[Condition] = []
    begun = 0
    for start, end in spans:
        part = _part(value[start:end].strip())
        if isinstance(part, Prose) and found and isinstance(found[-1], Prose):
            found[-1] = Prose(text=value[begun:end].strip())
            continue
        begun = start
        found.append(part)
    return found


def _part(text: str) -> Condition:
    whole, text = text, text.removesuffix(".")
    if runs := RUNS.fullmatch(text):
        return FinishedRuns(text=text, count=int(runs["count"]), experiment=runs["in"] or runs["of"] or runs["before"])
    if bound := METRIC.fullmatch(text):
        value = float(bound["value"]) / (100 if bound["percent"] else 1)
        return MetricBound(text=text, metric=bound["metric"], sign=bound["op"], value=value, experiment=bound["in"])
    inside = codes(text)
    if len(inside) == 1 and unquoted(EXITS.sub("", text)) == inside[0]:
        return Command(text=inside[0])
    return Prose(text=whole)


def judge(condition: FinishedRuns | MetricBound, runs: Iterable[Run], task: str) -> Verdict:
    """Hold a condition against the runs: those of the experiment that it names, else those that name the task."""
    mine = [
        run for run in runs if (run.experiment == condition.experiment if condition.experiment else run.task == task)
    ]
    finished = [run for run in mine if run.status == "finished"]
    where = f"in {condition.experiment}" if condition.experiment else f"of {task}"
    if isinstance(condition, FinishedRuns):
        return Verdict(
            holds=len(finished) >= condition.count, text=f"{len(finished)} of {len(mine)} runs finished {where}"
        )
    values = [run.metrics[condition.metric] for run in finished if condition.metric in run.metrics]
    if not values:
        return Verdict(holds=False, text=f"no finished run {where} has the metric {condition.metric}")
    missing = len(finished) - len(values)
    mean = math.fsum(values) / len(values)
    without = f", {missing} more without it" if missing else ""
    text = f"{condition.metric} is {mean:.6g}, the mean of {len(values)} finished run(s) {where}{without}"
    return Verdict(holds=OPERATORS[condition.sign](mean, condition.value), text=text)
