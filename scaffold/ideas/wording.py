"""Ideas and verdicts in words and as JSON."""

from __future__ import annotations

from collections import Counter
from typing import Any

from scaffold.ideas import metric_drift, trial_runs
from scaffold.ideas.study import BASELINE, IdeaRecord, IdeaStudy


def metric_change(study: IdeaStudy, effect: float | None) -> float | None:
    """An effect as the change of the metric: idea minus code that stood."""
    return None if effect is None else -effect if study.direction == "minimize" else effect


def metric_change_interval(study: IdeaStudy, record: IdeaRecord) -> tuple[float | None, float | None]:
    """The interval of the metric's change, the lower end first."""
    low, high = metric_change(study, record.low), metric_change(study, record.high)
    return (high, low) if study.direction == "minimize" else (low, high)


def describe_idea_effect(study: IdeaStudy, record: IdeaRecord) -> str:
    """`-0.0041 [-0.0060, -0.0022] val_bpb, 8 pairs`; empty where nothing is known."""
    change = metric_change(study, record.effect)
    if change is None:
        return ""
    low, high = metric_change_interval(study, record)
    interval = f" [{low:+.4g}, {high:+.4g}]" if low is not None and high is not None and low != high else ""
    pairs = f", {record.pairs} pairs" if record.pairs else ""
    return f"{change:+.4g}{interval} {study.metric}{pairs}"


def describe_verdict(study: IdeaStudy, record: IdeaRecord) -> str:
    """`kept, -0.0041 [-0.0060, -0.0022] val_bpb, 8 pairs`."""
    return ", ".join(filter(None, [record.status, describe_idea_effect(study, record)]))


def describe_run_location(study: IdeaStudy, record: IdeaRecord) -> str:
    """Where the runs of an idea are: its sweep, and how many there were."""
    names = [trial_runs.idea_sweep_name(study, each) for each in (record, study.ideas[record.base])]
    return f"{record.runs} of the sweeps {names[0]} and {names[1]}"


def idea_json(study: IdeaStudy, record: IdeaRecord) -> dict[str, Any]:
    """An idea for JSON. `change` and its interval are of the metric itself: idea minus the code that stood."""
    low, high = metric_change_interval(study, record)
    return {
        "idea": record.number,
        "text": record.text,
        "because": record.because,
        "task": record.task,
        "status": record.status,
        "why": record.why,
        "change": metric_change(study, record.effect),
        "low": low,
        "high": high,
        "estimate": metric_change(study, record.estimate),
        "pairs": record.pairs,
        "runs": record.runs,
        "by_hand": record.by_hand,
        "base": record.base,
        "of": record.of,
        "commit": record.commit,
        "state": record.state,
        "paths": list(record.paths),
        "left": list(record.left),
        "notes": list(record.notes),
        "tree": record.application,
        "result_commit": record.result_commit,
        "sweep": trial_runs.idea_sweep_name(study, record),
        "started_at": record.started_at,
        "ended_at": record.ended_at,
    }


def suggest_study_action(study: IdeaStudy) -> str:
    """One line of what to do next, from the state alone, after what is seen of the machine."""
    seen = metric_drift.describe_incumbent_drift(study)
    return f"{seen}; {_advise(study)}" if seen else _advise(study)


def _advise(study: IdeaStudy) -> str:
    closed = study.judged
    counts = Counter(record.status for record in closed)
    still_open = [record for record in closed if record.status == "open" and record.number > study.incumbent]
    last = closed[-10:]
    if closed and (failed := closed[-1]).status == "failed":
        return f"scaffold ideas restore {failed.number} brings the change back; mend it, and try again"
    if still_open and counts["kept"] == 0 and len(closed) >= 5:
        return f"idea {still_open[-1].number} stayed open: scaffold ideas again {still_open[-1].number} settles it on new seeds"
    if len(last) == 10 and not any(record.status == "kept" for record in last):
        return "none of the last 10 ideas was kept: try larger changes, or another part of the code"
    if counts["kept"]:
        ideas = f"{counts['kept']} of {len(closed)} ideas " + ("was kept" if counts["kept"] == 1 else "were kept")
        return f"{ideas}; what is gained in all: scaffold ideas claim"
    return "the next idea: edit, then scaffold try '...'"


def list_ideas_in_incumbent(study: IdeaStudy) -> list[IdeaRecord]:
    """The ideas that the code that stands is made of, the baseline first."""
    chain = [study.standing]
    while chain[-1].number != BASELINE:
        chain.append(study.ideas[chain[-1].base])
    return chain[::-1]


def describe_missing_kept_ideas(study: IdeaStudy, record: IdeaRecord) -> str:
    """The ideas of the code that stands which an idea's code lacks: `idea 2`, `ideas 2, 5`; empty where it lacks none."""
    chain = [each.number for each in list_ideas_in_incumbent(study)]
    if record.number in chain:
        return ""
    lacking = chain[chain.index(record.base) + 1 :] if record.base in chain else chain[1:]
    return f"idea{'s' if len(lacking) > 1 else ''} {', '.join(map(str, lacking))}" if lacking else ""


def split_running_and_decided(study: IdeaStudy, most: int = 5) -> tuple[list[IdeaRecord], list[IdeaRecord]]:
    """The ideas that are being judged, and the last that were decided, in the order of their verdicts."""
    running = [record for record in study.ideas[1:] if not record.is_closed]
    closed = sorted(
        (record for record in study.ideas[1:] if record.is_closed), key=lambda r: (r.ended_at or "", r.number)
    )
    return running, closed[-most:]
