"""Which parameters are a budget: how long something may take is no idea of how to do it better."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING

from scaffold.results.metrics.configurations import ConfigurationKey, configuration_key

if TYPE_CHECKING:
    from scaffold.runs.model import Scalar

# what `--budget` takes where no parameter is one
NO_BUDGET = "none"
_AMOUNT = r"(?:steps?|epochs?|iters?|iterations?|tokens|timesteps?|updates|episodes|samples_seen)"
_TIME = r"(?:time|seconds|minutes|hours|secs|mins)"
_FIRST = r"(?:max|total|num|train|training|num_train|max_train|total_train|num_training|max_num|max_training|total_env|total_num)"
# each alternative of the pattern has one of these
_PARTS = ("step", "epoch", "iter", "token", "update", "episode", "samples", "time", "sec", "min", "hour", "budget")
# `warmup_steps`, `eval_steps`, `n_steps` (of a rollout) are none: they say when, not how much
_BUDGET = (
    rf"(?:{_FIRST}_)?{_AMOUNT}|(?:n|nb|no)_(?:epochs?|iters?|iterations?|timesteps|tokens)|{_AMOUNT}_total"
    rf"|(?:max_|total_|train_|training_|wall_|walltime_)?{_TIME}|time_(?:limit|budget)|train_time_limit|budget|compute_budget|max_time_s|time_s"
)


def is_budget(name: str) -> bool:
    """Whether a parameter's name says how long a run may take: `steps`, `trainer.max_epochs`, `max-iters`, `time_limit`."""
    last = name.rpartition(".")[2].lower().replace("-", "_")
    # the pattern is made ready only for a name that may be one: most tables have none
    return any(part in last for part in _PARTS) and re.fullmatch(_BUDGET, last) is not None


def select_budget_params(varying: Sequence[str], chosen: Collection[str] | None) -> tuple[str, ...]:
    """Those of the parameters that vary which are a budget: the `chosen` ones, else those whose name says so."""
    if chosen:
        wanted = {name.replace("-", "_") for name in chosen}
        return tuple(name for name in varying if name.replace("-", "_") in wanted)
    return tuple(name for name in varying if is_budget(name))


def configuration_budget_key(config: Mapping[str, Scalar], names: Sequence[str]) -> ConfigurationKey:
    """The budget of a configuration, as what has the same can be found by."""
    return configuration_key(config, only=names)
