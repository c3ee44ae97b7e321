"""What a ledger holds: submissions of runs, and how the user wants the sweep executed; as objects, and as the file has them."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

# a field whose key in the file is older than its name
KEY = "key"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSubmission:
    """One submission of a run to a backend, from the moment that it is asked for. Times are UTC, in seconds.

    `after` is the highest attempt of the run's name that had a manifest by then: later attempts are this one's. `job_id` is what the
    backend calls it, `earlier_job_ids` what it was called before the backend forgot it. `starts` counts how often the backend was told
    to start it. `over_at` is when the backend was first seen to call it over although no manifest did; `reason` is the backend's word
    for why. `withdrawn`: its start token was taken back before anybody took it, so that it will never run. `automatic`: nobody asked for
    it; it follows one whose script never began. `cancelled`: somebody cancelled its job at the backend before it began.
    """

    number: int
    backend: str
    after: int = 0
    job_id: str | None = field(default=None, metadata={KEY: "handle"})
    earlier_job_ids: tuple[str, ...] = field(default=(), metadata={KEY: "earlier"})
    gpus: tuple[str, ...] = ()
    starts: int = 0
    requested_at: str = field(default="", metadata={KEY: "intended_at"})
    started_at: str | None = None
    over_at: str | None = None
    reason: str | None = None
    withdrawn: bool = False
    automatic: bool = False
    cancelled: bool = False

    @property
    def job_ids(self) -> tuple[str, ...]:
        """All that the backend ever called it, the newest last."""
        return self.earlier_job_ids if self.job_id is None else (*self.earlier_job_ids, self.job_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class LaunchOptions:
    """How the user wants the sweep executed, so that whoever goes on with it does the same; `stopped`: start nothing more.

    `code` is where runs take their code from, `current` or `original`; `session` is the research server's; `no_prefix`: do not enter the
    repository's environment by its run prefix; `anyway`: also on a server that works in another directory.
    """

    backend: str | None = None
    max_parallel: int | None = None
    gpus_per_run: int | None = None
    cpus_per_run: int | None = None
    code: str | None = None
    session: str | None = None
    no_prefix: bool = False
    anyway: bool = False
    stopped: bool = False


_KINDS: Mapping[str, tuple[type, str]] = {
    "str": (str, "a text"),
    "int": (int, "a whole number"),
    "bool": (bool, "true or false"),
    "tuple": (list, "a list of texts"),
}


def format_ledger_entry(entry: RunSubmission | LaunchOptions) -> dict[str, Any]:
    """As the file has it: what says nothing beyond its default is left out."""
    values = ((f, getattr(entry, f.name)) for f in dataclasses.fields(entry))
    return {f.metadata.get(KEY, f.name): value for f, value in values if value != f.default}


def require_object(value: Any, where: str) -> dict[str, Any]:
    """`value`, if it is an object. Raises ValueError."""
    if not isinstance(value, dict):
        raise ValueError(f"`{where}` is no object")
    return value


def parse_ledger_entry(kind: Any, value: Any, where: str) -> Any:
    """A RunSubmission or LaunchOptions (`kind`). Raises ValueError that says `where` what is wrong."""
    entry = dict(require_object(value, where))
    values: dict[str, Any] = {}
    for each in dataclasses.fields(kind):
        key = each.metadata.get(KEY, each.name)
        if key not in entry:
            if each.default is dataclasses.MISSING:
                raise ValueError(f"{where} has no `{key}`")
            continue
        value = entry.pop(key)
        annotation, _, optional = str(each.type).partition(" | ")
        accepted, wording = _KINDS[annotation.partition("[")[0]]
        texts = value if isinstance(value, list) else ()
        fits = type(value) is accepted and all(isinstance(text, str) for text in texts)
        if not fits and not (value is None and optional):
            raise ValueError(f"{where}.{key} is not {wording}")
        values[each.name] = tuple(value) if accepted is list else value
    if entry:
        raise ValueError(f"nothing is known of `{sorted(entry)[0]}` in {where}")
    return kind(**values)
