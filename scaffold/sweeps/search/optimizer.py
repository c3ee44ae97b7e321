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
from scaffold.sweeps.search.space import ParameterChoice, ParameterRange
from scaffold.sweeps.search.spec import SearchSpec

Value = str | int | float
SearchMethod = Literal["evolution", "random", "tpe"]
# how often a proposal that was tried before is asked for anew
PATIENCE = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchTrial:
    """One configuration: `params` as they are spelled, without the fixed ones; `parent` is the trial that it comes from.

    `fitness` is the mean over the seeds, None where there is none yet, or `why` says why there never will be; `values` are the single
    runs' in the order of the seeds.
    """

    number: int
    generation: int
    params: Mapping[str, str]
    parent: int | None = None
    fitness: float | None = None
    values: tuple[float, ...] = ()
    why: str | None = None


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
    optuna = _optuna()
    study = _study(optuna, spec, trials, search, _mixed(seed, generation))
    distributions = {key: _distribution(optuna, one) for key, one in spec.space.items()}
    seen = {_key(trial.params) for trial in trials}
    parents = rank_trials(spec, trials)[: spec.top_k] if search == "evolution" else []
    made: list[SearchTrial] = []
    for place in range(spec.population):
        parent = parents[place % len(parents)] if parents else None
        for attempt in range(2 * PATIENCE):
            if len(seen) >= spec.size:
                return tuple(made)
            # a sampler that only repeats itself, and a parent whose neighbours were all tried, make way for an even draw
            own = parent if attempt < PATIENCE else None
            if search == "evolution" or attempt >= PATIENCE:
                study.enqueue_trial(_drawn(spec, own, f"{seed}/{generation}/{place}/{attempt}"))
            asked = study.ask(distributions)
            params = {key: _spelled(one, asked.params[key]) for key, one in spec.space.items()}
            if _key(params) not in seen:
                seen.add(_key(params))
                number = len(trials) + len(made)
                source = None if own is None else own.number
                made.append(SearchTrial(number=number, generation=generation, params=params, parent=source))
                break
            study.tell(asked, state=optuna.trial.TrialState.FAIL)
    return tuple(made)


def _optuna() -> Any:
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


def _study(optuna: Any, spec: SearchSpec, trials: Sequence[SearchTrial], search: SearchMethod, seed: int) -> Any:
    """A study that was told the history."""
    with warnings.catch_warnings():
        # a generation is asked for as a whole; what makes its members keep apart is called experimental by some versions
        warnings.simplefilter("ignore")
        tpe = search == "tpe"
        samplers = optuna.samplers
        startup = {"n_startup_trials": spec.population, "constant_liar": True}
        sampler = samplers.TPESampler(seed=seed, **startup) if tpe else samplers.RandomSampler(seed=seed)
        study = optuna.create_study(direction="maximize" if spec.direction == "max" else "minimize", sampler=sampler)
    distributions = {key: _distribution(optuna, one) for key, one in spec.space.items()}
    states = optuna.trial.TrialState
    for trial in trials:
        told = optuna.trial.create_trial(
            state=states.FAIL if trial.fitness is None else states.COMPLETE,
            value=trial.fitness,
            params={key: _value(one, trial.params[key]) for key, one in spec.space.items()},
            distributions=distributions,
        )
        study.add_trial(told)
    return study


def _distribution(optuna: Any, one: ParameterChoice | ParameterRange) -> Any:
    if isinstance(one, ParameterChoice):
        return optuna.distributions.CategoricalDistribution(one.values)
    if one.whole:
        return optuna.distributions.IntDistribution(int(one.low), int(one.high), log=one.log)
    return optuna.distributions.FloatDistribution(one.low, one.high, log=one.log)


def _value(one: ParameterChoice | ParameterRange, text: str) -> Value:
    """A parameter as Optuna has it."""
    if isinstance(one, ParameterChoice):
        return text
    return int(text) if one.whole else min(one.high, max(one.low, float(text)))


def _spelled(one: ParameterChoice | ParameterRange, value: Value) -> str:
    """A parameter as a command has it: six digits, which is enough for a search and keeps names short."""
    if isinstance(value, str) or isinstance(one, ParameterChoice):
        return str(value)
    if one.whole:
        return str(int(value))
    return str(recorder.values.format_value(recorder.values.parse_value(f"{min(one.high, max(one.low, value)):.6g}")))


def _key(params: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(params.items()))


def _drawn(spec: SearchSpec, parent: SearchTrial | None, where: str) -> dict[str, Value]:
    """A child of `parent`, or an even draw without one. `where` is what the draws are made from."""
    drawn: dict[str, Value] = {}
    for key, one in spec.space.items():
        first, second = (_uniform(f"{where}/{key}/{n}") for n in (1, 2))
        if parent is None:
            drawn[key] = _even(one, first)
        elif isinstance(one, ParameterChoice):
            others = [v for v in one.values if v != parent.params[key]]
            drawn[key] = others[int(second * len(others))] if first < spec.mutation else parent.params[key]
        else:
            drawn[key] = _moved(one, float(parent.params[key]), statistics.NormalDist(0, spec.mutation).inv_cdf(first))
    return drawn


def _even(one: ParameterChoice | ParameterRange, part: float) -> Value:
    if isinstance(one, ParameterChoice):
        return one.values[int(part * len(one.values))]
    if one.whole and not one.log:
        return int(one.low) + int(part * (one.high - one.low + 1))
    return _at(one, part)


def _moved(one: ParameterRange, value: float, by: float) -> Value:
    """A number moved by a part of its range, folded back at the ends."""
    low, high, here = (math.log(x) if one.log else x for x in (one.low, one.high, value))
    part = abs((here - low) / (high - low) + by) % 2
    return _at(one, 2 - part if part > 1 else part)


def _at(one: ParameterRange, part: float) -> Value:
    """The number at a part of the range, from 0 to 1."""
    low, high = (math.log(x) if one.log else x for x in (one.low, one.high))
    value = low + part * (high - low)
    value = min(one.high, max(one.low, math.exp(value) if one.log else value))
    return round(value) if one.whole else value


def _uniform(of: str) -> float:
    """A number above 0 and below 1, by SHA-256 of what it is for: the same on every Python."""
    return (int.from_bytes(hashlib.sha256(of.encode()).digest()[:6], "big") + 0.5) / 2.0**48


def _mixed(seed: int, generation: int) -> int:
    """The seed of one generation's sampler."""
    return int.from_bytes(hashlib.sha256(f"{seed}/{generation}".encode()).digest()[:4], "big")
