"""The command-line options of a Python script, its own and those that it takes over from others."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from scaffold.facts import Facts
from scaffold.facts.python_source import Call, Definition, DottedName, PythonSource, literal_text

SEED = ("seed", "Seed", "SEED", "random_state")
_CLI_LIBRARIES = (
    *("tyro", "simple_parsing", "pyrallis", "draccus", "tap", "jsonargparse", "chz", "pydantic_settings"),
    *("pydantic_cli", "pydantic_argparse", "clipstick", "datargs"),
)
_TAKES_A_CLASS = re.compile(
    r"(^|\.)CliApp\.run$|(^|\.)(cli|run_and_exit|parse|parse_args|wrap|add_arguments|entrypoint|argparse)$"
)
# tyro's command line over a table of whole configurations
_WHOLE = "overridable_config_cli"
GENERATES = "gen_parser_from_dataclass"
HUGGING_FACE = re.compile(r"(^|\.)(Hf\w*ArgumentParser|H4ArgumentParser|TrlParser)$")
# classes of transformers and trl whose fields include `seed`
_TRAINING_ARGUMENTS = re.compile(
    r"^(Seq2Seq)?TrainingArguments$"
    r"|^(SFT|DPO|ORPO|KTO|PPO|PPOv2|GRPO|RLOO|Reward|CPO|BCO|GKD|OnlineDPO|NashMD|XPO|PRM|IterativeSFT)(Config|TrainingArguments)$"
)
_DEEPEST_BASE = 3
_ADDS_OPTIONS = re.compile(
    r"^(?!ArgumentParser)\w*?((add|get|make|build|set|parse|init)\w*(arg|option|flag|param)|parser$)", re.IGNORECASE
)
_TAKES_OVER = re.compile(
    r"^(main|run|train|eval\w*|enjoy|cli|fit|launch|(add|get|make|build|set|parse|init)_?\w*(args?|arguments|parser|options|opts|flags|params)\w*"
    r"|\w*parser|args|opt)$"
)


class ScriptWithImports(NamedTuple):
    """A Python script with what it imports of the repository, and how far away that is."""

    facts: Facts
    path: str
    source: PythonSource
    near: Mapping[str, int]

    def sources(self, *needles: str, within: int = 9) -> Iterator[tuple[str, PythonSource]]:
        """The script and what it imports, the nearest first: of the latter what holds one of `needles`."""
        near = sorted((p for p in self.near if self.near[p] <= within), key=lambda p: (self.near[p], p))
        holding = set(self.facts.files_mentioning(needles, near))
        yield from ((p, self.facts.parse(p)) for p in near if p == self.path or p in holding)


def declared_options(source: PythonSource) -> Iterator[str]:
    """The long options that one module declares: argparse, click, absl, typer, fire."""
    for call in source.calls:
        first = [w for a in call.args if (w := literal_text(a)) is not None]
        if call.last in ("add_argument", "add", "option", "Option", "add_arg", "add_option"):
            yield from (w.split("/")[0] for w in first if w.startswith("--"))
        elif re.match(r"DEFINE_(integer|float|string|list|multi_integer|spaceseplist)$", call.last) and first:
            yield f"--{first[0]}"
        elif call.last in ("Fire", "run", "CLI", "auto_cli") and call.args:
            yield from _parameters(source, call)
    if source.uses("typer") is not None:
        commands = [f for f in source.functions if any(d.rpartition(".")[2] == "command" for d in f.decorators)]
        yield from (f"--{name.replace('_', '-')}" for f in commands for name in f.fields)


def _parameters(source: PythonSource, call: Call) -> Iterator[str]:
    """`Fire(main)`, `typer.run(main)` and jsonargparse's `CLI(main)` make an option of each parameter."""
    dashed = source.uses("typer") is not None
    if not dashed and source.uses("fire", "jsonargparse") is None:
        return
    for target in (d for d in (*source.functions, *source.classes) if d.name == call.args[0]):
        members = [target, *(f for f in source.functions if f.outer == target.name)]
        yield from (f"--{name.replace('_', '-') if dashed else name}" for m in members for name in m.fields)


def builds_parser(source: PythonSource) -> bool:
    """Whether a module declares a command line of its own."""
    return any(c.last in ("ArgumentParser", "add_argument", "option", "OptionParser") for c in source.calls)


def inherited_options(script: ScriptWithImports) -> Iterator[str]:
    """Options that imported modules with a seed declare: a shared argument module, a wrapped trainer, `parents=[...]`."""
    own = builds_parser(script.source)
    if own and not extends_parser(script.source):
        return
    for path, source in script.sources(*SEED):
        alone = source.main is None and not own
        if path != script.path and (alone or imports_module_entry_point(script.source, path)):
            yield from declared_options(source)


def is_class_parser_call(name: str) -> bool:
    """Whether a call by this name makes a command line of a class: `tyro.cli`, `draccus.wrap`."""
    return _TAKES_A_CLASS.search(name) is not None


def extends_parser(source: PythonSource) -> bool:
    """Whether a script's parser takes options of another: `parents=[...]`, or an imported `add_..._args(parser)`."""
    imported = {name for i in source.imports for name in (*i.aliases, *i.names)}
    extending = (
        c for c in source.calls if c.last not in ("add_argument", "parse_args") and _ADDS_OPTIONS.search(c.last)
    )
    return any("parents" in c.keywords for c in source.calls) or any(
        c.name.split(".")[0] in imported for c in extending
    )


def imports_module_entry_point(source: PythonSource, path: str) -> bool:
    """Whether a script imports the main, train or parser function of a module, or all of it."""
    stem = path.rpartition("/")[2].removesuffix(".py")
    stem = path.split("/")[-2] if stem == "__init__" and "/" in path else stem
    imports = [i for i in source.imports if i.module.rpartition(".")[2] == stem or stem in i.names]
    return any(not i.names or stem in i.names or any(_TAKES_OVER.match(n) for n in i.names) for i in imports)


def dataclass_options(script: ScriptWithImports, is_asked_for: Callable[[str], object]) -> Iterator[str]:
    """Those fields of dataclasses, nested ones with their prefix, that tyro and its like turn into options and `is_asked_for` takes."""
    if builds_parser(script.source):
        return
    parsing = [s for _, s in script.sources(*_CLI_LIBRARIES) if s.uses(*_CLI_LIBRARIES) is not None]
    if not parsing:
        return
    dashed = any(s.uses("tyro") is not None for s in parsing)
    parsed_classes = {
        str(a)
        for s in parsing
        for c in s.calls
        if _TAKES_A_CLASS.search(c.name)
        for a in c.args
        if isinstance(a, DottedName)
    }
    whole_configurations = {p for p, s in script.sources(_WHOLE) if _asks_for_whole(script.source, s)}
    options = []
    for path, source in script.sources(*SEED):
        for owner, name in ((d, f) for d in source.classes for f in d.fields if is_asked_for(f)):
            prefix = "" if path == script.path or owner.name in parsed_classes else _prefix(script, owner)
            prefix = "" if prefix is None and path in whole_configurations else prefix
            if prefix is not None:
                options.append((prefix.count("."), f"--{prefix}{name.replace('_', '-') if dashed else name}"))
    yield from (option for _, option in sorted(options, key=lambda f: f[0]))


def _asks_for_whole(script: PythonSource, holder: PythonSource) -> bool:
    """Whether a script calls the function of `holder` that lets one choose a whole configuration and change its fields."""
    if not any(c.last == _WHOLE for c in holder.calls):
        return False
    names = {f.name for f in holder.functions if _TAKES_OVER.match(f.name)}
    return any(c.last in names and not c.name.startswith("tyro.") for c in script.calls)


def generated_options(script: ScriptWithImports) -> Iterator[str]:
    """The fields of the dataclasses near a parser that makes options of them: fairseq's, or `add_argument(f"--{field.name}")`."""
    made = any(c.last == GENERATES for _, s in script.sources(GENERATES) for c in s.calls) or any(
        c.last == "add_argument" and any(a in ("--{}", "--") for a in c.args) for c in script.source.calls
    )
    for _, source in script.sources(*SEED) if made else ():
        yield from (f"--{field}" for d in source.classes for field in d.fields)


def _prefix(script: ScriptWithImports, owner: Definition, *, deepest: int = 3) -> str | None:
    """The fields of other classes through which one reaches `owner`, as `debug.`; None where none holds it."""
    name = f"{owner.outer}.{owner.name}" if owner.outer else owner.name
    whole = re.compile(rf"(?<![\w.]){re.escape(name)}\b")
    for holder in (d for _, s in script.sources(owner.name) for d in s.classes if d != owner):
        for field, annotation in holder.fields.items():
            if whole.search(annotation):
                above = _prefix(script, holder, deepest=deepest - 1) if deepest > 1 else None
                return f"{above or ''}{field}."
    return None


def hugging_face_options(script: ScriptWithImports) -> Iterator[str]:
    """HfArgumentParser and TrlParser take their classes' fields; those of TrainingArguments include `--seed`."""
    extended = {
        d.name for _, s in script.sources("ArgumentParser") for d in s.classes if any(map(HUGGING_FACE.search, d.bases))
    }
    parsers = [c for c in script.source.calls if HUGGING_FACE.search(c.name) or c.last in extended]
    if not parsers:
        return
    first = parsers[0].args[0] if parsers[0].args else parsers[0].keywords.get("dataclass_types")
    names = {str(n).rpartition(".")[2] for n in (first if isinstance(first, tuple) else (first,)) if n}
    if not isinstance(first, tuple):  # `dataclass_types = (ScriptArguments, DPOConfig)` on another line
        names |= {name for i in script.source.imports for name in i.names if _TRAINING_ARGUMENTS.match(name)}
    classes = {d.name: d for _, s in script.sources(*SEED, *names) for d in s.classes}
    for _ in range(_DEEPEST_BASE):
        names |= {b.rpartition(".")[2] for n in names if n in classes for b in classes[n].bases}
    if any(map(_TRAINING_ARGUMENTS.match, names)):
        yield "--seed"
    yield from (f"--{field}" for n in sorted(names) if n in classes for field in classes[n].fields)
