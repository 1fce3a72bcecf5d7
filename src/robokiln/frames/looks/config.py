"""What a look is drawn from: ranges and named families."""

from __future__ import annotations

from dataclasses import dataclass, field, fields

import numpy as np

from robokiln.frames.looks.backdrops import BACKDROPS
from robokiln.frames.looks.lights import LIGHTS
from robokiln.frames.looks.textures import TEXTURES
from robokiln.types import RobokilnError, lookup

Range = tuple[float, float]
Names = tuple[str, ...]
SHARES = (
    *("ambient_intensity", "ground_share", "ambient_saturation"),
    *("table_saturation", "table_value", "floor_saturation", "floor_value"),
    *("wall_saturation", "wall_value", "background_value", "background_saturation"),
    *("roughness", "robot_roughness"),
)
"""Ranges that end at 1."""
SIGNED = ("light_elevation", "light_azimuth", "light_warmth")
"""Ranges that may lie below zero."""


@dataclass(frozen=True)
class Textures:
    """Families of `TEXTURES` that each kind of surface chooses from evenly; none: it is plain."""

    table: Names = ()
    floor: Names = ()
    wall: Names = ()
    object: Names = ()
    distractor: Names = ()
    robot: Names = ()

    def __post_init__(self) -> None:
        """Refuse a family that isn't there."""
        for surface in fields(self):
            for name in getattr(self, surface.name):
                lookup(f"textures.{surface.name}: texture", name, TEXTURES)


@dataclass(frozen=True)
class LookConfig:
    """Ranges (low, high) from which a look is drawn evenly; a single number twice fixes a value.

    Angles in degrees, lengths in metres; intensities as the linear brightness that the light gives
    a white surface facing it; saturation and value of HSV. `shade_jitter` and `hue_jitter` are the
    largest change of a named color: a factor on its value, and a part of the color circle.

    `textured` is the chance that a surface is textured where `textures` has families for it; a
    tile covers `texture_scale` on furniture and walls, `object_texture_scale` on bodies.
    `light_families` and `backdrop_families` are chosen from evenly. Cameras move by up to
    `camera_shift` along each axis (`mount_shift` those on the arm), turn by up to `camera_turn`
    about each, and their field of view changes by up to the factor 1 ± `camera_zoom`.
    """

    lights: tuple[int, int] = (1, 2)
    light_elevation: Range = (40.0, 75.0)
    light_azimuth: Range = (-180.0, 180.0)
    key_intensity: Range = (0.55, 0.85)
    fill_intensity: Range = (0.10, 0.30)
    light_warmth: Range = (-0.06, 0.10)
    light_softness: Range = (0.0, 0.0)
    ambient_intensity: Range = (0.22, 0.38)
    ground_share: Range = (0.5, 0.8)
    ambient_saturation: Range = (0.0, 0.08)
    table_saturation: Range = (0.0, 0.18)
    table_value: Range = (0.45, 0.85)
    floor_saturation: Range = (0.0, 0.20)
    floor_value: Range = (0.35, 0.75)
    wall_saturation: Range = (0.0, 0.20)
    wall_value: Range = (0.50, 0.90)
    background_value: Range = (0.50, 0.90)
    background_saturation: Range = (0.0, 0.20)
    roughness: Range = (0.35, 0.9)
    robot_roughness: Range = (0.35, 0.7)
    robot_tint: float = 0.06
    shade_jitter: float = 0.10
    hue_jitter: float = 0.008
    light_families: Names = ("sun",)
    backdrop_families: Names = ("gradient",)
    textures: Textures = field(default_factory=Textures)
    textured: float = 0.0
    texture_scale: Range = (0.3, 0.8)
    object_texture_scale: Range = (0.04, 0.10)
    distractors: tuple[int, int] = (0, 0)
    camera_shift: float = 0.0
    mount_shift: float = 0.0
    camera_turn: float = 0.0
    camera_zoom: float = 0.0

    def __post_init__(self) -> None:
        """Refuse families that aren't there and ranges that can't be drawn from."""
        for kind, families in (("light", LIGHTS), ("backdrop", BACKDROPS)):
            names = getattr(self, f"{kind}_families")
            self._expect(f"{kind}_families", names, bool(names), "at least one family")
            for name in names:
                lookup(f"look.{kind}_families: family", name, families)
        for name in (f.name for f in fields(self)):
            value = getattr(self, name)
            if name not in ("light_families", "backdrop_families") and isinstance(value, tuple):
                self._expect(name, value, value[0] <= value[1], "[low, high] in this order")
                self._expect(name, value, name in SIGNED or value[0] >= 0, "nothing below 0")
            elif isinstance(value, float):
                self._expect(name, value, value >= 0, "0 or more")
        for name in ("texture_scale", "object_texture_scale"):
            self._expect(name, getattr(self, name), getattr(self, name)[0] > 0, "more than 0 m")
        for name in (*SHARES, "textured", "robot_tint", "shade_jitter", "camera_zoom"):
            highest = np.max(getattr(self, name))
            self._expect(name, getattr(self, name), bool(highest <= 1), "0 to 1")
        warmth = self.light_warmth
        self._expect("light_warmth", warmth, warmth[0] >= -1 and warmth[1] <= 1, "-1 to 1")
        for name in ("key_intensity", "fill_intensity"):
            value = getattr(self, name)
            self._expect(name, value, value[1] <= 1000, "0 to 1000")

    def _expect(self, name: str, value: object, fine: bool, expected: str) -> None:
        if not fine:
            raise RobokilnError(f"look.{name}: expected {expected}, got {value}")
