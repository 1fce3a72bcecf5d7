"""Compiling ahead of the first picture."""

from __future__ import annotations

import time

import numpy as np

from robokiln.frames.renderer import Renderer
from robokiln.geometry import IDENTITY, look_at
from robokiln.scene.robots import ROBOTS, visual_links
from robokiln.types import Body, Camera, Light, Look, Material, SceneSpec, Shape


def warm_up() -> float:
    """Prepare every robot's meshes and compile every kernel, or load them; seconds it took.

    About half a minute for the first time on a machine, a third of a second afterwards.
    """
    start = time.perf_counter()
    box = Body("box", Shape("box", {"x": 0.1, "y": 0.1, "z": 0.1}), IDENTITY, 0.0, 1.0)
    camera = Camera("front", 8, 8, 45.0, look_at((1.0, 1.0, 1.0), (0.0, 0.0, 0.0)))
    gray = Material((0.5, 0.5, 0.5), 0.5)
    light = Light((0.0, 0.0, 1.0), (1.0, 1.0, 1.0), 1.0)
    c = gray.color
    look = Look((gray,), gray, (light,), c, c, c, c)
    for name in (robot.name for robot in ROBOTS.values() if robot.installed):
        spec = SceneSpec("warm_up", name, (), (box,), (camera,), "", {})
        poses = np.tile(np.array(IDENTITY, np.float32), (1, len(visual_links(spec)), 1))
        Renderer(spec, look).render(poses)
    return time.perf_counter() - start
