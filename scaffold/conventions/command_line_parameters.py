"""What a Python script takes on its command line: options with their defaults and choices, and what it cannot start without."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from scaffold.conventions.hydra_configs import composed_configs
from scaffold.conventions.script_options import (
    HUGGING_FACE,
    ScriptWithImports,
    builds_parser,
    extends_parser,
    imports_module_entry_point,
    is_class_parser_call,
)
from scaffold.facts import Facts
from scaffold.facts.config_formats import yaml_values
from scaffold.facts.paths import parse_word_set
from scaffold.facts.python_source import Call, Definition, PythonSource, Value, literal_text

_ADDS = ("add_argument", "option", "Option", "add_option", "add_arg", "argument")
_FLAGS = ("store_true", "store_false", "store_const", "count", "help", "version")
_ABSL = re.compile(r"(?:^|\.)DEFINE_(?:integer|float|string|list|bool|boolean|enum|enum_class|multi_\w+|spaceseplist)$")
# what makes a list of options incomplete: unknown ones are passed on, or others add theirs
_OPEN_ENDED = parse_word_set(
    "parse_known_args parse_known_intermixed_args add_subparsers add_argparse_args add_config_arguments DEFINE_config_file"
    " DEFINE_config_dict"
)
_ARGV = re.compile(r"\bsys\.argv\[[1-9]\]|\blen\(sys\.argv\)|\bargv\[1\]")

# one that does without
_ARGV_OR_NOT = re.compile(
    r"\blen\(sys\.argv\)\s*(?:>|>=|==\s*[2-9])|for \w+ in sys\.argv\[1:\]|\bmain\(sys\.argv\[1:\]\)"
)


class CommandLineOption(NamedTuple):
    """One option or positional argument. `default` is its default where that is written out."""

    names: tuple[str, ...]
    required: bool = False
    default: Value = None
    choices: tuple[str, ...] = ()
    takes_value: bool = True

    @property
    def name(self) -> str:
        """The name by which one calls it: the longest, as `--learning-rate` of `-l`."""
        return max(self.names, key=len)


class AcceptedArguments(NamedTuple):
    """The options by each of their names, the positional arguments in order, and whether that is all there is."""

    options: Mapping[str, CommandLineOption] = {}
    positionals: tuple[CommandLineOption, ...] = ()
    complete: bool = False

    def required(self) -> list[CommandLineOption]:
        """The options, each once, that a command line must have."""
        return [o for o in self.each() if o.required]

    def each(self) -> list[CommandLineOption]:
        """Every option once, whatever names it has."""
        return list({o.names: o for o in self.options.values()}.values())


def read_accepted_arguments(script: ScriptWithImports) -> AcceptedArguments:
    """What a script takes, by argparse, click, absl, typer, a dataclass that is parsed, LightningCLI, or a bare `sys.argv`."""
    sources = list(_parser_sources(script))
    calls = [c for s in sources for c in s.calls]
    options = [
        *_declared(calls),
        *_absl(calls),
        *_typer(script.source),
        *_dataclass_fields(script),
        *_lightning(script.source),
    ]
    subcommands = any(c.last in ("add_subparsers", "add_parser") for c in calls)
    if subcommands:  # which of them an option belongs to is not known
        options = [o._replace(required=False) for o in options if o.names[0].startswith("-")]
    positionals = [o for o in options if not o.names[0].startswith("-")]
    text = script.facts.texts.get(script.path, "")
    if not options and not subcommands and _ARGV.search(text) and not _ARGV_OR_NOT.search(text):
        positionals = [CommandLineOption(("arguments",), required=True)]
    written_out = (*_declared(calls), *_absl(calls))
    complete = bool(written_out) and len(written_out) == len(options)
    complete = complete and not any(c.last in _OPEN_ENDED for c in calls) and not _adds_unread(calls)
    return AcceptedArguments(
        {name: o for o in options for name in o.names if name.startswith("-")}, tuple(positionals), complete
    )


def _parser_sources(script: ScriptWithImports) -> Iterator[PythonSource]:
    """The script, and the modules whose parser it calls into."""
    yield script.source
    if not builds_parser(script.source) or extends_parser(script.source):
        for path, source in script.sources("add_argument", "DEFINE_", ".option("):
            if path != script.path and imports_module_entry_point(script.source, path):
                yield source


def _adds_unread(calls: list[Call]) -> bool:
    """Whether options are added that are not written out: by a loop, by a library, by `parents=[...]`."""
    return any(
        (c.last in _ADDS[:1] and not any(literal_text(a) is not None for a in c.args))
        or (c.last.startswith("add_") and c.last.endswith(("_args", "_arguments", "_options")))
        or "parents" in c.keywords
        for c in calls
    )


def _declared(calls: list[Call]) -> Iterator[CommandLineOption]:
    """argparse, optparse and click."""
    for call in calls:
        names = tuple(
            w.split("/")[0].strip() for a in call.args if (w := literal_text(a)) is not None and "{}" not in w
        )
        if call.last not in _ADDS or not names or any(not n or " " in n for n in names):
            continue
        keywords = call.keywords
        names = tuple(n for n in names if n.startswith("-")) or names[:1]
        positional = not names[0].startswith("-")
        optional = keywords.get("nargs") in ("?", "*", -1) or keywords.get("required") is False
        choices = keywords.get("choices", keywords.get("type") if call.last in ("option", "argument") else None)
        yield CommandLineOption(
            names,
            required=keywords.get("required") is True or (positional and not optional and "default" not in keywords),
            default=keywords.get("default"),
            choices=tuple(str(c) for c in choices if c is not None) if isinstance(choices, (tuple, dict)) else (),
            takes_value=not (keywords.get("action") in _FLAGS or keywords.get("is_flag") is True),
        )


def _absl(calls: list[Call]) -> Iterator[CommandLineOption]:
    """`flags.DEFINE_string("data_dir", None, ...)`, and those that are marked as required."""
    marked = [c.args[0] for c in calls if c.last in ("mark_flag_as_required", "mark_flags_as_required") and c.args]
    required = {str(n) for m in marked for n in (m if isinstance(m, tuple) else (m,))}
    for call in calls:
        name = literal_text(call.args[0]) if call.args and _ABSL.search(call.name) else None
        if name is not None:
            default = call.args[1] if len(call.args) > 1 else call.keywords.get("default")
            yield CommandLineOption(
                (f"--{name}",),
                required=name in required or call.keywords.get("required") is True,
                default=default,
                takes_value="bool" not in call.last,
            )


def _typer(source: PythonSource) -> Iterator[CommandLineOption]:
    """The parameters of the one command of a typer program, and of the one function that fire or typer runs."""
    typer = source.uses("typer") is not None
    if not typer and source.uses("fire") is None:
        return
    run = {str(c.args[0]) for c in source.calls if c.last in ("Fire", "run") and c.args}
    commands = [
        f for f in source.functions if f.name in run or any(d.rpartition(".")[2] == "command" for d in f.decorators)
    ]
    for name in commands[0].fields if len(commands) == 1 else ():
        defaulted = name in commands[0].defaults
        option = f"--{name.replace('_', '-') if typer else name}"
        yield CommandLineOption(
            (option,) if defaulted or not typer else (name,),
            required=not defaulted,
            default=commands[0].defaults.get(name),
            takes_value=not isinstance(commands[0].defaults.get(name), bool),
        )


def _dataclass_fields(script: ScriptWithImports) -> Iterator[CommandLineOption]:
    """The fields of the classes that tyro, simple_parsing or HfArgumentParser parse: those without a default are required."""
    parsed = {
        str(n).rpartition(".")[2]
        for c in script.source.calls
        if is_class_parser_call(c.name) or HUGGING_FACE.search(c.name)
        for a in c.args
        for n in (a if isinstance(a, tuple) else (a,))
        if n is not None
    }
    classes = {d.name: d for _, s in script.sources(*parsed) for d in s.classes} if parsed else {}
    dashed = script.source.uses("tyro") is not None
    for name in sorted(parsed & classes.keys()):
        for field, annotation in classes[name].fields.items():
            if not any(re.search(rf"\b{other}\b", annotation) for other in classes if other != name):
                yield _field(classes[name], field, f"--{field.replace('_', '-') if dashed else field}")


def _field(owner: Definition, field: str, option: str) -> CommandLineOption:
    default = owner.defaults.get(field)
    return CommandLineOption(
        (option,),
        required=field not in owner.defaults and "ClassVar" not in owner.fields[field],
        default=default,
    )


def _lightning(source: PythonSource) -> Iterator[CommandLineOption]:
    """LightningCLI has subcommands, and takes its model and data from a file unless the code names them."""
    extended = {d.name for d in source.classes if any(b.endswith("LightningCLI") for b in d.bases)}
    for call in (c for c in source.calls if c.last in {"LightningCLI", *extended}):
        if call.keywords.get("run") is not False:
            yield CommandLineOption(("subcommand",), required=True, choices=("fit", "validate", "test", "predict"))
        if not call.args and not {"model_class", "datamodule_class"} & call.keywords.keys():
            yield CommandLineOption(("--config", "-c"), required=True)


def add_hydra_keys(command_line: AcceptedArguments, facts: Facts, path: str) -> AcceptedArguments:
    """The command line with the keys of the configuration that a Hydra script composes; one that is `???` there is required."""
    keys: dict[str, CommandLineOption] = {}
    for config in composed_configs(facts, path):
        for key, value in yaml_values(facts.texts[config.path]):
            name = f"{config.package}.{key}".lstrip(".")
            default = int(value) if value.isdigit() else None if value in ("null", "~", "") else value
            option = CommandLineOption((name,), value == "???", default)
            if name not in keys or keys[name].required:  # what the defaults list takes in sets it
                keys[name] = option
    return command_line._replace(options={**keys, **command_line.options}) if keys else command_line
