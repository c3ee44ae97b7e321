"""A study -> what may be said of it: the best, how far luck goes, what to run to know. Pure."""

from __future__ import annotations

import math
import shlex
import statistics
from collections.abc import Sequence
from typing import Any

from scaffold.sweeps.search.optimizer import SearchTrial, rank_trials
from scaffold.sweeps.search.study import SearchStudy
from scaffold.sweeps.spec.model import Sweep

# seeds for a confirmation that nobody has seen
CONFIRMATION_SEEDS = 5


def format_params(study: SearchStudy, trial: SearchTrial) -> str:
    """`lr=0.01 batch_size=64`."""
    return " ".join(f"{key}={value}" for key, value in {**study.spec.fixed, **trial.params}.items())


def describe_generation(study: SearchStudy, number: int) -> str:
    """One line on a generation that is over."""
    row = _generation_row(study, number)
    configurations = _pluralize(row["population_size"], "configuration")
    text = f"generation {number} of {study.spec.generations}: {configurations}, {row['scored']} scored"
    if not row["scored"]:
        return text
    return f"{text}, best {study.spec.metric} {row['best_fitness']:.6g}, mean {row['mean_fitness']:.6g}"


def describe_best_trial(study: SearchStudy) -> list[str]:
    """The best, in words that claim no more than there is: it was chosen for being the best, of so many, and runs differ by chance."""
    ranking = rank_trials(study.spec, study.trials)
    completed = [t for t in study.trials if t.generation <= study.closed]
    failed = [t for t in completed if t.fitness is None]
    if not ranking:
        return [f"no configuration has a fitness: {_pluralize(len(failed), 'configuration')} tried, all failed"]
    best = ranking[0]
    seeds = len(best.values)
    spread = (
        f"mean of {seeds} seeds, standard deviation {statistics.stdev(best.values):.2g}" if seeds > 1 else "one run"
    )
    lines = [
        f"best: {format_params(study, best)}",
        f"  {study.spec.metric} = {best.fitness:.6g} ({spread}); trial {best.number}, generation {best.generation}",
        f"It is the best of {_pluralize(len(ranking), 'configuration')} with a fitness"
        + (f"; {len(failed)} failed and have none" if failed else "")
        + ". The best of many is partly luck: expect less of it the next time.",
    ]
    if len(ranking) > 1:
        lines.append(_describe_runner_up(study, ranking))
    elif seeds < 2:
        lines.append("One run says nothing about chance.")
    return lines


def _describe_runner_up(study: SearchStudy, ranking: Sequence[SearchTrial]) -> str:
    best, second = ranking[0], ranking[1]
    assert best.fitness is not None and second.fitness is not None
    gap = abs(best.fitness - second.fitness)
    text = f"The next best (trial {second.number}) is {gap:.2g} away; "
    noise = pooled_standard_deviation(ranking)
    if noise is None:
        return text + "with one run each, how far runs differ by chance is not known, so no claim is made."
    error = noise * math.sqrt(1 / len(best.values) + 1 / len(second.values))
    if gap <= 2 * error:
        return (
            text
            + f"by chance alone two such means are {error:.2g} apart (standard error), so the two cannot be told apart."
        )
    return (
        text + f"by chance alone two such means are {error:.2g} apart (standard error). Fresh seeds have to confirm it."
    )


def pooled_standard_deviation(trials: Sequence[SearchTrial]) -> float | None:
    """The standard deviation between seeds, pooled over configurations; None where no configuration has two runs."""
    squares = [(statistics.variance(t.values), len(t.values) - 1) for t in trials if len(t.values) > 1]
    degrees = sum(n for _, n in squares)
    return math.sqrt(sum(v * n for v, n in squares) / degrees) if degrees else None


def confirmation_command(study: SearchStudy, best: SearchTrial, sweep: Sweep) -> str:
    """The command that runs the best again with seeds that the search has not seen, passed as in the search's `sweep`."""
    first = max(study.seeds, default=0) + 1
    grid = [f"{key}={_quote_value(value)}" for key, value in {**study.spec.fixed, **best.params}.items()]
    words = ["scaffold", "sweep", "new", f"{study.name}-best", "--goal", f"confirm the best of {study.name}"]
    words += ["--experiment", sweep.experiment, "--style", sweep.style]
    words += [f"--seed-option={sweep.seed_option}"] if sweep.seed_option is not None else []
    words += [
        "--grid",
        *grid,
        "--seeds",
        f"{first}-{first + CONFIRMATION_SEEDS - 1}",
        "--",
        "python",
        *study.spec.script,
    ]
    change_directory = "" if study.spec.workdir == "." else f"cd {shlex.quote(study.spec.workdir)} && "
    return change_directory + shlex.join(words)


def _quote_value(value: str) -> str:
    """A value as --grid takes it: one with a comma or quotes stays one value."""
    if not set(value) & set(",'\""):
        return value
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _pluralize(count: int, noun: str) -> str:
    return f"{count} {noun}" + ("" if count == 1 else "s")


def fitness_history(study: SearchStudy) -> list[dict[str, Any]]:
    """The server's fitness_history: each generation that is over."""
    return [_generation_row(study, number) for number in range(1, study.closed + 1)]


def _generation_row(study: SearchStudy, number: int) -> dict[str, Any]:
    trials = study.generation(number)
    scored = [t.fitness for t in trials if t.fitness is not None]
    return {
        "generation": number,
        "population_size": len(trials),
        "scored": len(scored),
        "best_fitness": (max if study.spec.direction == "max" else min)(scored, default=None),
        "mean_fitness": statistics.fmean(scored) if scored else None,
    }
