"""Answers of commands held against their schemas."""

from __future__ import annotations

import functools
import json
from collections.abc import Sequence
from typing import Any, NoReturn

from jsonschema import Draft202012Validator

from scaffold.cli.common import answer_schemas
from scaffold.cli.main import group


@functools.cache
def validator(words: tuple[str, ...]) -> Draft202012Validator:
    """What holds an answer of a command against its schema."""
    return Draft202012Validator(answer_schemas.build_command_answer_schema(words))


def check(words: Sequence[str], text: str) -> dict[str, Any]:
    """The object that a command printed. Fails where it is not what the command's schema says."""
    answer = json.loads(text, parse_constant=_no_json)
    assert isinstance(answer, dict)
    assert answer_schemas.schema_path(words).is_file(), (
        f"scaffold {' '.join(words)} has no schema: {answer_schemas.schema_path(words)}"
    )
    found = [_words(error) for error in validator(tuple(words)).iter_errors(answer)]
    assert not found, f"scaffold {' '.join(words)} --json breaks its schema:\n" + "\n".join(found)
    return answer


def _no_json(word: str) -> NoReturn:
    raise AssertionError(f"{word} is no JSON")


def _words(error: Any) -> str:
    """Where an answer breaks its schema, and how; of alternatives the one that comes nearest."""
    if error.context:
        branches: dict[int, list[Any]] = {}
        for inner in error.context:
            branches.setdefault(inner.schema_path[0], []).append(inner)
        nearest = min(branches.values(), key=len)
        return "; ".join(map(_words, nearest))
    return f"{error.json_path}: {error.message[:300]}"


def command_of(args: Sequence[str]) -> tuple[str, ...]:
    """The command that a command line calls."""
    found: list[str] = []
    for word in args:
        if not any(words[: len(found) + 1] == (*found, word) for words, _ in answer_schemas.list_cli_commands(group)):
            break
        found.append(word)
    return tuple(found)
