"""What happened in a study -> the state of the rule: a replay, so that the same history always gives the same next step.

A step is written down when it is asked for, and its results when they are there: whoever is killed in between goes on with that step, and
whoever judges another idea at the same time uses other seeds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from scaffold.ideas import rule
from scaffold.ideas.loop_state import IdeaRuns, JudgingStep, LoopState
from scaffold.ideas.study import IdeaStudy

Values = Sequence[tuple[int, "float | None"]]


@dataclass(frozen=True, slots=True)
class LoopReplay:
    """The loop, the ideas that are being judged by number, and of each the step whose results are not there yet."""

    loop: LoopState
    ideas: Mapping[int, IdeaRuns]
    pending: Mapping[int, JudgingStep]

    def next_step(self, study: IdeaStudy, number: int, *, batch: int) -> JudgingStep:
        """What to do with an idea now: the step that was asked for and has no results, else the rule's."""
        if number in self.pending:
            return self.pending[number]
        idea = self.ideas[number]
        # a confirmation that is under way elsewhere has taken its number already
        elsewhere = sum(other.level > 0 for n, other in self.ideas.items() if n != number)
        loop = self.loop if idea.level else replace(self.loop, confirmations=self.loop.confirmations + elsewhere)
        options = study.options(simpler=study.ideas[number].simpler, batch=batch)
        return rule.choose_next_step(loop, idea, options)


def replay_study_history(study: IdeaStudy) -> LoopReplay:
    """The state after all that happened. Raises ValueError for a history that no study has."""
    first = study.history[0]
    loop = rule.start_loop([(seed, value) for seed, value in first["runs"]], largest_seed=first["largest_seed"])
    ideas: dict[int, IdeaRuns] = {}
    pending: dict[int, JudgingStep] = {}
    for event in study.history[1:]:
        number = event.get("idea", -1)
        match event["event"]:
            case "began":
                ideas[number] = IdeaRuns(skip_screening=event["confirm"])
                pending.pop(number, None)
            case "asked":
                pending[number] = step = _parse_step(event)
                loop, ideas[number] = rule.record_step_runs(loop, ideas[number], step)
            case "ran":
                step = pending.pop(number)
                loop, ideas[number] = rule.record_step_runs(
                    loop, ideas[number], step, _pairs(event["incumbent"]), _usable(loop, step, event["candidate"])
                )
            case "closed":
                pending.pop(number, None)
                options = study.options(simpler=study.ideas[number].simpler)
                loop = rule.close_idea(loop, ideas.pop(number, IdeaRuns()), event["outcome"], options)
            case "seeds":
                loop = replace(loop, last_seed=max(loop.last_seed, event["last"]))
            case other:
                raise ValueError(f"the history of {study.name} has an event {other!r}")
    return LoopReplay(loop, ideas, pending)


def is_step_pending(study: IdeaStudy, number: int, step: JudgingStep) -> bool:
    """Whether a step of an idea still waits for its results."""
    pending = replay_study_history(study).pending.get(number)
    return pending is not None and (pending.incumbent, pending.candidate) == (step.incumbent, step.candidate)


def make_step_requested_event(number: int, step: JudgingStep) -> dict[str, Any]:
    """That a step was asked for."""
    seeds = {"incumbent": list(step.incumbent), "candidate": list(step.candidate)}
    return {"event": "asked", "idea": number, **seeds, "level": step.level, "why": step.why}


def make_ran_event(number: int, incumbent: Values, candidate: Values) -> dict[str, Any]:
    """What the runs of a step gave, turned so that lower is better; None: nothing."""
    return {
        "event": "ran",
        "idea": number,
        "incumbent": [list(v) for v in incumbent],
        "candidate": [list(v) for v in candidate],
    }


def _parse_step(event: Mapping[str, Any]) -> JudgingStep:
    return JudgingStep(
        kind="run",
        incumbent=tuple(event["incumbent"]),
        candidate=tuple(event["candidate"]),
        level=event["level"],
        why=event["why"],
    )


def _pairs(values: Sequence[Sequence[Any]]) -> list[tuple[int, float | None]]:
    return [(seed, value) for seed, value in values]


def _usable(loop: LoopState, step: JudgingStep, values: Sequence[Sequence[Any]]) -> list[tuple[int, float | None]]:
    """Results of screening stand beside the incumbent's on the same seed; one that has left the record meanwhile has no partner."""
    recorded = {run.seed for run in loop.record} | set(step.incumbent)
    return [
        (seed, value) for seed, value in _pairs(values) if step.level is not None or value is None or seed in recorded
    ]
