"""A manifest -> the first thing in it that its JSON Schema does not allow: manifests come with a repository, and so may be anybody's."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from typing import Any

from scaffold.runs import recorder


def find_schema_violation(manifest: object) -> str | None:
    """Such as `time.ended_at is null` or `it lacks host.gpus[0].index`; None where nothing is wrong.

    Fields that the schema does not know are let pass: a newer recorder may write more.
    """
    from fastjsonschema import JsonSchemaValueException

    try:
        _compile_schema()(manifest)
    except JsonSchemaValueException as error:
        place = str(error.name).removeprefix("data").removeprefix(".")
        if error.rule == "required":
            lacking = next(name for name in error.rule_definition if name not in error.value)
            return f"it lacks {place}.{lacking}".replace("lacks .", "lacks ")
        return f"{place or 'it'} is {json.dumps(error.value)[:80]}"
    return None


@functools.cache
def _compile_schema() -> Callable[[object], object]:
    import fastjsonschema

    schema = _without_closed_objects(
        json.loads((recorder.recorder_source_directory() / "run_manifest.schema.json").read_bytes())
    )
    check: Callable[[object], object] = fastjsonschema.compile(schema, use_default=False)
    return check


def _without_closed_objects(part: Any) -> Any:
    """A schema that lets fields pass which it does not name."""
    if isinstance(part, dict):
        return {
            key: _without_closed_objects(value)
            for key, value in part.items()
            if (key, value) != ("additionalProperties", False)
        }
    return [_without_closed_objects(item) for item in part] if isinstance(part, list) else part
