"""Where the code decides by a metric: what it keeps the best of, saves checkpoints by, stops early by, or steps a scheduler with."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from scaffold.conventions.hydra_configs import composed_configs
from scaffold.conventions.metrics import may_log_metrics
from scaffold.conventions.printed_metrics import is_quality_name
from scaffold.conventions.trackers import list_experiment_code_files
from scaffold.facts import Facts
from scaffold.facts.python_source import Call, DottedName, PythonSource, literal_text
from scaffold.metric_directions import Direction

# how much a decision says of the metric that matters: what is kept before what is stopped by, before what only steps a scheduler
KEPT_BY_CALLBACK, KEPT, STOPPED_BY, STEPPED_BY, SWEPT_BY = 5, 4, 3, 2, 1
_DECIDES = (
    *("best", "monitor", "EarlyStopping", "scheduler.step(", "metric_for_best_model"),
    *("lowest_", "min_val", "max_val", "max_acc", "eval-metric", "eval_metric"),
)
_BEST = re.compile(r"(?i)best|lowest|highest|\bmin_|\bmax_")
_CONFIGURED = re.compile(
    r"^[^\S\n]*(?:-\s*)?(?P<key>monitor|metric_for_best_model|optimized_metric|save_best)\s*:\s*"
    r"[\"']?(?P<name>[A-Za-z][\w/@.\- ]*?)[\"']?\s*(?:\#.*)?$",
    re.MULTILINE,
)
_MODE = re.compile(r"^[^\S\n]*mode\s*:\s*[\"']?(min|max)", re.MULTILINE)
_SWEPT = re.compile(r"^metric:\s*\n((?:[ \t]+.*\n)+)", re.MULTILINE)
_STOPPERS = frozenset(("early_stopping", "early_stop", "early_stopper", "earlystopping", "stopper"))
_METRIC_OPTION = re.compile(
    r"(?:eval|best|checkpoint|save|early[-_]stop(?:ping)?|monitor|main|primary|best[-_]checkpoint)[-_]metric|monitor"
)
# the default of a field of settings: `best_checkpoint_metric: str = field(default="loss")`
_METRIC_FIELD = re.compile(
    r"^[ \t]*(?P<key>monitor|(?:\w+_)?(?:best|checkpoint|early_stop(?:ping)?|monitor|main|primary|eval|save)\w*_metric)\s*:\s*"
    r"(?:str|Optional\[str\]|str \| None)\s*=\s*(?:field\(\s*default\s*=\s*)?[\"'](?P<name>[A-Za-z][\w/@.\-]*)[\"']",
    re.MULTILINE,
)
_SWEPT_IN_LINE = re.compile(r"^metric:[ \t]*(\{[^}\n]*\})", re.MULTILINE)
_SWEPT_IN_CODE = re.compile(r"[\"']metric[\"']\s*:\s*(\{[^{}]*\})")
_SWEPT_NAME = re.compile(r"\bname[\"']?\s*:\s*[\"']?([\w/@.\-]+)")
_SWEPT_GOAL = re.compile(r"\bgoal[\"']?\s*:\s*[\"']?(minimize|maximize)")
# what the README says in so many words
_SAID_BETTER = re.compile(r"(?i)\b(higher|lower)\s+`([A-Za-z][\w/@.\-]*)`[^.\n]{0,40}\bbetter\b")
# a file of settings that a run takes where nothing else is said
_DEFAULT_CONFIG = re.compile(r"(?:^|/)(?:config|configs|default|defaults|base|train|main)\.ya?ml$")
_NO_NAMES = frozenset(("null", "none", "true", "false", "auto"))
_MODES: Mapping[str, Direction] = {"min": "minimize", "max": "maximize", "minimize": "minimize", "maximize": "maximize"}


class MetricDecisionInCode(NamedTuple):
    """A place where the code decides by a metric: by its `name`, or by an expression `value` (and `best`, what it is held against)."""

    strength: int
    distance: int
    path: str
    line: int | None
    text: str
    name: str | None = None
    value: str = ""
    best: str = ""
    direction: Direction | None = None


def find_metric_code_of_script(facts: Facts, main: str) -> dict[str, int]:
    """The main script and what it imports, as far as it may log or decide -> how far away."""
    closure = facts.import_closure(main, depth=3, limit=60) if main.endswith(".py") else {}
    return {
        path: distance
        for path, distance in closure.items()
        if distance == 0 or any(map(facts.texts[path].__contains__, _DECIDES)) or may_log_metrics(facts.texts[path])
    }


def find_metric_code_of_library(facts: Facts) -> dict[str, int]:
    """The files of a repository without a script that decide by something, all as far away as what a script imports."""
    deciding = facts.files_mentioning(_DECIDES, list_experiment_code_files(facts))
    return dict.fromkeys(deciding[:60], 1)


def find_metric_decisions_in_code(facts: Facts, scope: Mapping[str, int]) -> list[MetricDecisionInCode]:
    """All decisions of these files and of the repository's settings, those that say most first, of these the nearest."""
    decisions = [
        decision
        for path, distance in scope.items()
        for decision in _decisions_of_source(facts.parse(path), path, distance)
    ]
    decisions += [
        d for path, distance in scope.items() for d in _defaults_of_settings(facts.texts[path], path, distance)
    ]
    decisions += [*_configured(facts, next(iter(scope), None)), *_swept_in_code(facts), *_said_in_readme(facts)]
    return sorted(decisions, key=lambda d: (-d.strength, d.distance))


def _decisions_of_source(source: PythonSource, path: str, distance: int) -> Iterator[MetricDecisionInCode]:
    for left, operator, right, line in source.comparisons:
        left_is_best, right_is_best = bool(_BEST.search(left)), bool(_BEST.search(right))
        if left_is_best == right_is_best:
            continue
        value, best = (right, left) if left_is_best else (left, right)
        way: Direction = "minimize" if (operator == "<") is right_is_best else "maximize"
        yield MetricDecisionInCode(KEPT, distance, path, line, f"{left} {operator} {right}", None, value, best, way)
    for call in source.calls:
        if "monitor" in call.keywords or "metric_for_best_model" in call.keywords:
            yield from _monitored(call, path, distance)
        elif call.args and isinstance(first := call.args[0], DottedName):
            strength = (
                STOPPED_BY
                if call.last.lower() in _STOPPERS
                else STEPPED_BY
                if call.name.endswith("scheduler.step")
                else 0
            )
            if strength:
                yield MetricDecisionInCode(
                    strength, distance, path, call.line, f"{call.name}({first})", None, str(first)
                )
        elif call.last == "add_argument":
            yield from _metric_option(call, path, distance)


def _monitored(call: Call, path: str, distance: int) -> Iterator[MetricDecisionInCode]:
    """`ModelCheckpoint(monitor="val/acc", mode="max")`, `TrainingArguments(metric_for_best_model="f1")`."""
    name = literal_text(call.keywords.get("monitor") or call.keywords.get("metric_for_best_model"))
    if name is None:  # of two, by what is only known when it runs, too
        return
    keeps = "Checkpoint" in call.last or "Arguments" in call.last
    strength = STOPPED_BY if "Stopping" in call.last else KEPT_BY_CALLBACK if keeps else STEPPED_BY
    greater = call.keywords.get("greater_is_better")
    way = _MODES.get(str(call.keywords.get("mode")))
    if isinstance(greater, bool):
        way = "maximize" if greater else "minimize"
    if call.last.endswith(
        "TrainingArguments"
    ):  # Hugging Face logs it with this prefix, and takes all but a loss for the higher the better
        name = name if name.startswith("eval_") else f"eval_{name}"
        way = way or ("minimize" if name.endswith("loss") else "maximize")
    yield MetricDecisionInCode(
        strength, distance, path, call.line, f"{call.name}(monitor={name!r})", name, direction=way
    )


def _metric_option(call: Call, path: str, distance: int) -> Iterator[MetricDecisionInCode]:
    """An option that names the metric to save checkpoints by, and its default."""
    name, default = literal_text(call.args[0]) if call.args else None, literal_text(call.keywords.get("default"))
    if name and default and _METRIC_OPTION.fullmatch(name.lstrip("-")):
        yield MetricDecisionInCode(KEPT, distance, path, call.line, f"{name}, by default {default}", None, default, "")


def _defaults_of_settings(text: str, path: str, distance: int) -> Iterator[MetricDecisionInCode]:
    """A field of a class of settings that names the metric to save checkpoints by, and its default."""
    for match in _METRIC_FIELD.finditer(text) if "_metric" in text or "monitor" in text else ():
        if is_quality_name(match["name"]):
            line = text.count("\n", 0, match.start("key")) + 1
            yield MetricDecisionInCode(
                KEPT, distance, path, line, f"{match['key']}, by default {match['name']}", match["name"]
            )


def _swept_in_code(facts: Facts) -> Iterator[MetricDecisionInCode]:
    """What a sweep optimizes that is written in Python: `{"metric": {"name": "val_acc", "goal": "maximize"}}`."""
    for path in facts.files_mentioning(("wandb.sweep(",), facts.python):
        text = facts.texts[path]
        for match in _SWEPT_IN_CODE.finditer(text):
            yield from _swept_metric(match[1], path, text.count("\n", 0, match.start()) + 1, 1)


def _swept_metric(block: str, path: str, line: int, distance: int) -> Iterator[MetricDecisionInCode]:
    name, goal = _SWEPT_NAME.search(block), _SWEPT_GOAL.search(block)
    if name:
        way = _MODES.get(goal[1]) if goal else None
        yield MetricDecisionInCode(SWEPT_BY, distance, path, line, f"metric: {name[1]}", name[1], direction=way)


def _said_in_readme(facts: Facts) -> Iterator[MetricDecisionInCode]:
    """`Higher `score` values are better`: which number the results are held against, and how."""
    for path in (p for p in facts.read_files("prose") if p.lower().startswith("readme")):
        text = facts.texts[path]
        for match in _SAID_BETTER.finditer(text):
            way: Direction = "maximize" if match[1].lower() == "higher" else "minimize"
            line = text.count("\n", 0, match.start()) + 1
            yield MetricDecisionInCode(KEPT_BY_CALLBACK, 1, path, line, match[0], match[2], direction=way)


def _configured(facts: Facts, main: str | None) -> Iterator[MetricDecisionInCode]:
    """What YAML files of the repository save checkpoints by, and what sweep files optimize; those that the main script takes are near."""
    composed = {config.path for config in composed_configs(facts, main)} if main else set[str]()
    for path in facts.read_files("config"):
        text = facts.texts[path]
        if not path.endswith((".yaml", ".yml")) or not ("monitor" in text or "metric" in text or "save_best" in text):
            continue
        distance = 0 if path in composed or (not composed and _DEFAULT_CONFIG.search(path)) else 1
        mode = _MODE.search(text)
        for match in _CONFIGURED.finditer(text):
            # a monitor may be a screen or a service, too
            if match["name"].lower() not in _NO_NAMES and is_quality_name(match["name"]):
                line = text.count("\n", 0, match.start("key")) + 1
                strength = SWEPT_BY if match["key"] == "optimized_metric" else KEPT_BY_CALLBACK
                strength = STEPPED_BY if "sched" in path.lower() else strength
                way = _MODES.get(mode[1]) if mode else None
                yield MetricDecisionInCode(
                    strength, distance, path, line, match[0].strip(), match["name"].strip(), direction=way
                )
        if swept := _SWEPT.search(text) or _SWEPT_IN_LINE.search(text):
            yield from _swept_metric(swept[1], path, text.count("\n", 0, swept.start()) + 1, distance)
