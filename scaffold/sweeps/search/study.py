"""A search's study: what it searches, what was proposed, and how fit it was; `<metadata>/sweeps/NAME.study.json`, replaced in one step.

A generation is written down before its first run is planned, and its fitness once all of its runs are over: whoever comes next, after
whatever kill, goes on from there.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from scaffold import structured_text
from scaffold.errors import ScaffoldError
from scaffold.runs import records_home
from scaffold.sweeps.search.optimizer import SearchMethod, SearchTrial
from scaffold.sweeps.search.spec import SearchSpec
from scaffold.sweeps.spec import sweep_paths
from scaffold.workspace import Workspace

VERSION = 1
# what may be said otherwise when a search goes on: how long it goes on, and while nothing was scored, what is scored
FREE = ("generations",)
FREE_AT_FIRST = (*FREE, "fitness_metric", "fitness_direction")


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchStudy:
    """A search. `closed` is how many generations are over and scored; `trials` are numbered from 0, in the order of proposing."""

    name: str
    spec: SearchSpec
    search: SearchMethod
    search_seed: int
    seeds: tuple[int, ...]
    trials: tuple[SearchTrial, ...] = ()
    closed: int = 0

    def generation(self, number: int) -> tuple[SearchTrial, ...]:
        """The trials of one generation, counted from 1."""
        return tuple(t for t in self.trials if t.generation == number)

    def scored(self, results: Mapping[int, SearchTrial]) -> SearchStudy:
        """With the open generation closed, its trials replaced by those with a fitness."""
        return replace(self, trials=tuple(results.get(t.number, t) for t in self.trials), closed=self.closed + 1)


def search_study_path(workspace: Workspace, name: str) -> Path:
    """A study's file."""
    return workspace.locate(sweep_paths.sweeps_folder(workspace) / f"{name}.study.json")


def write_search_study(workspace: Workspace, study: SearchStudy) -> None:
    """Write a study, whole or not at all. Raises ScaffoldError where that cannot be done."""
    held = {
        "version": VERSION,
        "name": study.name,
        "spec": study.spec.as_dict(),
        "search": study.search,
        "search_seed": study.search_seed,
        "seeds": study.seeds,
        "closed": study.closed,
        "trials": [trial_json(trial) for trial in study.trials],
    }
    text = json.dumps(held, indent=1, ensure_ascii=False) + "\n"
    records_home.write_record(
        workspace, search_study_path(workspace, study.name), text.encode("utf-8", "surrogateescape")
    )


def trial_json(trial: SearchTrial) -> dict[str, Any]:
    """A trial for JSON."""
    return {
        "number": trial.number,
        "generation": trial.generation,
        "parent": trial.parent,
        "params": dict(trial.params),
        "fitness": trial.fitness,
        "values": list(trial.values),
        "why": trial.reason,
    }


def load_or_create_search_study(workspace: Workspace, requested: SearchStudy) -> SearchStudy:
    """The study that is there under this name, for as many generations as `requested` asks; `requested` where there is none.

    Raises ScaffoldError where that one searches something else, or cannot be read.
    """
    file = records_home.locate_record(search_study_path(workspace, requested.name))
    try:
        content = structured_text.parse_json(file.read_bytes())
    except FileNotFoundError:
        if sweep_paths.locate_sweep_file(workspace, requested.name).exists():
            raise ScaffoldError(
                f"there is a sweep {requested.name} already, and it is no search",
                hint="choose another name: --name NAME",
            ) from None
        return requested
    except (OSError, ValueError) as error:
        raise _unreadable_error(file, error) from error
    try:
        if content["version"] != VERSION:
            raise ScaffoldError(f"{file} is of version {content['version']}; this scaffold reads {VERSION}")
        _check_unchanged(content, requested)
        return replace(
            requested,
            trials=tuple(_parse_trial(t, requested.spec) for t in content["trials"]),
            closed=int(content["closed"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise _unreadable_error(file, error) from error


def _unreadable_error(file: Path, error: Exception) -> ScaffoldError:
    reason = f"{error} is missing" if isinstance(error, KeyError) else " ".join(str(error).split())
    return ScaffoldError(
        f"{file} cannot be read: {reason}", hint="restore it, or search under another name: --name NAME"
    )


def _check_unchanged(content: Mapping[str, Any], requested: SearchStudy) -> None:
    scored = any(trial["fitness"] is not None for trial in content["trials"])
    changeable = FREE if scored else FREE_AT_FIRST
    current = {
        **requested.spec.as_dict(),
        "search": requested.search,
        "search_seed": requested.search_seed,
        "seeds": list(requested.seeds),
    }
    previous = {**content["spec"], **{key: content[key] for key in ("search", "search_seed", "seeds")}}
    for key, value in current.items():
        if key not in changeable and previous[key] != json.loads(json.dumps(value)):
            raise ScaffoldError(
                f"the search {requested.name} was begun with another {key}: {json.dumps(previous[key])}, now {json.dumps(value)}",
                hint="go on with what it was begun with (more generations are fine), or choose another name: --name NAME",
            )


def _parse_trial(content: Mapping[str, Any], spec: SearchSpec) -> SearchTrial:
    fitness = content["fitness"]
    if fitness is not None and not math.isfinite(fitness):
        raise ValueError(f"trial {content['number']} has the fitness {fitness}")
    params = {key: str(content["params"][key]) for key in spec.space}
    return SearchTrial(
        number=int(content["number"]),
        generation=int(content["generation"]),
        params=params,
        parent=content["parent"],
        fitness=fitness,
        values=tuple(content["values"]),
        reason=content["why"],
    )
