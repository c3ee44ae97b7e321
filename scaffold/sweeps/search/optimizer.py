"""What was tried and how fit it was -> what to try next, by Optuna's ask-and-tell. The same history and seed give the same answer.

Every generation is asked of a study that is made anew from the history, with a sampler seeded for this generation, so that a search
that was killed and resumed goes on exactly as one that was not.

`random` and `tpe` are Optuna's own samplers. `evolution` is this project's reading of the server's schema (the server's own
never sees a fitness, so that there is nothing to imitate): the first generation is drawn evenly. After it, the `top_k` fittest of
all that were scored so far are the parents, each in turn. A child takes its parent's values; a number moves by a normal draw with
`mutation_strength` of its range (of the range's logarithm) as standard deviation, folded back at the ends; a choice is with
probability `mutation_strength` another one. Optuna's NSGA-II has no mutation strength and its CMA-ES no choices, so that neither
could keep the schema's promises.
"""

from __future__ import annotations

import hashlib
import math
import statistics
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from scaffold.errors import ScaffoldError
from scaffold.runs import recorder
from scaffold.sweeps.search.space import Dimension, ParameterChoice, ParameterRange
from scaffold.sweeps.search.spec import SearchSpec

Value = str | int | float
SearchMethod = Literal["evolution", "random", "tpe"]
# how often a proposal that was tried before is asked for anew
PATIENCE = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchTrial:
    """One configuration: `params` as they are spelled, without the fixed ones; `parent` is the trial that it comes from.

    `fitness` is the mean over the seeds, None where there is none yet, or `reason` says why there never will be; `values` are the single
    runs' in the order of the seeds.
    """

    number: int
    generation: int
    params: Mapping[str, str]
    parent: int | None = None
    fitness: float | None = None
    values: tuple[float, ...] = ()
    reason: str | None = None


def rank_trials(spec: SearchSpec, trials: Sequence[SearchTrial]) -> list[SearchTrial]:
    """The trials that have a fitness, the fittest first; of equals the earlier one."""
    sign = -1 if spec.direction == "max" else 1
    scored = [(sign * t.fitness, t.number, t) for t in trials if t.fitness is not None]
    return [trial for _, _, trial in sorted(scored, key=lambda row: row[:2])]


def propose_trials(
    spec: SearchSpec, trials: Sequence[SearchTrial], *, search: SearchMethod, seed: int, generation: int
) -> tuple[SearchTrial, ...]:
    """A generation's configurations, none of them tried before; fewer than the population where the space has no more.

    Raises ScaffoldError where Optuna is not installed.
    """
    optuna = _import_optuna()
    study = _study_with_history(optuna, spec, trials, search, _generation_seed(seed, generation))
    distributions = {key: _optuna_distribution(optuna, dimension) for key, dimension in spec.space.items()}
    tried = {_configuration_key(trial.params) for trial in trials}
    parents = rank_trials(spec, trials)[: spec.top_k] if search == "evolution" else []
    proposed: list[SearchTrial] = []
    for position in range(spec.population):
        parent = parents[position % len(parents)] if parents else None
        for attempt in range(2 * PATIENCE):
            if len(tried) >= spec.size:
                return tuple(proposed)
            # a sampler that only repeats itself, and a parent whose neighbours were all tried, make way for an even draw
            origin = parent if attempt < PATIENCE else None
            if search == "evolution" or attempt >= PATIENCE:
                study.enqueue_trial(_draw_child(spec, origin, f"{seed}/{generation}/{position}/{attempt}"))
            optuna_trial = study.ask(distributions)
            params = {key: _format_value(dimension, optuna_trial.params[key]) for key, dimension in spec.space.items()}
            if _configuration_key(params) not in tried:
                tried.add(_configuration_key(params))
                number = len(trials) + len(proposed)
                source = None if origin is None else origin.number
                proposed.append(SearchTrial(number=number, generation=generation, params=params, parent=source))
                break
            study.tell(optuna_trial, state=optuna.trial.TrialState.FAIL)
    return tuple(proposed)


def _import_optuna() -> Any:
    """Optuna, which otherwise speaks of every study that it makes. Raises ScaffoldError."""
    try:
        import optuna
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "optuna":
            raise
        raise ScaffoldError(
            "searching needs Optuna, which is not installed", hint="pip install 'experiment-scaffold[search]'"
        ) from error
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    return optuna


def _study_with_history(
    optuna: Any, spec: SearchSpec, trials: Sequence[SearchTrial], search: SearchMethod, seed: int
) -> Any:
    """A study that was told the history."""
    with warnings.catch_warnings():
        # a generation is asked for as a whole; what makes its members keep apart is called experimental by some versions
        warnings.simplefilter("ignore")
        tpe = search == "tpe"
        samplers = optuna.samplers
        startup = {"n_startup_trials": spec.population, "constant_liar": True}
        sampler = samplers.TPESampler(seed=seed, **startup) if tpe else samplers.RandomSampler(seed=seed)
        study = optuna.create_study(direction="maximize" if spec.direction == "max" else "minimize", sampler=sampler)
    distributions = {key: _optuna_distribution(optuna, dimension) for key, dimension in spec.space.items()}
    states = optuna.trial.TrialState
    for trial in trials:
        optuna_trial = optuna.trial.create_trial(
            state=states.FAIL if trial.fitness is None else states.COMPLETE,
            value=trial.fitness,
            params={key: _optuna_value(dimension, trial.params[key]) for key, dimension in spec.space.items()},
            distributions=distributions,
        )
        study.add_trial(optuna_trial)
    return study


def _optuna_distribution(optuna: Any, dimension: Dimension) -> Any:
    if isinstance(dimension, ParameterChoice):
        return optuna.distributions.CategoricalDistribution(dimension.values)
    if dimension.integers:
        return optuna.distributions.IntDistribution(int(dimension.low), int(dimension.high), log=dimension.log)
    return optuna.distributions.FloatDistribution(dimension.low, dimension.high, log=dimension.log)


def _optuna_value(dimension: Dimension, text: str) -> Value:
    """A parameter as Optuna has it."""
    if isinstance(dimension, ParameterChoice):
        return text
    return int(text) if dimension.integers else min(dimension.high, max(dimension.low, float(text)))


def _format_value(dimension: Dimension, value: Value) -> str:
    """A parameter as a command has it: six digits, which is enough for a search and keeps names short."""
    if isinstance(value, str) or isinstance(dimension, ParameterChoice):
        return str(value)
    if dimension.integers:
        return str(int(value))
    return str(
        recorder.values.format_value(
            recorder.values.parse_value(f"{min(dimension.high, max(dimension.low, value)):.6g}")
        )
    )


def _configuration_key(params: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(params.items()))


def _draw_child(spec: SearchSpec, parent: SearchTrial | None, entropy: str) -> dict[str, Value]:
    """A child of `parent`, or an even draw without one. `entropy` is what the draws are made from."""
    drawn: dict[str, Value] = {}
    for key, dimension in spec.space.items():
        first_draw, second_draw = (_uniform_number(f"{entropy}/{key}/{n}") for n in (1, 2))
        if parent is None:
            drawn[key] = _draw_evenly(dimension, first_draw)
        elif isinstance(dimension, ParameterChoice):
            alternatives = [v for v in dimension.values if v != parent.params[key]]
            drawn[key] = (
                alternatives[int(second_draw * len(alternatives))] if first_draw < spec.mutation else parent.params[key]
            )
        else:
            drawn[key] = _mutate(
                dimension, float(parent.params[key]), statistics.NormalDist(0, spec.mutation).inv_cdf(first_draw)
            )
    return drawn


def _draw_evenly(dimension: Dimension, fraction: float) -> Value:
    if isinstance(dimension, ParameterChoice):
        return dimension.values[int(fraction * len(dimension.values))]
    if dimension.integers and not dimension.log:
        return int(dimension.low) + int(fraction * (dimension.high - dimension.low + 1))
    return _value_at_fraction(dimension, fraction)


def _mutate(dimension: ParameterRange, value: float, shift: float) -> Value:
    """A number moved by a part of its range, folded back at the ends."""
    low, high, center = (math.log(x) if dimension.log else x for x in (dimension.low, dimension.high, value))
    fraction = abs((center - low) / (high - low) + shift) % 2
    return _value_at_fraction(dimension, 2 - fraction if fraction > 1 else fraction)


def _value_at_fraction(dimension: ParameterRange, fraction: float) -> Value:
    """The number at a part of the range, from 0 to 1."""
    low, high = (math.log(x) if dimension.log else x for x in (dimension.low, dimension.high))
    value = low + fraction * (high - low)
    value = min(dimension.high, max(dimension.low, math.exp(value) if dimension.log else value))
    return round(value) if dimension.integers else value


def _uniform_number(purpose: str) -> float:
    """A number above 0 and below 1, by SHA-256 of what it is for: the same on every Python."""
    return (int.from_bytes(hashlib.sha256(purpose.encode()).digest()[:6], "big") + 0.5) / 2.0**48


def _generation_seed(seed: int, generation: int) -> int:
    """The seed of one generation's sampler."""
    return int.from_bytes(hashlib.sha256(f"{seed}/{generation}".encode()).digest()[:4], "big")
