"""Paired by seed or not: which values are held against which."""

from __future__ import annotations

import math

from scaffold.results.stats.pair_test import permutation_p, run_pair_test

A = [(1, 0.50), (2, 0.60), (3, 0.80)]
B = [(1, 0.55), (2, 0.70), (3, 0.95)]


def test_pairs_are_in_the_order_of_their_seeds() -> None:
    found = run_pair_test([A[2], A[0], A[1]], B)
    assert found.paired and (found.a, found.b, found.left_out) == ((0.50, 0.60, 0.80), (0.55, 0.70, 0.95), ())
    assert found.test is not None and found.test.name == "paired t" and found.test.df == 2


def test_a_seed_that_stands_twice_on_a_side_makes_no_pairs() -> None:
    """Which of the two would it be? All values count then, as those of two independent sides."""
    twice = [*A, (3, 0.82)]
    for found, n_a, n_b in (
        (run_pair_test(twice, B), 4, 3),
        (run_pair_test(B, twice), 3, 4),
        (run_pair_test(twice, twice), 4, 4),
    ):
        assert not found.paired and (len(found.a), len(found.b), found.left_out) == (n_a, n_b, ())
        assert found.test is not None and found.test.name == "Welch t"


def test_two_seeds_are_pairs_only_where_there_are_no_others() -> None:
    assert run_pair_test(A[:2], B[:2]).paired
    for a, b in ((A[:2], B), (A, B[:2])):
        found = run_pair_test(a, b)
        assert not found.paired and found.test is not None and len(found.a) + len(found.b) == 5


def test_one_value_or_none_cannot_be_tested() -> None:
    for a, b in ((A[:1], B[:1]), ([], []), (A, []), ([], B), (A, B[:1]), (A[:1], B), ([(1, math.inf)], B)):
        found = run_pair_test(a, b)
        assert found.test is None and not found.paired and permutation_p(found) is None


def test_two_independent_values_a_side_are_enough() -> None:
    found = run_pair_test(A[:2], [(7, 0.5), (8, 0.9)])
    assert not found.paired and found.test is not None and found.test.name == "Welch t"


def test_what_is_not_finite_has_no_partner() -> None:
    found = run_pair_test([*A, (4, math.nan)], [*B, (4, 0.9)])
    assert found.paired and found.left_out == (4,) and len(found.a) == 3


def test_sides_that_are_the_same_seed_by_seed_stay_pairs() -> None:
    """As independent sides they would be told apart by nothing, with a p of 1: but nothing was changed at all."""
    found = run_pair_test(A, A)
    assert found.paired and found.test is not None and (found.test.p, found.test.effect) == (None, 0.0)


def test_sides_that_no_seed_moves_stay_pairs() -> None:
    found = run_pair_test([(s, 0.9) for s in range(8)], [(s, 0.95) for s in range(8)])
    assert found.paired and found.test is not None and found.test.p is None and permutation_p(found) is None


def test_the_permutation_test_is_that_of_the_pairs_or_of_the_sides() -> None:
    a = [(s, s * s / 10 - 1.5) for s in range(1, 7)]
    b = [(s, v + s / 70) for s, v in a]
    assert permutation_p(run_pair_test(a, b)) == 2 / 64, "all six signs are the same"
    apart = run_pair_test([(None, v) for _, v in a], [(None, v + 9) for _, v in b])
    assert not apart.paired and permutation_p(apart) == 2 / 924, "no value of one side is among those of the other"
