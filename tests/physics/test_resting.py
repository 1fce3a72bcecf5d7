"""Members of every family come to rest where their mesh stands on the table, and stay there."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from robokiln.assets import FAMILIES, Family, collision_parts, height
from robokiln.geometry import quat_to_matrix
from robokiln.physics.bullet import BulletWorld
from robokiln.scene import robots, tasks
from robokiln.scene.layout import furniture, lying, standing
from robokiln.types import Body, SceneSpec

STANDING = [
    family
    for family in FAMILIES.values()
    if "furniture" not in family.roles or family.kind in ("socket", "peg")
]


@pytest.fixture(scope="module")
def world() -> Iterator[BulletWorld]:
    made = BulletWorld()
    yield made
    made.close()


@pytest.mark.parametrize("family", STANDING, ids=lambda f: f.name)
def test_members_rest_where_they_stand(world: BulletWorld, family: Family) -> None:
    rng, robot = np.random.default_rng(5), robots.get("panda")
    for yaw in (0.0, 0.7):
        shape = family.draw(rng)
        assert collision_parts(shape)
        lies = shape.kind == "capsule"
        at = np.array([0.5, 0.0])
        pose = lying(at, shape.size["radius"], yaw) if lies else standing(at, height(shape), yaw)
        raised = (*pose[:2], pose[2] + 0.003, *pose[3:])
        body = Body("thing", shape, raised, float(rng.uniform(*family.mass)), 0.8, "red")
        bodies = (*furniture(), body)
        spec = SceneSpec(tasks.get("pick_place").name, robot.name, robot.home, bodies, (), "", {})
        world.load(spec)
        world.settle(1.0)
        state = world.state()
        assert np.abs(state.body_velocity[-1]).max() < 0.02
        assert state.body_pose[-1, 2] == pytest.approx(pose[2], abs=0.0005)
        assert np.linalg.norm(state.body_pose[-1, :2] - at) < 0.003
        before, after = quat_to_matrix(np.array(pose[3:])), quat_to_matrix(state.body_pose[-1, 3:])
        if shape.kind != "sphere":
            assert before[:, 2] @ after[:, 2] > np.cos(0.02)
        assert world.penetration() < 0.0005
