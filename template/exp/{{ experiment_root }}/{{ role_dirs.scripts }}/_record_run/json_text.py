"""JSON without the module `json`, which loads `re`: together a third of what a recorded run costs."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any


def to_json(value: Any, indent: str = "") -> str:
    """JSON: in one line with sorted keys and no spaces, or (`indent` a line break) readable and in order.

    `json` is not imported for it. What is no UTF-8 (surrogates) is escaped in both.
    """
    inner = indent and indent + " "
    if isinstance(value, dict):
        keys = value if indent else sorted(value)
        rows = [inner + quote(k, ascii=not indent) + (": " if indent else ":") + to_json(value[k], inner) for k in keys]
        return "{{{}{}}}".format(",".join(rows), indent if rows else "")
    if isinstance(value, (list, tuple)):
        return "[{}{}]".format(",".join(inner + to_json(v, inner) for v in value), indent if value else "")
    if isinstance(value, str):
        return quote(value, ascii=not indent)
    return "null" if value is None else repr(value) if not isinstance(value, bool) else "true" if value else "false"


def quote(text: str, *, ascii: bool) -> str:
    """A JSON string; `ascii` escapes all else."""
    if text.isprintable() and '"' not in text and "\\" not in text and (text.isascii() or not ascii):
        return f'"{text}"'
    return "".join(['"', *(_escaped(c, ascii) for c in text), '"'])


def _escaped(c: str, ascii: bool) -> str:
    if c in '"\\':
        return "\\" + c
    if " " <= c < "\x7f" or (not ascii and c > "\x7f" and not "\ud800" <= c <= "\udfff"):
        return c
    if c > "\uffff":
        high, low = divmod(ord(c) - 0x10000, 0x400)
        return f"\\u{0xD800 + high:04x}\\u{0xDC00 + low:04x}"
    return {"\n": "\\n", "\t": "\\t", "\r": "\\r", "\b": "\\b", "\f": "\\f"}.get(c, f"\\u{ord(c):04x}")


def from_json(text: str) -> Any:
    """The value that JSON text holds. Raises ValueError."""
    try:
        from _json import make_scanner  # json without its imports, which it needs for errors only

        settings: Any = _ScannerSettings
        value, end = make_scanner(settings)(text.strip(), 0)
        if end == len(text.strip()):
            return value
    except (ImportError, StopIteration, SystemError, ValueError):
        pass
    import json

    return json.loads(text)


class _ScannerSettings:
    """How JSON is read; the names are the scanner's."""

    strict = True
    object_hook = object_pairs_hook = None
    parse_float, parse_int, parse_constant = float, int, float
    memo: Mapping[str, str] = {}


def read_json(path: str) -> Any:
    """The value that a JSON file holds. Raises OSError or ValueError."""
    with open(path, encoding="utf-8") as file:
        return from_json(file.read())
