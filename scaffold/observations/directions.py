"""Which way metrics are better: what options say, what the workspace says, what their names say."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, cast

from scaffold.errors import WrongUsage
from scaffold.metric_directions import Direction, guess_direction
from scaffold.observations.spelling import normalize_name

if TYPE_CHECKING:
    from scaffold.workspace import Workspace


class MetricDirections:
    """Which way metrics are better: as `minimize` and `maximize` say, as the workspace says of its primary metric, else by their names.

    Raises WrongUsage where one metric is named in both.
    """

    def __init__(self, workspace: Workspace, minimize: Sequence[str] = (), maximize: Sequence[str] = ()) -> None:
        self.primary = str(workspace.answers.get("primary_metric") or "") or None
        self.minimize, self.maximize = minimize, maximize
        self._by_name: dict[str, Direction] = {}
        answer = workspace.answers.get("metric_direction")
        if self.primary and answer in ("minimize", "maximize"):
            self._by_name[normalize_name(self.primary)] = cast(Direction, answer)
        lower, higher = ({normalize_name(name): name for name in names} for names in (minimize, maximize))
        for both in sorted(lower.keys() & higher.keys()):
            raise WrongUsage(f"--minimize {lower[both]} and --maximize {higher[both]} cannot both be", hint="give one")
        self._by_name.update(dict.fromkeys(lower, "minimize"))
        self._by_name.update(dict.fromkeys(higher, "maximize"))

    def find_primary(self, metrics: Iterable[str]) -> str | None:
        """The workspace's primary metric as these runs spell it; None where it names none, or none of them is it."""
        if self.primary is None:
            return None
        spelling = normalize_name(self.primary)
        same = sorted(name for name in metrics if normalize_name(name) == spelling)
        return self.primary if self.primary in same else next(iter(same), None)

    def direction(self, metric: str) -> Direction | None:
        """`minimize` or `maximize`; None where nothing says."""
        return self._by_name.get(normalize_name(metric)) or guess_direction(metric)
