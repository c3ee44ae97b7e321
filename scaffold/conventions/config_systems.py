"""Which configuration systems the main train and eval scripts use."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from scaffold.conventions.detected import DetectedValue, Occurrence, merge_occurrences
from scaffold.conventions.directories import is_python_config
from scaffold.conventions.script_options import HUGGING_FACE
from scaffold.facts import Facts, paths
from scaffold.facts.paths import parse_word_set
from scaffold.facts.python_source import Call, PythonSource
from scaffold.facts.quick_scan import main_guard_line

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
    "other": tuple(
        ["tap", "docopt", "pyrallis", "draccus", "chz", "fiddle", "dynaconf", "kedro.config", "confection", "plac"]
    ),
}
_CALLS = {
    "other": re.compile(
        r"(^|\.)(yaml|YAML|toml|tomllib|tomli|ruamel)\.(safe_|full_|unsafe_)?loads?$|(^|\.)params_show$|^YAML\.load$"
    ),
    "python_files": re.compile(
        r"(^|\.)(import_module|spec_from_file_location|DEFINE_config_file|exec|run_path|SourceFileLoader|load_source)$"
    ),
    "argparse": re.compile(r"(^|\.)ArgumentParser$"),
    "hfargparser": HUGGING_FACE,
    "lightning_cli": re.compile(r"(^|\.)LightningCLI$|(^|\.)\w*CLI$"),
    "absl": re.compile(r"(^|\.)flags\.DEFINE_\w+$|(^|\.)app\.run$"),
}
_BY_MODULE = {module: system for system, modules in _IMPORTS.items() for module in modules}
_NEEDLES = (
    *(module.partition(".")[0] for modules in _IMPORTS.values() for module in modules),
    *("Parser", "CLI", "flags", "yaml", "YAML", "toml", "params_show", "import_module", "spec_from_file_location"),
    *("DEFINE_config", "exec(", "run_path", "FileLoader", "load_source", "app.run"),
)
_SETTINGS_FOLDER = re.compile(r"^(configs?|cfgs?|conf|exps|experiments?|hparams|hyperparams)$")
_STRUCTURED = parse_word_set(
    "hydra omegaconf gin yacs mmengine lightning_cli jsonargparse configargparse sacred ml_collections hfargparser"
)


def detect_config_systems(facts: Facts, mains: Iterable[str]) -> DetectedValue[tuple[str, ...]]:
    """The systems of the main scripts `mains`, also where a module that they import sets them up."""
    speaking = dict.fromkeys(p for main in mains if main.endswith(".py") for p in _speaking(facts, main))
    hits = [h for path in speaking for h in (*_imported(facts, path), *_called(facts, path))]
    if any(h.value == "python_files" for h in hits) and not _has_settings(facts):
        hits = [h for h in hits if h.value != "python_files"]
    systems = {h.value for h in hits}
    if systems & _STRUCTURED:
        hits = [h for h in hits if h.value != "other" or h.text.startswith("import")]
    if "hydra" in systems:
        using = ((p, facts.parse(p).uses("omegaconf")) for p in facts.files_mentioning(("omegaconf",), facts.python))
        hits += [Occurrence("omegaconf", p, line, "import omegaconf") for p, line in using if line is not None]
    return merge_occurrences((*hits, *_workflow_configs(facts)))


def _speaking(facts: Facts, main: str) -> list[str]:
    """A script, and what it imports that is no script of its own."""
    near = [
        p for p in facts.import_closure(main, depth=3, limit=60) if p == main or main_guard_line(facts.texts[p]) is None
    ]
    return facts.files_mentioning(_NEEDLES, near)


def _imported(facts: Facts, path: str) -> Iterator[Occurrence]:
    seen = set()
    for module, line in facts.parse(path).modules():
        pieces = module.split(".")
        for system in (_BY_MODULE.get(".".join(pieces[:n])) for n in range(1, len(pieces) + 1)):
            if system is not None and system not in seen:
                seen.add(system)
                yield Occurrence(system, path, line, f"import {module}")


def _called(facts: Facts, path: str) -> Iterator[Occurrence]:
    source = facts.parse(path)
    for call in source.calls:
        for system, pattern in _CALLS.items():
            if pattern.search(call.name) and _is_really(system, source, call):
                yield Occurrence(system, path, call.line, f"{call.name}(...)")
    for extended in source.classes:
        if any(map(HUGGING_FACE.search, extended.bases)):
            yield Occurrence("hfargparser", path, extended.line, f"class {extended.name}")


def _is_really(system: str, source: PythonSource, call: Call) -> bool:
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
    for directory in facts.directory_sizes:
        name = directory.rpartition("/")[2].lower()
        if not _SETTINGS_FOLDER.match(name) or paths.is_vendored(directory):
            continue
        python = (f for f in facts.files_below(directory) if f in facts.texts and f.endswith(".py"))
        modules = [f for f in python if not f.endswith("__init__.py")]
        if any(is_python_config(facts, m) for m in modules):
            return True
        unused = (not facts.importing_files(m) and main_guard_line(facts.texts[m]) is None for m in modules)
        if name.startswith("exp") and modules and all(unused):
            return True
    return False


def _workflow_configs(facts: Facts) -> Iterator[Occurrence]:
    """Snakemake's configfile, and DVC's parameters where a script reads them."""
    for path in facts.notable:
        if path.rpartition("/")[2] == "Snakefile" or path.endswith(".smk"):
            line = facts.line_of(path, "configfile:")
            if line is not None:
                yield Occurrence("other", path, line, "configfile:")
