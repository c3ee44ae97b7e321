"""Facts that a repository has now and the answers of its workspace do not: a parser or a metric that came after `init`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from scaffold.conventions.model import Conventions
from scaffold.errors import WrongUsage
from scaffold.lifecycle.answers_from_conventions import evidence_location, fact_answers
from scaffold.workspace import Workspace

# answer -> the field whose evidence speaks for it
_FIELDS = {
    "environment": "environment.manager",
    "slurm": "slurm.scripts",
    "repository_metrics": "metrics",
    "primary_metric": "primary_metric.name",
    "metric_direction": "primary_metric.name",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class FactChange:
    """One answer that detection would give differently today; `place` is the file and line that says so, or empty."""

    name: str
    old: Any
    new: Any
    place: str


def find_fact_changes(workspace: Workspace, conventions: Conventions) -> list[FactChange]:
    """What detection says today and the answers do not, answer by answer.

    A command that was confirmed stays so while it is the same. A metric that decides is only proposed where none does yet.
    """
    detected = fact_answers(conventions)
    stored = workspace.answers
    confirmed = [
        e.get("command") for e in stored.get("entry_points") or () if isinstance(e, dict) and e.get("confirmed")
    ]
    detected["entry_points"] = [
        {**e, "confirmed": True} if e["command"] in confirmed else e for e in detected["entry_points"]
    ]
    decides = conventions.primary_metric
    if not stored.get("primary_metric") and decides.name:
        detected |= {"primary_metric": decides.name, "metric_direction": decides.direction or ""}
    return [
        FactChange(
            name=name, old=stored.get(name), new=value, place=evidence_location(conventions, _FIELDS.get(name, name))
        )
        for name, value in detected.items()
        if stored.get(name) != value
    ]


def answers_from_accepted_changes(changes: Iterable[FactChange], names: Iterable[str]) -> dict[str, Any]:
    """The new answers that `names` accept; `all` accepts every one. Raises WrongUsage for a name that nothing changes."""
    answers = {change.name: change.new for change in changes}
    names = list(names)
    for name in names:
        if name != "all" and name not in answers:
            raise WrongUsage(
                f"--accept {name}: detection changes no such answer",
                hint=f"it changes: {', '.join(answers) or 'nothing'}",
            )
    return answers if "all" in names else {name: answers[name] for name in names}


def describe_fact_change(change: FactChange) -> Iterator[str]:
    """The answer's name with its place, then what goes and what comes, line by line."""
    yield f"{change.name}{f'  [{change.place}]' if change.place else ''}"
    old, new = list(_items(change.old)), list(_items(change.new))
    yield from (f"  - {item}" for item in old if item not in new)
    yield from (f"  + {item}" for item in new if item not in old)


def _items(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        yield from (f"{key}: {item}" for key, item in value.items() if item not in (None, "", [], {}))
    elif isinstance(value, list):
        for item in value:
            if isinstance(item, Mapping) and "command" in item:
                yield f"{item['path']} ({item['kind']}, {item.get('seed_flag') or 'no seed option'}): {item['command']}"
            elif isinstance(item, Mapping) and "pattern" in item:
                yield f"{item.get('name')} as {item['pattern']} ({item.get('source')})"
            else:
                yield str(item)
    elif value not in (None, ""):
        yield str(value)
