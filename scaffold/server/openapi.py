"""A server's openapi.json -> which operations that we call are not in it, or do not take what we send; and what it says of itself."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from scaffold.server.json_values import mapping_or_empty, objects_in_json_list, text_or_empty
from scaffold.server.operations import ServerOperation

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


@dataclass(frozen=True, slots=True)
class OperationGap:
    """An operation that we call, and what the server lacks of it."""

    operation: ServerOperation
    lacks: str


def find_missing_operations(document: Mapping[str, Any], called: Iterable[ServerOperation]) -> list[OperationGap]:
    """What of `called` the server does not have, in that order. A parameter's name in a path may differ."""
    paths = {
        _without_parameter_names(path): mapping_or_empty(item)
        for path, item in mapping_or_empty(document.get("paths")).items()
    }
    gaps = []
    for operation in called:
        path = paths.get(_without_parameter_names(operation.path), {})
        described = path.get(operation.method.lower())
        if not isinstance(described, dict):
            gaps.append(OperationGap(operation, "is not there"))
            continue
        unknown = [f"field {name}" for name in operation.fields if name not in request_body_fields(document, described)]
        parameters = objects_in_json_list(path.get("parameters")) + objects_in_json_list(described.get("parameters"))
        query = {text_or_empty(each.get("name")) for each in parameters if each.get("in") == "query"}
        unknown += [f"query parameter {name}" for name in operation.query if name not in query]
        if unknown:
            gaps.append(OperationGap(operation, f"does not know {', '.join(unknown)}"))
    return gaps


def request_body_fields(document: Mapping[str, Any], described: Mapping[str, Any]) -> tuple[str, ...]:
    """The fields of an operation's JSON body, in the order of the document."""
    content = mapping_or_empty(mapping_or_empty(described.get("requestBody")).get("content"))
    return tuple(
        _schema_fields(document, mapping_or_empty(mapping_or_empty(content.get("application/json")).get("schema")))
    )


def described_operations(document: Mapping[str, Any]) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Every operation that a document describes: method, path, description."""
    for path, item in mapping_or_empty(document.get("paths")).items():
        for method in METHODS:
            described = mapping_or_empty(item).get(method.lower())
            if isinstance(described, dict):
                yield method, path, described


def _schema_fields(document: Mapping[str, Any], schema: Mapping[str, Any]) -> dict[str, None]:
    """Names of the properties of a schema, through references (each followed once: they may go in circles) and combinations."""
    schemas = mapping_or_empty(mapping_or_empty(document.get("components")).get("schemas"))
    names: dict[str, None] = {}
    followed: set[str] = set()
    parts = [schema]
    for part in parts:
        names |= dict.fromkeys(mapping_or_empty(part.get("properties")))
        reference = text_or_empty(part.get("$ref"))
        if reference.startswith("#/components/schemas/") and reference not in followed:
            followed.add(reference)
            parts.append(mapping_or_empty(schemas.get(reference.rpartition("/")[2])))
        for word in ("allOf", "anyOf", "oneOf"):
            parts += objects_in_json_list(part.get(word))
    return names


def _without_parameter_names(path: str) -> str:
    return re.sub(r"\{[^{}]*\}", "{}", path)
