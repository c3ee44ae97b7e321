"""A rule -> configurations: listed ones x groups that move together x the grid x drawn ones, filtered, the baseline first."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from scaffold.errors import WrongUsage, suggest_spelling
from scaffold.sweeps.spec import parameter_texts, sampling

if TYPE_CHECKING:
    from scaffold.sweeps.spec.model import ConfigurationRule


def expand_configurations(rule: ConfigurationRule) -> tuple[dict[str, str], ...]:
    """All configurations of a rule, in order. Raises WrongUsage where a parameter comes from two sides, or `only_if` fails."""
    factors: list[Sequence[Mapping[str, str]]] = [
        *([rule.listed] if rule.listed else []),
        *(_zip_group(group) for group in rule.zips),
        *([{key: value} for value in row] for key, row in rule.grid.items()),
    ]
    if rule.draws:
        factors.append(rule.drawn or sampling.draw_configurations(rule.space, rule.draws, rule.space_seed))
    _check_keys_unique([{k for c in factor for k in c} for factor in factors])
    size = math.prod(map(len, factors))
    if size > parameter_texts.MAX_CONFIGURATIONS:
        raise WrongUsage(
            f"{size:,} configurations are more than a sweep can have ({parameter_texts.MAX_CONFIGURATIONS:,})"
        )
    configurations = (
        [{k: v for part in parts for k, v in part.items()} for parts in itertools.product(*factors)] if factors else []
    )
    if rule.only_if is not None:
        is_wanted = parse_configuration_filter(rule.only_if)
        configurations = [c for c in configurations if is_wanted(c)]
    if rule.baseline or not factors:
        configurations.insert(0, {})
    return tuple(configurations)


def _zip_group(group: Mapping[str, Sequence[str]]) -> list[dict[str, str]]:
    lengths = {key: len(values) for key, values in group.items()}
    if len(set(lengths.values())) > 1:
        counts = ", ".join(f"{key} has {n}" for key, n in lengths.items())
        raise WrongUsage(f"--zip needs as many values of each: {counts}", hint="for all combinations use --grid")
    return [dict(zip(group, row, strict=True)) for row in zip(*group.values(), strict=True)]


def _check_keys_unique(factors: Sequence[set[str]]) -> None:
    names: set[str] = set()
    for keys in factors:
        for key in sorted(keys):
            if parameter_texts.recorded_parameter_name(key) in names:
                raise WrongUsage(
                    f"{key} gets its values from two sides",
                    hint="name it in one of --grid, --zip, --space or --from only, and spell it in one way",
                )
        names.update(map(parameter_texts.recorded_parameter_name, keys))


def parse_configuration_filter(text: str) -> Callable[[Mapping[str, str]], bool]:
    """A condition as a function of a configuration. Raises WrongUsage where it cannot be understood; so does the function where it
    needs a parameter that is not there, or has no answer."""
    # not above: every command that reads a sweep would load it
    from scaffold.conditions.operands import UncomputableValue, UnknownOperandName
    from scaffold.conditions.parse import parse_condition

    try:
        condition = parse_condition(text, strict=True)
    except WrongUsage as error:
        raise WrongUsage(f"--only-if {error.message}", hint=error.hint) from error

    def is_wanted(configuration: Mapping[str, str]) -> bool:
        values = {parameter_texts.recorded_parameter_name(key): value for key, value in configuration.items()}
        names = ((word, parameter_texts.recorded_parameter_name(word)) for word in condition.words)
        try:
            return condition.holds({word: values[name] for word, name in names if name in values})
        except UnknownOperandName as error:
            otherwise = f"a text stands on the right, or in quotes; parameters: {', '.join(values)}"
            raise WrongUsage(
                f"--only-if {text!r}: there is no parameter {error}",
                hint=suggest_spelling(str(error), values, otherwise),
            ) from error
        except UncomputableValue as error:
            description = ", ".join(f"{key}={value}" for key, value in configuration.items())[:200]
            raise WrongUsage(f"--only-if {text!r} has no answer for {description}: {error}") from error

    return is_wanted
