"""A manifest -> the first thing in it that its JSON Schema does not allow: manifests come with a repository, and so may be anybody's."""

from __future__ import annotations

import json


def find_schema_violation(manifest: object) -> str | None:
    """Such as `time.ended_at is null` or `it lacks host.gpus[0].index`; None where nothing is wrong.

    Fields that the schema does not know are let pass: a newer recorder may write more.
    """
    from scaffold.runs.manifest_check import validate
    from scaffold.runs.schema_violation import SchemaViolation

    try:
        validate(manifest)
    except SchemaViolation as error:
        place = error.place.removeprefix(".")
        if error.required and isinstance(error.value, dict):
            lacking = next(name for name in error.required if name not in error.value)
            return f"it lacks {place}.{lacking}".replace("lacks .", "lacks ")
        return f"{place or 'it'} is {json.dumps(error.value)[:80]}"
    return None
