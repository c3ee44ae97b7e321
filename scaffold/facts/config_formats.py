"""TOML, INI and YAML texts -> values, through their own libraries; a broken text gives nothing."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from scaffold import structured_text

if TYPE_CHECKING:
    from yaml import Event

DEEPEST = 200
_YAML_KEY = re.compile(r"^(\s*)([\w.-]+)\s*:(?:\s+(.*))?$")


def parse_toml(text: str) -> dict[str, Any]:
    """A TOML text as a dict; empty when it is broken."""
    if not text:
        return {}
    try:
        return structured_text.parse_toml(text)
    except ValueError:
        return {}


def subtable(data: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """The table that `names` lead to (`tool`, `poetry`); empty where there is none, or something else has its name."""
    value: Any = data
    for name in names:
        value = value.get(name) if isinstance(value, Mapping) else None
    return dict(value) if isinstance(value, Mapping) else {}


def parse_ini(text: str) -> Mapping[str, Mapping[str, str]]:
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


def yaml_scalars(text: str) -> Iterator[tuple[str, str, int]]:
    """Every scalar of a YAML text as (its key, value, line), whatever tags it has; nothing for one that is broken or nested too deep."""
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        scalars = list(_scalars(yaml.parse(text, Loader=loader)))
    except (yaml.YAMLError, RecursionError, ValueError):
        return
    yield from scalars


def _scalars(events: Iterable[Event]) -> Iterator[tuple[str, str, int]]:
    """Off the parser's events: the C library that makes a tree of them breaks down, and its process with it, over many brackets."""
    import yaml

    anchors: dict[str | None, tuple[str, int]] = {}
    above = [_OpenCollection(key="")]
    for event in events:
        if isinstance(event, yaml.CollectionEndEvent):
            above.pop()
        elif isinstance(event, yaml.NodeEvent):
            scalar = anchors.get(event.anchor) if isinstance(event, yaml.AliasEvent) else None
            if isinstance(event, yaml.ScalarEvent):
                assert event.start_mark is not None
                scalar = anchors[event.anchor] = event.value, event.start_mark.line + 1
            key = above[-1].take(scalar[0] if scalar else "")
            if scalar and key is not None:
                yield key, *scalar
            if isinstance(event, yaml.CollectionStartEvent):
                above.append(_OpenCollection(key=key, mapping=isinstance(event, yaml.MappingStartEvent)))
                if len(above) > DEEPEST:
                    raise ValueError("nested too deep")


class _OpenCollection:
    """A collection whose end has not come yet; `key` is what its items are named by, None inside a key."""

    def __init__(self, key: str | None, *, mapping: bool = False) -> None:
        self.key, self.mapping = key, mapping
        self.waiting: str | None = None  # the key of a mapping whose value comes next

    def take(self, value: str) -> str | None:
        """The key of the node that comes now, whose text is `value`; None where it is a key itself, or lies in one."""
        if self.key is None or not self.mapping:
            return self.key
        if self.waiting is None:
            self.waiting = value
            return None
        key, self.waiting = self.waiting, None
        return key


def yaml_keys(text: str) -> Iterator[str]:
    """The dotted keys of a block-style YAML text, commented ones left out."""
    yield from (key for key, _ in yaml_values(text))


def yaml_values(text: str) -> Iterator[tuple[str, str]]:
    """The dotted keys of a block-style YAML text with what their line says, without quotes; empty for what is nested below."""
    stack: list[tuple[int, str]] = []
    for raw in text.splitlines():
        match = _YAML_KEY.match(raw)
        if not match:
            continue
        while stack and stack[-1][0] >= len(match[1]):
            stack.pop()
        stack.append((len(match[1]), match[2]))
        value = match[3] or ""
        value = value[1:].partition(value[0])[0] if value[:1] in ("'", '"') else re.split(r"\s#|^#", value)[0].strip()
        yield ".".join(key for _, key in stack), value
