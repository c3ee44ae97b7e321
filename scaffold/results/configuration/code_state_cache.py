"""What git said of code states, kept in the user's cache directory for good: a code state never changes. It can be deleted at any time."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path

from scaffold import scratch, structured_text

# a change of what is kept needs a new number
VERSION = 1


def get_or_compute_answer(question: str, ask: Callable[[], Mapping[str, str] | None]) -> Mapping[str, str] | None:
    """The answer to a question: the kept one, else what `ask` gives, which is kept where it is one."""
    file = _cache_file(question)
    if file is not None and (kept := _read(file)) is not None:
        return kept
    answer = ask()
    if file is not None and answer is not None:
        scratch.write_cache(file, json.dumps(answer, separators=(",", ":")).encode())
    return answer


def _cache_file(question: str) -> Path | None:
    key = hashlib.sha256(os.fsencode(f"{VERSION}\n{question}")).hexdigest()[:24]
    return scratch.cache_path("code", f"{key}.json")


def _read(file: Path) -> dict[str, str] | None:
    try:
        content = structured_text.parse_json(file.read_bytes())
    except (OSError, ValueError):
        return None
    return {str(name): str(value) for name, value in content.items()} if isinstance(content, dict) else None
