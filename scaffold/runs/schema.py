"""A manifest -> the first thing in it that its JSON Schema does not allow: manifests come with a repository, and so may be anybody's.

Of JSON Schema what readers rely on of `run_manifest.schema.json`. Fields that it does not know are let pass: a newer recorder may
write more.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from scaffold.runs import moments, recorder

KINDS: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "object": (dict,),
    "array": (list,),
    "null": (type(None),),
}
Schema = Mapping[str, Any]
# value, its place -> what is wrong
Check = Callable[[Any, str], str | None]
Test = Callable[[Any], bool]


def fault(manifest: object) -> str | None:
    """`it lacks time.ended_at`, `time.ended_at is null`, `paths.stdout is "/etc/passwd"`; None where nothing is wrong."""
    return _of_manifests()(manifest, "")


@functools.cache
def _of_manifests() -> Check:
    return _check(json.loads((recorder.source() / "run_manifest.schema.json").read_bytes()))


def _check(schema: Schema) -> Check:
    """A schema as a function: ten thousand manifests are held against it."""
    tests = _tests(schema)
    inner = [make(schema) for word, make in _INNER.items() if word in schema]

    def check(value: Any, place: str) -> str | None:
        for test in tests:
            if not test(value):
                return f"{place or 'it'} is {json.dumps(value)[:80]}"
        for one in inner:
            if found := one(value, place):
                return found
        return None

    return check


def _tests(schema: Schema) -> list[Test]:
    """What a value itself has to be, whatever it holds."""
    tests: list[Test] = []
    if "const" in schema:
        tests.append(lambda value: bool(value == schema["const"]) and not isinstance(value, bool))
    if "enum" in schema:
        tests.append(lambda value: value in schema["enum"])
    if "type" in schema:
        names = [schema["type"]] if isinstance(schema["type"], str) else schema["type"]
        kinds = tuple(kind for name in names for kind in KINDS[name])
        tests.append(lambda value: isinstance(value, kinds) and (bool in kinds or not isinstance(value, bool)))
    if "pattern" in schema:
        fits = re.compile(schema["pattern"]).search
        tests.append(lambda value: not isinstance(value, str) or fits(value) is not None)
    if "maxLength" in schema:
        tests.append(lambda value: not isinstance(value, str) or len(value) <= schema["maxLength"])
    if schema.get("format") == "date-time":
        tests.append(lambda value: not isinstance(value, str) or _is_moment(value))
    if "minimum" in schema:
        tests.append(lambda value: not isinstance(value, (int, float)) or value >= schema["minimum"])
    if "not" in schema:
        refused = _tests(schema["not"])
        tests.append(lambda value: not all(test(value) for test in refused))
    return tests


def _is_moment(text: str) -> bool:
    try:
        return moments.parsed(text).tzinfo is not None
    except ValueError:
        return False


def _properties(schema: Schema) -> Check:
    known, required = {name: _check(one) for name, one in schema["properties"].items()}, schema.get("required", ())

    def check(value: Any, place: str) -> str | None:
        before = f"{place}." if place else ""
        for name in required:
            if name not in value:
                return f"it lacks {before}{name}"
        for name, one in known.items():
            if name in value and (found := one(value[name], before + name)):
                return found
        return None

    return _of(dict, check)


def _others(schema: Schema) -> Check:
    each = _check(schema["additionalProperties"] or {})
    return _of(dict, lambda value, place: next(filter(None, (each(value[k], f"{place}.{k}") for k in value)), None))


def _items(schema: Schema) -> Check:
    each, least = _check(schema["items"]), schema.get("minItems", 0)

    def check(value: Any, place: str) -> str | None:
        if len(value) < least:
            return f"{place} is empty"
        return next(filter(None, (each(one, place) for one in value)), None)

    return _of(list, check)


def _of(kind: type, check: Check) -> Check:
    return lambda value, place: check(value, place) if isinstance(value, kind) else None


def _alternatives(schema: Schema) -> Check:
    each = [_check(one) for one in schema.get("oneOf") or schema["anyOf"]]

    def check(value: Any, place: str) -> str | None:
        faults = [one(value, place) for one in each]
        return faults[-1] if all(faults) else None

    return check


def _rules(schema: Schema) -> Check:
    each = [(_check(rule["if"]), _check(rule["then"])) for rule in schema["allOf"]]

    def check(value: Any, place: str) -> str | None:
        faults = (then(value, place) for when, then in each if when(value, place) is None)
        return next(filter(None, faults), None)

    return check


_INNER: Mapping[str, Callable[[Schema], Check]] = {
    "properties": _properties,
    "additionalProperties": _others,
    "items": _items,
    "oneOf": _alternatives,
    "anyOf": _alternatives,
    "allOf": _rules,
}
