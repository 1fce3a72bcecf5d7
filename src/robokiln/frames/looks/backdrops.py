"""What stands behind the scene, by family. Adding one is one function and one line here.

A family takes (spec, rng, config) and gives the background's colors and walls: boxes that are
only seen, outside the arm's reach and behind every camera that stands in the room. They are so
large that the renderer lets them cast no shadow.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from robokiln.frames.looks.draw import draw, hsv
from robokiln.frames.looks.materials import unnamed
from robokiln.types import Color, Material, Prop, SceneSpec, Shape

if TYPE_CHECKING:
    from robokiln.frames.looks.config import LookConfig

REACH, BEHIND = 0.95, 0.45
"""Metres from the robot's base that walls stay away from: all round, and at its back, where only
its elbow goes."""
BOTTOM, HEIGHT, THICKNESS = -0.42, 3.2, 0.04
"""Of a wall: it begins below the floor's top."""
SIDES = ("back", "left", "right", "front")
"""Of the room as the arm sees it; the arm has its back to the first."""


@dataclass(frozen=True)
class Backdrop:
    """The background's gradient (sRGB), and walls before it."""

    top: Color
    bottom: Color
    walls: tuple[Prop, ...] = ()


def gradient(spec: SceneSpec, rng: np.random.Generator, config: LookConfig) -> Backdrop:
    """No walls: one hue, brighter above or below."""
    hue = float(rng.uniform())
    saturation = draw(rng, config.background_saturation)
    top, bottom = (draw(rng, config.background_value) for _ in range(2))
    return Backdrop(hsv(hue, saturation, top), hsv(hue, saturation, bottom))


def room(spec: SceneSpec, rng: np.random.Generator, config: LookConfig) -> Backdrop:
    """Four walls of one material round everything."""
    behind = gradient(spec, rng, config)
    margin, material = draw(rng, (0.1, 0.5)), _paint(rng, config)
    walls = tuple(_wall(spec, side, margin, material) for side in SIDES)
    return Backdrop(behind.top, behind.bottom, walls)


def corner(spec: SceneSpec, rng: np.random.Generator, config: LookConfig) -> Backdrop:
    """A wall behind the arm and another at one of its sides, of different materials."""
    behind = gradient(spec, rng, config)
    margin, side = draw(rng, (0.1, 0.5)), SIDES[1 + int(rng.integers(2))]
    walls = tuple(_wall(spec, s, margin, _paint(rng, config)) for s in ("back", side))
    return Backdrop(behind.top, behind.bottom, walls)


def screen(spec: SceneSpec, rng: np.random.Generator, config: LookConfig) -> Backdrop:
    """A free-standing screen behind the arm, less wide than the view."""
    behind = gradient(spec, rng, config)
    x = -BEHIND - THICKNESS - draw(rng, (0.0, 0.4))
    y, width = draw(rng, (-0.5, 0.5)), draw(rng, (1.4, 2.2))
    shape = Shape("box", {"x": THICKNESS, "y": width, "z": HEIGHT})
    pose = (x, y, BOTTOM + HEIGHT / 2, 0.0, 0.0, 0.0, 1.0)
    walls = (Prop("screen", shape, pose, _paint(rng, config)),)
    return Backdrop(behind.top, behind.bottom, walls)


def dusk(spec: SceneSpec, rng: np.random.Generator, config: LookConfig) -> Backdrop:
    """No walls: dark above, bright at the horizon, in two hues."""
    hues, saturation = rng.uniform(size=2), draw(rng, (0.2, 0.45))
    top = hsv(float(hues[0]), saturation, draw(rng, (0.15, 0.35)))
    return Backdrop(top, hsv(float(hues[1]), saturation, draw(rng, (0.6, 0.9))))


BACKDROPS: dict[str, Callable[[SceneSpec, np.random.Generator, LookConfig], Backdrop]] = {
    "gradient": gradient,
    "room": room,
    "corner": corner,
    "screen": screen,
    "dusk": dusk,
}


def _paint(rng: np.random.Generator, config: LookConfig) -> Material:
    limits = (config.wall_saturation, config.wall_value)
    return unnamed(rng, config, config.textures.wall, *limits, config.texture_scale)


def _wall(spec: SceneSpec, side: str, margin: float, material: Material) -> Prop:
    """One wall, `margin` beyond the arm's reach and beyond the cameras that stand in the room."""
    fixed = [camera.pose for camera in spec.cameras if not camera.mount]
    clear = (-BEHIND, -REACH)
    low = [min([clear[axis], *(pose[axis] for pose in fixed)]) - margin for axis in (0, 1)]
    high = [max([REACH, *(pose[axis] for pose in fixed)]) + margin for axis in (0, 1)]
    middle, half = [(a + b) / 2 for a, b in zip(low, high, strict=True)], THICKNESS / 2
    x = {"back": low[0] - half, "front": high[0] + half}.get(side, middle[0])
    y = {"right": low[1] - half, "left": high[1] + half}.get(side, middle[1])
    along = side in ("left", "right")
    wide = high[0] - low[0] if along else high[1] - low[1]
    size = {"x": wide if along else THICKNESS, "y": THICKNESS if along else wide, "z": HEIGHT}
    pose = (x, y, BOTTOM + HEIGHT / 2, 0.0, 0.0, 0.0, 1.0)
    return Prop(f"{side} wall", Shape("box", size), pose, material)
