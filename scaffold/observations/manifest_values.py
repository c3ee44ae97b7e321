"""The final metrics that a run's manifest tells of, as files of the run say them: numbers that are no position, clock or bookkeeping."""

from __future__ import annotations

import functools
from collections.abc import Iterator, KeysView, Mapping
from typing import TYPE_CHECKING

from scaffold.observations.file_formats import metric_number
from scaffold.observations.logged_name_roles import CLOCK, EPOCH_SECONDS, NAME_ROLES, media_prefixes
from scaffold.observations.model import MetricValue

if TYPE_CHECKING:
    from scaffold.runs.model import Run

_NUMBERS_ALONE = frozenset({float})


class ManifestValues(Mapping[str, MetricValue]):
    """The metrics of a manifest that has nothing else, each made when it is asked for: of a hundred thousand runs a table shows sixty."""

    __slots__ = ("_numbers", "_path")

    def __init__(self, numbers: Mapping[str, float], path: str) -> None:
        self._numbers, self._path = numbers, path

    def __getitem__(self, name: str) -> MetricValue:
        return MetricValue(self._numbers[name], self._path)

    def __iter__(self) -> Iterator[str]:
        return iter(self._numbers)

    def __len__(self) -> int:
        return len(self._numbers)

    def __contains__(self, name: object) -> bool:
        return name in self._numbers

    def keys(self) -> KeysView[str]:
        """The names of the metrics."""
        return self._numbers.keys()


def manifest_metrics(run: Run) -> Mapping[str, MetricValue]:
    """The final metrics in a run's manifest, with where it lies; those that were printed are looked at apart."""
    metrics = run.metrics
    # nearly all of a hundred thousand runs: numbers under the same few names
    if not run.metric_sources and _are_plain_metrics(*metrics) and {*map(type, metrics.values())} <= _NUMBERS_ALONE:
        return ManifestValues(metrics, run.path)  # type: ignore[arg-type]
    path, roles, values = run.path, NAME_ROLES, dict[str, MetricValue]()
    has_texts = False
    for name, value in metrics.items():  # in one loop: ten thousand runs have twenty each
        number = value if type(value) is float else metric_number(value)
        if number is None:
            has_texts = True
        elif (role := roles[name]) is None or (role == CLOCK and not number > EPOCH_SECONDS):
            values[name] = MetricValue(number, path)
    if run.metric_sources or has_texts:
        # what was printed is looked at apart; what wandb says of an image is no metric of the run
        others = (*run.metric_sources, *(name for name in values if name.startswith(media_prefixes(metrics))))
        for name in others:
            values.pop(name, None)
    return values


@functools.lru_cache(maxsize=1024)
def _are_plain_metrics(*names: str) -> bool:
    """Whether all of these are names of metrics, whatever their values."""
    return all(NAME_ROLES[name] is None for name in names)
