"""What somebody expects of a comparison -> whether it is shown: better, worse, equal within a margin, or not worse by more than it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

from scaffold.results.stats import margins
from scaffold.results.stats.distributions import ALPHA
from scaffold.results.tables.text_format import format_number, format_p

if TYPE_CHECKING:
    from scaffold.metric_directions import Direction
    from scaffold.results.stats.corrections import HolmCorrection
    from scaffold.results.stats.hypothesis_tests import TTest

ExpectedWord = Literal["better", "worse", "equal", "not-worse"]
# of these nothing is shown without saying how much is too much
NEED_MARGIN: tuple[ExpectedWord, ...] = ("equal", "not-worse")


class ComparisonExpectation(NamedTuple):
    """A word, and a margin in the metric's unit: how much more is asked for (better, worse), or how much is as good as nothing."""

    word: ExpectedWord
    margin: float = 0.0

    @property
    def needs_direction(self) -> bool:
        """Whether it can be judged only where it is known which way the metric is better."""
        return self.word != "equal"

    def p_value(self, test: TTest, direction: Direction | None) -> float | None:
        """The p-value of the hypothesis that it does not hold; None without a spread, or an unknown direction."""
        if self.word == "equal":
            return margins.equivalence_p(test, self.margin)
        if direction is None:
            return None
        sign = 1.0 if direction == "maximize" else -1.0
        if self.word == "not-worse":
            return margins.noninferiority_p(test, self.margin, sign)
        return margins.superiority_p(test, self.margin, sign if self.word == "better" else -sign)

    def __str__(self) -> str:
        by = format_number(self.margin)
        beyond = f" by more than {by}" if self.margin else ""
        return {
            "better": f"better{beyond}",
            "worse": f"worse{beyond}",
            "equal": f"equal within {by}",
            "not-worse": f"not worse by more than {by}",
        }[self.word]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectationResult:
    """Whether an expectation is shown (None: the sides cannot be compared), its p-value alone and corrected, and a sentence."""

    word: ExpectedWord
    margin: float
    shown: bool | None
    p: float | None
    p_holm: float | None
    sentence: str


def judge_expectation(
    expected: ComparisonExpectation,
    name: str,
    *,
    effect: float | None,
    test: TTest | None,
    p: float | None,
    correction: HolmCorrection | None,
) -> ExpectationResult:
    """Hold a comparison against what is expected of it; `p` and its correction are of the expectation, None where nothing can be tested."""
    shown: bool | None
    if effect is None:
        shown, reason = None, "the sides cannot be compared"
    elif correction is not None and p is not None:
        shown = correction.p <= ALPHA
        among = f" alone, {format_p(correction.p)} among {correction.count} tests" if correction.count > 1 else ""
        reason = f"{format_p(p)}{among}"
    else:
        # every value the same on both sides: there is nothing that a further seed could change
        shown = effect == 0 and test is not None and expected.word in NEED_MARGIN
        reason = "every value is the same on both sides" if shown else "there is nothing that could be tested"
    word = {True: "shown", False: "not shown", None: "not comparable"}[shown]
    return ExpectationResult(
        word=expected.word,
        margin=expected.margin,
        shown=shown,
        p=p,
        p_holm=None if correction is None else correction.p,
        sentence=f"expected {name} {expected}: {word}, {reason}",
    )


def are_expectations_shown(results: Sequence[ExpectationResult | None]) -> bool | None:
    """Whether all are shown; None where one cannot be compared, or there is none."""
    if not results or any(result is None or result.shown is None for result in results):
        return None
    return all(result is not None and result.shown for result in results)
