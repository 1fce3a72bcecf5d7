"""How a scene appears."""

from __future__ import annotations

from dataclasses import dataclass

from robokiln.types.basics import Color, PoseTuple
from robokiln.types.scene import Camera, Shape


@dataclass(frozen=True)
class Light:
    """A directional light, or a point light where `position` (world) is given.

    `direction` points from the scene to the light; shadows of a point light are drawn within 60
    degrees of its axis, towards the bodies. `intensity` is the linear brightness of a white surface
    that faces the light, at 1 m from a point light. `softness` is the least width of a shadow's
    edge in metres, in three steps: what two texels of a shadow map of 512, 256 or 128 cover.
    """

    direction: tuple[float, float, float]
    color: Color
    intensity: float
    shadows: bool = True
    position: tuple[float, float, float] | None = None
    softness: float = 0.0


@dataclass(frozen=True)
class Texture:
    """A procedural texture: a family of `frames.looks.TEXTURES`, drawn from `seed` in `colors`.

    One square tile covers `scale` metres; it repeats without a seam.
    """

    family: str
    seed: int
    colors: tuple[Color, ...]
    scale: float


@dataclass(frozen=True)
class Material:
    """Metallic-roughness material; `color` is the base colour, times the texture where one is."""

    color: Color
    roughness: float
    metallic: float = 0.0
    texture: Texture | None = None


@dataclass(frozen=True)
class Prop:
    """Something that is only seen: it stands still at `pose` (world), and physics knows nothing
    of it."""

    name: str
    shape: Shape
    pose: PoseTuple
    material: Material


@dataclass(frozen=True)
class Look:
    """How a scene appears. It never changes the motion.

    `materials` holds one entry a body of the spec; `robot` multiplies the arm's own colours.
    `props` are walls and distractors. `cameras`, where there are any, stand in for the spec's of
    the same names.
    """

    materials: tuple[Material, ...]
    robot: Material
    lights: tuple[Light, ...]
    ambient_sky: Color
    ambient_ground: Color
    background_top: Color
    background_bottom: Color
    props: tuple[Prop, ...] = ()
    cameras: tuple[Camera, ...] = ()
