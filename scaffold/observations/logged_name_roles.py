"""The names that training programs log under -> what each is: a step, a clock, bookkeeping, or a metric.

One table for all commands: what it calls a position, a clock or bookkeeping is a metric nowhere.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

# How the common writers call the position in a training, each with the writer that does; the source is what they write.
# Of several in a row the first of these is the step; epochs and episodes only where there is no other.
STEP_NAMES_BY_WRITER: Mapping[str, tuple[str, ...]] = {
    "plain files": ("step", "global_step", "iteration", "iter", "total_steps", "timesteps"),
    "wandb": ("_step",),
    "PyTorch Lightning": ("trainer/global_step",),
    "Hugging Face": ("train/global_step",),
    "Stable-Baselines3": ("time/total_timesteps", "total_timesteps", "time/iterations", "train/n_updates"),
    "RLlib": ("timesteps_total", "num_env_steps_sampled_lifetime", "num_env_steps_sampled", "num_env_steps_trained"),
    "Ray Tune": ("training_iteration",),
    # its `update` is the part of the epochs that are done
    "fairseq": ("num_updates", "train_num_updates", "valid_num_updates", "update"),
    "plain files, too": ("steps",),
    "Spinning Up": ("TotalEnvInteracts",),
    "mmengine": ("iters",),
    "epochs": ("epoch", "Epoch", "epochs", "time/epoch", "train/epoch", "train_epoch", "valid_epoch", "trainer/epoch"),
    "episodes": ("episode", "episodes", "episodes_total", "time/episodes"),
}
STEP_NAMES = tuple(name for names in STEP_NAMES_BY_WRITER.values() for name in names)
CLOCK_NAMES = ("at", "time", "wall_time", "walltime", "timestamp", "_timestamp", "ts", "timestamps")
# what is written beside the metrics by writers that write all they know, and says nothing about how well a training does
_BOOKKEEPING = frozenset(
    (
        *("pid", "done", "should_checkpoint", "warmup_time", "time_total_s", "time_this_iter_s", "time_since_restore"),
        *("iterations_since_restore", "timesteps_since_restore", "agent_timesteps_total", "num_healthy_workers"),
        *("num_in_flight_async_reqs", "num_remote_worker_restarts", "time_since_last_update", "total_flos"),
        *("_runtime", "_wandb.runtime", "_wandb/runtime", "time/time_elapsed", "num_training_step_calls_per_iteration"),
        # fairseq's seconds since the start, by file and by folder of TensorBoard
        *("wall", "train_wall", "train_train_wall", "train/wall", "train_inner/wall"),
        *("train/train_wall", "train_inner/train_wall"),
    )
)
_BOOKKEEPING_BEGINNINGS = tuple(
    f"{parent}{separator}{rest}"
    for separator in "./"
    for parent, rest in (
        *((parent, "") for parent in ("config", "hparams", "hyperparameters", "_wandb", "sampler_perf", "timers")),
        *((parent, "") for parent in ("fault_tolerance", "env_runner_group")),
        *(("perf", f"{part}_util_percent") for part in ("cpu", "ram", "gpu", "vram")),
    )
)
# RLlib logs the time of every part of itself, what went through it and how often, beside returns and losses
_RLLIB_BEGINNINGS = ("evaluation", "env_runners", "learners")
_RLLIB_INTERNALS = (  # a text: made ready where a name begins so
    r"(?:evaluation[./])?(?:env_runners|learners)[./](?:.*[./])?"
    r"(?:num_|diff_num_|weights_seq_no|sample$|time_between_sampling|module_train_batch_size|env_to_module_|module_to_env_"
    r"|\w*connector|\w*_timer$)"
)
# a clock above this is one (1973 and later), one below is seconds since the start: a metric
EPOCH_SECONDS = 1e8
# ranks of what is no metric: a step's is its place among STEP_NAMES
NO_STEP, CLOCK, BOOKKEEPING = 100, 200, 300


class LoggedNameRoles(dict[str, int | None]):
    """Name -> its rank as a step, CLOCK, BOOKKEEPING, or None for a metric; each name is looked at once."""

    def __missing__(self, name: str) -> int | None:
        is_bookkeeping = (
            name in _BOOKKEEPING
            or name.startswith(_BOOKKEEPING_BEGINNINGS)
            or (name.startswith(_RLLIB_BEGINNINGS) and re.match(_RLLIB_INTERNALS, name))
        )
        role = BOOKKEEPING if is_bookkeeping else None
        if len(self) < 65536:  # a program that makes up names without end is no reason to keep them all
            self[name] = role
        return role


NAME_ROLES = LoggedNameRoles(
    {**{name: rank for rank, name in enumerate(STEP_NAMES)}, **dict.fromkeys(CLOCK_NAMES, CLOCK)}
)


def is_metric(name: str, value: float) -> bool:
    """Whether a value logged under this name is a metric: no position, clock or bookkeeping."""
    role = NAME_ROLES[name]
    return role is None or (role == CLOCK and not value > EPOCH_SECONDS)


def is_wandb_media(values: Mapping[str, Any]) -> bool:
    """Whether an object describes an image, a table or another file of wandb's, whose size is no metric."""
    return isinstance(values.get("_type"), str)


def media_prefixes(names: Mapping[str, Any]) -> tuple[str, ...]:
    """What the flattened names of such objects begin with: `Examples.` where there is `Examples._type`."""
    return tuple(name.removesuffix("_type") for name in names if name.endswith(("._type", "/_type")))
