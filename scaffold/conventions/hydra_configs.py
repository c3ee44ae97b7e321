"""Which YAML files a Hydra script composes: its primary configuration and those that its defaults list names."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from typing import NamedTuple

from scaffold.facts import Facts
from scaffold.facts.python_source import Call, PythonSource, literal_text

_DEFAULTS = re.compile(r"^defaults:[ \t]*(?:#.*)?\n((?:[ \t]*(?:-.*|#.*)?\n|[ \t]+.*\n)*)", re.MULTILINE)
_ENTRY = re.compile(
    r"^[ \t]*-[ \t]*(?P<override>override[ \t]+)?(?P<group>/?[\w./-]+)(?:@(?P<package>[\w.]*))?"
    r"(?:[ \t]*:[ \t]*(?P<name>[\w.\[\]/-]+))?[ \t]*(?:#.*)?$",
    re.MULTILINE,
)
_DEEPEST = 4


class ComposedConfig(NamedTuple):
    """A file of the composition, and the package that its keys lie in: empty at the top, `trainer` of `trainer/default.yaml`."""

    path: str
    package: str = ""


def find_hydra_decorator(source: PythonSource) -> Call | None:
    """The `@hydra.main(...)` of a script; None where it has none."""
    return next((c for c in source.calls if c.name == "hydra.main" or c.last == "hydra_runner"), None)


def hydra_config_folder(path: str, call: Call) -> str:
    """The folder of a script's configurations, from the work directory."""
    folder = literal_text(call.keywords.get("config_path")) or (literal_text(call.args[0]) if call.args else None) or ""
    return posixpath.normpath(posixpath.join(path.rpartition("/")[0], folder))


def find_hydra_main_config(facts: Facts, path: str) -> list[str]:
    """The configuration that a script's `@hydra.main` names; nothing where there is none to be read."""
    call = find_hydra_decorator(facts.parse(path)) if path.endswith(".py") else None
    if call is None:
        return []
    name = re.sub(r"\.ya?ml$", "", literal_text(call.keywords.get("config_name")) or "config")
    base = hydra_config_folder(path, call)
    primary = [p for p in _files(base, name) if p in facts.texts]
    named = (p for p in facts.read_files("config") if re.sub(r"\.ya?ml$", "", p.rpartition("/")[2]) == name)
    return primary or list(named)[:1]


def composed_configs(facts: Facts, path: str) -> list[ComposedConfig]:
    """The primary configuration, then those that its defaults list takes in, each with the package of its keys."""
    call = find_hydra_decorator(facts.parse(path)) if path.endswith(".py") else None
    if call is None:
        return []
    composed: dict[str, ComposedConfig] = {}
    for primary in find_hydra_main_config(facts, path):
        _compose(facts, primary.rpartition("/")[0], ComposedConfig(primary), composed, _DEEPEST)
    return list(composed.values())


def _compose(facts: Facts, base: str, config: ComposedConfig, composed: dict[str, ComposedConfig], depth: int) -> None:
    if config.path in composed or depth == 0:
        return
    composed[config.path] = config
    for taken in _defaults(facts, base, config):
        _compose(facts, base, taken, composed, depth - 1)


def _defaults(facts: Facts, base: str, config: ComposedConfig) -> Iterator[ComposedConfig]:
    block = _DEFAULTS.search(facts.texts[config.path] + "\n")
    folder = posixpath.relpath(config.path.rpartition("/")[0] or ".", base or ".")
    for entry in _ENTRY.finditer(block[1]) if block else ():
        group, name = entry["group"], entry["name"]
        if group == "_self_" or entry["override"] or group.startswith("hydra/"):
            continue
        alone = name is None  # a file of the same group, or of its folder
        if name is None:
            group, _, name = group.rpartition("/")
        inside = group.removeprefix("/") if group.startswith("/") or folder == "." else f"{folder}/{group}".rstrip("/")
        for path in _files(posixpath.normpath(f"{base}/{inside}"), name):
            text = facts.texts.get(path)
            if text is not None:
                relative = group.removeprefix("/").replace("/", ".")
                package = relative if group.startswith("/") else f"{config.package}.{relative}".strip(".")
                package = config.package if alone and not group else package
                package = package if entry["package"] is None else f"{config.package}.{entry['package']}".strip(".")
                yield ComposedConfig(
                    path, "" if "@package _global_" in text or package.endswith("_global_") else package
                )


def _files(folder: str, name: str) -> list[str]:
    return [posixpath.normpath(f"{folder}/{name}.{suffix}") for suffix in ("yaml", "yml")]
