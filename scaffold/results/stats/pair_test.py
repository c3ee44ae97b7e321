"""Values of two configurations, with their seeds -> paired or not, and the test that is right for them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from scaffold.results.stats import resampling
from scaffold.results.stats.hypothesis_tests import TTest, paired_t_test, welch_t_test
from scaffold.results.stats.summary import has_spread

# the values of one side, each with its seed
SeedValues = Sequence[tuple[int | None, float]]
MIN_PAIRS = 3
# the difference of two values up to here is one that a float holds
_HUGE = 1e300


class OrderedValues(NamedTuple):
    """The values of one side in the order of their seeds, which all differ; `largest` is the greatest magnitude among them."""

    seeds: tuple[int, ...]
    values: tuple[float, ...]
    largest: float


class PairTest(NamedTuple):
    """Two sets of values as they are tested: `a`, `b` (in pairs where paired), the test, the seeds left out of the pairs.

    `test` is None where one side has a single value or none.
    """

    a: tuple[float, ...]
    b: tuple[float, ...]
    paired: bool
    test: TTest | None
    left_out: tuple[int | None, ...]


def run_pair_test(a: SeedValues, b: SeedValues) -> PairTest:
    """Test b against a: paired by seed where seeds match, else as independent; NaN and infinities are left out.

    Seeds match where at least 3 are on both sides, or all of 2. They decide, never the values: to choose the test that finds
    more would find too much.
    """
    ordered_a, ordered_b = in_seed_order(a), in_seed_order(b)
    if ordered_a and ordered_b and (pair := run_test_in_order(ordered_a, ordered_b)):
        return pair
    largest = _largest_magnitude([v for side in (a, b) for _, v in side if math.isfinite(v)])
    finite_a, finite_b = ([(s, v) for s, v in side if math.isfinite(v) and abs(v) <= largest] for side in (a, b))
    by_seed_a, by_seed_b = dict(finite_a), dict(finite_b)
    common = sorted(s for s in by_seed_a.keys() & by_seed_b.keys() if s is not None)
    unpaired = [s for s, _ in (*finite_a, *finite_b) if s not in common]
    each_seed_once = len(by_seed_a) == len(finite_a) and len(by_seed_b) == len(finite_b)
    if each_seed_once and (len(common) >= MIN_PAIRS or (len(common) == 2 and not unpaired)):
        paired_a, paired_b = (tuple(by_seed[s] for s in common) for by_seed in (by_seed_a, by_seed_b))
        test = paired_t_test(paired_a, paired_b)
        if _is_settled(test, paired_a, paired_b):
            return PairTest(paired_a, paired_b, True, test, tuple(unpaired))
    values_a, values_b = tuple(v for _, v in finite_a), tuple(v for _, v in finite_b)
    is_testable = len(values_a) > 1 and len(values_b) > 1
    return PairTest(values_a, values_b, False, welch_t_test(values_a, values_b) if is_testable else None, ())


def in_seed_order(side: SeedValues) -> OrderedValues | None:
    """At least two values of different seeds, in the order of these; None for what is not so, or holds NaN or values beyond 1e300."""
    if len(side) < 2:
        return None
    seeds, values = zip(*side, strict=True)
    if None in seeds or [*seeds] != sorted({*seeds}) or not _are_ordinary(values):
        return None
    return OrderedValues(seeds, values, max(max(values), -min(values)))


def run_test_in_order(a: OrderedValues, b: OrderedValues) -> PairTest | None:
    """`run_pair_test` where both sides have the same seeds, as most have; None where they have not, or that settles nothing."""
    if a.seeds != b.seeds:
        return None
    test = paired_t_test(a.values, b.values, largest=max(a.largest, b.largest))
    return PairTest(a.values, b.values, True, test, ()) if _is_settled(test, a.values, b.values) else None


def _are_ordinary(values: Sequence[float]) -> bool:
    """Whether no value is NaN (then their sum is) or beyond what the difference of two may be taken of."""
    return min(values) > -_HUGE and max(values) < _HUGE and not math.isnan(sum(values))


def _is_settled(test: TTest, a: Sequence[float], b: Sequence[float]) -> bool:
    """Whether a test of pairs stands: the same difference in every pair is mostly rounded values, not certainty, and then the spread of
    the sides has to do."""
    return test.p is not None or a == b or not (has_spread(a) or has_spread(b))


def _largest_magnitude(values: Sequence[float]) -> float:
    """How large a value may be: where the difference of two is beyond what a float holds, those beyond 1e300 count as infinite."""
    return _HUGE if values and math.isinf(max(values) - min(values)) else math.inf


def permutation_p(pair_test: PairTest) -> float | None:
    """The exact p of the permutation test that goes with a test; None where it could not reach 5 %, or takes too long."""
    if pair_test.test is None or pair_test.test.p is None:
        return None
    if pair_test.paired:
        return resampling.sign_flip_p([b - a for a, b in zip(pair_test.a, pair_test.b, strict=True)])
    return resampling.independent_permutation_p(pair_test.a, pair_test.b)
