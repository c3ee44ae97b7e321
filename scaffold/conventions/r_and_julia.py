"""R and Julia: which files are scripts, how one seeds them, and what builds their environment."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from scaffold.conventions.detected import DetectedValue
from scaffold.conventions.model import Evidence
from scaffold.facts import Facts, paths

# optparse, argparse, argparser, docopt and commandArgs of R; ArgParse, DocOpt, Comonicon and ARGS of Julia
_COMMAND_LINE = re.compile(
    r"\b(?:OptionParser|ArgumentParser|arg_parser|docopt|commandArgs|ArgParseSettings|parse_args|DocOpt|PROGRAM_FILE)\b|\bARGS\b|^@main\b",
    re.MULTILINE,
)
# an option where it is declared, not where another script is started with it: R's parsers, ArgParse.jl's table, docopt's usage
_DECLARED = {
    "r": re.compile(r"""\b(?:make_option|add_argument|add_option|add_arg)\s*\([^)]*?["'](--[\w-]*seed[\w-]*)["']"""),
    "julia": re.compile(
        r"""^[ \t]*(?:"-\w",[ \t]*)?"(--[\w-]*seed[\w-]*)"[ \t]*(?:,[ \t]*"-\w")?[ \t]*$""", re.MULTILINE
    ),
}
_DOCOPT = re.compile(r"(?:\[|^\s{1,200}(?:-\w,?\s+)?)(--[\w-]*seed[\w-]*)[= <]", re.MULTILINE)
_INCLUDES = re.compile(r"""\b(?:include|source|sys\.source|includet)\(\s*(?:file\s*=\s*)?(?:[\w.:]+\()*([^()\n]*?)\)""")
_TEXTS = re.compile(r"""["']([^"'\n]+)["']""")
_LOADS = re.compile(r"\b(?:read_yaml|yaml\.load_file|YAML\.load_file|TOML\.parsefile|read_json|fromJSON|config::get)\b")
_SEEDS_FROM = re.compile(r"""(?:set\.seed|seed!)\([^\n]*?(?:\$|\[\[?["':]|\.)([A-Za-z_]*seed)\b""")
_COMMENT = re.compile(r"^[^\S\n]*#(?!').*$", re.MULTILINE)
_DEEPEST = 3


def find_r_julia_scripts(facts: Facts) -> Iterator[str]:
    """The R and Julia files that read a command line and that no other file includes: a package's own code is none of them."""
    included = _included(facts)
    for path in facts.read_files("r", "julia"):
        not_work = paths.is_test(path) or paths.is_documentation(path) or paths.is_hidden(path) or path.startswith("R/")
        if not not_work and path not in included and path.count("/") <= _DEEPEST and reads_command_line(facts, path):
            yield path


def reads_command_line(facts: Facts, path: str) -> bool:
    """Whether a script takes options or arguments."""
    return bool(_COMMAND_LINE.search(_code(facts, path)))


def _code(facts: Facts, path: str) -> str:
    return _COMMENT.sub("", facts.texts.get(path, ""))


def _included(facts: Facts) -> frozenset[str]:
    return frozenset(p for path in facts.read_files("r", "julia") for p in included_files(facts, path))


def included_files(facts: Facts, path: str) -> list[str]:
    """The files that an R or Julia file takes in by `source("x.R")` or `include("x.jl")`, from its own folder or from the top."""
    folder = path.rpartition("/")[0]
    names = ("/".join(_TEXTS.findall(m)) for m in _INCLUDES.findall(_code(facts, path)))
    places = (posixpath.normpath(posixpath.join(base, n)) for n in names if n for base in dict.fromkeys((folder, "")))
    return list(dict.fromkeys(p for p in places if p != path and p in facts.texts))


def find_r_julia_seed_options(facts: Facts, path: str) -> list[str]:
    """The long options with a seed in their name that a script declares, itself or in a file that it takes in."""
    return [
        option
        for p in (path, *included_files(facts, path))
        for option in _declared(_code(facts, p), paths.classify_file(p) or "")
    ]


def _declared(code: str, kind: str) -> list[str]:
    return [*_DECLARED[kind].findall(code), *(_DOCOPT.findall(code) if "docopt" in code.lower() else ())]


def find_r_julia_seed_settings(facts: Facts, path: str) -> list[str]:
    """The names under which a script takes its seed out of a file of settings: `set.seed(config$seed)`."""
    code = _code(facts, path)
    return _SEEDS_FROM.findall(code) if _LOADS.search(code) else []


def r_julia_setup_line(facts: Facts) -> DetectedValue[str]:
    """The line that builds the environment that renv or Julia's Pkg keep for this repository; empty where there is none."""
    if facts.has("renv.lock"):
        return DetectedValue(
            "Rscript -e 'renv::restore(prompt = FALSE)'", (Evidence(path="renv.lock", text="renv.lock"),)
        )
    for name in ("Project.toml", "JuliaProject.toml"):
        data = facts.toml_table(name)
        if "deps" in data or "uuid" in data:
            line = "julia --project=. -e 'using Pkg; Pkg.instantiate()'"
            return DetectedValue(line, (Evidence(path=name, text=name),))
    return DetectedValue("")


def has_pinned_versions(facts: Facts) -> bool:
    """Whether the environment that `setup` builds names every version."""
    return any(facts.has(name) for name in ("renv.lock", "Manifest.toml", "JuliaManifest.toml"))
