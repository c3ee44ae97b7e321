"""What is on record of a sweep, for its audits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from scaffold.runs.model import Run
from scaffold.sweeps.launch.ledger import Ledger
from scaffold.sweeps.launch.observer import Place


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepRecords:
    """What is kept of one sweep: where, its ledger, and the attempts that have a manifest, by the run's name (of all sweeps)."""

    name: str
    place: Place
    path: str
    book: Ledger
    runs: Mapping[str, Sequence[Run]]
