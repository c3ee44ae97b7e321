"""The metric that decides, as the main script decides by it, and where it decides by none, one of held-out data without a rival.

Else none, and the candidates: an empty field costs one question, a wrong one a night.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

from scaffold.conventions.detected import Occurrence
from scaffold.conventions.metrics import find_table_metrics, is_bookkeeping_name, logged_names
from scaffold.conventions.model_selection import MetricDecisionInCode, find_metric_decisions_in_code
from scaffold.conventions.printed_metrics import PrintedMetric, is_quality_name, logged_expressions
from scaffold.facts import Facts
from scaffold.facts.paths import parse_word_set
from scaffold.facts.python_source import literal_text
from scaffold.metric_directions import Direction, guess_direction, split_metric_name

_SYNONYMS = {
    **dict.fromkeys(("valid", "validation", "vali", "dev", "eval", "evaluation"), "val"),
    **dict.fromkeys(("accuracy", "acc1", "top1", "prec1", "accuracies"), "acc"),
    **{"losses": "loss", "err": "error", "perplexity": "ppl", "testing": "test", "training": "train"},
    **{"returns": "return", "rewards": "reward", "scores": "score"},
}
_SAYS_NOTHING = parse_word_set(
    "best so far avg average mean epoch current cur curr new last final total item cpu numpy float self state stats metrics metric "
    "results result logs log meter value values dict running history ema the at of prev previous old this is to perf charts rollout "
    "diagnostics global step min max minimum maximum lowest highest"
)
MOST_CANDIDATES = 8
_AT = re.compile(r"@(\d)")
_TOP5 = frozenset(("top5", "acc5", "prec5"))
_HELD_OUT = frozenset(("val", "test", "heldout", "holdout"))


class MetricCandidate(NamedTuple):
    """A metric that is logged or printed: its name, the expression that is its value (empty: not known), how far from the main script."""

    name: str
    expression: str
    path: str
    line: int | None
    distance: int
    is_printed: bool = False

    @property
    def place(self) -> str:
        """Where, as `path:line`."""
        return self.path if self.line is None else f"{self.path}:{self.line}"


class PrimaryMetric(NamedTuple):
    """The metric that decides (None: open), which way it is better, the place that says so, and the candidates."""

    name: str | None
    direction: Direction | None
    evidence: Occurrence | None
    candidates: tuple[MetricCandidate, ...]


def find_primary_metric(facts: Facts, scope: dict[str, int], printed: Sequence[PrintedMetric]) -> PrimaryMetric:
    """What decides in the files of `scope` (the main script is 0 away): the first of the strongest decisions that means one metric."""
    candidates = _candidates(facts, scope, printed)
    for _, decisions in groupby(find_metric_decisions_in_code(facts, scope), key=lambda d: (d.strength, d.distance)):
        names = {decision: name for decision in decisions if (name := resolve_decisive_metric(decision, candidates))}
        if len({_words(name) for name in names.values()}) > 1:
            return PrimaryMetric(None, None, None, candidates)
        for decision, name in names.items():
            ways = {d.direction for d in names if d.direction}
            direction = next(iter(ways)) if len(ways) == 1 else None if ways else guess_direction(name)
            return PrimaryMetric(
                name, direction, Occurrence(name, decision.path, decision.line, decision.text), candidates
            )
    # what nothing decides by is the result only of what is run
    has_main = 0 in scope.values()
    return _without_rival(facts, candidates) if has_main else PrimaryMetric(None, None, None, candidates)


def _candidates(facts: Facts, scope: dict[str, int], printed: Sequence[PrintedMetric]) -> tuple[MetricCandidate, ...]:
    candidates = [MetricCandidate(m.name, m.expression, m.path, m.line, scope.get(m.path, 9), True) for m in printed]
    for path, distance in scope.items():
        expressions = {name: value for call in facts.parse(path).prints for name, value in logged_expressions(call)}
        candidates += [
            MetricCandidate(hit.value, expressions.get(hit.value, ""), path, hit.line, distance)
            for hit in logged_names(facts, [path])
            # how much of the returns a critic explains says nothing of how high they are
            if is_quality_name(hit.value)
            and not is_bookkeeping_name(hit.value)
            and "explained" not in hit.value.lower()
        ]
    mentioned = {_spelling(text) for path, away in scope.items() if not away for text in _texts_of_calls(facts, path)}
    # what the main script names itself is its own, wherever it is logged
    candidates = [c._replace(distance=0) if _spelling(c.name) in mentioned else c for c in candidates]
    return tuple(sorted(candidates, key=lambda c: c.distance))


def _texts_of_calls(facts: Facts, path: str) -> Iterator[str]:
    return (text for call in facts.parse(path).calls for value in call.args if (text := literal_text(value)))


def resolve_decisive_metric(decision: MetricDecisionInCode, candidates: Sequence[MetricCandidate]) -> str | None:
    """The metric that is decided by, as it is logged or printed; None where none of them, or several, can be meant."""
    if decision.name is not None:
        same = [c.name for c in candidates if _spelling(c.name) == _spelling(decision.name)]
        return same[0] if same else decision.name
    matching = [c for c in candidates if c.expression and c.expression == decision.value]
    words = _words(decision.value) | _words(decision.best)
    if not matching and is_quality_name(" ".join(words)):
        matching = [c for c in candidates if _words(c.name) == words]
        if not matching and not words & _HELD_OUT:  # `acc > best_acc`: held out, and the only one of its kind
            held_out = [c for c in candidates if _words(c.name) - _HELD_OUT == words]
            matching = [c for c in held_out if "val" in _words(c.name)] or held_out
    nearest = [c for c in matching if c.distance == min(other.distance for other in matching)]
    names = {_words(c.name): c.name for c in reversed(nearest)}
    # one value that is shown under two names, of which one says more: `validation Dice`, `Validation Dice score`
    plainest = min(names, key=len, default=frozenset())
    is_one = len(names) == 1 or (names and plainest and all(plainest < words for words in names if words != plainest))
    return _as_logged(names[plainest], candidates) if is_one and (len(names) == 1 or _share_value(nearest)) else None


def _share_value(candidates: Sequence[MetricCandidate]) -> bool:
    return len({(candidate.expression, candidate.path) for candidate in candidates}) == 1


def _as_logged(name: str, candidates: Sequence[MetricCandidate]) -> str:
    """A printed name as the code logs it (`val/loss` for `val_loss`), where it does."""
    logged = (c.name for c in candidates if not c.is_printed and _spelling(c.name) == _spelling(name))
    return next(logged, name)


def _without_rival(facts: Facts, candidates: tuple[MetricCandidate, ...]) -> PrimaryMetric:
    """A metric of held-out data that is the only one, the nearest to the main script; validation before test."""
    with_direction = [c for c in candidates if guess_direction(c.name) is not None]
    for distance in sorted({c.distance for c in with_direction}):
        near = [c for c in with_direction if c.distance <= distance and distance < 3]
        for split in ("val", "test", None):
            # what is said of no data counts in the main script only
            group = [c for c in near if _is_of_split(_words(c.name), split) and (split or c.distance == 0)]
            only = _only_one(facts, group, is_held_out=split is not None)
            if only is not None:
                text = f"no other metric of {'held-out data' if split else 'its kind'} is logged or printed"
                occurrence = Occurrence(only.name, only.path, only.line, text)
                name = _as_logged(only.name, candidates)
                return PrimaryMetric(name, guess_direction(name), occurrence, candidates)
            if group:
                return PrimaryMetric(None, None, None, candidates)
    return PrimaryMetric(None, None, None, candidates)


def _is_of_split(words: frozenset[str], split: str | None) -> bool:
    return split in words if split else not words & (_HELD_OUT | {"train"})


def _only_one(facts: Facts, group: Iterable[MetricCandidate], *, is_held_out: bool) -> MetricCandidate | None:
    names: dict[frozenset[str], MetricCandidate] = {}
    for candidate in group:
        words = _words(candidate.name)
        # a perplexity is its loss in other units
        names.setdefault(words - {"ppl"} | {"loss"} if "ppl" in words else words, candidate)
    if len(names) > 1:  # where the first of five answers may be right, too, that is shown beside
        names = {words: c for words, c in names.items() if not (words & _TOP5 and words - _TOP5 | {"acc"} in names)}
    if len(names) > 1:  # a table of results of the README may say which
        return _tabled(facts, list(names.values())) if is_held_out else None
    only = next(iter(names.values()), None)
    if only is None or (not is_held_out and _words(only.name) <= {"loss", "train", "nll", "mse"}):
        return None  # the loss of the training alone is no result
    return only


def _tabled(facts: Facts, candidates: Sequence[MetricCandidate]) -> MetricCandidate | None:
    """The only one of the candidates that a table of the README has a column for: by all words of its header, else by one of them."""
    cells = [cell.value for cell in find_table_metrics(facts)]
    by_cell = [
        [c for c in candidates if (words := _plain_words(cell)) and words <= _plain_words(c.name)] for cell in cells
    ]
    full = {c.name: c for matching in by_cell if len(matching) == 1 for c in matching}
    if len(full) == 1:
        return next(iter(full.values()))
    tabled = {word for cell in cells for word in _words(cell)}
    partly = [c for c in candidates if (_words(c.name) - _HELD_OUT) & tabled]
    return partly[0] if len(partly) == 1 else None


def _plain_words(text: str) -> frozenset[str]:
    """The words of a text as signs part them, `ImageNet` as one, without those that say which data was held out."""
    words = re.findall(r"[a-z]+\d*|\d+", text.lower().replace("zero-shot", "zeroshot"))
    return frozenset(_SYNONYMS.get(word, word) for word in words) - _HELD_OUT


def describe_metric_candidates(candidates: Iterable[MetricCandidate]) -> tuple[str, ...]:
    """The first candidates, each with its place, one for all that are spelled alike."""
    by_spelling = {_spelling(candidate.name): candidate for candidate in reversed(list(candidates))}
    return tuple(f"{c.name} ({c.place})" for c in reversed(by_spelling.values()))[:MOST_CANDIDATES]


def _words(text: str) -> frozenset[str]:
    """What a name or an expression says, in one spelling for all that mean the same."""
    words = (_SYNONYMS.get(word, word) for word in split_metric_name(_AT.sub(r"\1", text)))
    return frozenset(word for word in words if word not in _SAYS_NOTHING and not word.isdigit())


def _spelling(name: str) -> str:
    return re.sub(r"[\s/._:-]+", "/", name).lower()
