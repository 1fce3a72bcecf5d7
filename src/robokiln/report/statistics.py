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
class Difference:
    """Of two rates, the first less the second, with its interval [low, high] at 95 %."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Quartiles:
    """25, 50 and 75 % of some measurements."""

    low: float
    median: float
    high: float


def wilson(successes: float, n: float, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Score interval of a proportion; (0, 1) where n is 0. Neither needs to be whole: see
    `scene_rate`.

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
    return _rate(sum(found), len(found))


def scene_rate(successes: Sequence[int], tries: int) -> Rate:
    """Of scenes that were tried so often each: tries of one scene are alike, so the interval is
    that of as many independent ones as they are worth.

    Rao and Scott, "A simple method for the analysis of clustered binary data", 1992.
    """
    n, total = tries * len(successes), sum(successes)
    share = total / n if n else 0.0
    spread = sum((s - tries * share) ** 2 for s in successes)
    effect = _design_effect(spread, n * share * (1 - share))
    return Rate(total, n, *wilson(total / effect, n / effect))


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
    p = sign_test([a for a, _ in pairs], [b for _, b in pairs])
    return Paired(
        pairs.count((True, True)), only_first, only_second, pairs.count((False, False)), p
    )


def paired_difference(test: Paired, effect: float = 1.0) -> Difference:
    """Of two rates on the same scenes; `effect` pairs count as one.

    Newcombe, "Improved confidence intervals for the difference between binomial proportions based
    on paired data", 1998, method 10.
    """
    counts = (test.both, test.only_first, test.only_second, test.neither)
    a, b, c, d = (count / effect for count in counts)
    n = a + b + c + d
    product, excess = (a + b) * (c + d) * (a + c) * (b + d), float(a * d - b * c)
    if excess > 0:
        excess = max(excess - n / 2, 0.0)
    correlation = excess / sqrt(product) if product else 0.0
    return _newcombe((a + b, n), (a + c, n), correlation)


def scene_difference(test: Paired, first: Sequence[int], second: Sequence[int]) -> Difference:
    """Of two rates on scenes that both tried several times, from the `test` of all those pairs and
    the successes in each scene; as `scene_rate`, and with one try as `paired_difference`."""
    pairs = test.both + test.only_first + test.only_second + test.neither
    mean = (test.only_first - test.only_second) / pairs
    within = test.only_first + test.only_second - pairs * mean**2
    each = pairs / len(first) * mean
    spread = sum((a - b - each) ** 2 for a, b in zip(first, second, strict=True))
    return paired_difference(test, _design_effect(spread, within))


def difference(first: Rate, second: Rate) -> Difference:
    """Of two rates on scenes of their own.

    Newcombe, "Interval estimation for the difference between independent proportions", 1998,
    method 10.
    """
    return _newcombe((first.successes, first.n), (second.successes, second.n), 0.0)


def _rate(successes: int, n: int) -> Rate:
    return Rate(successes, n, *wilson(successes, n))


def _design_effect(clustered: float, independent: float) -> float:
    """How much more a sum varies than one of independent tries would; at least 1, and 1 where
    nothing varies, exactly so with one try a scene."""
    return max(1.0, round(clustered / independent, 9)) if independent > 0 else 1.0


def _newcombe(
    first: tuple[float, float], second: tuple[float, float], correlation: float
) -> Difference:
    """Of (successes, n) each."""
    (p, *ends), (q, *others) = ((s / n, *wilson(s, n)) for s, n in (first, second))
    below, above = (p - ends[0], others[1] - q), (ends[1] - p, q - others[0])

    def half(x: float, y: float) -> float:
        return sqrt(max(x * x - 2 * correlation * x * y + y * y, 0.0))

    return Difference(p - q, p - q - half(*below), p - q + half(*above))


def sign_test(first: Sequence[int], second: Sequence[int]) -> float:
    """p of "neither is better": counts on the same scenes, those that differ by their sign alone.

    With counts of 0 and 1 it is McNemar's exact test.
    """
    better = sum(a > b for a, b in zip(first, second, strict=True))
    worse = sum(a < b for a, b in zip(first, second, strict=True))
    tail = sum(comb(better + worse, k) for k in range(min(better, worse) + 1))
    return float(min(1.0, 2 * tail / 2 ** (better + worse)))


def quartiles(values: Sequence[float]) -> Quartiles | None:
    """By linear interpolation, as numpy's default; None of nothing."""
    if not values:
        return None
    if len(values) == 1:
        return Quartiles(values[0], values[0], values[0])
    return Quartiles(*quantiles(values, n=4, method="inclusive"))
