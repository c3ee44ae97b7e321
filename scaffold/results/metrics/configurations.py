"""Parameters -> what makes two runs the same configuration. `1`, `1.0` and the text `1` are one value, true and 1 are two."""

from __future__ import annotations

import functools
import math
from collections.abc import Collection, Iterable, Mapping, Sequence

from scaffold.runs import recorder
from scaffold.runs.model import Scalar

# (parameter, its value as text), sorted: two configurations are equal where these are
ConfigurationKey = tuple[tuple[str, str], ...]


def format_value(value: Scalar) -> str:
    """The one way to write a value: `0.001` for 1e-3, `true` for True, `1` for 1.0."""
    return _format_value(type(value).__name__, value)


@functools.lru_cache(maxsize=65536)
def _format_value(kind: str, value: Scalar) -> str:
    found: str = recorder.values.format_value(normalize_value(value))
    return found


def normalize_value(value: Scalar) -> Scalar:
    """A value as the recorder would have written it down."""
    if isinstance(value, str):
        found: Scalar = recorder.values.parse_value(value)
        return found
    if isinstance(value, float):
        as_read = recorder.values.parse_number(repr(value))
        return value if as_read is None else as_read
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
    """What identifies a configuration; of the parameters in `only`, where given."""
    names = params if only is None else [name for name in only if name in params]
    return tuple(sorted((name, format_value(params[name])) for name in names if name not in without))


def params_of_key(pairs: ConfigurationKey) -> dict[str, Scalar]:
    """The parameters that a key stands for."""
    return {name: recorder.values.parse_value(text) for name, text in pairs}


def varying_params(configs: Sequence[Mapping[str, Scalar]]) -> tuple[str, ...]:
    """The parameters that tell these configurations apart: not all have the same value; sorted by name."""
    names = sorted({name for one in configs for name in one})
    return tuple(name for name in names if len({format_value(c[name]) if name in c else None for c in configs}) > 1)


def sort_key(params: Mapping[str, Scalar], names: Iterable[str] | None = None) -> list[tuple[int, float, str]]:
    """A key to sort by: what is missing first, then numbers by size, then texts."""
    return [_value_rank(params, name) for name in (sorted(params) if names is None else names)]


def _value_rank(params: Mapping[str, Scalar], name: str) -> tuple[int, float, str]:
    if name not in params:
        return (0, 0.0, "")
    value = normalize_value(params[name])
    number = finite_number(value)
    return (2, 0.0, format_value(value)) if number is None else (1, number, "")
