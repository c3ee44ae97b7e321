"""Values of two configurations, with their seeds -> paired or not, and the test that is right for them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from scaffold.results.stats import resampling, summary, t_tests
from scaffold.results.stats.t_tests import TTest

SeedValues = Sequence[tuple[int | None, float]]
MIN_PAIRS = 3


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
    """Test b against a: paired by seed where seeds match, else as independent; NaN and infinities (see `_most`) are left out.

    They match where at least 3 seeds are on both sides, or all of 2.
    """
    most = _magnitude_limit([v for side in (a, b) for _, v in side if math.isfinite(v)])
    finite_a, finite_b = ([(s, v) for s, v in side if math.isfinite(v) and abs(v) <= most] for side in (a, b))
    by_a, by_b = dict(finite_a), dict(finite_b)
    common = sorted(s for s in by_a.keys() & by_b.keys() if s is not None)
    alone = [s for s, _ in (*finite_a, *finite_b) if s not in common]
    unique = len(by_a) == len(finite_a) and len(by_b) == len(finite_b)
    if unique and (len(common) >= MIN_PAIRS or (len(common) == 2 and not alone)):
        pairs = [(by_a[s], by_b[s]) for s in common]
        test = t_tests.paired_t_test(pairs)
        ones, others = tuple(p[0] for p in pairs), tuple(p[1] for p in pairs)
        # the same difference in every pair is mostly rounded values, not certainty: then the spread of the sides has to do
        if test.p is not None or ones == others or not (summary.has_spread(ones) or summary.has_spread(others)):
            return PairTest(ones, others, True, test, tuple(alone))
    values_a, values_b = tuple(v for _, v in finite_a), tuple(v for _, v in finite_b)
    enough = len(values_a) > 1 and len(values_b) > 1
    return PairTest(values_a, values_b, False, t_tests.welch_t_test(values_a, values_b) if enough else None, ())


def _magnitude_limit(values: Sequence[float]) -> float:
    """How large a value may be: where the difference of two is beyond what a float holds, those beyond 1e300 count as infinite."""
    return 1e300 if values and math.isinf(max(values) - min(values)) else math.inf


def permutation_p(found: PairTest) -> float | None:
    """The p of the permutation test that goes with a test; None where it could not reach 5 %."""
    if found.test is None or found.test.p is None:
        return None
    if found.paired:
        return resampling.sign_flip_p([y - x for x, y in zip(found.a, found.b, strict=True)])
    return resampling.split_p(found.a, found.b)
