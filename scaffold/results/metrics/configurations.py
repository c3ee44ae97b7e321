"""Parameters -> what makes two runs the same configuration. `1`, `1.0` and the text `1` are one value, true and 1 are two."""

from __future__ import annotations

import functools
import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from scaffold.runs import recorder

if TYPE_CHECKING:
    from scaffold.runs.model import Scalar

# (parameter, its value as text), sorted: two configurations have equal parameters where these are
ConfigurationKey = tuple[tuple[str, str], ...]
# what `--ignore` takes beside parameters: the code state, all of a command that is no parameter, and whose experiment it is
CODE, COMMAND, EXPERIMENT = "code", "command", "experiment"


class Configuration(NamedTuple):
    """What makes two runs the same question: experiment, parameters, the rest of the command, and the code that can reach the run.

    `command` and `code` are None where they are ignored, or, for the code, not known.
    """

    experiment: str
    params: ConfigurationKey
    command: str | None = None
    code: str | None = None


@functools.lru_cache(maxsize=65536, typed=True)  # typed: else true would be 1, which it equals
def format_value(value: Scalar) -> str:
    """The one way to write a value: `0.001` for 1e-3, `true` for True, `1` for 1.0."""
    text: str = recorder.values.format_value(normalize_value(value))
    return text


def normalize_value(value: Scalar) -> Scalar:
    """A value as the recorder would have written it down: the text `0.1` is a number, `1e-3` is 0.001."""
    if isinstance(value, str):
        parsed: Scalar = recorder.values.parse_value(value)
        return parsed
    if isinstance(value, float):
        number: Scalar = recorder.values.parse_number(repr(value))
        return value if number is None else number
    return value


def finite_number(value: Scalar) -> float | None:
    """The number that a value is; None for words, true and false, and what no float holds."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value) if math.isfinite(value) else None
    except OverflowError:  # a whole number of more than 308 digits
        return None


def configuration_key(
    params: Mapping[str, Scalar], *, only: Sequence[str] | None = None, without: Collection[str] = ()
) -> ConfigurationKey:
    """What identifies a configuration: all parameters but `without`; of those in `only`, where given."""
    if only is None and not without:  # a list, since there may be a hundred thousand runs
        return tuple(sorted([(name, format_value(value)) for name, value in params.items()]))
    names = params if only is None else [name for name in only if name in params]
    return tuple(sorted((name, format_value(params[name])) for name in names if name not in without))


def params_of_key(key: ConfigurationKey) -> dict[str, Scalar]:
    """The parameters that a key stands for."""
    return {name: _parse_value(text) for name, text in key}


@functools.lru_cache(maxsize=65536)
def _parse_value(text: str) -> Scalar:
    if len(text) < 16 and text.isascii() and text.isdecimal() and (text[0] != "0" or text == "0"):
        return int(text)  # as the recorder reads it, in a tenth of the time
    value: Scalar = recorder.values.parse_value(text)
    return value


def varying_params(configs: Sequence[Mapping[str, Scalar]]) -> tuple[str, ...]:
    """The parameters that tell these configurations apart: not all have the same value; sorted by name."""
    names = sorted({name for config in configs for name in config})
    return tuple(name for name in names if len({format_value(c[name]) if name in c else None for c in configs}) > 1)


def configuration_sort_key(
    params: Mapping[str, Scalar], names: Iterable[str] | None = None
) -> list[tuple[int, float, str]]:
    """A key to sort configurations by: what is missing first, then numbers by size, then texts."""
    ordered = sorted(params) if names is None else names
    return [_rank_value(params[name]) if name in params else (0, 0.0, "") for name in ordered]


@functools.lru_cache(maxsize=65536, typed=True)
def _rank_value(value: Scalar) -> tuple[int, float, str]:
    value = normalize_value(value)
    number = finite_number(value)
    return (2, 0.0, format_value(value)) if number is None else (1, number, "")
