"""The research server's `<evo_sweep>` block -> what is to be searched.

The server reads strict JSON (server API, section 7): `target_script` and `fitness_metric` are needed, everything else has a default.
A list in `search_space` is a choice, `{"low": ..., "high": ...}` a range (whole numbers where both ends are), a single value is fixed.
`"log": true` in a range is ours, for learning rates and the like; the server passes over it.
"""

from __future__ import annotations

import json
import math
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Literal

from scaffold import structured_text
from scaffold.errors import ScaffoldError, WrongUsage, suggest_spelling
from scaffold.sweeps.search.space import Dimension, ParameterChoice, is_finite_number, parse_search_space, short_json

DEFAULTS: Mapping[str, Any] = {
    "fitness_direction": "max",
    "search_space": {},
    "population_size": 4,
    "generations": 3,
    "top_k": 2,
    "mutation_strength": 0.3,
    "sweep_name": "",
    "timeout_per_run": 600,
    "workdir": ".",
}
NEEDED = ("target_script", "fitness_metric")
KEYS = (*NEEDED, *DEFAULTS)
DIRECTIONS: Mapping[str, Literal["max", "min"]] = {"max": "max", "maximize": "max", "min": "min", "minimize": "min"}
BLOCK = re.compile(r"<evo_sweep>(.*?)</evo_sweep>", re.DOTALL)
FENCE = re.compile(r"\s*```\w*\n(.*?)```\s*", re.DOTALL)
MAX_COUNT = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchSpec:
    """What is to be searched. `script` are the words behind `python`; `fixed` are parameters that every run gets."""

    script: tuple[str, ...]
    metric: str
    direction: Literal["max", "min"]
    space: Mapping[str, Dimension]
    fixed: Mapping[str, str]
    population: int
    generations: int
    top_k: int
    mutation: float
    name: str
    timeout_s: float
    workdir: str

    @property
    def size(self) -> float:
        """How many different configurations there are; infinity where a range is not of whole numbers."""
        sizes = [
            len(p.values) if isinstance(p, ParameterChoice) else p.high - p.low + 1 if p.integers else math.inf
            for p in self.space.values()
        ]
        return math.prod(sizes)

    def as_dict(self) -> dict[str, Any]:
        """The block's own form, with every default said."""
        space: dict[str, Any] = dict(self.fixed)
        for key, dimension in self.space.items():
            if isinstance(dimension, ParameterChoice):
                space[key] = list(dimension.values)
            else:
                space[key] = {"low": dimension.low, "high": dimension.high, **({"log": True} if dimension.log else {})}
        return {
            "target_script": shlex.join(self.script),
            "fitness_metric": self.metric,
            "fitness_direction": self.direction,
            "search_space": space,
            "population_size": self.population,
            "generations": self.generations,
            "top_k": self.top_k,
            "mutation_strength": self.mutation,
            "sweep_name": self.name,
            "timeout_per_run": self.timeout_s,
            "workdir": self.workdir,
        }


def read_search_spec(path: Path, stdin: IO[bytes]) -> tuple[SearchSpec, tuple[str, ...]]:
    """The spec in a file (`-`: stdin), and warnings. Raises ScaffoldError; WrongUsage, with the file's name, for what cannot be meant."""
    source = "stdin" if str(path) == "-" else str(path)
    try:
        text = (stdin.read() if str(path) == "-" else path.read_bytes()).decode("utf-8")
    except OSError as error:
        raise ScaffoldError(f"{source} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise WrongUsage(f"{source} is no text in UTF-8", hint="give it in UTF-8") from error
    try:
        spec, warnings = parse_search_spec(text)
    except WrongUsage as error:
        raise WrongUsage(f"{source}: {error.message}", hint=error.hint) from error
    return spec, tuple(f"{source}: {warning}" for warning in warnings)


def parse_search_spec(text: str) -> tuple[SearchSpec, tuple[str, ...]]:
    """The spec in a file that holds the JSON, or a text with the block in it; and warnings. Raises WrongUsage."""
    content = _load_block(text)
    for key in NEEDED:
        if not isinstance(content.get(key), str) or not content[key].strip():
            raise WrongUsage(f"{key} is missing", hint=f'say it: "{key}": "..."')
    warnings = []
    for key in content:
        if key not in KEYS:
            warnings.append(
                "; ".join(filter(None, [f"{key} is not known and left out", suggest_spelling(key, KEYS, "")]))
            )
    fields = {**DEFAULTS, **content}
    direction = DIRECTIONS.get(str(fields["fitness_direction"]).lower())
    if direction is None:
        raise WrongUsage(f"fitness_direction must be max or min, not {short_json(fields['fitness_direction'])}")
    space, fixed = parse_search_space(fields["search_space"])
    spec = SearchSpec(
        script=_parse_script(fields["target_script"]),
        metric=fields["fitness_metric"].strip(),
        direction=direction,
        space=space,
        fixed=fixed,
        population=_check_integer(fields, "population_size"),
        generations=_check_integer(fields, "generations"),
        top_k=_check_integer(fields, "top_k"),
        mutation=_check_number(fields, "mutation_strength", maximum=1),
        name=_check_text(fields, "sweep_name"),
        timeout_s=_check_number(fields, "timeout_per_run"),
        workdir=_check_text(fields, "workdir") or ".",
    )
    return spec, tuple(warnings)


def _load_block(text: str) -> dict[str, Any]:
    block = BLOCK.search(text)
    if block is None and "<evo_sweep>" in text:
        raise WrongUsage("<evo_sweep> is not closed", hint="end the block with </evo_sweep>")
    body, offset = (block[1], block.start(1)) if block else (text, 0)
    if fence := FENCE.fullmatch(body):
        body, offset = fence[1], offset + fence.start(1)
    try:
        content = structured_text.parse_json(
            body, object_pairs_hook=_refuse_repeated_keys, parse_constant=_refuse_constant
        )
    except json.JSONDecodeError as error:
        line = text[:offset].count("\n") + error.lineno
        raise WrongUsage(
            f"line {line}: it is no JSON: {error.msg}",
            hint='an <evo_sweep> block is one JSON object: {"target_script": ..., "fitness_metric": ...}',
        ) from error
    except ValueError as error:  # a whole number of thousands of digits, or nested too deeply
        raise WrongUsage(f"it cannot be read: {error}") from error
    if not isinstance(content, dict):
        raise WrongUsage(f"it must be one JSON object, not {short_json(content)}")
    return content


def _refuse_repeated_keys(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    mapping: dict[str, Any] = {}
    for key, value in pairs:
        if key in mapping:
            raise WrongUsage(f"{key} is there twice")
        mapping[key] = value
    return mapping


def _refuse_constant(text: str) -> None:
    raise WrongUsage(f"{text} is no number that can be searched")


def _parse_script(text: str) -> tuple[str, ...]:
    try:
        words = tuple(shlex.split(text))
    except ValueError as error:
        raise WrongUsage(f"target_script {text!r} cannot be split into words: {error}") from error
    if not words:
        raise WrongUsage("target_script is missing")
    return words


def _check_integer(fields: Mapping[str, Any], key: str) -> int:
    value = fields[key]
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= MAX_COUNT:
        raise WrongUsage(f"{key} must be a whole number from 1 to {MAX_COUNT:,}, not {short_json(value)}")
    return value


def _check_number(fields: Mapping[str, Any], key: str, *, maximum: float | None = None) -> float:
    value = fields[key]
    if not is_finite_number(value) or value <= 0 or (maximum is not None and value > maximum):
        raise WrongUsage(
            f"{key} must be a number above 0{f' and up to {maximum:g}' if maximum else ''}, not {short_json(value)}"
        )
    return float(value)


def _check_text(fields: Mapping[str, Any], key: str) -> str:
    if not isinstance(fields[key], str):
        raise WrongUsage(f"{key} must be a text, not {short_json(fields[key])}")
    return str(fields[key]).strip()
