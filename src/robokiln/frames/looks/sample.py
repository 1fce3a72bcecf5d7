"""From ranges and families to a Look."""

from __future__ import annotations

import numpy as np

from robokiln.frames.looks.backdrops import BACKDROPS
from robokiln.frames.looks.config import LookConfig
from robokiln.frames.looks.distractors import distractors
from robokiln.frames.looks.draw import choose
from robokiln.frames.looks.jitter import jittered
from robokiln.frames.looks.lights import LIGHTS
from robokiln.frames.looks.materials import arm, named, unnamed
from robokiln.types import Body, Look, Material, SceneSpec


def sample_look(spec: SceneSpec, rng: np.random.Generator, config: LookConfig) -> Look:
    """One look for this scene; a body with a named color keeps that color's hue.

    Each part draws from a child of `rng` of its own, in this order: bodies (one further child
    each), arm, lights, backdrop, distractors, cameras. So switching a part on or off leaves the
    others as they were; a new part is added at the end.
    """
    bodies, robot, light, behind, table, views = rng.spawn(6)
    lighting = LIGHTS[choose(light, config.light_families)](light, config)
    backdrop = BACKDROPS[choose(behind, config.backdrop_families)](spec, behind, config)
    materials = zip(spec.bodies, bodies.spawn(len(spec.bodies)), strict=True)
    return Look(
        materials=tuple(_material(body, own, config) for body, own in materials),
        robot=arm(robot, config),
        lights=lighting.lights,
        ambient_sky=lighting.sky,
        ambient_ground=lighting.ground,
        background_top=backdrop.top,
        background_bottom=backdrop.bottom,
        props=backdrop.walls + distractors(spec, table, config),
        cameras=jittered(spec, views, config),
    )


def _material(body: Body, rng: np.random.Generator, config: LookConfig) -> Material:
    """A named color within its hue; floor, table and whatever else has no name in any hue."""
    if body.color:
        return named(rng, config, body.color)
    floor = body.name == "floor"
    families = config.textures.floor if floor else config.textures.table
    saturation = config.floor_saturation if floor else config.table_saturation
    value = config.floor_value if floor else config.table_value
    return unnamed(rng, config, families, saturation, value, config.texture_scale)
