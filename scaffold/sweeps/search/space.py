"""A `search_space` -> what may be searched, and what is fixed. Pure."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from scaffold.errors import WrongUsage
from scaffold.runs import recorder
from scaffold.sweeps.spec import parameter_texts


@dataclass(frozen=True, slots=True, kw_only=True)
class ParameterChoice:
    """One of several values, as they are spelled in a command."""

    values: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ParameterRange:
    """Numbers from `low` to `high`, both included; whole ones only (`integers`), or spread evenly over their logarithm (`log`)."""

    low: float
    high: float
    integers: bool
    log: bool


Dimension = ParameterChoice | ParameterRange


def parse_search_space(content: object) -> tuple[dict[str, Dimension], dict[str, str]]:
    """The parameters to search, and those that are fixed, as they are spelled. Raises WrongUsage."""
    if not isinstance(content, dict):
        raise WrongUsage(f"search_space must be an object, not {short_json(content)}")
    space: dict[str, Dimension] = {}
    fixed: dict[str, str] = {}
    for key, value in content.items():
        key_path = f"search_space.{key}"
        parameter_texts.check_parameter_name(key, option="search_space")
        if isinstance(value, list):
            values = tuple(dict.fromkeys(_format_value(v, key_path) for v in value))
            if not values:
                raise WrongUsage(f"{key_path} has no values")
            if len(values) == 1:
                fixed[key] = values[0]
            else:
                space[key] = ParameterChoice(values=values)
        elif isinstance(value, dict):
            dimension = _parse_range(value, key_path)
            if dimension.low == dimension.high:
                fixed[key] = _format_value(value["low"], key_path)
            else:
                space[key] = dimension
        else:
            fixed[key] = _format_value(value, key_path)
    if not space:
        raise WrongUsage(
            "search_space has nothing to search",
            hint='"search_space": {"lr": {"low": 0.0001, "high": 0.1}, "depth": [2, 4]}',
        )
    return space, fixed


def _parse_range(value: Mapping[str, Any], key_path: str) -> ParameterRange:
    unknown = sorted(set(value) - {"low", "high", "log"})
    if unknown:
        raise WrongUsage(
            f"{key_path} has an unknown key {unknown[0]}", hint='a range is {"low": 0.0001, "high": 0.1, "log": true}'
        )
    for end in ("low", "high"):
        if not is_finite_number(value.get(end)):
            raise WrongUsage(f"{key_path}.{end} must be a number, not {short_json(value.get(end))}")
    low, high, log = value["low"], value["high"], value.get("log", False)
    if low > high:
        raise WrongUsage(f"{key_path}: low {low} is above high {high}")
    if not isinstance(log, bool):
        raise WrongUsage(f"{key_path}.log must be true or false, not {short_json(log)}")
    if log and low <= 0:
        raise WrongUsage(f"{key_path}: a range over the logarithm needs numbers above 0, not {low}")
    return ParameterRange(low=low, high=high, integers=isinstance(low, int) and isinstance(high, int), log=log)


def _format_value(value: Any, key_path: str) -> str:
    if isinstance(value, (list, dict)):
        raise WrongUsage(f"{key_path} must have single values, not {short_json(value)}")
    if isinstance(value, float) and not math.isfinite(value):
        raise WrongUsage(f"{key_path} has {value}, which is no number that can be searched")
    return value if isinstance(value, str) else recorder.values.format_value(value)


def is_finite_number(value: object) -> bool:
    """Whether a JSON value is a number that can be counted with."""
    try:
        return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
    except OverflowError:  # a whole number beyond 1e308
        return False


def short_json(value: object) -> str:
    """A JSON value, short, for a message."""
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else text[:57] + "..."
