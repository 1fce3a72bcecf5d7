"""Textures of materials: each (rng, colors [K, 3], size) -> float32 [3, size, size], sRGB."""

from __future__ import annotations

import numpy as np

from robokiln.frames.looks.noise import (
    blend,
    cell,
    cellular,
    contrast,
    each,
    f32,
    filled,
    fract,
    fractal,
    mix,
    pick,
    plane,
    smooth,
    step,
    triangle,
    value_noise,
)
from robokiln.types import Array


def wood(rng: np.random.Generator, colors: Array, size: int) -> Array:
    """One broad board: growth rings along v, fibres and pores."""
    u, _ = plane(size)
    rings = int(rng.integers(3, 7))
    wander = fractal(rng, size, 1, 3, 4)
    ring = fract(u * f32(rings) + f32(2.4) * wander)
    late = smooth(ring) * (f32(1) - step(ring, 0.94, 0.12))
    fibre = value_noise(rng, size, 6, 128) * f32(0.6) + value_noise(rng, size, 3, 48) * f32(0.4)
    pores = step(value_noise(rng, size, 24, 160), 0.86, 0.2)
    tone = f32(0.55) * late + f32(0.55) * fibre
    return blend(colors, tone) * (f32(1.04) - f32(0.10) * fibre - f32(0.16) * pores)


def planks(rng: np.random.Generator, colors: Array, size: int) -> Array:
    """Floor boards along v, each with a tone and a joint of its own."""
    u, v = plane(size)
    boards = int(rng.integers(4, 7))
    board = cell(u, boards)[0]
    tones, joints = rng.random(boards, np.float32), rng.random(boards, np.float32)
    grain = fractal(rng, size, 2, 40, 3) + f32(0.25) * value_noise(rng, size, 1, boards * 2)
    tone = f32(0.5) * tones[board][None, :] + f32(0.5) * contrast(grain, 1.6)
    side = triangle(u * f32(boards))
    end = triangle(v + joints[board][None, :])
    seam = np.minimum(step(side, 0.035, 0.05), step(end, 0.008, 0.010))
    return blend(colors, tone) * (f32(0.35) + f32(0.65) * seam)


def marble(rng: np.random.Generator, colors: Array, size: int) -> Array:
    """Clouds crossed by thin wandering veins of the last color."""
    u, v = plane(size)
    cloud = contrast(fractal(rng, size, 3, 3, 5), 1.8)
    bend = fractal(rng, size, 2, 2, 6)
    broad = _vein(u + v + f32(3) * bend, 0.45)
    fine = _vein(u - f32(2) * v + f32(4) * bend, 0.16)
    base = mix(pick(colors, 0), pick(colors, 1), f32(0.55) * cloud)
    strength = np.maximum(broad * (f32(0.3) + f32(0.7) * cloud), f32(0.7) * fine)
    return mix(base, pick(colors, -1), strength)


def _vein(t: Array, width: float) -> Array:
    """1 along whole numbers, falling to 0 at `width` of half a period from them."""
    near = np.maximum(f32(1) - triangle(t) / f32(width), f32(0))
    return near * near


def brushed(rng: np.random.Generator, colors: Array, size: int) -> Array:
    """Metal brushed along u: fine scratches over broad bands."""
    scratch = f32(0.5) * (value_noise(rng, size, 256, 2) + value_noise(rng, size, 128, 5))
    band = value_noise(rng, size, 5, 1)
    tone = contrast(f32(0.7) * scratch + f32(0.3) * band, 1.3)
    return blend(colors, tone) * (f32(0.88) + f32(0.2) * scratch)


def noise(rng: np.random.Generator, colors: Array, size: int) -> Array:
    """Clouds of fractal noise."""
    cells = int(rng.integers(3, 8))
    return blend(colors, contrast(fractal(rng, size, cells, cells, 5), 2.0))


def speckle(rng: np.random.Generator, colors: Array, size: int) -> Array:
    """Terrazzo: chips of many sizes in a ground of the first color."""
    count = int(rng.integers(14, 22))
    chips = cellular(rng, size, count)
    room = rng.random(count * count, np.float32)[chips.nearest]
    kind = rng.integers(0, 16, count * count)
    edge = chips.second - chips.first - f32(0.75) * room
    grain = f32(0.94) + f32(0.10) * value_noise(rng, size, 64, 64)
    palette = colors[1:] if len(colors) > 1 else colors
    chip = each(palette, kind) * (f32(0.8) + f32(0.025) * kind.astype(np.float32))
    return mix(pick(colors, 0) * grain, each(chip.T, chips.nearest), step(edge, 0.0, 0.1))


def leather(rng: np.random.Generator, colors: Array, size: int) -> Array:
    """A pebbled grain with dark creases."""
    fine = cellular(rng, size, 36)
    crease = step(fine.second - fine.first, 0.12, 0.24)
    patch = contrast(fractal(rng, size, 3, 3, 4), 1.8)
    bulge = f32(1) - f32(0.5) * fine.first
    return blend(colors, patch) * ((f32(0.55) + f32(0.45) * crease) * bulge)


def blotches(rng: np.random.Generator, colors: Array, size: int) -> Array:
    """Camouflage: overlapping flat patches of every color."""
    picture = filled(pick(colors, 0), size)
    for i in range(1, max(len(colors), 2)):
        patch = fractal(rng, size, 3 + i, 3 + i, 3)
        picture = mix(picture, pick(colors, i), step(patch, 0.55, 0.02))
    return picture
