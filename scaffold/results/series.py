"""A metric file's observations -> the last, lowest and highest value of each metric, or its course, in constant memory."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from scaffold.errors import ScaffoldError
from scaffold.results import formats
from scaffold.results.files import KINDS, Source, sources
from scaffold.results.formats import Observation
from scaffold.results.model import Point, Series, Value
from scaffold.runs.manifests import Run

# (value, line, step): where a value of a digest stands
Place = tuple[float, int | None, float | None]


class Digest(NamedTuple):
    """What one file says: of each metric the last value, the lowest and the highest finite one. `path` is below the work directory."""

    path: str
    series: bool
    last: dict[str, Place]
    low: dict[str, Place]
    high: dict[str, Place]
    notes: list[str]


def digest(observations: Iterable[Observation], path: str, *, series: bool) -> Digest:
    """Go through observations once."""
    last: dict[str, Place] = {}
    low: dict[str, Place] = {}
    high: dict[str, Place] = {}
    for line, step, _, values in observations:
        for name, value in values.items():
            here = (value, line, step)
            if name not in last:
                low[name] = high[name] = here
            else:
                if value < low[name][0] or not math.isfinite(low[name][0]):
                    low[name] = here if math.isfinite(value) else low[name]
                if value > high[name][0] or not math.isfinite(high[name][0]):
                    high[name] = here if math.isfinite(value) else high[name]
            last[name] = here
    return Digest(path, series, last, low, high, [])


def digests(workdir: Path, found: Iterable[Source], unread: list[str]) -> list[Digest]:
    """What each metric file of a run says; a file that is damaged says so in its notes.

    TensorBoard files without the extra `tb` go to `unread`; where a run has nothing else, ScaffoldError is raised.
    """
    made: list[Digest] = []
    without: ScaffoldError | None = None
    for source in found:
        path = source.path.relative_to(workdir).as_posix()
        kind, own = KINDS[source.kind], list[str]()
        try:
            one = digest(kind.read(source.path, own.append), path, series=kind.series)
        except ScaffoldError as error:
            without = error
            unread.append(f"{path}: {error.message} ({error.hint})")
            continue
        except (OSError, ValueError, RecursionError) as error:
            own.append(f"it cannot be read: {' '.join(str(error).split())}")
            one = Digest(path, kind.series, {}, {}, {}, [])
        made.append(one._replace(notes=own))
    if without is not None and not any(one.last for one in made):
        raise without
    return made


def from_server(answer: Mapping[str, Any], path: str) -> Digest:
    """What the research server's `/runs/{id}/metrics` says; `path` is told as the values' source."""
    return digest(formats.server(answer), path, series=True)


def values_at(workdir: Path, run: Run, step: float) -> dict[str, Value]:
    """The value of each metric exactly at `step`; where a step was logged twice (a resumed run) the later one."""
    found: dict[str, Value] = {}
    for source in sources(workdir / run.outputs, lambda _: None):
        kind = KINDS[source.kind]
        if not kind.series:
            continue
        path, here = source.path.relative_to(workdir).as_posix(), dict[str, Value]()
        try:
            for line, at, _, values in kind.read(source.path, lambda _: None):
                if at == step:
                    here.update((name, Value(value, path, line, at)) for name, value in values.items())
        except (OSError, ValueError, RecursionError):
            continue
        found = {**here, **found}
    return found


def read(workdir: Path, run: Run, metrics: Collection[str] = (), *, most: int = 2000) -> dict[str, Series]:
    """The course of a run's metrics (of all of them without `metrics`), each of at most `most` points and the last, from its first file.

    A file of any length is read in constant memory: where there are too many points, every second one is let go, again and again.
    """
    found: dict[str, Series] = {}
    for source in sources(workdir / run.outputs, lambda _: None):
        kind = KINDS[source.kind]
        if not kind.series:
            continue
        thinned: dict[str, Thinned] = {}
        try:
            _collect(kind.read(source.path, lambda _: None), metrics, thinned, most)
        except ScaffoldError:
            if not found:
                raise
        except (OSError, ValueError, RecursionError):
            pass
        path = source.path.relative_to(workdir).as_posix()
        for name, points in thinned.items():
            found.setdefault(name, Series(metric=name, path=path, points=points.all(), stride=points.stride))
    return dict(sorted(found.items()))


def _collect(
    observations: Iterable[Observation], metrics: Collection[str], into: dict[str, Thinned], most: int
) -> None:
    for _, step, at, values in observations:
        for name, value in values.items():
            if not metrics or name in metrics:
                into.setdefault(name, Thinned(most)).add(Point(value, step, at))


class Thinned:
    """Points as they come, every `stride`th kept, and the last one."""

    def __init__(self, most: int) -> None:
        self.most, self.stride = most, 1
        self._seen = 0
        self._kept: list[Point] = []
        self._last: Point | None = None

    def add(self, point: Point) -> None:
        """Take one more."""
        if self._seen % self.stride == 0:
            if len(self._kept) >= self.most:
                self._kept = self._kept[::2]
                self.stride *= 2
            if self._seen % self.stride == 0:
                self._kept.append(point)
        self._seen += 1
        self._last = point

    def all(self) -> tuple[Point, ...]:
        """The points that were kept, in order."""
        whole = not self._kept or self._last is self._kept[-1] or self._last is None
        return tuple(self._kept) if whole or self._last is None else (*self._kept, self._last)
