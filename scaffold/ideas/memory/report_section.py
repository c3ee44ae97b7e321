"""Studies of ideas as the report has them: the course as a figure, every idea with its effect and its patch."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

from scaffold.errors import ScaffoldError
from scaffold.ideas import context, study_files
from scaffold.ideas.memory.progress import StudyProgressPoint, study_progress_points
from scaffold.ideas.study import IdeaRecord, IdeaStudy
from scaffold.ideas.tree import patches
from scaffold.ideas.wording import describe_idea_effect
from scaffold.results.plots.figures import Axis, CurveLine, LineChart, MeanPoint
from scaffold.results.report.model import ReportIdea, ReportIdeas
from scaffold.workspace import Workspace

MOST_IDEAS, MOST_LETTERS = 300, 4000


def build_idea_study_reports(workspace: Workspace) -> tuple[ReportIdeas, ...]:
    """The studies of a workspace, the newest first."""
    place = None
    with contextlib.suppress(ScaffoldError):  # without git there are no patches to show
        place = context.open_idea_context(workspace)
    studies = [study for study in study_files.read_idea_studies(workspace) if study.is_started]
    return tuple(_report_study(place, study) for study in reversed(studies))


def _report_study(place: context.IdeaContext | None, study: IdeaStudy) -> ReportIdeas:
    counted = len(study.judged)
    question = f"{study.direction} {study.metric} of {' '.join(study.command)}: {counted} ideas judged"
    claims = [
        f"{study.metric} {claim['change']:+.4g} [{claim['low']:+.4g}, {claim['high']:+.4g}] from the baseline to idea {claim['idea']}, "
        f"claim {number} of {len(study.claims)}, {claim['at']}"
        for number, claim in enumerate(study.claims, 1)
    ]
    ideas = tuple(_report_idea(place, study, record) for record in reversed(study.ideas[-MOST_IDEAS:]))
    figures = _course(study, study_progress_points(study))
    return ReportIdeas(name=study.name, question=question, claims=tuple(claims), ideas=ideas, figures=figures)


def _report_idea(place: context.IdeaContext | None, study: IdeaStudy, record: IdeaRecord) -> ReportIdea:
    patch = ""
    if place is not None and record.number and record.commit:
        with contextlib.suppress(ScaffoldError):  # its commit is in another clone
            patch = patches.idea_patch(place.top, place.uncounted, study.ideas[record.base].commit, record.commit)
    return ReportIdea(
        number=record.number,
        stands=record.number == study.incumbent,
        status=record.status,
        effect=describe_idea_effect(study, record),
        text=record.text,
        because=record.because or "",
        patch=patch[:MOST_LETTERS],
    )


def _course(study: IdeaStudy, points: Sequence[StudyProgressPoint]) -> tuple[LineChart, ...]:
    """The running best as it was confirmed, and each idea by what became of it."""
    if len(points) < 2:
        return ()
    best = tuple(MeanPoint(x=p.idea, mean=p.best, low=None, high=None, n=1) for p in points)
    lines = [CurveLine(label="running best", means=best)]
    for status in ("kept", "dropped", "open"):
        decided = [p for p in points[1:] if p.status == status and p.value is not None]
        means = tuple(MeanPoint(x=p.idea, mean=p.value or 0.0, low=p.low, high=p.high, n=p.idea) for p in decided)
        lines += [CurveLine(label=status, means=means)] if means else []
    chart = LineChart(
        name=f"ideas-{study.name}",
        title=f"{study.metric}, idea by idea",
        caption="as confirmed against the code that stood then; ideas that failed have no value",
        x=Axis(label="idea"),
        y=Axis(label=study.metric),
        lines=tuple(lines),
        dots=True,
    )
    return (chart,)
