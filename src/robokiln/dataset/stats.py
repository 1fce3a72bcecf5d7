"""Exact statistics of columns and pictures, in the form of meta/stats.json."""

from __future__ import annotations

import numpy as np

from robokiln.dataset.depth import DEPTHS
from robokiln.types import Array

QUANTILES = {"q01": 0.01, "q10": 0.10, "q50": 0.50, "q90": 0.90, "q99": 0.99}


def column_stats(values: Array) -> dict[str, Array]:
    """min, max, mean, std, quantiles (linear) and count of [N] or [N, n]: each [n] or [1]."""
    data = values.reshape(len(values), -1).astype(np.float64)
    quantiles = np.quantile(data, list(QUANTILES.values()), axis=0)
    return {
        "min": data.min(axis=0),
        "max": data.max(axis=0),
        "mean": data.mean(axis=0),
        "std": data.std(axis=0),
        "count": np.array([len(data)]),
        **dict(zip(QUANTILES, quantiles, strict=True)),
    }


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
    between: Array = low + (high - low) * (q * last - rank)
    return between
