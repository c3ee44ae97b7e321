"""Whether the code that stands gives another value now than some ideas ago: the machine changes, and not the code. It is said, and decides
nothing, since what is kept was confirmed side by side."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean

from scaffold.ideas.loop_state import PastRun
from scaffold.ideas.replay import replay_study_history
from scaffold.ideas.study import IdeaStudy

FEWEST_RUNS, FEWEST_TIMES = 8, 3
# a trend is said from so many standard errors on: it is looked for after every idea
STRONG = 4.0


def describe_incumbent_drift(study: IdeaStudy) -> str:
    """A sentence on the trend of the incumbent's runs; empty where there is none to be seen."""
    record = replay_study_history(study).loop.record
    change = estimate_incumbent_trend(record)
    if change is None:
        return ""
    ideas = max(run.time for run in record) - min(run.time for run in record)
    turn = -1 if study.direction == "maximize" else 1
    return f"the code that stands gives {turn * change:+.3g} {study.metric} over the last {ideas} ideas: the machine changes"


def estimate_incumbent_trend(record: Sequence[PastRun]) -> float | None:
    """By how much the values change over the record, by a straight line; None where that is not clearly more than noise."""
    times = [run.time for run in record]
    if len(record) < FEWEST_RUNS or len(set(times)) < FEWEST_TIMES:
        return None
    middle, mean = fmean(times), fmean(run.value for run in record)
    spread = math.fsum((time - middle) ** 2 for time in times)
    slope = math.fsum((run.time - middle) * (run.value - mean) for run in record) / spread
    rest = math.fsum((run.value - mean - slope * (run.time - middle)) ** 2 for run in record)
    error = math.sqrt(rest / (len(record) - 2) / spread)
    is_strong = abs(slope) > STRONG * error and slope != 0
    return slope * (max(times) - min(times)) if is_strong else None
