"""Materials of bodies, furniture, walls and the arm: a color or a texture, and a roughness."""

from __future__ import annotations

import colorsys
from typing import TYPE_CHECKING

import numpy as np

from robokiln.assets import ALL_COLORS
from robokiln.frames.looks.draw import Range, between, choose, draw, hsv
from robokiln.frames.looks.textures import TEXTURES
from robokiln.types import Color, Material, Texture, lookup

if TYPE_CHECKING:
    from robokiln.frames.looks.config import LookConfig

WHITE: Color = (1.0, 1.0, 1.0)
Names = tuple[str, ...]


def named(rng: np.random.Generator, config: LookConfig, color: str) -> Material:
    """A body's own color within its hue; its texture is made of shades of it alone."""
    at = [float(v) for v in rng.uniform(-1, 1, 3)]
    roughness = draw(rng, config.roughness)
    h, s, v = colorsys.rgb_to_hsv(*lookup("color", color, ALL_COLORS))
    h += config.hue_jitter * at[0]
    v *= 1 + config.shade_jitter * at[1]
    s *= 1 + 0.5 * config.shade_jitter * at[2]
    shades = (hsv(h, s, v), hsv(h, s, 0.74 * v), hsv(h, 0.82 * s, 1.12 * v))
    families = config.textures.object
    return _finished(rng, config, families, shades, roughness, config.object_texture_scale)


def unnamed(
    rng: np.random.Generator,
    config: LookConfig,
    families: Names,
    saturation: Range,
    value: Range,
    scale: Range,
) -> Material:
    """Any hue, or the family's own; a texture adds a darker and another neighbouring shade."""
    at = [float(v) for v in rng.uniform(-1, 1, 3)]
    roughness = draw(rng, config.roughness)
    plain = hsv(at[0], between(saturation, at[1]), between(value, at[2]))
    name = _family(rng, config, families)
    if not name:
        return Material(plain, roughness)
    own = TEXTURES[name]
    h = at[0] if own.hue is None else between(own.hue, at[0])
    s = between(own.saturation or saturation, at[1])
    return _textured(rng, name, _shades(rng, h, s, between(value, at[2])), roughness, scale)


def tinted(rng: np.random.Generator, config: LookConfig, color: Color, families: Names) -> Material:
    """A small thing of this color, or of shades of it."""
    roughness = draw(rng, config.roughness)
    dark = (0.7 * color[0], 0.7 * color[1], 0.7 * color[2])
    return _finished(rng, config, families, (color, dark), roughness, config.object_texture_scale)


def arm(rng: np.random.Generator, config: LookConfig) -> Material:
    """What multiplies the arm's own colors: a tint near white, or a texture near it."""
    tint = (1 - config.robot_tint * rng.uniform(0, 1, 3)).tolist()
    color = (tint[0], tint[1], tint[2])
    roughness = draw(rng, config.robot_roughness)
    dark = (0.78 * color[0], 0.78 * color[1], 0.78 * color[2])
    families, scale = config.textures.robot, config.object_texture_scale
    return _finished(rng, config, families, (color, dark), roughness, scale)


def _finished(
    rng: np.random.Generator,
    config: LookConfig,
    families: Names,
    shades: tuple[Color, ...],
    roughness: float,
    scale: Range,
) -> Material:
    """The first shade alone, or a texture of all of them."""
    name = _family(rng, config, families)
    if not name:
        return Material(shades[0], roughness)
    return _textured(rng, name, shades, roughness, scale)


def _family(rng: np.random.Generator, config: LookConfig, families: Names) -> str:
    """One of the families, or "" for a plain surface."""
    textured = float(rng.random()) < config.textured
    return choose(rng, families) if textured and families else ""


def _textured(
    rng: np.random.Generator, name: str, shades: tuple[Color, ...], roughness: float, scale: Range
) -> Material:
    """White, so that the texture's colors are the surface's."""
    own, seed = TEXTURES[name], int(rng.integers(2**32))
    texture = Texture(name, seed, shades, round(own.scale * draw(rng, scale), 4))
    return Material(WHITE, roughness, own.metallic, texture)


def _shades(
    rng: np.random.Generator, hue: float, saturation: float, value: float
) -> tuple[Color, ...]:
    darker, turn = draw(rng, (0.62, 0.88)), draw(rng, (-0.04, 0.04))
    return (
        hsv(hue, saturation, value),
        hsv(hue, saturation, darker * value),
        hsv(hue + turn, saturation, draw(rng, (0.5, 1.15)) * value),
    )
