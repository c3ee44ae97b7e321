"""The one reader of YAML, JSON and TOML: what it takes is limited in size, depth and expanded aliases, and so in time.

Such texts come with repositories, from servers and from runs. A few lines can stand for millions of values (aliases of aliases), or be
nested deeper than any program can follow; they are refused with a ValueError, or YAML's own error, as broken ones are.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Any

LARGEST_JSON = 256 << 20  # bytes: about as many as are read in a few seconds
LARGEST_YAML = LARGEST_TOML = 2 << 20
DEEPEST = 100
MOST_NODES = 50_000
LONGEST_NUMBER = 2000
_DOTTED_PART = r"""(?:[\w-]+|"[^"\n]*"|'[^'\n]*')"""
_LONG_DOTTED_KEY = rf"(?<![\w-]){_DOTTED_PART}(?:[ \t]*\.[ \t]*{_DOTTED_PART}){{{DEEPEST},}}"


def parse_json(
    text: str | bytes,
    *,
    object_pairs_hook: Callable[[list[tuple[str, Any]]], Any] | None = None,
    parse_constant: Callable[[str], Any] | None = None,
    is_own: bool = False,
) -> Any:
    """The value that JSON text holds. Raises ValueError where it is none, is larger than 256 MiB or nested more than 100 deep.

    How deep a text is nested that this package wrote itself (`is_own`) is not looked at.
    """
    import json

    if len(text) > LARGEST_JSON:
        raise ValueError("it is too large")
    try:
        value = json.loads(text, object_pairs_hook=object_pairs_hook, parse_constant=parse_constant)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    brackets = text.count(b"[") + text.count(b"{") if isinstance(text, bytes) else text.count("[") + text.count("{")
    # counting is quick, and most files have fewer
    if brackets > DEEPEST and not is_own:
        _check_depth(value)
    return value


def parse_toml(text: str) -> dict[str, Any]:
    """The table that TOML text holds. Raises ValueError where it is none, is larger than 2 MiB or nested more than 100 deep."""
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    if len(text) > LARGEST_TOML:
        raise ValueError("it is too large")
    # the library takes memory by the square of a key's parts: gigabytes for one of 100,000
    if any(line.count(".") >= DEEPEST and re.search(_LONG_DOTTED_KEY, line) for line in text.splitlines()):
        raise ValueError("a key has too many parts")
    try:
        table = tomllib.loads(text)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    _check_depth(table)
    return table


def _check_depth(value: object) -> None:
    """Raise ValueError where containers lie more than DEEPEST deep in each other."""
    level = [value] if isinstance(value, (dict, list)) else []
    for _ in range(DEEPEST):
        if not level:
            return
        # by their classes, which is quick: parsers make no others
        level = [
            item
            for box in level
            for item in (box.values() if box.__class__ is dict else box)
            if item.__class__ is list or item.__class__ is dict
        ]
    raise ValueError("it is nested too deeply")


def parse_yaml(text: str) -> Any:
    """YAML -> texts, numbers, lists and mappings; a date stays the text that it is. Raises yaml.YAMLError, whatever is wrong with it."""
    import yaml

    check_yaml(text)

    class Plain(yaml.SafeLoader):
        yaml_implicit_resolvers = {  # noqa: RUF012 - as yaml has it
            letter: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith(":timestamp")]
            for letter, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
        }

    def construct_integer(loader: Any, node: Any) -> int:
        # `1:30:00` is one, too, made in time that grows by the square; and what is longer than this cannot even be printed
        if len(node.value) > LONGEST_NUMBER:
            raise _refusal(node, "a number is too long")
        return int(loader.construct_yaml_int(node))

    Plain.add_constructor("tag:yaml.org,2002:int", construct_integer)
    try:
        return yaml.load(text, Plain)
    except yaml.YAMLError:
        raise
    except Exception as error:
        # a KeyError for `!!bool x`, a ValueError for a number of 5,000 digits: yaml lets them through
        raise yaml.YAMLError(f"{type(error).__name__}: {error}") from error


def check_yaml(text: str, *, largest: int = LARGEST_YAML, most_nodes: int = MOST_NODES) -> None:
    """Raise yaml.YAMLError where YAML text is broken, larger than `largest` characters, nested more than 100 deep, or stands for more
    than `most_nodes` values with all of its aliases written out; one that contains itself stands for infinitely many."""
    import yaml

    if len(text) > largest:
        raise yaml.YAMLError("it is too large")
    try:
        _check_events(yaml.parse(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)), most_nodes)
    except (RecursionError, ValueError) as error:
        raise yaml.YAMLError(str(error)) from None


def _check_events(events: Iterable[Any], most_nodes: int) -> None:
    """Off the parser's events, before anything is made of them: merging (`<<`) writes aliases out while a tree is made."""
    import yaml

    sizes: dict[str, int] = {}  # by anchor; one that is still open has none yet
    open_nodes: list[tuple[str | None, int]] = []
    total = 0
    for event in events:
        if isinstance(event, yaml.CollectionEndEvent):
            anchor, before = open_nodes.pop()
            if anchor is not None:
                sizes[anchor] = total - before
            continue
        if not isinstance(event, yaml.NodeEvent):
            continue
        if isinstance(event, yaml.AliasEvent):
            total += _alias_size(event, sizes)
        else:
            if isinstance(event, yaml.CollectionStartEvent):
                open_nodes.append((event.anchor, total))
                sizes.pop(event.anchor or "", None)
            elif event.anchor is not None:
                sizes[event.anchor] = _weight(event)
            total += _weight(event)
        if len(open_nodes) > DEEPEST:
            raise _refusal(event, "it is nested too deeply")
        if total > most_nodes:
            raise _refusal(event, f"it stands for more than {most_nodes} values")


def _alias_size(event: Any, sizes: Mapping[str, int]) -> int:
    if event.anchor not in sizes:
        raise _refusal(event, f"the alias *{event.anchor} stands for nothing, or contains itself")
    return sizes[event.anchor]


def _weight(event: Any) -> int:
    """How much a node counts for; a long text for more than one, since aliases write it out as well."""
    return 1 + len(getattr(event, "value", "")) // 64


def _refusal(event: Any, problem: str) -> Exception:
    import yaml

    return yaml.MarkedYAMLError(problem=problem, problem_mark=event.start_mark)
