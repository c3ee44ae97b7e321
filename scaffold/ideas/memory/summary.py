"""A study in at most 40 lines, for who works on: what stands, what is open, what was tried last, which changes paid."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator

from scaffold.ideas.memory.progress import study_progress_points
from scaffold.ideas.study import IdeaRecord, IdeaStudy
from scaffold.ideas.wording import describe_idea_effect, describe_verdict, list_ideas_in_incumbent, suggest_study_action
from scaffold.plan.document.markdown_inline import escape_for_message

MOST_LAST, MOST_OPEN, MOST_FAMILIES, MOST_CHAIN, MOST_RUNNING = 12, 5, 6, 6, 3


def study_brief_lines(study: IdeaStudy) -> list[str]:
    """The lines of the brief."""
    return list(_lines(study))


def _lines(study: IdeaStudy) -> Iterator[str]:
    closed = study.judged
    counts = Counter(record.status for record in closed)
    totals = ", ".join(f"{count} {status}" for status, count in sorted(counts.items())) or "none yet"
    yield f"Study `{study.name}`: {study.direction} {_text(study.metric)} of `{_text(' '.join(study.command))}`; ideas: {totals}."
    yield "One change an idea, and say why. `scaffold try '...'` judges it; never tune to a seed; quote `scaffold ideas claim` only."
    chain = list_ideas_in_incumbent(study)
    for record in chain[-MOST_CHAIN:]:
        effect = describe_idea_effect(study, record)
        yield f"- stands: idea {record.number}: {_text(record.text)}" + (f" ({effect})" if effect else "")
    points = study_progress_points(study)
    if points:
        yield f"- running best: {points[-1].best:.6g} {_text(study.metric)}, as confirmed"
    for record in [record for record in study.ideas[1:] if not record.is_closed][-MOST_RUNNING:]:
        yield f"- is judged now: idea {record.number}: {_text(record.text)}"
    still_open = [record for record in closed if record.status == "open"]
    for record in still_open[-MOST_OPEN:]:
        yield f"- open: idea {record.number}: {_text(record.text)}: {_text(record.why)} (`scaffold ideas again {record.number}`)"
    for record in reversed(closed[-MOST_LAST:]):
        because = f", because {_text(record.because)}" if record.because else ""
        yield f"- idea {record.number}, {describe_verdict(study, record)}: {_text(record.text)}{because}"
    for family, tried, successes in count_change_families(closed)[:MOST_FAMILIES]:
        yield f"- changes of {_text(family)}: {successes} of {tried} kept"
    yield f"Next: {suggest_study_action(study)}"


def count_change_families(records: Iterable[IdeaRecord]) -> list[tuple[str, int, int]]:
    """Kinds of changes by the files that they touch, constants alone apart: name, how many were tried and kept; the most tried first."""
    tried: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for record in records:
        files = ", ".join(record.paths[:2]) + (", ..." if len(record.paths) > 2 else "")
        counts = tried[f"constants of {files}" if record.constants else files]
        counts[0] += 1
        counts[1] += record.status == "kept"
    return sorted(
        ((name, count, successes) for name, (count, successes) in tried.items()), key=lambda row: (-row[1], row[0])
    )


def _text(text: str | None) -> str:
    return escape_for_message(text or "", 160)
