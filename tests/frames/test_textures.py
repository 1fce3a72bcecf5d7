"""Procedural textures: seamless, in their colors, the same bytes everywhere."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys

import numpy as np
import pytest

from robokiln.frames.looks import TEXTURES, build_texture
from robokiln.types import Array, RobokilnError, Texture

COLORS = ((0.80, 0.62, 0.42), (0.55, 0.36, 0.20), (0.35, 0.40, 0.62))
HASHES: dict[str, str] = {
    "wood": "cba394715c35fdaa",
    "planks": "9612e541c0281711",
    "marble": "c1e6777c0f2af565",
    "brushed": "6667d86e59bea61a",
    "noise": "a9c4a3df75f831a0",
    "speckle": "4febe2a89770ec5b",
    "leather": "4c5430f3b998db65",
    "blotches": "9c55a83478c96cfd",
    "fabric": "608674dcdbc5b713",
    "plaid": "a2199ce5ee7e76ec",
    "checker": "1ae5dec170e11c82",
    "stripes": "6d639eb71a88991d",
    "chevron": "7d940f3fddda69e5",
    "dots": "15610fc983bd0903",
    "tiles": "489e9b53665f1d94",
    "brick": "1c58dd53f3bc2931",
    "text": "8b29d2d9c9b40c19",
}
"""SHA-256 (the first 16 digits) of each family's 64 x 64 tile of seed 3: a change is a decision."""


def texture(family: str, seed: int = 3, colors: tuple = COLORS) -> Texture:  # type: ignore[type-arg]
    return Texture(family, seed, colors, 0.5)


def sha(tile: Array) -> str:
    return hashlib.sha256(tile.tobytes()).hexdigest()[:16]


@pytest.mark.parametrize("family", TEXTURES)
def test_the_same_bytes_on_every_machine(family: str) -> None:
    tile = build_texture(texture(family), 64)
    assert tile.shape == (64, 64, 3)
    assert tile.dtype == np.uint8
    assert sha(tile) == HASHES[family]
    assert sha(build_texture(texture(family, seed=4), 64)) != HASHES[family]


def test_the_same_bytes_without_vector_instructions() -> None:
    """numpy as it runs on the oldest machine, in a process of its own."""
    found = np.show_config(mode="dicts")["SIMD Extensions"].get("found", [])
    script = (
        "import hashlib, json\n"
        "from robokiln.frames.looks import TEXTURES, build_texture\n"
        "from robokiln.types import Texture\n"
        f"tiles = {{f: build_texture(Texture(f, 3, {COLORS}, 0.5), 64) for f in TEXTURES}}\n"
        "print(json.dumps({f: hashlib.sha256(t).hexdigest()[:16] for f, t in tiles.items()}))\n"
    )
    plain = {**os.environ, "NPY_DISABLE_CPU_FEATURES": " ".join(found)}
    run = [sys.executable, "-c", script]
    assert (
        json.loads(subprocess.run(run, env=plain, check=True, capture_output=True).stdout) == HASHES
    )


def test_no_family_is_listed_that_is_not_there() -> None:
    assert HASHES.keys() == TEXTURES.keys()


@pytest.mark.parametrize("family", TEXTURES)
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_tile_meets_itself_without_a_seam(family: str, seed: int) -> None:
    """Across the border, colors change no more than between neighbours within the tile."""
    tile = build_texture(texture(family, seed)).astype(float)
    for axis in (0, 1):
        lines = np.moveaxis(tile, axis, 0)
        within = np.abs(np.diff(lines, axis=0)).mean(axis=(1, 2))
        across = np.abs(lines[0] - lines[-1]).mean()
        assert across <= within.max() * 1.05 + 1.0, (axis, across, within.max())


@pytest.mark.parametrize("family", TEXTURES)
def test_the_mean_color_is_of_the_palette(family: str) -> None:
    low, high = np.min(COLORS, axis=0), np.max(COLORS, axis=0)
    for seed in range(5):
        mean = build_texture(texture(family, seed)).mean(axis=(0, 1)) / 255
        assert (mean > 0.75 * low - 0.02).all(), mean
        assert (mean < high + 0.02).all(), mean


@pytest.mark.parametrize("family", TEXTURES)
def test_something_is_seen_even_small_and_with_one_color(family: str) -> None:
    assert build_texture(texture(family), 32).std(axis=(0, 1)).max() > 4
    one = build_texture(texture(family, colors=COLORS[:1]), 32)
    mean = one.mean(axis=(0, 1)) / 255
    assert np.abs(mean / mean[0] - np.array(COLORS[0]) / COLORS[0][0]).max() < 0.03


@pytest.mark.parametrize("family", TEXTURES)
def test_a_smaller_tile_shows_the_same_pattern(family: str) -> None:
    """Features don't depend on pixels: only what is thinner than one differs."""
    tiles = (build_texture(texture(family), size).astype(float) for size in (256, 128))
    blurred = [t.reshape(8, len(t) // 8, 8, len(t) // 8, 3).mean(axis=(1, 3)) for t in tiles]
    assert np.abs(blurred[0] - blurred[1]).mean() < 4


def test_mistakes_name_the_offender() -> None:
    with pytest.raises(RobokilnError, match="texture 'wod' not found; available: blotches"):
        build_texture(texture("wod"))
    with pytest.raises(RobokilnError, match="got 100"):
        build_texture(texture("wood"), 100)
    with pytest.raises(RobokilnError, match="at least one color"):
        build_texture(texture("wood", colors=()))
    with pytest.raises(ValueError, match="read-only"):
        build_texture(texture("wood"))[0, 0, 0] = 1
