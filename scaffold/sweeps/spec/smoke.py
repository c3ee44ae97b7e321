"""A sweep -> its smoke sweep: one configuration, one seed and the user's smoke options, under a name of its own.

A try that fails is then never part of the real sweep: its run has a name of its own too, by the label `smoke`.
"""

from __future__ import annotations

import shlex
from dataclasses import replace

from scaffold.errors import WrongUsage
from scaffold.runs import recorder
from scaffold.sweeps.spec import parameter_values
from scaffold.sweeps.spec.model import SMOKE, Rule, Sweep


def of(sweep: Sweep, args: str = "") -> Sweep:
    """The smoke sweep of `sweep`: its first configuration and first seed, `args` (a line of shell words) behind its command.

    Parameters that `args` sets are not set again, and words of the command that it sets are replaced. Raises WrongUsage where
    `args` cannot be split into words, or there is no configuration to try.
    """
    try:
        words = tuple(shlex.split(args))
    except ValueError as error:
        raise WrongUsage(
            f"--smoke-args {args!r} cannot be split into words: {error}", hint="close the quote"
        ) from error
    if not sweep.configurations:
        raise WrongUsage(f"the sweep {sweep.name} has no configuration to try")
    given = set(recorder.module().command_params(["smoke", *words]))
    first = {k: v for k, v in sweep.configurations[0].items() if parameter_values.recorded(k) not in given}
    command = (*_without(sweep.command, given), *words)
    return replace(
        sweep,
        name=sweep.name + SMOKE,
        goal=f"a quick try of {sweep.name}: {sweep.goal}",
        command=command,
        configurations=(first,),
        seeds=sweep.seeds[:1],
        labels={**sweep.labels, "smoke": "true"},
        rule=Rule(given=(first,)) if first else Rule(),
    )


def _without(command: tuple[str, ...], given: set[str]) -> tuple[str, ...]:
    """A command without the options named in `given`, and their values."""
    shared = recorder.module()
    kept = list(command[: shared.script_at(command) + 1])
    rest = list(command[len(kept) :])
    while rest:
        # the recorder reads the parameters of `smoke A B ...`; an option with its value is what two words give one parameter
        size = (
            2 if len(rest) > 1 and rest[0].startswith("-") and "=" not in rest[0] and shared._is_value(rest[1]) else 1
        )
        part, rest = rest[:size], rest[size:]
        if not given.intersection(shared.command_params(["smoke", *part])):
            kept += part
    return tuple(kept)
