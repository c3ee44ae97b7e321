"""A metric file's observations -> the last, lowest and highest value of each metric, or its course, in constant memory."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from scaffold.errors import ScaffoldError
from scaffold.results.metrics import formats
from scaffold.results.metrics.files import KINDS, Source, sources
from scaffold.results.metrics.formats import Complain, Observation
from scaffold.results.metrics.model import Point, Series, Value
from scaffold.runs.model import Run

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
            own.append(_unreadable(error))
            one = Digest(path, kind.series, {}, {}, {}, [])
        made.append(one._replace(notes=own))
    if without is not None and not any(one.last for one in made):
        raise without
    return made


def server_path(run: Run) -> str:
    """What is told as the source of a value that the research server gave."""
    return f"server:{run.name}/metrics"


def from_server(answer: Mapping[str, Any], run: Run) -> Digest:
    """What the research server's `/runs/{id}/metrics` says of a run."""
    return digest(formats.server(answer), server_path(run), series=True)


def values_at(
    workdir: Path, run: Run, step: float, complain: Complain, answer: Mapping[str, Any] | None = None
) -> dict[str, Value]:
    """The value of each metric exactly at `step`, from the first file that has it; of a step logged twice (a resumed run) the later.

    `answer` is the research server's, for what no file has. Raises ScaffoldError where a file that needs an extra is all there is.
    """
    found: dict[str, Value] = {}

    def take(path: str, observations: Iterable[Observation]) -> None:
        here: dict[str, Value] = {}
        for line, at, _, values in observations:
            if at == step:
                here.update((name, Value(value, path, line, at)) for name, value in values.items())
        found.update((name, value) for name, value in here.items() if name not in found)

    _each_course(workdir, run, take, complain)
    if answer is not None:
        take(server_path(run), formats.server(answer))
    return found


def read(workdir: Path, run: Run, metrics: Collection[str] = (), *, most: int = 2000) -> dict[str, Series]:
    """The course of a run's metrics (of all of them without `metrics`), each of at most `most` points and the last, from its first file.

    A file of any length is read in constant memory: where there are too many points, every second one is let go, again and again.
    Raises ScaffoldError as `values_at`.
    """
    found: dict[str, Series] = {}
    files: list[tuple[str, dict[str, Thinned]]] = []

    def take(path: str, observations: Iterable[Observation]) -> None:
        files.append((path, {}))  # before it is read: of a file that breaks off there is what came before
        _collect(observations, metrics, files[-1][1], most)

    _each_course(workdir, run, take, lambda _: None)
    for path, thinned in files:
        for name, points in thinned.items():
            found.setdefault(name, Series(metric=name, path=path, points=points.all(), stride=points.stride))
    return dict(sorted(found.items()))


def _told_of(path: str, complain: Complain, said: str) -> None:
    complain(f"{path}: {said}")


def _each_course(
    workdir: Path, run: Run, take: Callable[[str, Iterable[Observation]], None], complain: Complain
) -> None:
    """Give `take` what each of a run's files with a course says, the most trusted file first; what cannot be read is told."""
    without: ScaffoldError | None = None
    taken = 0
    for source in sources(workdir / run.outputs, partial(_told_of, run.outputs, complain)):
        kind, path = KINDS[source.kind], source.path.relative_to(workdir).as_posix()
        if not kind.series:
            continue
        try:
            take(path, kind.read(source.path, partial(_told_of, path, complain)))
            taken += 1
        except ScaffoldError as error:
            without = error
            complain(f"{path}: {error.message} ({error.hint})")
        except (OSError, ValueError, RecursionError) as error:
            complain(f"{path}: {_unreadable(error)}")
    if without is not None and not taken:
        raise without


def _unreadable(error: Exception) -> str:
    return f"it cannot be read: {' '.join(str(error).split())}"


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
