"""Exact statistics of columns and pictures, in the form of meta/stats.json."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from robokiln.dataset.depth import DEPTHS
from robokiln.dataset.selection import order_statistics
from robokiln.types import Array

QUANTILES = {"q01": 0.01, "q10": 0.10, "q50": 0.50, "q90": 0.90, "q99": 0.99}


@dataclass(frozen=True)
class _Moments:
    """Of one or more parts of n columns; `squares` are the sums of squared deviations."""

    count: int
    low: Array
    high: Array
    mean: Array
    squares: Array

    def __add__(self, other: _Moments) -> _Moments:
        """Of both, one after the other (Chan, Golub and LeVeque, 1983)."""
        count, apart = self.count + other.count, other.mean - self.mean
        return _Moments(
            count,
            np.minimum(self.low, other.low),
            np.maximum(self.high, other.high),
            self.mean + apart * (other.count / count),
            self.squares + other.squares + apart**2 * (self.count * other.count / count),
        )

    def stats(self, quantiles: Array) -> dict[str, Array]:
        """With quantiles [5, n], what the format wants."""
        return {
            "min": self.low.astype(np.float64),
            "max": self.high.astype(np.float64),
            "mean": self.mean,
            "std": np.sqrt(self.squares / self.count),
            "count": np.array([self.count]),
            **dict(zip(QUANTILES, quantiles, strict=True)),
        }


def column_stats(values: Array) -> dict[str, Array]:
    """min, max, mean, std, quantiles (linear) and count of [N] or [N, n]: each [n] or [1]."""
    data = _rows(values)
    ordered = np.sort(data, axis=0)
    return _moments(data).stats(_quantiles(len(data), lambda ranks: ordered[ranks]))


def streamed_stats(parts: Callable[[], Iterable[Array]]) -> dict[str, Array]:
    """The same of a column given in parts, walked once and then for each pass of a selection;
    only one part is held."""

    def rows() -> Iterator[Array]:
        return (_rows(part) for part in parts())

    found = (_moments(part) for part in rows())
    moments = next(found)
    for more in found:
        moments += more
    low, high = moments.low, moments.high
    select = _quantiles(moments.count, lambda r: order_statistics(rows, r, low, high))
    return moments.stats(select)


def _rows(values: Array) -> Array:
    return values.reshape(len(values), -1)


def _moments(data: Array) -> _Moments:
    wide = data.astype(np.float64)
    mean = wide.mean(axis=0)
    squares = ((wide - mean) ** 2).sum(axis=0)
    return _Moments(len(data), data.min(axis=0), data.max(axis=0), mean, squares)


def _quantiles(count: int, select: Callable[[list[int]], Array]) -> Array:
    """Each quantile [5, n] of `count` rows, by the two order statistics that it lies between."""
    place = np.array(list(QUANTILES.values())) * (count - 1)
    below = np.floor(place).astype(int)
    ranks = np.stack([below, np.minimum(below + 1, count - 1)])
    low, high = select(ranks.ravel().tolist()).astype(np.float64).reshape(2, len(place), -1)
    return _between(low, high, (place - below)[:, None])


def _between(low: Array, high: Array, part: Array | float) -> Array:
    """As numpy.quantile interpolates: from the nearer end, so that the ends come out exact."""
    gap = high - low
    return np.where(np.less(part, 0.5), low + gap * part, high - gap * (1 - part))


def image_stats(histogram: Array, frames: int) -> dict[str, Array]:
    """The same of pictures in [0, 1], from int64 [C, 256], or of depth in metres, from [1, 4096]:
    each [C, 1, 1]."""
    level = np.arange(256) / 255 if histogram.shape[1] == 256 else DEPTHS.astype(np.float64)
    total = histogram.sum(axis=1)
    mean = histogram @ level / total
    variance = (histogram * (level - mean[:, None]) ** 2).sum(axis=1) / total
    stats = {
        "min": _order_statistic(histogram, level, np.zeros_like(total)),
        "max": _order_statistic(histogram, level, total - 1),
        "mean": mean,
        "std": np.sqrt(variance),
        **{name: _quantile(histogram, level, q) for name, q in QUANTILES.items()},
    }
    return {k: v[:, None, None] for k, v in stats.items()} | {"count": np.array([frames])}


def _order_statistic(histogram: Array, level: Array, rank: Array) -> Array:
    """The value with `rank` [C] smaller ones before it."""
    value: Array = level[np.argmax(np.cumsum(histogram, axis=1) > rank[:, None], axis=1)]
    return value


def _quantile(histogram: Array, level: Array, q: float) -> Array:
    last = histogram.sum(axis=1) - 1
    rank = np.floor(q * last).astype(np.int64)
    low = _order_statistic(histogram, level, rank)
    high = _order_statistic(histogram, level, np.minimum(rank + 1, last))
    return _between(low, high, q * last - rank)
