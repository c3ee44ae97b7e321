"""A repository on disk -> Facts: names of tracked files, text of those that matter, parsed once and never executed."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from scaffold.facts.model import Facts as Facts
    from scaffold.facts.repository_reader import collect_repository_facts as collect_repository_facts

HOMES = {"Facts": "scaffold.facts.model", "collect_repository_facts": "scaffold.facts.repository_reader"}


def __getattr__(name: str) -> Any:
    """`Facts` and `collect_repository_facts`, loaded when first asked for: who wants one parser of this package need not load all."""
    if name in HOMES:
        return getattr(import_module(HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
