"""Which experiment trackers the code logs to: imports, logger classes named in configs, report_to."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from scaffold.conventions.detected import DetectedValue, Occurrence, merge_occurrences
from scaffold.conventions.model import Evidence
from scaffold.facts import Facts, paths
from scaffold.facts.config_formats import yaml_scalars
from scaffold.facts.python_source import Call, literal_text

_MODULES = {
    "wandb": ("wandb",),
    "mlflow": ("mlflow",),
    "tensorboard": (
        *("tensorboard", "torch.utils.tensorboard", "tensorboardX", "tensorboard_logger"),
        "flax.metrics.tensorboard",
    ),
    "aim": ("aim",),
    "neptune": ("neptune",),
    "comet": ("comet_ml",),
    "clearml": ("clearml", "trains"),
    "dvclive": ("dvclive",),
    "visdom": ("visdom",),
    "swanlab": ("swanlab",),
    "trackio": ("trackio",),
}
_CLASS = re.compile(
    r"(?:^|[.:_])(?:(wandb|mlflow|tensorboard|aim|neptune|comet(?:ml)?|clearml|dvclive|visdom|swanlab|trackio)x?"
    r"(?:logger|callback|tracker|writer|visbackend|loggerhook|vislogger|output)(?:v2|hook)?|(summarywriter|tensorboard))$",
    re.IGNORECASE,
)
_NAMES = {**{name: name for name in _MODULES}, "cometml": "comet", "comet_ml": "comet", "summarywriter": "tensorboard"}
# a cheap first look: what the import statements of a file that uses a tracker hold, and what else speaks for one
_IMPORTED = (
    *("wandb", "mlflow", "tensorboard", "aim", "neptune", "comet", "clearml", "trains", "dvclive", "visdom"),
    *("swanlab", "trackio", "summarywriter"),
)
_NEEDLES = (
    *("import_module(", "__import__(", "create_file_writer", "FileWriter", "TensorBoard", "report_to", "log_with"),
    *("WandbLogger", "WandBOutput", "MLFlowLogger", "CometLogger", "NeptuneLogger"),
)
# what those have in common: a search of all texts for a word takes its time
_FRAGMENTS = ("import_", "file_writer", "FileWriter", "TensorBoard", "report_to", "log_with", "Logger", "WandBOutput")
_REPORTS = frozenset(("report_to", "log_with", "--report_to", "--report-to", "--log_with"))
_MAY_NAME = re.compile(r"(?i)(logger|callback|tracker|writer|visbackend|report_to|log_with)")
_PACKAGES = "wandb|mlflow|tensorboard|aim|neptune|comet[-_]ml|clearml|dvclive|visdom|swanlab|trackio"
_REQUIRED = re.compile(rf"^({_PACKAGES})(?![\w-])", re.MULTILINE | re.IGNORECASE)
_COMMENTED = re.compile(rf"^[^\S\n]*#\s*(?:import|from)\s+({_PACKAGES})\b", re.MULTILINE)
_TF_SUMMARY = re.compile(r"(^|\.)summary\.(create_file_writer|FileWriter)$|^(tf|tensorflow|keras)\b.*\bTensorBoard$")


def detect_trackers(facts: Facts) -> DetectedValue[tuple[str, ...]]:
    """The trackers in use; a mention in prose is none, a requirement or a commented import is kept as what lost."""
    used = merge_occurrences((*_in_python(facts), *_in_configs(facts), *_in_commands(facts)))
    return DetectedValue(used.value, used.evidence, tuple(_mentioned(facts, used.value)))


def _mentioned(facts: Facts, used: tuple[str, ...]) -> Iterator[Evidence]:
    """Requirements and commented imports of trackers that no code uses."""
    requirements = [p for p in facts.read_files("build") if p.endswith(".txt")]
    for path in (
        *requirements,
        *(p for p in facts.files_importing(_IMPORTED, list_experiment_code_files(facts)) if "#" in facts.texts[p]),
    ):
        pattern, why = (_REQUIRED, "only a requirement") if path in requirements else (_COMMENTED, "a commented import")
        for match in pattern.finditer(facts.texts[path]):
            name = _NAMES.get(match[1].lower().replace("-", "_"), match[1].lower())
            if name not in used:
                line = facts.texts[path].count("\n", 0, match.start(1)) + 1
                yield Evidence(path=path, line=line, text=f"{name}: {why}")


def list_experiment_code_files(facts: Facts) -> list[str]:
    """The Python files that speak for the repository: examples only where there is nothing else."""
    own = [p for p in facts.python if not paths.is_example(p)]
    return own or list(facts.python) or facts.read_files("notebook")


def _in_python(facts: Facts) -> Iterator[Occurrence]:
    files = list_experiment_code_files(facts)
    mentioning = facts.files_mentioning(_NEEDLES, facts.files_mentioning(_FRAGMENTS, files))
    for path in sorted({*facts.files_importing(_IMPORTED, files), *mentioning}):
        source = facts.parse(path)
        for name, modules in _MODULES.items():
            line = source.uses(*modules)
            if line is not None:
                yield Occurrence(name, path, line, _line(facts, path, line))
        for statement in source.imports:
            for imported in statement.names:
                yield from _class_occurrences(
                    imported, path, statement.line, f"from {statement.module} import {imported}"
                )
        for call in source.calls:
            yield from _loaded(call, path)
            if "." in call.name and not _TF_SUMMARY.search(call.name):
                yield from _class_occurrences(call.last, path, call.line, f"{call.name}(...)")
            if _TF_SUMMARY.search(call.name):
                yield Occurrence("tensorboard", path, call.line, f"{call.name}(...)")
            for keyword in _REPORTS & call.keywords.keys():
                yield from _reported(call.keywords[keyword], path, call.line, keyword)


def _loaded(call: Call, path: str) -> Iterator[Occurrence]:
    """A tracker that is imported by its name: `importlib.import_module("wandb")`."""
    module = literal_text(call.args[0]) if call.args and call.name.endswith(("import_module", "__import__")) else None
    for name, modules in _MODULES.items() if module else ():
        if module in modules:
            yield Occurrence(name, path, call.line, f"{call.name}({module!r})")


def _line(facts: Facts, path: str, line: int) -> str:
    lines = [] if path.endswith(".ipynb") else facts.texts[path].splitlines()
    return lines[line - 1].strip()[:120] if line <= len(lines) else "imported"


def _class_occurrences(name: str, path: str, line: int, text: str) -> Iterator[Occurrence]:
    match = _CLASS.search(name)
    if match:
        name_in_class = (match[1] or match[2]).lower()
        yield Occurrence(_NAMES.get(name_in_class, "tensorboard"), path, line, text)


def _reported(value: object, path: str, line: int, key: str) -> Iterator[Occurrence]:
    for name in value if isinstance(value, (tuple, list)) else [value]:
        if isinstance(name, str) and name.lower() in _NAMES:
            yield Occurrence(_NAMES[name.lower()], path, line, f"{key}: {name}")


def _in_configs(facts: Facts) -> Iterator[Occurrence]:
    """YAML that names a logger class or `report_to`; documentation's and tests' configs do not count."""
    for path in facts.read_files("config"):
        text = facts.texts[path]
        if _MAY_NAME.search(text) and not (
            paths.is_test(path) or paths.is_documentation(path) or paths.is_hidden(path)
        ):
            for key, value, line in yaml_scalars(text):
                if key in _REPORTS:
                    yield from _reported(value, path, line, key)
                elif value.lower() not in _NAMES:
                    yield from _class_occurrences(value, path, line, f"{key}: {value}")


def _in_commands(facts: Facts) -> Iterator[Occurrence]:
    for command in (*facts.shell_commands, *facts.shown_commands):
        words = [part for word in command.words for part in word.split("=", 1)]
        for flag, value in pairwise(words):
            if flag in _REPORTS:
                yield from _reported(value, command.path, command.line, flag)
