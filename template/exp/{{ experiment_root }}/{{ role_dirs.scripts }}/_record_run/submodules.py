"""Submodules: their commits, and what is changed in them. Loaded only where a repository has some."""

from __future__ import annotations

import os

from .code_state import CodeState, Survey
from .git import Git
from .messages import RecorderError, warn
from .redaction import redact

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator


MOST_SUBMODULES = 100


def capture_submodules(top: str, *, with_patch: bool, with_pin: bool) -> list[CodeState]:
    """The code states of the submodules that are checked out in a repository, those inside of them too; `path` leads to each from `top`.

    One in which git fails is said, and left out.
    """
    states = []
    for path, _ in zip(_paths(top, ""), range(MOST_SUBMODULES)):
        try:
            states.append(_capture(top, path, with_patch=with_patch, with_pin=with_pin))
        except (RecorderError, OSError) as trouble:
            warn(f"{trouble}: the submodule {path} is not recorded")
    return states


def _capture(top: str, path: str, *, with_patch: bool, with_pin: bool) -> CodeState:
    state = CodeState()
    state.top = os.path.join(top, path)
    Survey(Git(state.top), [], [], [], [], None).describe(state, with_patch=with_patch, with_pin=with_pin)
    fields = state.git or {}
    state.git = {"path": redact(path), **{k: fields[k] for k in ("commit", "dirty", "patch", "pin") if k in fields}}
    return state


def _paths(top: str, prefix: str) -> Iterator[str]:
    """Where submodules are checked out, parents first, as `.gitmodules` names them."""
    try:
        with open(os.path.join(top, prefix, ".gitmodules"), encoding="utf-8", errors="surrogateescape") as file:
            lines = [line.partition("=") for line in file]
    except OSError:
        return
    for key, _, value in lines:
        path = os.path.normpath(os.path.join(prefix, value.strip().strip('"')))
        if (
            key.strip() == "path"
            and not path.startswith(("/", ".."))
            and os.path.exists(os.path.join(top, path, ".git"))
        ):
            yield path
            yield from _paths(top, path)
