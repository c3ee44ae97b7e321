"""Values: what a command line means by a text, and the one usual form of each value."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Union

    Scalar = Union[str, int, float, bool, None]


DIGITS = "0123456789"

LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


def parse_number(text: str) -> int | float | None:
    """The number that `text` writes, an int where it is whole; None where it writes none (`007`, `1_000` and `nan` do not)."""
    digits = text.lstrip("+-")
    if not digits or not set(text) <= set("0123456789+-.eE") or (digits[0] == "0" and digits[1:2].isdigit()):
        return None
    try:
        whole = int(text)
        return float(whole) if 10**16 <= abs(whole) < 10**300 and float(whole) == whole else whole
    except ValueError:
        pass
    try:
        real = float(text)
    except ValueError:
        return None
    if real - real != 0:
        return None
    return int(real) if abs(real) < 1e16 and real == int(real) else real


def parse_value(text: str) -> Scalar:
    """What a command line means by `text`: a number, true or false, null, or the text itself."""
    number = parse_number(text)
    if number is not None:
        return number
    return {"true": True, "false": False, "null": None, "none": None}.get(text.lower(), text)


def format_value(value: object) -> str:
    """The shortest usual form of a value: `1e-3` and `.001` are both `0.001`, `True` is `true`."""
    if value is None or isinstance(value, bool):
        return "null" if value is None else "true" if value else "false"
    if isinstance(value, float):
        return repr(value).replace("e+", "e").replace("e-0", "e-")
    return str(value)


def to_scalar(value: Any) -> Scalar:
    """A Python value as what a manifest can hold; numbers that JSON lacks become text."""
    if hasattr(value, "item") and not isinstance(value, (str, int, float)):
        try:
            value = value.item()
        except (TypeError, ValueError):
            value = str(value)
    if value is None or isinstance(value, (bool, str, int)):
        return value
    if isinstance(value, float):
        return parse_value(repr(value))
    if isinstance(value, (list, tuple)):
        return ",".join(format_value(to_scalar(v)) for v in value)
    return str(value)


def flatten(values: Any, prefix: str = "") -> dict[str, Scalar]:
    """Nested mappings (or anything with `vars`) as one level: `{"model": {"lr": 1}}` is `{"model.lr": 1}`."""
    items = values if hasattr(values, "keys") else vars(values)
    flat: dict[str, Scalar] = {}
    for key in items:
        value = items[key]
        if hasattr(value, "keys"):
            flat.update(flatten(value, f"{prefix}{key}."))
        else:
            flat[f"{prefix}{key}"] = to_scalar(value)
    return flat
