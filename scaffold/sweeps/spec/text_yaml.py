"""YAML in which every scalar is text: nothing is read as a number, a date or a truth value, and nothing written loses its spelling.

Reading is PyYAML's (its resolver is left out); writing is our own few lines, since PyYAML's emitter needs five seconds for the
drawn configurations of a big sweep, and its C twin does not give the same bytes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from scaffold import structured_text
from scaffold.errors import ScaffoldError, WrongUsage

PLAIN_SCALAR = re.compile(
    r"(?!---|\.\.\.)[A-Za-z0-9_./+-](?:[A-Za-z0-9_./+=@%~^*()<>-]|(?<=\w):(?=[\w/.+-])| (?=[A-Za-z0-9_./+(<>=]))*"
)
ESCAPED = re.compile(
    r'["\\\x00-\x1f\x7f-\xa0\xad\u0600-\u0605\u200b-\u200f\u2028-\u202f\u2060-\u206f\ufeff\ufffe\uffff]'
)
SURROGATE = re.compile(r"[\ud800-\udfff]")
SHORT_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}
MAX_DEPTH = 12
LARGEST, MOST_NODES = 256 << 20, 20_000_000  # a sweep of 100,000 runs


def format_scalar(text: str) -> str:
    """A text as a YAML scalar on one line. Raises WrongUsage for one that no YAML file can hold."""
    if PLAIN_SCALAR.fullmatch(text) and not text.startswith("- ") and text != "-":
        return text
    if not text.isascii() and SURROGATE.search(text):
        raise WrongUsage(f"{text!r} is no text in UTF-8, and a sweep is kept as such", hint="give it in UTF-8")
    return '"' + ESCAPED.sub(lambda m: SHORT_ESCAPES.get(m[0]) or f"\\u{ord(m[0]):04x}", text) + '"'


def format_flow_yaml(value: object) -> str:
    """Texts, lists and mappings on one line."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{format_scalar(str(k))}: {format_flow_yaml(v)}" for k, v in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(format_flow_yaml, value)) + "]"
    return format_scalar(str(value))


def format_list_yaml(key: str, items: Sequence[object]) -> list[str]:
    """`key:` with one line for each item."""
    return [f"{key}:", *(f"  - {format_flow_yaml(item)}" for item in items)]


def format_mapping_yaml(key: str, values: Mapping[str, object]) -> list[str]:
    """`key:` with one line for each entry."""
    return [f"{key}:", *(f"  {format_scalar(k)}: {format_flow_yaml(v)}" for k, v in values.items())]


def read_yaml(path: Path, *, noun: str) -> Any:
    """What a YAML file holds: mappings, lists and texts. Raises ScaffoldError naming file, line and trouble."""
    import yaml

    loader = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
    try:
        text = path.read_text(encoding="utf-8")
        structured_text.check_yaml(text, largest=LARGEST, most_nodes=MOST_NODES)
        node = yaml.compose(text, Loader=loader)
    except FileNotFoundError as error:
        raise ScaffoldError(f"there is no {noun} {path}") from error
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or " ".join(str(error).split())
        raise ScaffoldError(f"{path} cannot be read: {reason}") from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f"{path}:{mark.line + 1}" if mark else str(path)
        raise ScaffoldError(f"{place}: {getattr(error, 'problem', None) or error}") from error
    return None if node is None else _node_value(node, path, 0)


def _node_value(node: Any, path: Path, depth: int) -> Any:
    line = node.start_mark.line + 1
    if depth > MAX_DEPTH:
        raise ScaffoldError(f"{path}:{line}: it is nested too deeply")
    if node.id == "scalar":
        return node.value
    if node.id == "sequence":
        return [_node_value(item, path, depth + 1) for item in node.value]
    mapping: dict[str, Any] = {}
    for key, value in node.value:
        name = _node_value(key, path, depth + 1)
        if not isinstance(name, str):
            raise ScaffoldError(f"{path}:{key.start_mark.line + 1}: a key must be a text")
        if name in mapping:
            raise ScaffoldError(f"{path}:{key.start_mark.line + 1}: {name} is there twice")
        mapping[name] = _node_value(value, path, depth + 1)
    return mapping
