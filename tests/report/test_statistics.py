"""Intervals and tests against scipy and published values."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binomtest

from robokiln.report.statistics import mcnemar, quartiles, rate, wilson
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
