"""TOML, INI and YAML texts -> values, through their own libraries; a broken text gives nothing."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping
from typing import Any


def toml(text: str) -> dict[str, Any]:
    """A TOML text as a dict; empty when it is broken."""
    if not text:
        return {}
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError):
        return {}


def table(data: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """The table that `names` lead to (`tool`, `poetry`); empty where there is none, or something else has its name."""
    found: Any = data
    for name in names:
        found = found.get(name) if isinstance(found, Mapping) else None
    return dict(found) if isinstance(found, Mapping) else {}


def ini(text: str) -> Mapping[str, Mapping[str, str]]:
    """The sections of an INI text; empty when it is broken."""
    if not text:
        return {}
    import configparser

    parser = configparser.ConfigParser(interpolation=None, strict=False)
    try:
        parser.read_string(text)
    except configparser.Error:
        return {}
    return {name: dict(parser[name]) for name in parser.sections()}


def scalars(text: str) -> Iterator[tuple[str, str, int]]:
    """Every scalar of a YAML text as (its key, value, line), whatever tags it has; nothing for a broken one."""
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        documents = list(yaml.compose_all(text, Loader=loader))
    except (yaml.YAMLError, RecursionError, ValueError):
        return
    stack: list[tuple[str, object]] = [("", d) for d in reversed(documents)]
    seen: set[int] = set()
    while stack:
        key, node = stack.pop()
        if id(node) in seen:
            continue
        if isinstance(node, yaml.ScalarNode):
            yield key, str(node.value), node.start_mark.line + 1
            continue
        seen.add(id(node))
        if isinstance(node, yaml.SequenceNode):
            stack += [(key, child) for child in reversed(node.value)]
        elif isinstance(node, yaml.MappingNode):
            stack += [(str(getattr(k, "value", "")), child) for k, child in reversed(node.value)]


def dotted_keys(text: str) -> Iterator[str]:
    """The dotted keys of a block-style YAML text, commented ones left out."""
    stack: list[tuple[int, str]] = []
    for raw in text.splitlines():
        match = re.match(r"^(\s*)([\w.-]+)\s*:(?:\s|$)", raw)
        if not match:
            continue
        while stack and stack[-1][0] >= len(match[1]):
            stack.pop()
        stack.append((len(match[1]), match[2]))
        yield ".".join(key for _, key in stack)
