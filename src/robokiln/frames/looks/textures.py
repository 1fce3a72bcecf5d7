"""Procedural textures by family. Adding one is one function, one line here, one test hash."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from robokiln.frames.looks import natural, patterns
from robokiln.types import Array, RobokilnError, Texture, lookup

Range = tuple[float, float]
SIZE = 256
"""Pixels of a tile's side."""


@dataclass(frozen=True)
class Family:
    """How a texture is painted, and what its material is like.

    `paint` takes (rng, colors float32 [K, 3], size) and gives float32 [3, size, size], sRGB in
    [0, 1], without a seam. `hue` and `saturation` bound the colors of surfaces whose color nobody
    names; None leaves them to the configuration. `scale` multiplies the configured size of a tile:
    weaves are finer than boards.
    """

    paint: Callable[[np.random.Generator, Array, int], Array]
    hue: Range | None = None
    saturation: Range | None = None
    metallic: float = 0.0
    scale: float = 1.0


TEXTURES: dict[str, Family] = {
    "wood": Family(natural.wood, (0.05, 0.10), (0.35, 0.60)),
    "planks": Family(natural.planks, (0.04, 0.10), (0.25, 0.55)),
    "marble": Family(natural.marble),
    "brushed": Family(natural.brushed, None, (0.0, 0.08), metallic=0.4),
    "noise": Family(natural.noise),
    "speckle": Family(natural.speckle, scale=0.6),
    "leather": Family(natural.leather, scale=0.6),
    "blotches": Family(natural.blotches),
    "fabric": Family(patterns.fabric, scale=0.3),
    "plaid": Family(patterns.plaid, scale=0.5),
    "checker": Family(patterns.checker),
    "stripes": Family(patterns.stripes),
    "chevron": Family(patterns.chevron),
    "dots": Family(patterns.dots),
    "tiles": Family(patterns.tiles),
    "brick": Family(patterns.brick, (0.0, 0.05), (0.30, 0.55)),
    "text": Family(patterns.text),
}


def build_texture(texture: Texture, size: int = SIZE) -> Array:
    """The tile: uint8 [size, size, 3], sRGB, seamless, read-only; `size` is a power of two.

    Byte-identical on every machine: numpy's raw random bits, then IEEE exact arithmetic.
    """
    if size < 8 or size & (size - 1):
        raise RobokilnError(f"texture: expected a size of 8, 16, 32, ... pixels, got {size}")
    if not texture.colors:
        raise RobokilnError(f"texture '{texture.family}': expected at least one color, got none")
    return _build(texture.family, texture.seed, texture.colors, size)


# Looks are drawn anew each episode, so what pays is sharing between its lights' and cameras'
# passes: 64 tiles are 12 MiB.
@functools.lru_cache(maxsize=64)
def _build(
    name: str, seed: int, colors: tuple[tuple[float, float, float], ...], size: int
) -> Array:
    family: Family = lookup("texture", name, TEXTURES)
    rng = np.random.Generator(np.random.Philox(np.random.SeedSequence([seed])))
    painted = family.paint(rng, np.array(colors, np.float32), size)
    levels = (np.clip(painted, 0, 1) * np.float32(255) + np.float32(0.5)).astype(np.uint8)
    levels = np.ascontiguousarray(levels.transpose(1, 2, 0))
    levels.setflags(write=False)
    return levels
