"""The value of a `done-when` field -> the parts of it that a machine can check."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice

from scaffold.observations.spelling import find_metric_value
from scaffold.plan.document.markdown_inline import code_spans, mask_markup, strip_backticks
from scaffold.plan.tasks.run_summaries import LazyRunMetrics, RunSummary

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
JOINT = re.compile(r"(?<!\s)(?:\s*[;,]\s+(?:and\s+)?|\s+and\s+)")
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
class CommandCondition:
    """Exit 0 is asked of this command."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunCountCondition:
    """At least `count` runs finished, in `experiment`, or of the task where that is None."""

    text: str
    count: int
    experiment: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricCondition:
    """The mean of a metric over the finished runs of `experiment`, or of the task, is on this side of `value`."""

    text: str
    metric: str
    sign: str
    value: float
    experiment: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProseCondition:
    """What only a reader can check."""

    text: str


Condition = CommandCondition | RunCountCondition | MetricCondition | ProseCondition


@dataclass(frozen=True, slots=True, kw_only=True)
class ConditionVerdict:
    """What came of a condition: `holds` is None where it could not be checked."""

    holds: bool | None
    text: str


def parse_done_when(value: str) -> list[Condition]:
    """The conditions in a done-when, which `and`, `;` and `,` join. All of it in back-ticks is a command, as is each part so quoted.

    `passes` and `exits with 0` behind a command, and a full stop at the end of a part, mean nothing more.
    """
    if not value.strip():
        return []
    whole = strip_backticks(value)
    if whole != value.strip():
        bound = METRIC.fullmatch(whole) or RUNS.fullmatch(whole)
        return [_parse_part(whole) if bound else CommandCondition(text=whole)]
    joints = [joint.span() for joint in JOINT.finditer(mask_markup(value))]
    spans = zip([0, *(end for _, end in joints)], [*(start for start, _ in joints), len(value)], strict=True)
    return _parse_spans(value, [(start, end) for start, end in spans if start < end])


def _parse_spans(value: str, spans: Sequence[tuple[int, int]]) -> list[Condition]:
    """The conditions at `spans`, where prose next to prose is one piece of prose."""
    conditions: list[Condition] = []
    prose_start = 0
    for start, end in spans:
        part = _parse_part(value[start:end].strip())
        if isinstance(part, ProseCondition) and conditions and isinstance(conditions[-1], ProseCondition):
            conditions[-1] = ProseCondition(text=value[prose_start:end].strip())
            continue
        prose_start = start
        conditions.append(part)
    return conditions


def _parse_part(text: str) -> Condition:
    whole, text = text, text.removesuffix(".")
    if runs := RUNS.fullmatch(text):
        experiment = runs["in"] or runs["of"] or runs["before"]
        return RunCountCondition(text=text, count=int(runs["count"]), experiment=experiment)
    if bound := METRIC.fullmatch(text):
        value = float(bound["value"]) / (100 if bound["percent"] else 1)
        return MetricCondition(text=text, metric=bound["metric"], sign=bound["op"], value=value, experiment=bound["in"])
    inside = code_spans(text)
    if len(inside) == 1 and strip_backticks(EXITS.sub("", text)) == inside[0]:
        return CommandCondition(text=inside[0])
    return ProseCondition(text=whole)


def _value_of(run: RunSummary, condition: MetricCondition) -> float | None:
    """A run's value of the metric of a condition; one that was printed in per cent as a share, where the condition asks for one."""
    value = find_metric_value(run.metrics, condition.metric)
    is_share = abs(condition.value) <= 1
    return (
        value / 100
        if value is not None and is_share and find_metric_value(run.units, condition.metric) == "%"
        else value
    )


def judge_condition(
    condition: RunCountCondition | MetricCondition, runs: Iterable[RunSummary], task: str
) -> ConditionVerdict:
    """Hold a condition against the runs: those of the experiment that it names, else those that name the task."""
    experiment = condition.experiment
    tried = [run for run in runs if (run.experiment == experiment if experiment else run.task == task)]
    matching = [run for run in tried if not run.is_smoke_test]
    smoke_tests = len(tried) - len(matching)
    finished = [run for run in matching if run.status == "finished"]
    scope = f"in {experiment}" if experiment else f"of {task}"
    if smoke_tests:
        scope += f" (without {smoke_tests} smoke run{'s' if smoke_tests > 1 else ''})"
    if isinstance(condition, RunCountCondition):
        text = f"{len(finished)} of {len(matching)} runs finished {scope}"
        return ConditionVerdict(holds=len(finished) >= condition.count, text=text)
    values = [value for run in finished if (value := _value_of(run, condition)) is not None]
    if not values:
        text = f"no finished run {scope} has the metric {condition.metric}"
        hints = (run.metrics.printed_hint() for run in finished if isinstance(run.metrics, LazyRunMetrics))
        return ConditionVerdict(holds=False, text="; ".join([text, *filter(None, islice(hints, 1))]))
    missing = len(finished) - len(values)
    mean = math.fsum(values) / len(values)
    without = f", {missing} more without it" if missing else ""
    text = f"{condition.metric} is {mean:.6g}, the mean of {len(values)} finished run(s) {scope}{without}"
    return ConditionVerdict(holds=OPERATORS[condition.sign](mean, condition.value), text=text)
