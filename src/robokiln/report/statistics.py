"""Success rates with intervals, paired comparisons and quartiles."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import comb, sqrt
from statistics import NormalDist, quantiles

from robokiln.types import RobokilnError

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Rate:
    """`successes` of `n`, with the Wilson interval [low, high] at 95 %."""

    successes: int
    n: int
    low: float
    high: float

    @property
    def value(self) -> float:
        """Share of successes; 0 where nothing was tried."""
        return self.successes / self.n if self.n else 0.0


@dataclass(frozen=True)
class Paired:
    """McNemar's exact test of two rows on the same scenes."""

    both: int
    only_first: int
    only_second: int
    neither: int
    p: float


@dataclass(frozen=True)
class Quartiles:
    """25, 50 and 75 % of some measurements."""

    low: float
    median: float
    high: float


def wilson(successes: int, n: int, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Score interval of a proportion; (0, 1) where n is 0.

    Wilson, "Probable inference, the law of succession, and statistical inference", 1927.
    """
    if not 0 <= successes <= n:
        raise RobokilnError(f"expected 0 <= successes <= n, got {successes} of {n}")
    if n == 0:
        return 0.0, 1.0
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    share = successes / n
    center = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    # At the ends the interval touches 0 or 1 exactly; floats would miss it by an ulp.
    low = 0.0 if successes == 0 else max(0.0, center - half)
    high = 1.0 if successes == n else min(1.0, center + half)
    return low, high


def rate(outcomes: Iterable[bool]) -> Rate:
    """The rate of some outcomes."""
    found = list(outcomes)
    successes = sum(found)
    return Rate(successes, len(found), *wilson(successes, len(found)))


def mcnemar(first: Sequence[bool], second: Sequence[bool]) -> Paired:
    """Do two rows differ? Two-sided exact test on the scenes where just one succeeded.

    McNemar, "Note on the sampling error of the difference between correlated proportions", 1947.
    """
    if len(first) != len(second):
        raise RobokilnError(
            f"expected outcomes of the same scenes, got {len(first)}, {len(second)}"
        )
    pairs = [(bool(a), bool(b)) for a, b in zip(first, second, strict=True)]
    only_first, only_second = pairs.count((True, False)), pairs.count((False, True))
    differing = only_first + only_second
    tail = sum(comb(differing, k) for k in range(min(only_first, only_second) + 1))
    p = min(1.0, 2 * tail / 2**differing)
    return Paired(
        pairs.count((True, True)), only_first, only_second, pairs.count((False, False)), p
    )


def quartiles(values: Sequence[float]) -> Quartiles | None:
    """By linear interpolation, as numpy's default; None of nothing."""
    if not values:
        return None
    if len(values) == 1:
        return Quartiles(values[0], values[0], values[0])
    return Quartiles(*quantiles(values, n=4, method="inclusive"))
