"""A rule -> configurations: listed ones x groups that move together x the grid x drawn ones, filtered, the baseline first."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Mapping, Sequence

from scaffold.errors import WrongUsage
from scaffold.sweeps.spec import condition, parameter_values, sampling
from scaffold.sweeps.spec.model import ConfigurationRule


def expand_rule(rule: ConfigurationRule) -> tuple[dict[str, str], ...]:
    """All configurations of a rule, in order. Raises WrongUsage where a parameter comes from two sides, or `only_if` fails."""
    factors: list[Sequence[Mapping[str, str]]] = [
        *([rule.listed] if rule.listed else []),
        *(_together(group) for group in rule.zips),
        *([{key: value} for value in row] for key, row in rule.grid.items()),
    ]
    if rule.draws:
        factors.append(rule.drawn or sampling.draw_configurations(rule.space, rule.draws, rule.space_seed))
    _check_once([{k for c in factor for k in c} for factor in factors])
    size = math.prod(map(len, factors))
    if size > parameter_values.MAX_CONFIGURATIONS:
        raise WrongUsage(
            f"{size:,} configurations are more than a sweep can have ({parameter_values.MAX_CONFIGURATIONS:,})"
        )
    made = [_merged(parts) for parts in itertools.product(*factors)] if factors else []
    if rule.only_if is not None:
        wanted = condition.compiled(rule.only_if)
        made = [c for c in made if wanted(c)]
    if rule.baseline or not factors:
        made.insert(0, {})
    return tuple(made)


def _merged(parts: Iterable[Mapping[str, str]]) -> dict[str, str]:
    merged: dict[str, str] = {}
    for part in parts:
        merged.update(part)
    return merged


def _together(group: Mapping[str, Sequence[str]]) -> list[dict[str, str]]:
    lengths = {key: len(values) for key, values in group.items()}
    if len(set(lengths.values())) > 1:
        said = ", ".join(f"{key} has {n}" for key, n in lengths.items())
        raise WrongUsage(f"--zip needs as many values of each: {said}", hint="for all combinations use --grid")
    return [dict(zip(group, row, strict=True)) for row in zip(*group.values(), strict=True)]


def _check_once(factors: Sequence[set[str]]) -> None:
    seen: set[str] = set()
    for keys in factors:
        for key in sorted(keys):
            if parameter_values.recorded_name(key) in seen:
                raise WrongUsage(
                    f"{key} gets its values from two sides",
                    hint="name it in one of --grid, --zip, --space or --from only, and spell it in one way",
                )
        seen.update(map(parameter_values.recorded_name, keys))
