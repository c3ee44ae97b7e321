"""Which configuration systems the main train and eval scripts use."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from scaffold.conventions.directories import is_settings
from scaffold.conventions.found import Found, Hit, listed
from scaffold.facts import Facts, paths
from scaffold.facts.paths import vocabulary
from scaffold.facts.source import Call, Source

_IMPORTS = {
    "hydra": ("hydra",),
    "omegaconf": ("omegaconf",),
    "click": ("click", "rich_click"),
    "typer": ("typer",),
    "tyro": ("tyro",),
    "fire": ("fire",),
    "absl": ("absl.app", "absl.flags"),
    "gin": ("gin",),
    "ml_collections": ("ml_collections",),
    "yacs": ("yacs", "fvcore.common.config"),
    "jsonargparse": ("jsonargparse",),
    "simple_parsing": ("simple_parsing",),
    "mmengine": ("mmengine.config", "mmengine.Config", "mmcv.Config", "mmcv.utils.Config"),
    "sacred": ("sacred",),
    "configargparse": ("configargparse", "configargparser"),
    "other": (
        "tap",
        "docopt",
        "pyrallis",
        "draccus",
        "chz",
        "fiddle",
        "dynaconf",
        "kedro.config",
        "confection",
        "plac",
    ),
}
_CALLS = {
    "argparse": re.compile(r"(^|\.)ArgumentParser$"),
    "hfargparser": re.compile(r"(^|\.)(Hf\w*ArgumentParser|H4ArgumentParser|TrlParser)$"),
    "lightning_cli": re.compile(r"(^|\.)LightningCLI$|(^|\.)\w*CLI$"),
    "absl": re.compile(r"(^|\.)flags\.DEFINE_\w+$|(^|\.)app\.run$"),
}
_LOADS_CONFIG = re.compile(
    r"(^|\.)(yaml|YAML|toml|tomllib|tomli|ruamel)\.(safe_|full_|unsafe_)?loads?$|(^|\.)params_show$|^YAML\.load$"
)
_STRUCTURED = vocabulary(
    "hydra omegaconf gin yacs mmengine lightning_cli jsonargparse configargparse sacred ml_collections hfargparser"
)
_RUNS_FILES = re.compile(
    r"(^|\.)(import_module|spec_from_file_location|DEFINE_config_file|exec|run_path|SourceFileLoader|load_source)$"
)


def config_systems(facts: Facts, mains: Iterable[str]) -> Found[tuple[str, ...]]:
    """The systems of the main scripts `mains`, also where a module that they import sets them up."""
    hits: list[Hit] = []
    for main in mains:
        if main.endswith(".py"):
            hits += [h for path in _speaking(facts, main) for h in _in_source(facts, path)]
    systems = {h.value for h in hits}
    if systems & _STRUCTURED:
        hits = [h for h in hits if h.value != "other" or h.text.startswith("import")]
    if "hydra" in systems:
        hits += [
            Hit("omegaconf", p, line, "import omegaconf")
            for p in facts.python
            if (line := facts.parsed(p).uses("omegaconf"))
        ]
    if not any(h.value == "configargparse" for h in hits):
        hits += _workflow_configs(facts)
    return listed(hits)


def _speaking(facts: Facts, main: str) -> list[str]:
    """A script, and what it imports that is no script of its own."""
    near = facts.closure(main, depth=3, limit=60)
    return [p for p in near if p == main or facts.parsed(p).main is None or p.rpartition("/")[2] == "__init__.py"]


def _in_source(facts: Facts, path: str) -> Iterator[Hit]:
    source = facts.parsed(path)
    for system, modules in _IMPORTS.items():
        line = source.uses(*modules)
        if line is not None:
            yield Hit(system, path, line, f"import {modules[0]}")
    for call in source.calls:
        yield from _by_call(facts, path, source, call)


def _by_call(facts: Facts, path: str, source: Source, call: Call) -> Iterator[Hit]:
    for system, pattern in _CALLS.items():
        if pattern.search(call.name) and _is_really(system, source, call):
            yield Hit(system, path, call.line, f"{call.name}(...)")
    if _LOADS_CONFIG.search(call.name):
        yield Hit("other", path, call.line, f"{call.name}(...)")
    if _RUNS_FILES.search(call.name) and _has_settings(facts):
        yield Hit("python_files", path, call.line, f"{call.name}(...)")


def _is_really(system: str, source: Source, call: Call) -> bool:
    """Whether a call's name means that system here: an ArgumentParser of another library is not argparse's."""
    if system == "argparse":
        return source.error is not None or source.uses("argparse") is not None
    if system == "lightning_cli":
        return call.last == "LightningCLI" or any(
            "LightningCLI" in c.bases for c in source.classes if c.name == call.last
        )
    if system == "absl":
        return source.uses("absl") is not None or source.uses("tensorflow") is not None
    return True


def _has_settings(facts: Facts) -> bool:
    """Whether there is a directory of Python files that are configurations: settings, or files that nobody imports."""
    for directory in facts.tree:
        name = directory.rpartition("/")[2].lower()
        if not re.match(r"^(configs?|cfgs?|conf|exps|experiments?|hparams|hyperparams)$", name) or paths.is_vendored(
            directory
        ):
            continue
        modules = [
            f
            for f in facts.below(directory)
            if f in facts.texts and f.endswith(".py") and not f.endswith("__init__.py")
        ]
        if any(is_settings(facts, m) for m in modules):
            return True
        if (
            name.startswith("exp")
            and modules
            and all(not facts.importers.get(m) and facts.parsed(m).main is None for m in modules)
        ):
            return True
    return False


def _workflow_configs(facts: Facts) -> Iterator[Hit]:
    """Snakemake's configfile, and DVC's parameters where a script reads them."""
    for path in facts.files:
        if path.rpartition("/")[2] == "Snakefile" or path.endswith(".smk"):
            line = facts.line_of(path, "configfile:")
            if line is not None:
                yield Hit("other", path, line, "configfile:")
