"""What `render.py` draws, and how it reads the clock."""

from __future__ import annotations

import dataclasses
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from robokiln.geometry import quat_from_yaw
from robokiln.scene.robots import ROBOTS
from robokiln.types import Array, Body, Look, SceneSpec, Shape, Texture

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "frames"))
from arranged import gray_look, reach, resized, table_scene
from tiny_renderer import TinyRenderer as TinyRenderer

SIZES = {"128": (128, 128), "224": (224, 224), "640": (640, 480)}
STEPS = 40
WOOD = Texture("wood", 1, ((0.75, 0.55, 0.35), (0.45, 0.28, 0.15)), 0.5)
TILES = Texture("checker", 2, ((0.8, 0.8, 0.78), (0.35, 0.38, 0.45)), 0.6)
SKIN = Texture("noise", 3, ((0.9, 0.9, 0.9), (0.5, 0.5, 0.5)), 0.08)


ROBOTS["panda"] = dataclasses.replace(ROBOTS["panda"], mesh_error=0.0002)


def textured_look(spec: SceneSpec) -> Look:
    """Every surface textured but the arm; one directional light with shadows."""
    look = gray_look(spec)
    light = dataclasses.replace(look.lights[0], direction=(0.4, -0.3, 0.85))
    textures = [TILES, WOOD] + [SKIN] * (len(spec.bodies) - 2)
    materials = [
        dataclasses.replace(m, roughness=0.5, texture=t)
        for m, t in zip(look.materials, textures, strict=True)
    ]
    return dataclasses.replace(look, materials=tuple(materials), lights=(light,))


def crowded(count: int) -> tuple[SceneSpec, Array]:
    """The table with so many small boxes and cylinders, in a grid."""
    spec = table_scene(0)
    side = int(np.ceil(np.sqrt(count)))
    bodies = list(spec.bodies)
    for i in range(count):
        x, y = 0.2 + 0.55 * (i % side) / side, -0.4 + 0.8 * (i // side) / side
        kind = ("box", "cylinder")[i % 2]
        size = {"x": 0.02, "y": 0.02, "z": 0.03} if i % 2 == 0 else {"radius": 0.01, "height": 0.03}
        pose = (x, y, 0.015, *(float(v) for v in quat_from_yaw(0.1 * i)))
        bodies.append(Body(f"object {i}", Shape(kind, size), pose, 0.1, 1.0))
    spec = resized(dataclasses.replace(spec, bodies=tuple(bodies)), 128, 128)
    still = np.array([b.pose for b in bodies[2:]], np.float32).reshape(-1, 7)
    poses = reach(STEPS)
    arm = poses.shape[1] - len(table_scene().bodies) + 2
    extra = np.broadcast_to(still, (STEPS, *still.shape))
    return spec, np.concatenate([poses[:, :arm], extra], axis=1)


def cpu_ms(function: Callable[[], object]) -> float:
    start = time.process_time()
    function()
    return (time.process_time() - start) * 1e3


def median(values: list[float]) -> float:
    return round(float(np.median(values)), 3)
