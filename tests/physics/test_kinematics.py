"""Inverse kinematics reaches what forward kinematics says, and so does Bullet's own arm."""

import numpy as np
import pytest

from robokiln.geometry import action_to_pose, pose_to_action, quat_to_matrix
from robokiln.physics.bullet import BulletWorld
from robokiln.physics.kinematics import Kinematics
from robokiln.scene.grasps import down
from robokiln.scene.layout import furniture
from robokiln.scene.robots import get
from robokiln.types import SceneSpec

PANDA = get("panda")
EMPTY = SceneSpec("none", "panda", PANDA.home, furniture(), (), "", {})


def test_the_jacobian_is_the_derivative() -> None:
    arm, rng = Kinematics(PANDA), np.random.default_rng(0)
    for joints in rng.uniform(arm.lower, arm.upper, (20, 7)):
        tool, jacobian = arm.forward(joints)
        for j in range(7):
            moved, _ = arm.forward(joints + 1e-6 * np.eye(7)[j])
            spin = (moved - tool)[:3, :3] @ tool[:3, :3].T / 1e-6
            numeric = [*(moved - tool)[:3, 3] / 1e-6, spin[2, 1], spin[0, 2], spin[1, 0]]
            np.testing.assert_allclose(jacobian[:, j], numeric, atol=1e-5)


def test_ik_reaches_the_work_area_within_a_millimetre_and_a_degree() -> None:
    arm, rng = Kinematics(PANDA), np.random.default_rng(1)
    for x, y, z, yaw in rng.uniform([0.3, -0.27, 0.01, -1.6], [0.67, 0.27, 0.4, 1.6], (200, 4)):
        wanted = down(np.array([x, y, z]), yaw)
        joints, _ = arm.solve(wanted, arm.home, 100)
        tool, _ = arm.forward(joints)
        assert np.linalg.norm(tool[:3, 3] - wanted[:3]) < 1e-3
        cosine = (np.trace(quat_to_matrix(wanted[3:]).T @ tool[:3, :3]) - 1) / 2
        assert cosine > np.cos(np.radians(1))
        assert ((joints >= arm.lower) & (joints <= arm.upper)).all()


@pytest.fixture
def world() -> BulletWorld:
    world = BulletWorld()
    world.load(EMPTY)
    return world


def test_bullet_has_the_same_arm(world: BulletWorld) -> None:
    hand = world.visual_poses()[[v.link for v in PANDA.visuals].index("panda_hand")]
    tool = hand[:3] + quat_to_matrix(hand[3:]) @ np.array(PANDA.tool[:3])
    np.testing.assert_allclose(tool, world.state().ee_pose[:3], atol=1e-6)


def test_the_arm_follows_its_targets(world: BulletWorld) -> None:
    target = pose_to_action(world.state().ee_pose, 0.0)
    for _ in range(25):
        target[:3] += [0.006, 0.006, -0.008]
        world.step(target)
        state = world.state()
        assert np.linalg.norm(state.ee_pose[:3] - target[:3]) < 0.003
    assert state.gripper < 0.01


def test_joint_speed_stays_within_limits(world: BulletWorld) -> None:
    far = action_to_pose(pose_to_action(world.state().ee_pose, 1.0))
    far[:3] = [0.35, 0.45, 0.1]
    before = world.state().joint_position
    for _ in range(10):
        target = world.step(pose_to_action(far, 1.0))
        assert (np.abs(target - before) <= PANDA.limits[2] / 20 + 1e-9).all()
        before = target


def test_out_of_reach_has_no_solution(world: BulletWorld) -> None:
    assert world.solve_ik(down(np.array([1.5, 0.0, 0.1]), 0.0)) is None
    assert world.solve_ik(down(np.array([0.5, 0.1, 0.1]), 0.3)) is not None
