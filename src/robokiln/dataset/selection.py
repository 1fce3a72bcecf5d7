"""Exact order statistics of columns that are too long to hold."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np

from robokiln.types import Array

FIRST_BITS, NEXT_BITS = 18, 14
"""Of a key, in a pass: two passes for 32 bits. Later passes count up to ten ranges at once, so no
pass has more than 2^18 counters a column."""


def order_statistics(
    parts: Callable[[], Iterable[Array]], ranks: Sequence[int], low: Array, high: Array
) -> Array:
    """The values [R, n] with `ranks` smaller ones in each column of [N, n], given in parts.

    Selection in several passes with little storage (Munro and Paterson, 1980): each pass counts
    the next digit of the keys that begin like one sought. `low` and `high` [n] are the extremes.
    """
    base = _keys(low)
    left = int((_keys(high) - base).max()).bit_length()
    prefix = np.zeros((len(low), len(ranks)), np.uint64)
    before = np.zeros(prefix.shape, np.int64)
    width = FIRST_BITS
    while left:
        width = min(width, left)
        left -= width
        sought = [np.unique(p) for p in prefix]
        counts = [np.zeros(len(s) << width, np.int64) for s in sought]
        for part in parts():
            _count((_keys(part) - base).astype(np.uint64), sought, counts, left, width)
        for c, (values, count) in enumerate(zip(sought, counts, strict=True)):
            rows = np.searchsorted(values, prefix[c])
            _descend(count.reshape(len(values), -1), rows, np.array(ranks), prefix[c], before[c])
        width = NEXT_BITS
    return _values(base + prefix.T.astype(base.dtype), low.dtype)


def _count(
    keys: Array, sought: Sequence[Array], counts: Sequence[Array], left: int, width: int
) -> None:
    """Count the digit of `width` bits, `left` from the end, of each key that begins as sought."""
    beginning = keys >> left >> width
    digit = (keys >> left & (1 << width) - 1).astype(np.intp)
    for c, values in enumerate(sought):
        row = np.minimum(np.searchsorted(values, beginning[:, c]), len(values) - 1)
        found = values[row] == beginning[:, c]
        np.add.at(counts[c], (row << width | digit[:, c])[found], 1)


def _descend(counts: Array, rows: Array, ranks: Array, prefix: Array, before: Array) -> None:
    """Lengthen each prefix by the digit its rank falls on; `before` counts the smaller keys."""
    total = counts.cumsum(axis=1)
    for r, row in enumerate(rows):
        digit = int(np.searchsorted(total[row], ranks[r] - before[r], side="right"))
        before[r] += total[row, digit] - counts[row, digit]
        prefix[r] = int(prefix[r]) * counts.shape[1] + digit


def _keys(values: Array) -> Array:
    """Unsigned integers in the values' order; the two zeros are one."""
    unsigned, top = _unsigned(values.dtype)
    if values.dtype.kind == "f":
        bits = (values + 0).view(unsigned)  # -0.0 + 0 is 0.0
        return np.where(bits & top, ~bits, bits | top)
    return values.view(unsigned) ^ top if values.dtype.kind == "i" else values.view(unsigned)


def _values(keys: Array, dtype: np.dtype[np.generic]) -> Array:
    """The inverse of `_keys`."""
    _, top = _unsigned(dtype)
    if dtype.kind == "f":
        return np.where(keys & top, keys ^ top, ~keys).view(dtype)
    return (keys ^ top).view(dtype) if dtype.kind == "i" else keys.view(dtype)


def _unsigned(dtype: np.dtype[np.generic]) -> tuple[np.dtype[np.generic], Array]:
    """The unsigned type of that size, and its highest bit."""
    unsigned = np.dtype(f"u{dtype.itemsize}")
    return unsigned, np.array(1 << 8 * dtype.itemsize - 1, unsigned)
