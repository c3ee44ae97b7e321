"""Whether a run asks what another has asked: the same code, command and seed, whatever its experiment is called."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from scaffold.runs import recorder

if TYPE_CHECKING:
    from scaffold.runs.model import Run, Scalar


def duplicate_run_key(run: Run) -> tuple[object, ...] | None:
    """What two runs have in common that ask the same; None where that cannot be said: without known code, or without an effective seed.

    A smoke test and a rerun ask nothing.
    """
    if run.code is None or run.effective_seed is None or run.purpose != "run":
        return None
    format_value = recorder.values.format_value
    params = tuple(sorted((name, format_value(value)) for name, value in run.params.items()))
    return run.code, run.form, params, run.effective_seed, (*sorted(run.configs), *run.scripts)


def first_finished_run_by_key(runs: Iterable[Run]) -> dict[tuple[object, ...], Run]:
    """Of what was asked the first run that finished, and counts."""
    answers: dict[tuple[object, ...], Run] = {}
    for run in sorted(runs, key=lambda run: (run.started_at, run.name)):
        question = duplicate_run_key(run) if run.status == "finished" and run.withdrawn is None else None
        if question is not None:
            answers.setdefault(question, run)
    return answers


def planned_duplicate_run_key(
    argv: Sequence[str], *, code: str | None, seed: int | None, params: Mapping[str, Scalar], folder: str
) -> tuple[object, ...] | None:
    """What a command would ask that runs in `folder` below the repository's top; `params` are told beside it.

    None where that cannot be said. Where `code` is None the code is not part of it yet: it takes asking git.
    """
    reading = recorder.configuration.read_command(list(argv), seed=seed)
    effective = reading.seed if seed in (None, reading.seed) else None
    if effective is None:
        return None
    format_value = recorder.values.format_value
    all_params = {**reading.params, **params}
    form = reading.form if folder in (".", "") else f"cd {folder} && {reading.form}"
    return code, form, tuple(sorted((n, format_value(v)) for n, v in all_params.items())), effective, ()
