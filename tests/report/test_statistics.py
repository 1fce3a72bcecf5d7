"""Intervals and tests against scipy and published values."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binomtest

from robokiln.report.statistics import (
    Paired,
    difference,
    mcnemar,
    paired_difference,
    quartiles,
    rate,
    scene_difference,
    scene_rate,
    sign_test,
    wilson,
)
from robokiln.types import RobokilnError


@pytest.mark.parametrize("n", [1, 7, 20, 50, 200])
def test_wilson_agrees_with_scipy(n: int) -> None:
    for successes in {0, 1, n // 2, n - 1, n}:
        expected = binomtest(successes, n).proportion_ci(method="wilson")
        assert wilson(successes, n) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_wilson_gives_the_evaluation_protocol_s_examples() -> None:
    assert np.round(wilson(45, 50), 2).tolist() == [0.79, 0.96]
    assert np.round(wilson(180, 200), 2).tolist() == [0.85, 0.93]
    assert wilson(189, 200)[0] >= 0.90 > wilson(188, 200)[0]


def test_wilson_at_the_ends_and_without_trials() -> None:
    assert wilson(0, 20)[0] == 0.0
    assert wilson(20, 20)[1] == 1.0
    assert wilson(0, 0) == (0.0, 1.0)
    with pytest.raises(RobokilnError, match="3 of 2"):
        wilson(3, 2)


def test_rate_counts() -> None:
    found = rate([True, False, True, True])
    assert (found.successes, found.n, found.value) == (3, 4, 0.75)
    assert found.low < 0.75 < found.high


def test_mcnemar_agrees_with_scipy_and_keeps_the_pairing() -> None:
    rng = np.random.default_rng(0)
    first, second = rng.random((2, 80)) < [[0.8], [0.6]]
    found = mcnemar(first.tolist(), second.tolist())
    differing = found.only_first + found.only_second
    assert found.p == pytest.approx(binomtest(found.only_first, differing, 0.5).pvalue, abs=1e-12)
    assert found.both + differing + found.neither == 80
    assert found.only_first == int((first & ~second).sum())


def test_mcnemar_of_equal_rows_and_of_unpaired_ones() -> None:
    assert mcnemar([True, False], [True, False]).p == 1.0
    with pytest.raises(RobokilnError, match="same scenes"):
        mcnemar([True], [True, False])


def test_quartiles_are_numpy_s() -> None:
    values = [3.0, 1.0, 4.0, 1.5, 9.0]
    found = quartiles(values)
    assert found is not None
    assert [found.low, found.median, found.high] == np.quantile(values, [0.25, 0.5, 0.75]).tolist()
    assert quartiles([]) is None


def test_differences_are_those_of_their_papers() -> None:
    """Newcombe 1998: 56 of 70 and 48 of 80 (independent, method 10); pairs 36, 12, 2, 0."""
    found = difference(rate([True] * 56 + [False] * 14), rate([True] * 48 + [False] * 32))
    assert (found.value, found.low, found.high) == pytest.approx((0.2, 0.0524, 0.3339), abs=1e-4)
    pairs = paired_difference(Paired(36, 12, 2, 0, 1.0))
    assert (pairs.value, pairs.low, pairs.high) == pytest.approx((0.2, 0.0569, 0.3404), abs=1e-4)
    same = paired_difference(Paired(50, 0, 0, 0, 1.0))
    assert same.low < 0 == same.value < same.high


def test_signs_count_a_scene_once() -> None:
    assert sign_test([1, 1, 0, 1], [0, 0, 0, 1]) == mcnemar([1, 1, 0, 1], [0, 0, 0, 1]).p == 0.5
    assert sign_test([3, 3, 2, 1], [0, 0, 2, 0]) == 0.25
    assert sign_test([], []) == 1.0


def test_tries_of_one_scene_are_no_scenes_of_their_own() -> None:
    """Tries that always agree are worth one each; independent ones all of them; one is Wilson's."""
    once = rate([True] * 30 + [False] * 20)
    alike = scene_rate([3] * 30 + [0] * 20, 3)
    assert (alike.successes, alike.n) == (90, 150)
    assert (alike.low, alike.high) == pytest.approx((once.low, once.high))
    assert scene_rate([1] * 30 + [0] * 20, 1) == once
    independent = np.random.default_rng(0).binomial(3, 0.6, 2000).tolist()
    whole = wilson(sum(independent), 6000)
    found = scene_rate(independent, 3)
    assert (found.low, found.high) == pytest.approx(whole, abs=2e-3)
    assert scene_rate([3] * 5, 3) == rate([True] * 15)


def test_a_difference_over_seeds_counts_scenes() -> None:
    """Three seeds that agree with each other say as much as one of them."""
    first, second = [True] * 48 + [False] * 2, [True] * 36 + [False] * 14
    once = paired_difference(mcnemar(first, second))
    thrice = mcnemar(first * 3, second * 3)
    totals = [3 * a for a in first], [3 * b for b in second]
    found = scene_difference(thrice, *totals)
    assert (found.value, found.low, found.high) == pytest.approx((once.value, once.low, once.high))
    assert found.high - found.low > 1.5 * (
        paired_difference(thrice).high - paired_difference(thrice).low
    )
    assert scene_difference(mcnemar(first, second), first, second) == once
