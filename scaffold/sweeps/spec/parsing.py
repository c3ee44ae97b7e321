"""What a sweep's file holds -> a Sweep; what cannot be meant is an error that names the key, and the one that was probably meant."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar, cast, get_args

from scaffold.errors import WrongUsage
from scaffold.runs import recorder
from scaffold.sweeps.spec import grid, parameter_values, sampling
from scaffold.sweeps.spec.model import (
    BackendName,
    BooleanStyle,
    ConfigurationRule,
    NamedFilesCode,
    Resources,
    Style,
    Sweep,
    SweepCode,
)

VERSION = "1"
KEYS = (
    *("version", "name", "goal", "experiment", "task", "command", "cwd", "style", "seed_option", "booleans", "labels"),
    *(
        "seeds",
        "grid",
        "zip",
        "configurations",
        "random",
        "only_if",
        "baseline",
        "backend",
        "resources",
        "code",
        "name_scheme",
    ),
)
NEEDED = ("version", "name", "goal", "experiment", "command", "style", "code")
T = TypeVar("T")


def parse_sweep(content: object, name: str) -> Sweep:
    """What a sweep's file holds, as a sweep. Raises WrongUsage that names the key."""
    top = check_mapping(content, "the file", KEYS)
    missing = [key for key in NEEDED if key not in top]
    if missing:
        raise WrongUsage(f"{missing[0]} is missing")
    if top["version"] != VERSION:
        raise WrongUsage(f"version is {top['version']!r}; this scaffold reads {VERSION}", hint="use a newer scaffold")
    if top["name"] != name:
        raise WrongUsage(f"name is {top['name']!r}, and the file is {name}.yml", hint="a copy needs a name of its own")
    rule = parse_rule(top)
    command = check_texts(top["command"], "command")
    if not command:
        raise WrongUsage("command is empty")
    return Sweep(
        name=name,
        goal=_text(top["goal"], "goal"),
        experiment=_text(top["experiment"], "experiment"),
        command=command,
        cwd=_text(top.get("cwd", "."), "cwd"),
        style=cast(Style, _one_of(top["style"], get_args(Style), "style")),
        configurations=() if top.get("configurations") == [] else grid.expand_rule(rule),
        seeds=_seeds(top.get("seeds")),
        task=_optional(top, "task", _text),
        backend=cast(
            "BackendName | None", _optional(top, "backend", lambda v, k: _one_of(v, get_args(BackendName), k))
        ),
        resources=_resources(top.get("resources")),
        code=_code(top["code"]),
        rule=rule,
        seed_option=_optional(top, "seed_option", _text),
        booleans=_booleans(top.get("booleans", {})),
        labels=parse_configuration(top.get("labels", {}), "labels"),
        name_scheme=_name_scheme(top.get("name_scheme", "1")),
    )


def _name_scheme(value: object) -> int:
    scheme, newest = _integer(value, "name_scheme"), recorder.naming.NAME_SCHEME
    if not 1 <= scheme <= newest:
        raise WrongUsage(
            f"its runs are named by scheme {scheme}; this scaffold knows up to {newest}", hint="use a newer scaffold"
        )
    return scheme


def parse_rule(top: Mapping[str, Any]) -> ConfigurationRule:
    """The rule in a sweep's file. Raises WrongUsage."""
    drawn = check_mapping(top.get("random", {}), "random", ("number", "seed", "space", "drawn"))
    space = check_mapping(drawn.get("space", {}), "random.space")
    rule = ConfigurationRule(
        listed=tuple(
            parse_configuration(c, "configurations") for c in _list(top.get("configurations", []), "configurations")
        ),
        zips=tuple(_value_lists(group, "zip") for group in _list(top.get("zip", []), "zip")),
        grid=_value_lists(top.get("grid", {}), "grid"),
        space={key: _text(value, f"random.space.{key}") for key, value in space.items()},
        draws=_integer(drawn.get("number", "0"), "random.number"),
        space_seed=_integer(drawn.get("seed", "0"), "random.seed"),
        drawn=tuple(parse_configuration(c, "random.drawn") for c in _list(drawn.get("drawn", []), "random.drawn")),
        only_if=_optional(top, "only_if", _text),
        baseline=_one_of(top.get("baseline", "false"), ("true", "false"), "baseline") == "true",
    )
    if "random" in top:
        _check_random(rule)
    return rule


def _check_random(rule: ConfigurationRule) -> None:
    if not rule.draws or not rule.space:
        raise WrongUsage(f"random needs {'a number' if not rule.draws else 'a space'}")
    sampling.check_space(rule.space)
    if rule.drawn and len(rule.drawn) != rule.draws:
        raise WrongUsage(
            f"random.number is {rule.draws}, and {len(rule.drawn)} are drawn",
            hint="take `drawn` out to have them drawn again, or correct the number",
        )


def parse_configuration(value: object, key_path: str) -> dict[str, str]:
    """One configuration: names to texts, nested ones with dots. Raises WrongUsage."""
    flat: dict[str, str] = {}
    for key, inner in check_mapping(value, key_path).items():
        nested = parse_configuration(inner, f"{key_path}.{key}") if isinstance(inner, dict) else None
        pairs = (
            {key: _text(inner, f"{key_path}.{key}")} if nested is None else {f"{key}.{k}": v for k, v in nested.items()}
        )
        if repeated := sorted(pairs.keys() & flat.keys()):
            raise WrongUsage(f"{key_path} has {repeated[0]} twice")
        flat.update(pairs)
    for key in flat:
        parameter_values.check_key(key, option=key_path)
    return flat


def check_mapping(value: object, key_path: str, known_keys: Iterable[str] | None = None) -> dict[str, Any]:
    """`value` when it is a mapping with known keys. Raises WrongUsage that names the key that was probably meant."""
    if value == "":
        return {}
    if not isinstance(value, dict):
        raise WrongUsage(f"{key_path} must be a mapping (KEY: VALUE), not {_describe(value)}")
    keys = list(known_keys or ())
    for key in value if keys else ():
        if key not in keys:
            near = difflib.get_close_matches(key, keys, n=1)
            raise WrongUsage(
                f"{key_path} has an unknown key {key}",
                hint=f"did you mean {near[0]}?" if near else f"known keys: {', '.join(keys)}",
            )
    return value


def check_texts(value: object, key_path: str) -> tuple[str, ...]:
    """`value` when it is a list of texts. Raises WrongUsage."""
    return tuple(_text(item, key_path) for item in _list(value, key_path))


def _list(value: object, key_path: str) -> list[Any]:
    if not isinstance(value, list):
        raise WrongUsage(f"{key_path} must be a list, not {_describe(value)}")
    return value


def _text(value: object, key_path: str) -> str:
    if not isinstance(value, str):
        raise WrongUsage(
            f"{key_path} must be a single value, not {_describe(value)}", hint="put a list that is one value in quotes"
        )
    return value


def _describe(value: object) -> str:
    if isinstance(value, (dict, list)):
        return "a mapping" if isinstance(value, dict) else "a list"
    return "nothing" if value is None else repr(str(value)[:60])


def _optional(top: Mapping[str, Any], key: str, read: Callable[[Any, str], T]) -> T | None:
    return read(top[key], key) if top.get(key, "") not in ("", "null", "~") else None


def _one_of(value: object, choices: Iterable[str], key_path: str) -> str:
    if value not in list(choices):
        raise WrongUsage(f"{key_path} must be one of {', '.join(choices)}, not {_describe(value)}")
    return str(value)


def _value_lists(value: object, key_path: str) -> dict[str, tuple[str, ...]]:
    lists = {}
    for key, inner in check_mapping(value, key_path).items():
        parameter_values.check_key(key, option=key_path)
        values = (
            check_texts(inner, f"{key_path}.{key}") if isinstance(inner, list) else (_text(inner, f"{key_path}.{key}"),)
        )
        if not values:
            raise WrongUsage(f"{key_path}.{key} has no values")
        lists[key] = values
    return lists


def _seeds(value: object) -> tuple[int, ...]:
    if value in (None, "", "null", []):
        return ()
    text = ",".join(check_texts(value, "seeds")) if isinstance(value, list) else _text(value, "seeds")
    return parameter_values.parse_seeds(text)


def _integer(value: object, key_path: str) -> int:
    text = _text(value, key_path)
    if not text.isascii() or not text.isdigit():
        raise WrongUsage(f"{key_path} must be a whole number, not {text!r}")
    return int(text)


def _resources(value: object) -> Resources:
    content = check_mapping(value if value is not None else {}, "resources", Resources.__slots__)
    seconds = (
        recorder.values.parse_number(_text(content["timeout_s"], "resources.timeout_s"))
        if "timeout_s" in content
        else None
    )
    if "timeout_s" in content and (seconds is None or seconds <= 0):
        raise WrongUsage(f"resources.timeout_s must be a number of seconds above 0, not {content['timeout_s']!r}")
    return Resources(
        gpus=_integer(content["gpus"], "resources.gpus") if "gpus" in content else None,
        cpus=_integer(content["cpus"], "resources.cpus") if "cpus" in content else None,
        timeout_s=None if seconds is None else float(seconds),
        sbatch=check_texts(content.get("sbatch", []), "resources.sbatch"),
    )


def _booleans(value: object) -> dict[str, BooleanStyle]:
    content = check_mapping(value, "booleans")
    return {k: cast(BooleanStyle, _one_of(v, get_args(BooleanStyle), f"booleans.{k}")) for k, v in content.items()}


def _code(value: object) -> SweepCode:
    content = check_mapping(value, "code", ("state", "commit", "patch", "named"))
    named = []
    for row in _list(content.get("named", []), "code.named"):
        entry = check_mapping(row, "code.named", ("words", "state", "files"))
        named.append(
            NamedFilesCode(
                words=check_texts(entry.get("words", []), "code.named.words"),
                state=_optional(entry, "state", _text),
                files=check_texts(entry.get("files", []), "code.named.files"),
            )
        )
    return SweepCode(
        state=_optional(content, "state", _text),
        commit=_optional(content, "commit", _text),
        patch=_optional(content, "patch", _text),
        named=tuple(named),
    )
