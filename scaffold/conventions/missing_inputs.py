"""What a command reads that nobody can read here: a configuration that lies elsewhere, data that no option names."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection

from scaffold.conventions.blanks import is_blank_value
from scaffold.conventions.command_line_parameters import AcceptedArguments, CommandLineOption
from scaffold.facts import Facts

CONFIG_SUFFIXES = (".yaml", ".yml", ".toml", ".json", ".gin")
_TRIAL_FILE = re.compile(r"(?:^|[/_.-])(?:debug|dummy|fake|smoke|sanity)(?:[/_.-]|$)", re.IGNORECASE)
_FOUND_BY_NAME = re.compile(r"config[-_]?(?:name|dir)|^-cn$|^-cd$")
_NO_TRAINING = re.compile(r"eval|test|infer|predict|sampl|generat", re.IGNORECASE)
# of one line: `\s` at its start would go through all blank lines below, from each of them
_TO_EDIT = re.compile(r"^[ \t]*[^#\s][^#\n]*?[\s:=\"'](?:/your[_-]|/?path/to/|<your)", re.IGNORECASE | re.MULTILINE)
_DATA_PLACE = re.compile(
    r"^-{0,2}(?:train(?:ing)?[-_]?)?(?:data|dataset)s?(?:[-_]?(?:dir|path|root|folder|files?|name|id|set))?$|^-{0,2}train[-_]files?$"
)


def is_debug_config(value: str) -> bool:
    """Whether a value is a configuration that only tries the program out: `configs/debug/sft.toml`."""
    return value.endswith(CONFIG_SUFFIXES) and _TRIAL_FILE.search(value) is not None


def config_sort_key(path: str) -> tuple[bool, bool, int, str]:
    """The order of configurations to choose from: those for training first, those that only try the program out last."""
    return is_debug_config(path), "train" not in path.lower(), path.count("/"), path


def _in_repository(facts: Facts, value: str, folder: str) -> str | None:
    """The repository's path of a configuration that a command names; `folder` is what it enters first (`cd X && `)."""
    base = folder.removeprefix("cd ").removesuffix(" && ").strip("'")
    path = posixpath.normpath(posixpath.join(base, value))
    return path if value.endswith(CONFIG_SUFFIXES) and facts.has(path) else None


def find_config_candidates(facts: Facts, name: str, value: str, folder: str) -> list[str]:
    """Which files a shown configuration may be, where the folder that the command runs in (`cd X && `) has none of that name, and
    several elsewhere bear it. One alone is no choice: the script may know its folder."""
    if not value.endswith(CONFIG_SUFFIXES) or _FOUND_BY_NAME.search(name) or value.startswith(("/", "~", "$")):
        return []
    if is_blank_value(value) or _in_repository(facts, value, folder):
        return []
    ending = "/" + value.removeprefix("./")
    files = [p for p in facts.notable if f"/{p}".endswith(ending)]
    return sorted(files, key=config_sort_key) if len(files) > 1 else []


def find_blank_in_config(facts: Facts, value: str, folder: str) -> str:
    """`path:line` of the first blank in a configuration of the repository, such as `/your_data/train.csv`; empty where it has none."""
    path = _in_repository(facts, value, folder)
    text = facts.texts.get(path, "") if path else ""
    blank = _TO_EDIT.search(text)
    return f"{path}:{text.count(chr(10), 0, blank.end()) + 1}" if blank else ""


def list_training_configs_beside(facts: Facts, value: str, folder: str) -> list[str]:
    """The configurations for training beside one that only tries the program out, as the command would name them."""
    path = _in_repository(facts, value, folder)
    if path is None or not is_debug_config(posixpath.basename(value)):
        return []
    home, suffix = posixpath.dirname(path), posixpath.splitext(path)[1]
    beside = (p for p in facts.notable if posixpath.dirname(p) == home and p.endswith(suffix))
    names = (p.rpartition("/")[2] for p in sorted(beside, key=config_sort_key) if not is_debug_config(p))
    return [posixpath.join(posixpath.dirname(value), name) for name in names if not _NO_TRAINING.search(name)]


def find_undeclared_data_option(
    command_line: AcceptedArguments, text: str, given_names: Collection[str]
) -> CommandLineOption | None:
    """The option for the data, where a script has no other way to it though its parser asks for none.

    Not where one of them has a default or is given (`given_names`, with dashes), nor where the code has an answer to its being left out.
    """
    places = [
        o for o in (*command_line.each(), *command_line.positionals) if o.takes_value and _DATA_PLACE.match(o.name)
    ]
    options = [o for o in places if o.name.startswith("-")]
    is_given = any(n.replace("_", "-") in given_names for o in places for n in o.names)
    if not options or is_given or any(o.default or o.required for o in places) or "download=True" in text:
        return None
    attributes = "|".join(o.name.lstrip("-").replace("-", "_") for o in places)
    answers = rf"\.(?:{attributes})\s+(?:is (?:not )?None|or\b)|\bif (?:args|opt|cfg)\.(?:{attributes})\s*(?::|else)"
    if re.search(answers, text):
        return None
    return max(options, key=lambda o: ("dir" in o.name or "path" in o.name, -len(o.name)))
