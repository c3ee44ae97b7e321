"""What a sweep's file holds -> a Sweep; what cannot be meant is an error that names the key, and the one that was probably meant."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar, get_args

from scaffold.errors import WrongUsage, suggest_spelling
from scaffold.runs import recorder
from scaffold.sweeps.spec import grid, parameter_texts, sampling
from scaffold.sweeps.spec.model import (
    BackendName,
    BooleanStyle,
    CommandFilesCodeState,
    ConfigurationRule,
    RunResources,
    Style,
    Sweep,
    SweepCode,
)

VERSION = "1"
KEYS = (
    *("version", "name", "goal", "experiment", "task", "command", "cwd", "style", "seed_option", "booleans", "labels"),
    "metric_from",
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
    rule = parse_configuration_rule(top)
    command = check_text_list(top["command"], "command")
    if not command:
        raise WrongUsage("command is empty")
    return Sweep(
        name=name,
        goal=_check_text(top["goal"], "goal"),
        experiment=_check_text(top["experiment"], "experiment"),
        command=command,
        cwd=_check_text(top.get("cwd", "."), "cwd"),
        style=_check_choice(top["style"], get_args(Style), "style"),
        configurations=() if top.get("configurations") == [] else grid.expand_configurations(rule),
        seeds=_parse_seeds(top.get("seeds")),
        task=_parse_optional(top, "task", _check_text),
        backend=_parse_optional(top, "backend", lambda value, key: _check_choice(value, get_args(BackendName), key)),
        resources=_parse_resources(top.get("resources")),
        code=_parse_code(top["code"]),
        rule=rule,
        seed_option=_parse_optional(top, "seed_option", _check_text),
        booleans=_parse_booleans(top.get("booleans", {})),
        labels=flatten_configuration(top.get("labels", {}), "labels"),
        metric_from=check_text_list(top.get("metric_from", []), "metric_from"),
        name_scheme=_parse_name_scheme(top.get("name_scheme", "1")),
    )


def _parse_name_scheme(value: object) -> int:
    scheme, newest = _parse_integer(value, "name_scheme"), recorder.naming.NAME_SCHEME
    if not 1 <= scheme <= newest:
        raise WrongUsage(
            f"its runs are named by scheme {scheme}; this scaffold knows up to {newest}", hint="use a newer scaffold"
        )
    return scheme


def parse_configuration_rule(top: Mapping[str, Any]) -> ConfigurationRule:
    """The rule in a sweep's file. Raises WrongUsage."""
    drawn = check_mapping(top.get("random", {}), "random", ("number", "seed", "space", "drawn"))
    space = check_mapping(drawn.get("space", {}), "random.space")
    rule = ConfigurationRule(
        listed=_parse_configurations(top.get("configurations", []), "configurations"),
        zips=tuple(_parse_value_lists(group, "zip") for group in _check_list(top.get("zip", []), "zip")),
        grid=_parse_value_lists(top.get("grid", {}), "grid"),
        space={key: _check_text(value, f"random.space.{key}") for key, value in space.items()},
        draws=_parse_integer(drawn.get("number", "0"), "random.number"),
        space_seed=_parse_integer(drawn.get("seed", "0"), "random.seed"),
        drawn=_parse_configurations(drawn.get("drawn", []), "random.drawn"),
        only_if=_parse_optional(top, "only_if", _check_text),
        baseline=_check_choice(top.get("baseline", "false"), ("true", "false"), "baseline") == "true",
    )
    if "random" in top:
        _check_random_rule(rule)
    return rule


def _check_random_rule(rule: ConfigurationRule) -> None:
    if not rule.draws or not rule.space:
        raise WrongUsage(f"random needs {'a number' if not rule.draws else 'a space'}")
    sampling.validate_sampling_ranges(rule.space)
    if rule.drawn and len(rule.drawn) != rule.draws:
        raise WrongUsage(
            f"random.number is {rule.draws}, and {len(rule.drawn)} are drawn",
            hint="take `drawn` out to have them drawn again, or correct the number",
        )


def flatten_configuration(value: object, key: str) -> dict[str, str]:
    """One configuration: names to texts, nested ones with dots. Raises WrongUsage."""
    flat: dict[str, str] = {}
    for name, inner in check_mapping(value, key).items():
        if isinstance(inner, dict):
            pairs = {f"{name}.{k}": v for k, v in flatten_configuration(inner, f"{key}.{name}").items()}
        else:
            pairs = {name: _check_text(inner, f"{key}.{name}")}
        if repeated := sorted(pairs.keys() & flat.keys()):
            raise WrongUsage(f"{key} has {repeated[0]} twice")
        flat.update(pairs)
    for name in flat:
        parameter_texts.check_parameter_name(name, option=key)
    return flat


def _parse_configurations(value: object, key: str) -> tuple[dict[str, str], ...]:
    return tuple(flatten_configuration(item, key) for item in _check_list(value, key))


def check_mapping(value: object, key: str, known_keys: Sequence[str] = ()) -> dict[str, Any]:
    """`value` when it is a mapping, with none but known keys (none: any). Raises WrongUsage that names the key that was meant."""
    if value == "":
        return {}
    if not isinstance(value, dict):
        raise WrongUsage(f"{key} must be a mapping (KEY: VALUE), not {_describe_value(value)}")
    for name in value if known_keys else ():
        if name not in known_keys:
            hint = suggest_spelling(name, known_keys, f"known keys: {', '.join(known_keys)}")
            raise WrongUsage(f"{key} has an unknown key {name}", hint=hint)
    return value


def check_text_list(value: object, key: str) -> tuple[str, ...]:
    """`value` when it is a list of texts. Raises WrongUsage."""
    return tuple(_check_text(item, key) for item in _check_list(value, key))


def _check_list(value: object, key: str) -> list[Any]:
    if not isinstance(value, list):
        raise WrongUsage(f"{key} must be a list, not {_describe_value(value)}")
    return value


def _check_text(value: object, key: str) -> str:
    if not isinstance(value, str):
        hint = "put a list that is one value in quotes"
        raise WrongUsage(f"{key} must be a single value, not {_describe_value(value)}", hint=hint)
    return value


def _describe_value(value: object) -> str:
    if isinstance(value, (dict, list)):
        return "a mapping" if isinstance(value, dict) else "a list"
    return "nothing" if value is None else repr(str(value)[:60])


def _parse_optional(top: Mapping[str, Any], key: str, read: Callable[[Any, str], T]) -> T | None:
    return read(top[key], key) if top.get(key, "") not in ("", "null", "~") else None


def _check_choice(value: object, choices: Sequence[str], key: str) -> Any:
    if value not in choices:
        raise WrongUsage(f"{key} must be one of {', '.join(choices)}, not {_describe_value(value)}")
    return value


def _parse_value_lists(value: object, key: str) -> dict[str, tuple[str, ...]]:
    lists = {}
    for name, inner in check_mapping(value, key).items():
        parameter_texts.check_parameter_name(name, option=key)
        lists[name] = check_text_list(inner if isinstance(inner, list) else [inner], f"{key}.{name}")
        if not lists[name]:
            raise WrongUsage(f"{key}.{name} has no values")
    return lists


def _parse_seeds(value: object) -> tuple[int, ...]:
    if value in (None, "", "null", []):
        return ()
    return parameter_texts.parse_seeds(
        ",".join(check_text_list(value if isinstance(value, list) else [value], "seeds"))
    )


def _parse_integer(value: object, key: str) -> int:
    text = _check_text(value, key)
    if not text.isascii() or not text.isdigit():
        raise WrongUsage(f"{key} must be a whole number, not {text!r}")
    return int(text)


def _parse_seconds(value: object, key: str) -> float:
    seconds = recorder.values.parse_number(_check_text(value, key))
    if seconds is None or seconds <= 0:
        raise WrongUsage(f"{key} must be a number of seconds above 0, not {value!r}")
    return float(seconds)


def _parse_resources(value: object) -> RunResources:
    content = check_mapping({} if value is None else value, "resources", RunResources.__slots__)
    readers: Mapping[str, Callable[[object, str], Any]] = {
        "gpus": _parse_integer,
        "cpus": _parse_integer,
        "timeout_s": _parse_seconds,
        "sbatch": check_text_list,
    }
    return RunResources(**{name: readers[name](inner, f"resources.{name}") for name, inner in content.items()})


def _parse_booleans(value: object) -> dict[str, BooleanStyle]:
    return {
        k: _check_choice(v, get_args(BooleanStyle), f"booleans.{k}")
        for k, v in check_mapping(value, "booleans").items()
    }


CODE_FIELDS = ("state", "commit", "patch", "pin", "tracked")


def _parse_code(value: object) -> SweepCode:
    content = check_mapping(value, "code", (*CODE_FIELDS, "named"))
    rows = [
        check_mapping(row, "code.named", CommandFilesCodeState.__slots__)
        for row in _check_list(content.get("named", []), "code.named")
    ]
    named = (
        CommandFilesCodeState(
            words=check_text_list(row.get("words", []), "code.named.words"),
            state=_parse_optional(row, "state", _check_text),
            files=check_text_list(row.get("files", []), "code.named.files"),
        )
        for row in rows
    )
    fields = {key: _parse_optional(content, key, _check_text) for key in CODE_FIELDS}
    return SweepCode(**fields, named=tuple(named))
