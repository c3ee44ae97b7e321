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
    if (pairs := _seed_by_seed(a, b)) is not None:
        paired_a, paired_b = pairs
        test = paired_t_test(list(zip(paired_a, paired_b, strict=True)))
        if _is_settled(test, paired_a, paired_b):
            return PairTest(paired_a, paired_b, True, test, ())
    largest = _largest_magnitude([v for side in (a, b) for _, v in side if math.isfinite(v)])
    finite_a, finite_b = ([(s, v) for s, v in side if math.isfinite(v) and abs(v) <= largest] for side in (a, b))
    by_seed_a, by_seed_b = dict(finite_a), dict(finite_b)
    common = sorted(s for s in by_seed_a.keys() & by_seed_b.keys() if s is not None)
    unpaired = [s for s, _ in (*finite_a, *finite_b) if s not in common]
    each_seed_once = len(by_seed_a) == len(finite_a) and len(by_seed_b) == len(finite_b)
    if each_seed_once and (len(common) >= MIN_PAIRS or (len(common) == 2 and not unpaired)):
        paired_a, paired_b = (tuple(by_seed[s] for s in common) for by_seed in (by_seed_a, by_seed_b))
        test = paired_t_test(list(zip(paired_a, paired_b, strict=True)))
        if _is_settled(test, paired_a, paired_b):
            return PairTest(paired_a, paired_b, True, test, tuple(unpaired))
    values_a, values_b = tuple(v for _, v in finite_a), tuple(v for _, v in finite_b)
    is_testable = len(values_a) > 1 and len(values_b) > 1
    return PairTest(values_a, values_b, False, welch_t_test(values_a, values_b) if is_testable else None, ())


def _seed_by_seed(a: SeedValues, b: SeedValues) -> tuple[tuple[float, ...], tuple[float, ...]] | None:
    """The values of both sides where they have the same seeds in rising order, and ordinary numbers: most that is tested, seen at once."""
    seeds = [seed for seed, _ in a if seed is not None]
    if len(seeds) < 2 or seeds != [seed for seed, _ in b] or len(a) > len(seeds) or seeds != sorted({*seeds}):
        return None
    values_a, values_b = tuple([v for _, v in a]), tuple([v for _, v in b])
    is_ordinary = all([-_HUGE < v < _HUGE for v in (*values_a, *values_b)])
    return (values_a, values_b) if is_ordinary else None


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
