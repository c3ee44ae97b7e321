"""A sweep <-> its YAML file, `<metadata>/sweeps/NAME.yml`: the rule as a person would write it, and the code it was planned with.

Before the first launch it may be edited by hand; what cannot be meant is an error that names file, key and, where there is one,
the key that was probably meant.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from scaffold.errors import ScaffoldError, WrongUsage, suggest_spelling
from scaffold.runs import recorder, records_home
from scaffold.sweeps.spec import parameter_texts, parsing, sweep_paths, text_yaml
from scaffold.sweeps.spec.model import ConfigurationRule, RunResources, Sweep, SweepCode
from scaffold.workspace import Workspace

HEAD = """\
# Planned by `scaffold sweep new`. It may be edited by hand until its first launch; values are text, passed as they are spelled.
# The runs: scaffold sweep show {name}
"""
CODE_HEAD = "# What the runs' names stand on. Not to be edited: `scaffold sweep launch` says when the code has changed."


def read_sweep(workspace: Workspace, name: str) -> Sweep:
    """A sweep. Raises ScaffoldError when there is none of that name, or its file cannot be meant."""
    file = sweep_paths.locate_sweep_file(workspace, sweep_paths.check_sweep_name(name))
    if not file.is_file():
        existing = sweep_paths.sweep_names(workspace)
        examples = ", ".join(existing[:5]) + (", ..." if len(existing) > 5 else "")
        otherwise = f"there are {examples}" if existing else "plan one: scaffold sweep new"
        raise ScaffoldError(f"there is no sweep {name}", hint=suggest_spelling(name, existing, otherwise))
    content = text_yaml.read_yaml(file, noun="sweep")
    try:
        return parsing.parse_sweep(content, name)
    except WrongUsage as error:
        raise ScaffoldError(f"{file}: {error.message}", hint=error.hint) from error


def write_sweep(workspace: Workspace, sweep: Sweep) -> Path:
    """Write a sweep's file, whole or not at all. Raises ScaffoldError where that cannot be done."""
    file = sweep_paths.sweep_path(workspace, sweep_paths.check_sweep_name(sweep.name))
    records_home.write_record(workspace, file, format_sweep_file(sweep).encode())
    return file


def format_sweep_file(sweep: Sweep) -> str:
    """A sweep as its file has it."""
    lines = [HEAD.format(name=sweep.name).rstrip("\n")]
    for key, value in _head_entries(sweep):
        lines.append(f"{key}: {text_yaml.format_flow_yaml(value)}")
    lines += _rule_lines(sweep.rule) if sweep.configurations else ["configurations: []"]
    if sweep.backend is not None:
        lines.append(f"backend: {sweep.backend}")
    resources = {k: v for k in RunResources.__slots__ if (v := getattr(sweep.resources, k)) not in (None, ())}
    if resources:
        shortest = recorder.values.format_value
        texts = {k: v if isinstance(v, tuple) else shortest(v) for k, v in resources.items()}
        lines += text_yaml.format_mapping_yaml("resources", texts)
    return "\n".join([*lines, "", CODE_HEAD, f"name_scheme: {sweep.name_scheme}", *_code_lines(sweep.code)]) + "\n"


def _head_entries(sweep: Sweep) -> Iterable[tuple[str, object]]:
    yield "version", parsing.VERSION
    yield "name", sweep.name
    yield "goal", sweep.goal
    yield "experiment", sweep.experiment
    if sweep.task is not None:
        yield "task", sweep.task
    yield "command", sweep.command
    if sweep.cwd != ".":
        yield "cwd", sweep.cwd
    yield "style", sweep.style
    if sweep.seed_option is not None:
        yield "seed_option", sweep.seed_option
    if sweep.booleans:
        yield "booleans", sweep.booleans
    if sweep.labels:
        yield "labels", sweep.labels
    if sweep.metric_from:
        yield "metric_from", sweep.metric_from
    if sweep.seeds:
        yield "seeds", parameter_texts.format_seeds(sweep.seeds)


def _rule_lines(rule: ConfigurationRule) -> list[str]:
    """A rule as lines of YAML."""
    lines = text_yaml.format_mapping_yaml("grid", rule.grid) if rule.grid else []
    if rule.zips:
        lines += ["zip:"]
        for group in rule.zips:
            inner = [f"{text_yaml.format_scalar(k)}: {text_yaml.format_flow_yaml(v)}" for k, v in group.items()]
            lines += [f"  - {inner[0]}", *(f"    {row}" for row in inner[1:])]
    if rule.listed:
        lines += text_yaml.format_list_yaml("configurations", rule.listed)
    if rule.draws:
        lines += ["random:", f"  number: {rule.draws}", f"  seed: {rule.space_seed}"]
        lines += ["  " + row for row in text_yaml.format_mapping_yaml("space", rule.space)]
        if rule.drawn:
            lines += ["  " + row for row in text_yaml.format_list_yaml("drawn", rule.drawn)]
    if rule.only_if is not None:
        lines.append(f"only_if: {text_yaml.format_scalar(rule.only_if)}")
    if rule.baseline:
        lines.append("baseline: true")
    return lines


def _code_lines(code: SweepCode) -> list[str]:
    fields = {name: getattr(code, name) for name in ("state", "commit", "patch", "pin", "tracked")}
    lines = text_yaml.format_mapping_yaml("code", {k: v for k, v in fields.items() if v is not None})
    if len(lines) == 1 and not code.named:
        return ["code: {}"]
    if code.named:
        rows = [{"words": n.words, **({"state": n.state} if n.state else {}), "files": n.files} for n in code.named]
        lines += ["  " + row for row in text_yaml.format_list_yaml("named", rows)]
    return lines
