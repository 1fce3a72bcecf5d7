"""Periodic noise on lattices of random numbers, and the small functions that textures share.

Everything is float32 made with + - * / and floor alone, which IEEE 754 rounds the same way on
every machine: no sine, power or sum decides a byte. All patterns repeat after u = 1 and v = 1.
Pictures are planar, [3, rows, columns]: three long loops are faster than many over three channels.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from robokiln.types import Array

f32 = np.float32


def centres(size: int) -> Array:
    """Where pixel centres lie in [0, 1): float32 [size]."""
    return (np.arange(size, dtype=np.float32) + f32(0.5)) / f32(size)


def plane(size: int) -> tuple[Array, Array]:
    """u [1, size] to the right and v [size, 1] downwards, for broadcasting."""
    at = centres(size)
    return at[None, :], at[:, None]


def smooth(t: Array) -> Array:
    """The cubic step 3 t² - 2 t³ of t in [0, 1]."""
    return t * t * (f32(3) - f32(2) * t)


def step(t: Array, edge: float, width: float) -> Array:
    """From 0 to 1, smoothly over `width` about `edge`."""
    return smooth(np.clip((t - f32(edge - width / 2)) / f32(width), f32(0), f32(1)))


def fract(t: Array) -> Array:
    """The part after the point."""
    return t - np.floor(t)


def triangle(t: Array) -> Array:
    """A wave of period 1: 0 at whole numbers, 1 halfway."""
    return f32(1) - np.abs(f32(2) * fract(t) - f32(1))


def cell(t: Array, count: int) -> Array:
    """The index of the cell that t falls into, of `count` in a period."""
    return np.floor(t * f32(count)).astype(np.int64) % count


def value_noise(rng: np.random.Generator, size: int, rows: int, columns: int) -> Array:
    """Smoothly interpolated random numbers, [size, size] in [0, 1)."""
    lattice = rng.random((rows, columns), np.float32)
    across = _stretched(lattice.T, size).T
    return _stretched(across, size)


def _stretched(lattice: Array, size: int) -> Array:
    """Rows [R, C] interpolated to [size, C], the last towards the first."""
    rows = len(lattice)
    at = centres(size) * f32(rows)
    low = np.floor(at).astype(np.int64)
    share = smooth(at - low.astype(np.float32))[:, None]
    first = lattice[low % rows]
    return first + share * (lattice[(low + 1) % rows] - first)


def fractal(
    rng: np.random.Generator, size: int, rows: int, columns: int, octaves: int = 5
) -> Array:
    """Octaves of value noise, each twice as fine and half as strong: [size, size] in [0, 1)."""
    total, weight = f32(1) * value_noise(rng, size, rows, columns), f32(1)
    norm = f32(1)
    for octave in range(1, octaves):
        weight = f32(weight / 2)
        norm = f32(norm + weight)
        total += weight * value_noise(rng, size, rows << octave, columns << octave)
    return total / norm


def contrast(t: Array, gain: float) -> Array:
    """Spread about one half, cut to [0, 1]: fractal noise seldom leaves the middle."""
    return np.clip((t - f32(0.5)) * f32(gain) + f32(0.5), f32(0), f32(1))


class Cells(NamedTuple):
    """Squared distances to the nearest and the second nearest point, in cells, and the nearest
    one's number in [0, count²): [N, N] each."""

    first: Array
    second: Array
    nearest: Array


def cellular(rng: np.random.Generator, size: int, count: int) -> Cells:
    """Worley noise of count x count jittered points."""
    points = rng.random((2, count, count), np.float32)
    u, v = (t * f32(count) for t in plane(size))
    column, row = np.floor(u).astype(np.int32)[0], np.floor(v).astype(np.int32)[:, 0]
    first, second = (np.full((size, size), 9, np.float32) for _ in range(2))
    nearest = np.zeros((size, size), np.int32)
    for dr in (-1, 0, 1):
        for dc in (-1, 0, 1):
            r, c = row + dr, column + dc
            near = points[:, r % count][:, :, c % count]
            du = near[0] + (c.astype(np.float32) - u)
            dv = near[1] + (r.astype(np.float32)[:, None] - v)
            distance = du * du + dv * dv
            number = (r % count * count)[:, None] + c % count
            np.copyto(nearest, number, where=distance < first)
            np.minimum(second, np.maximum(first, distance), out=second)
            np.minimum(first, distance, out=first)
    return Cells(first, second, nearest)


def mix(a: Array, b: Array, share: Array) -> Array:
    """From color a (share 0) to color b (share 1); colors [3, ...], share [...]."""
    return a + (b - a) * share


def blend(colors: Array, t: Array) -> Array:
    """Along the colors [K, 3] in turn as t [...] goes from 0 to 1, in 1024 steps: [3, ...]."""
    at = np.arange(1024, dtype=np.float32) * f32((len(colors) - 1) / 1023)
    low = np.minimum(np.floor(at).astype(np.int64), max(len(colors) - 2, 0))
    high = np.minimum(low + 1, len(colors) - 1)
    table = mix(colors[low].T, colors[high].T, at - low.astype(np.float32))
    index = (np.clip(t, f32(0), f32(1)) * f32(1023)).astype(np.int32)
    return np.stack([channel[index] for channel in table])


def pick(colors: Array, index: int) -> Array:
    """The index-th color, from the first again after the last: [3, 1, 1] for broadcasting."""
    return colors[index % len(colors)][:, None, None]


def each(colors: Array, index: Array) -> Array:
    """Colors [K, 3] by an index array [...], from the first again after the last: [3, ...]."""
    index = index % len(colors)
    return np.stack([channel[index] for channel in colors.T])


def filled(color: Array, size: int) -> Array:
    """One color [3, 1, 1] all over: [3, size, size]."""
    return np.broadcast_to(color, (3, size, size))
