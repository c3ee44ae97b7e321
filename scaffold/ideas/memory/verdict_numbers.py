"""Numbers that verdicts on ideas and claims say, for texts that quote them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from scaffold.ideas import study_files
from scaffold.results.evidence.quotable_numbers import QuotableNumber

if TYPE_CHECKING:
    from scaffold.ideas.study import IdeaStudy
    from scaffold.workspace import Workspace


def list_verdict_numbers(workspace: Workspace) -> Iterator[QuotableNumber]:
    """The effect of each idea that was judged and its interval, in the metric's own direction, and those of each claim.

    Where there are no studies nothing of them is loaded.
    """
    for study in study_files.read_idea_studies(workspace):
        source = study_files.idea_study_path(workspace, study.name).relative_to(workspace.workdir).as_posix()
        for subject, change, low, high in _effects(study):
            for kind, value in (("difference", change), ("interval", low), ("interval", high)):
                if value is not None:
                    yield QuotableNumber(
                        value=value, kind=kind, metric=study.metric, subject=subject, runs=(), sources=(source,)
                    )


def _effects(study: IdeaStudy) -> Iterator[tuple[str, float | None, float | None, float | None]]:
    from scaffold.ideas.wording import metric_change, metric_change_interval

    for record in study.judged:
        yield (
            f"idea {record.number} of {study.name}",
            metric_change(study, record.effect),
            *metric_change_interval(study, record),
        )
    for number, claim in enumerate(study.claims, 1):
        yield f"claim {number} of {study.name}", claim["change"], claim["low"], claim["high"]
