"""A study of ideas, as types and as its JSON: the question, every idea with its verdict, and what happened, in order."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Literal

from scaffold.errors import ScaffoldError
from scaffold.ideas.loop_state import JudgingOptions
from scaffold.metric_directions import Direction

VERSION = 1
Status = Literal["running", "kept", "dropped", "open", "failed"]
# what became of the working tree: nothing was to be done, it is still to be done, it is done, or a person has to do it
Application = Literal["none", "pending", "done", "by hand"]
BASELINE = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class IdeaRecord:
    """One idea; number 0 is the code that the study started with. The names of the fields are keys of the study's file.

    `commit` keeps its code, `state` is the code state, `base` the number of the incumbent that it was made on, `of` the idea that it is a
    new confirmation of, `origin` the file that an idea of elsewhere was read from. `lines` and `constants` are what near-same changes are
    known by. Effects are incumbent minus idea, turned so that they are better where they are larger. `by_hand` is a person's reason for a
    decision without the rule.
    """

    number: int
    text: str
    commit: str
    state: str
    base: int = BASELINE
    because: str | None = None
    task: str | None = None
    of: int | None = None
    origin: str | None = None
    paths: tuple[str, ...] = ()
    lines: tuple[str, ...] = ()
    constants: tuple[str, ...] = ()
    left: tuple[str, ...] = ()
    simpler: bool = False
    status: Status = "running"
    why: str = ""
    effect: float | None = None
    low: float | None = None
    high: float | None = None
    estimate: float | None = None
    level: float | None = None
    pairs: int = 0
    runs: int = 0
    by_hand: str | None = None
    application: Application = "none"
    tree: str | None = None
    result_commit: str | None = None
    notes: tuple[str, ...] = ()
    started_at: str = ""
    ended_at: str | None = None

    @property
    def is_closed(self) -> bool:
        """Whether it has a verdict."""
        return self.status != "running"


IDEA_FIELDS = tuple(field.name for field in fields(IdeaRecord))


@dataclass(frozen=True, slots=True, kw_only=True)
class IdeaStudy:
    """One question about a command and a metric. The names of the fields are keys of its file.

    `revision` grows with every change, so that of two copies the newer is known. `seed_option` is how the command takes its seed, None
    where it takes none. `one_seed` is the place of a seed constant that all runs share, where no two runs differ because of it. `earlier`
    is how often the same question was started before. `untracked` are files that no idea brings along. `history` is what happened, in
    order: the state of the rule is a replay of it.
    """

    name: str
    revision: int = 0
    metric: str
    direction: Direction
    command: tuple[str, ...]
    seed_option: str | None = None
    max_pairs: int = 24
    least: float = 0.0
    margin: float = 0.0
    only: tuple[str, ...] = ()
    never: tuple[str, ...] = ()
    checks: tuple[str, ...] = ()
    apply: bool = False
    backend: str | None = None
    no_prefix: bool = False
    started_at: str = ""
    earlier: int = 0
    one_seed: str | None = None
    untracked: tuple[str, ...] = ()
    incumbent: int = BASELINE
    ideas: tuple[IdeaRecord, ...] = ()
    history: tuple[Mapping[str, Any], ...] = ()
    claims: tuple[Mapping[str, Any], ...] = ()

    @property
    def is_started(self) -> bool:
        """Whether the baseline has run, so that ideas can be judged."""
        return "runs" in self.history[0]

    @property
    def standing(self) -> IdeaRecord:
        """The idea whose code stands."""
        return self.ideas[self.incumbent]

    @property
    def judged(self) -> list[IdeaRecord]:
        """The ideas that have a verdict, those of elsewhere left out."""
        return [record for record in self.ideas[1:] if record.is_closed and record.origin is None]

    def idea(self, number: int) -> IdeaRecord:
        """An idea by its number. Raises ScaffoldError where there is none."""
        if not 0 <= number < len(self.ideas):
            last = len(self.ideas) - 1
            raise ScaffoldError(
                f"the study {self.name} has no idea {number}", hint=f"its last is {last}: scaffold ideas list"
            )
        return self.ideas[number]

    def idea_with_code(self, number: int) -> IdeaRecord:
        """An idea whose code can be had again. Raises ScaffoldError where there is none, or it was imported without its code."""
        record = self.idea(number)
        if not record.commit:
            raise ScaffoldError(
                f"the code of idea {number} is not here: {record.notes[0]}", hint="fetch its commit, then import it"
            )
        return record

    def with_idea(self, record: IdeaRecord) -> IdeaStudy:
        """With an idea added, or changed."""
        ideas = (*self.ideas[: record.number], record, *self.ideas[record.number + 1 :])
        return replace(self, ideas=ideas)

    def with_event(self, event: Mapping[str, Any]) -> IdeaStudy:
        """With one more thing that happened."""
        return replace(self, history=(*self.history, event))

    def options(self, *, simpler: bool = False, batch: int = 1) -> JudgingOptions:
        """How the rule judges here."""
        return JudgingOptions(
            seeds=self.seed_option is not None,
            margin=self.margin if simpler else 0.0,
            min_effect=self.least,
            max_pairs=self.max_pairs,
            batch=batch,
        )

    def turned(self, value: float) -> float:
        """A value of the metric as the rule has it: lower is better."""
        return -value if self.direction == "maximize" else value


STUDY_FIELDS = tuple(field.name for field in fields(IdeaStudy))


def format_idea_study_file(study: IdeaStudy) -> bytes:
    """A study's file: a line for each field, and for each entry of its long lists, so that a difference shows what happened."""
    lines = [f' "version": {VERSION}']
    for name in STUDY_FIELDS:
        value = getattr(study, name)
        # not `asdict`, which copies every value of a thousand ideas
        entries = map(_idea_values, value) if name == "ideas" else value
        is_list = name in ("ideas", "history", "claims")
        text = _format_list(entries) if is_list else json.dumps(value, ensure_ascii=False)
        lines.append(f" {json.dumps(name)}: {text}")
    return ("{\n" + ",\n".join(lines) + "\n}\n").encode("utf-8", "surrogateescape")


def _idea_values(record: IdeaRecord) -> dict[str, Any]:
    return {name: getattr(record, name) for name in IDEA_FIELDS}


def _format_list(entries: Iterable[Any]) -> str:
    lines = [f"  {json.dumps(entry, ensure_ascii=False)}" for entry in entries]
    return "[\n" + ",\n".join(lines) + "\n ]" if lines else "[]"


def parse_idea_study(content: Any) -> IdeaStudy:
    """A study, from the object that its file holds. Raises ValueError with the reason where it is none."""
    if not isinstance(content, dict) or content.get("version") != VERSION:
        raise ValueError(f"it is no study of version {VERSION}")
    try:
        values = {name: content[name] for name in STUDY_FIELDS if name in content}
        ideas = tuple(_parse_idea(each) for each in values.pop("ideas"))
        study = IdeaStudy(ideas=ideas, **{key: _frozen(value) for key, value in values.items()})
        if [idea.number for idea in ideas] != list(range(len(ideas))) or not 0 <= study.incumbent < len(ideas):
            raise ValueError("its ideas are not numbered from 0 on")
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"it is no study: {error}") from error
    return study


def _parse_idea(content: Mapping[str, Any]) -> IdeaRecord:
    return IdeaRecord(**{key: _frozen(value) for key, value in content.items() if key in IDEA_FIELDS})


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
