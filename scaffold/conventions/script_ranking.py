"""Which scripts one runs, most important first."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from scaffold.conventions.directories import is_python_config
from scaffold.conventions.script_kinds import (
    is_training_code,
    may_be_training_code,
    only_demonstrates,
    script_kind,
    script_purpose_name,
)
from scaffold.conventions.script_mentions import ScriptMention, find_script_mentions
from scaffold.conventions.wrapper_commands import find_wrapper_script_commands
from scaffold.facts import Facts, documents, paths, shell_parser
from scaffold.facts.quick_scan import find_main_start_line

MOST = 12
MOST_OF_A_KIND = 8
_LEAST_SCORE = 1.0
_PARSERS = re.compile(
    r"ArgumentParser|OptionParser|@hydra\.main|click\.(command|group)|typer|tyro\.cli|fire\.Fire|Fire\(|app\.run\(|HfArgumentParser|TrlParser"
    r"|LightningCLI|simple_parsing|DEFINE_config_file|flags\.DEFINE|sys\.argv"
)
# a cheap first look for what `PythonSource.acts` then says for sure
_ACTS_AT_ONCE = re.compile(r"(?:for|while|with|if)\b|[A-Za-z_][\w.]*\(")
_ACTS = re.compile(r"\n(?:(?:for|while|with|if)\b|[A-Za-z_][\w.]*\()")
_TARGET = re.compile(r"\b(?:_target_|class_path)[\"']?\s*:\s*[\"']?([\w.]+)")
_DEFINES = re.compile(r"^(?:class |def get_config)", re.MULTILINE)
_LOOPS = re.compile(r"^(?:for|while)\b", re.MULTILINE)
_DEAD = re.compile(
    r"(?:^|[/_.-])(?:template|skeleton|boilerplate|old|backup|bak|copy|deprecated|legacy|archived?|orig|unused|obsolete|attic)\d*(?=[/_.-])"
)
_HELPER = re.compile(
    r"^(setup|conftest|conf|__init__|versioneer|noxfile|tasks|dodo|hubconf|_version|install|build|fabfile)$"
)
_AUXILIARY = re.compile(
    r"plot|visuali|utils?$|helper|debug|check|(^|_)ci(_|$)|lint|format|docker|install|setup|build|deploy|release|header|env|doc|clean|kill|sync|copy"
    r"|bot\b|tracker|preview|merge|rename|parse|migrate|analy[sz]e|summar|push|upload|compare|list_|tensorboard|jupyter|dashboard|monitor"
)
_STARTS = re.compile(
    r"(python[\d.]*|torchrun|accelerate|deepspeed|srun|sbatch|mpirun|\$\{?\w+\}?|uv|poetry|Rscript|R|julia)\b"
)
_A_SCRIPT = re.compile(r"\.py\b|-m\s+\w|\.slurm|\.sbatch|\.sh\b|\.R\b|\.jl\b")
# a search for good settings wraps a script that is an experiment by itself, and a benchmark of speed says less than a score
_TUNES = re.compile(r"(?:^|_)tun(?:e|er|ing)(?:_|$)|(?:^|_)(?:hpo|optuna|autotune)(?:_|$)|hparam|hyperopt|grid_?search")
_TIMES = re.compile(r"bench")
# what belongs to a compiled extension tries that extension out, not the repository's idea
_EXTENSION = re.compile(r"(?:^|/)(?:csrc|kernels|cuda|cpp_ext\w*|extensions)/")
_TELLING_NAME = re.compile(r"(?:^|/)(?:Snakefile|_targets\.R|main\.nf|(?:run|main|train)\.(?:R|jl|m))$")
_OTHER_LANGUAGES = (".jl", ".R", ".r", ".m", ".nf")


class RankedScript(NamedTuple):
    """A script with what speaks for it; `mentions` are the commands that run it, the README's first.

    `demonstration`: nothing in the repository trains, and this script neither trains nor measures.
    """

    path: str
    kind: str
    score: float
    line: int | None = None
    mentions: tuple[ScriptMention, ...] = ()
    reasons: tuple[str, ...] = ()
    demonstration: bool = False


def rank_scripts(facts: Facts) -> tuple[RankedScript, ...]:
    """All scripts of the repository, most important first; tests, documentation and vendored code have none."""
    mentions = find_script_mentions(facts)
    candidates = [*_python(facts, mentions), *_shell(facts, mentions), *_other_languages(facts, mentions)]
    if not any(s.kind == "train" for s in candidates):
        candidates += _notebooks(facts)
    if not any(s.kind == "train" for s in candidates):
        candidates = [s._replace(demonstration=only_demonstrates(facts, s.path, s.kind)) for s in candidates]
    return _limit_each_kind(
        sorted((s for s in candidates if s.score > _LEAST_SCORE), key=lambda s: (s.demonstration, -s.score, s.path))
    )


def _notebooks(facts: Facts) -> Iterator[RankedScript]:
    """Notebooks that train: one runs them as a whole, and `record()` records what they do."""
    for path in facts.read_files("notebook"):
        code = documents.notebook_code(facts.texts[path]) or ""
        if is_training_code(code) and not (
            paths.is_documentation(path) or paths.is_test(path) or paths.is_hidden(path)
        ):
            score = 3.0 - 0.5 * path.count("/") - (2.0 if paths.is_example(path) else 0.0)
            yield RankedScript(path=path, kind="train", score=score, reasons=("a notebook that trains",))


def _limit_each_kind(ranked: list[RankedScript]) -> tuple[RankedScript, ...]:
    """The best first, but no kind takes more than eight of the first twelve places while another has scripts."""
    first: list[RankedScript] = []
    postponed: list[RankedScript] = []
    for script in ranked:
        crowded = sum(s.kind == script.kind for s in first) >= MOST_OF_A_KIND and len(first) < MOST
        (postponed if crowded else first).append(script)
    places = max(0, MOST - len(first))
    rest = sorted(first[MOST:] + postponed[places:], key=lambda s: (-s.score, s.path))
    return (*first[:MOST], *postponed[:places], *rest)


def _python(facts: Facts, named: Mapping[str, list[ScriptMention]]) -> Iterator[RankedScript]:
    built = _built_by_configs(facts)
    wrapped = find_wrapper_script_commands(facts, named)
    for path in facts.python:
        guard = find_main_start_line(facts.texts[path])
        run = named.get(path, [])
        if not _is_script(facts, path, guarded=guard is not None, run=bool(run)):
            continue
        points = _points(facts, path, run, guarded=guard is not None, built=path in built)
        kind = script_kind(facts, path, (m.command.text for m in run))
        yield RankedScript(
            path=path,
            kind=kind,
            score=round(sum(points.values()) + _by_name(path, kind), 2),
            line=facts.parse(path).acts if guard is None else guard,
            mentions=(*wrapped.get(path, ()), *run),
            reasons=tuple(reason for reason, score in points.items() if score > 0),
        )


def _is_script(facts: Facts, path: str, *, guarded: bool, run: bool) -> bool:
    """Whether a Python file is there to be run.

    It has a main guard, or a command runs it, or it works at its top level and nobody imports or exec's it.
    """
    name = path.rpartition("/")[2]
    if _HELPER.match(name.removesuffix(".py")) and not (run and name == "__init__.py"):
        return False
    if guarded or (run and not is_python_config(facts, path)):
        return True
    text = facts.texts[path]
    if not (_ACTS_AT_ONCE.match(text) or _ACTS.search(text)):
        return False
    if _DEFINES.search(text) and not (
        _PARSERS.search(text) or run or (may_be_training_code(text) and _LOOPS.search(text))
    ):
        return False
    if facts.parse(path).acts is None or facts.importing_files(path):
        return False
    return not (facts.files_mentioning((f"open('{name}')", f'open("{name}")'), facts.python) or _is_loaded(facts, path))


def _is_loaded(facts: Facts, path: str) -> bool:
    """Whether a module is loaded by its name: `import_module(f"agents.{name}")` takes any file of that folder."""
    package = path.rpartition("/")[0].removeprefix("src/").replace("/", ".")
    loading = facts.files_mentioning(("import_module(", "__import__("), facts.python) if package else ()
    return bool(facts.files_mentioning((f'"{package}.', f"'{package}."), loading))


def _points(facts: Facts, path: str, run: list[ScriptMention], *, guarded: bool, built: bool) -> dict[str, float]:
    text = facts.texts[path]
    shown = [m for m in run if paths.classify_file(m.command.path) == "prose"]
    in_readme = [m for m in shown if "readme" in m.command.path.lower() and "/" not in m.command.path]
    near = [m for m in shown if paths.count_path_parts(m.command.path) <= 2]
    others = len(run) - len(shown)
    parses = bool(_PARSERS.search(text))
    in_package = facts.has(f"{path.rpartition('/')[0]}/__init__.py") and not path.startswith(("scripts/", "tools/"))
    alone = guarded and not parses and not run
    a_module = alone and (built or bool(facts.importing_files(path)))
    return {
        "has a main guard": 3.0 if guarded else 0.0,
        "works at its top level": 1.5 if not guarded else 0.0,
        "reads the command line": 2.0 if parses else 0.0,
        "trains": 2.0 if may_be_training_code(text) else 0.0,
        "the README runs it": min(3.0 + 0.3 * (len(in_readme) - 1), 5.0) if in_readme else 0.0,
        "documents run it": min(1.5 + 0.2 * len(near), 2.5) if near and not in_readme else 0.0,
        "a document of its folder runs it": 0.5 if shown and not near else 0.0,
        "scripts run it": min(1.5 + 0.1 * others, 3.0) if others else 0.0,
        "lies deep": -0.6 * path.count("/"),
        "is an example": -4.0 if paths.is_example(path) else 0.0,
        "is a module that others import": -3.0 if a_module else 0.0,
        "tests itself, as a part of a package": -8.0 if alone and in_package and not a_module else 0.0,
        "is a skeleton or an old copy": -5.0 if _DEAD.search(path.lower()) else 0.0,
        "belongs to a compiled extension": -3.0 if _EXTENSION.search(path.lower()) else 0.0,
    }


def _built_by_configs(facts: Facts) -> frozenset[str]:
    """The modules whose classes a configuration names (Hydra's `_target_`, LightningCLI's `class_path`): others build from them."""
    named = {
        m
        for p in facts.files_mentioning(("_target_", "class_path"), facts.read_files("config"))
        for m in _TARGET.findall(facts.texts[p])
    }
    modules = {m.rpartition(".")[0].replace(".", "/") for m in named}
    return frozenset(p for m in modules for p in (f"{m}.py", f"src/{m}.py") if p in facts.texts)


def _by_name(path: str, kind: str) -> float:
    stem = script_purpose_name(path)
    points = {"train": 4.0, "eval": 2.5, "sweep": 1.5, "preprocess": 1.0, "other": 0.0}[kind]
    if stem in ("main", "run", "train") or path.endswith("__main__.py"):
        points += 1.5
    if (kind == "sweep" and _TUNES.search(stem)) or (kind == "eval" and _TIMES.search(stem)):
        points -= 2.5
    return points - 0.3 * min(stem.count("_"), 2) - (3.0 if _AUXILIARY.search(stem) else 0.0)


def _shell(facts: Facts, named: Mapping[str, list[ScriptMention]]) -> Iterator[RankedScript]:
    """Batch scripts, and shell scripts that start the repository's own work; where its name is silent, one is for what it starts."""
    started = _started(facts, named)
    launching = {c.path for c in facts.shell_commands if _launches(c)}
    candidates = [
        p
        for p in facts.read_files("shell")
        if not (paths.is_test(p) or paths.is_documentation(p) or paths.is_hidden(p))
    ]
    siblings = Counter(p.split("/")[0] for p in candidates)
    for path in candidates:
        header = shell_parser.sbatch_directives(facts.texts[path])
        shown = [m for m in named.get(path, ()) if paths.classify_file(m.command.path) == "prose"]
        kind = script_kind(facts, path)
        # what it starts may stand in a variable; a document that runs it for what its name says is enough
        in_readme = any("/" not in m.command.path for m in shown if m.first)
        if not header and path not in launching and not (in_readme and kind == "train"):
            continue
        beside = siblings[path.split("/")[0]]
        kind = started.get(path, kind) if kind == "other" else kind
        points = {
            "has a Slurm header": 1.5 if header else 0.0,
            "the documents run it": 2.0 if shown else 0.0,
            "starts the repository's scripts": 3.0,
            "one of many beside each other": 0.0 if in_readme else -3.0 if beside > 8 else -1.0 if beside > 5 else 0.0,
            "is an example": -4.0 if paths.is_example(path) else 0.0,
        }
        yield RankedScript(
            path=path,
            kind=kind,
            score=round(sum(points.values()) + 0.5 * (_by_name(path, kind) - path.count("/")), 2),
            line=header[0][0] if header else None,
            mentions=tuple(named.get(path, ())),
            reasons=tuple(reason for reason, score in points.items() if score > 0),
        )


def _started(facts: Facts, named: Mapping[str, list[ScriptMention]]) -> dict[str, str]:
    """Shell script -> what the Python scripts that it runs are for: training before evaluation, else the first of them."""
    runs = sorted(
        (m.command.path, {"train": 0, "eval": 1}.get(kind, 2), m.command.line, kind)
        for path, run in named.items()
        if path.endswith(".py") and (kind := script_kind(facts, path)) != "other"
        for m in run
        if m.first and paths.classify_file(m.command.path) == "shell"
    )
    return {script: kind for script, _, _, kind in reversed(runs)}


def _launches(command: shell_parser.ShellCommand) -> bool:
    """Whether a command of a shell script starts the repository's own work."""
    starts = _STARTS.match(command.words[0]) and _A_SCRIPT.search(command.text)
    return bool(starts) and "pip" not in command.words and "pytest" not in command.text


def _command_line_scripts(facts: Facts) -> frozenset[str]:
    from scaffold.conventions import r_and_julia  # whose patterns are compiled where there is R or Julia only

    return frozenset(r_and_julia.find_r_julia_scripts(facts))


def _other_languages(facts: Facts, named: Mapping[str, list[ScriptMention]]) -> Iterator[RankedScript]:
    """Workflow files, and scripts of other languages: by name, where a command runs them, or where they read a command line."""
    parsing = _command_line_scripts(facts) if facts.read_files("r", "julia") else frozenset()
    for path in facts.notable:
        telling = _TELLING_NAME.search(path) is not None
        named_or_telling = telling or path in parsing or (path.endswith(_OTHER_LANGUAGES) and path in named)
        if (
            not named_or_telling
            or path.count("/") > (1 if telling else 3)
            or paths.is_vendored(path.rpartition("/")[0])
        ):
            continue
        if paths.is_test(path) or paths.is_documentation(path):
            continue
        kind = script_kind(facts, path)
        points = {
            "its name": 3.0 if telling else 0.0,
            "a command runs it": 2.0 if path in named else 0.0,
            "reads the command line": 1.0 if path in parsing else 0.0,
            "is an example": -4.0 if paths.is_example(path) else 0.0,
        }
        yield RankedScript(
            path=path,
            kind=kind,
            score=round(3.0 + sum(points.values()) + 0.5 * (_by_name(path, kind) - path.count("/")), 2),
            mentions=tuple(named.get(path, ())),
            reasons=tuple(reason for reason, score in points.items() if score > 0),
        )
