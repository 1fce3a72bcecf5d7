"""The benchmark's own look at final states: planted ones are told apart."""

from dataclasses import replace

import numpy as np
import pytest

from independent import CHECKS, wrong
from robokiln.assets import height
from robokiln.geometry import pose, quat_from_axis_angle
from robokiln.scene import robots, tasks
from robokiln.scene.config import SceneConfig
from robokiln.types import Array, SceneSpec

UP, ASIDE = np.array([0.0, 0.0, 1.0]), np.array([1.0, 0.0, 0.15])


def scene(task: str, seed: int = 0) -> tuple[SceneSpec, Array]:
    """A drawn scene and its bodies' poses."""
    rng = np.random.default_rng(seed)
    spec = tasks.get(task).sample(rng, robots.get("panda"), SceneConfig())
    return spec, np.array([body.pose for body in spec.bodies])


def moved(spec: SceneSpec, poses: Array, role: str, to: Array) -> Array:
    found = poses.copy()
    found[spec.index(spec.goal[role]), :3] = to
    return found


@pytest.mark.parametrize("task", tasks.TASKS)
def test_every_task_has_a_check_and_no_start_passes(task: str) -> None:
    assert task in CHECKS
    for seed in range(10):
        assert wrong(*scene(task, seed))


@pytest.mark.parametrize("seed", range(5))
def test_pick_place(seed: int) -> None:
    spec, poses = scene("pick_place", seed)
    goal = poses[spec.index(spec.goal["goal"])]
    inside = moved(spec, poses, "target", goal[:3] + 0.012 * UP)
    assert wrong(spec, inside) == ""
    assert "beside" in wrong(spec, moved(spec, poses, "target", goal[:3] + 0.13 * ASIDE))
    assert "above" in wrong(spec, moved(spec, poses, "target", goal[:3] + 0.2 * UP))
    inside[spec.index(spec.goal["goal"]), 3:] = quat_from_axis_angle(np.array([1.0, 0, 0]), 0.8)
    assert wrong(spec, inside)


def test_lift() -> None:
    spec, poses = scene("lift")
    start = poses[spec.index(spec.goal["target"])][:3]
    assert wrong(spec, moved(spec, poses, "target", start + 0.06 * UP))
    assert wrong(spec, moved(spec, poses, "target", start + 0.15 * UP)) == ""


def test_stack_three_in_its_order_alone() -> None:
    spec, poses = scene("stack_three")
    cubes = [spec.bodies[spec.index(spec.goal[role])] for role in ("goal", "target", "top")]
    place, z = poses[spec.index(cubes[0].name)].copy(), 0.0
    stacked = poses.copy()
    for cube in cubes:
        side = height(cube.shape)
        stacked[spec.index(cube.name)] = pose((*place[:2], z + side / 2), (0, 0, 0, 1))
        z += side
    assert wrong(spec, stacked) == ""
    upside_down = dict(zip(spec.goal, reversed(list(spec.goal.values())), strict=True))
    assert wrong(replace(spec, goal=upside_down), stacked)
    aside = stacked.copy()
    aside[spec.index(cubes[2].name), 0] += 0.03
    assert "beside" in wrong(spec, aside)
