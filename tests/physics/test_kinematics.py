"""Inverse kinematics reaches what forward kinematics says, and so does Bullet's own arm."""

import numpy as np
import pytest

from robokiln.geometry import action_to_pose, matrix_to_quat, pose, pose_to_action, quat_to_matrix
from robokiln.physics.bullet import BulletWorld
from robokiln.physics.kinematics import Kinematics
from robokiln.scene.grasps import down
from robokiln.scene.robots import ROBOTS, get
from robokiln.types import Array, SceneSpec

PANDA = get("panda")
EMPTY = SceneSpec("none", "panda", PANDA.home, (), (), "", {})
ROBOT_NAMES = [name for name, robot in ROBOTS.items() if robot.installed]


def near(tool: Array, wanted: Array) -> bool:
    """Within a millimetre and a degree."""
    cosine = (np.trace(quat_to_matrix(wanted[3:]).T @ tool[:3, :3]) - 1) / 2
    return bool(np.linalg.norm(tool[:3, 3] - wanted[:3]) < 1e-3 and cosine > np.cos(np.pi / 180))


@pytest.mark.parametrize("name", ROBOT_NAMES)
def test_the_jacobian_is_the_derivative(name: str) -> None:
    arm, rng = Kinematics(get(name)), np.random.default_rng(0)
    count = len(arm.home)
    for joints in rng.uniform(arm.lower, arm.upper, (20, count)):
        tool, jacobian = arm.forward(joints)
        for j in range(count):
            moved, _ = arm.forward(joints + 1e-6 * np.eye(count)[j])
            spin = (moved - tool)[:3, :3] @ tool[:3, :3].T / 1e-6
            numeric = [*(moved - tool)[:3, 3] / 1e-6, spin[2, 1], spin[0, 2], spin[1, 0]]
            np.testing.assert_allclose(jacobian[:, j], numeric, atol=1e-5)


@pytest.mark.parametrize("name", ROBOT_NAMES)
def test_ik_reaches_the_workspace_in_any_yaw(name: str) -> None:
    """Straight down from home, up to half a turn of the two fingers."""
    robot = get(name)
    arm, rng, area = Kinematics(robot), np.random.default_rng(1), robot.workspace
    corners = np.array([area.x, area.y, area.z]).T
    for place in rng.uniform(*corners, (300, 3)):
        yaw = rng.uniform(-np.pi, np.pi)
        found = []
        for wanted in (down(place, yaw), down(place, yaw + np.pi)):
            joints, _ = arm.solve(wanted, arm.home, 100)
            assert ((joints >= arm.lower) & (joints <= arm.upper)).all()
            found.append(near(arm.forward(joints)[0], wanted))
        assert any(found), f"{place} at yaw {yaw:.2f}"


@pytest.mark.parametrize("name", ROBOT_NAMES)
def test_ik_finds_its_way_from_a_neighbour(name: str) -> None:
    """Any pose that the arm has, from joints within 0.15 rad of it."""
    arm, rng = Kinematics(get(name)), np.random.default_rng(2)
    margin = 0.15
    reached = 0
    for joints in rng.uniform(arm.lower + margin, arm.upper - margin, (300, len(arm.home))):
        tool, _ = arm.forward(joints)
        wanted = pose(tool[:3, 3], matrix_to_quat(tool[:3, :3]))
        found, _ = arm.solve(wanted, joints + rng.uniform(-margin, margin, len(joints)), 100)
        reached += near(arm.forward(found)[0], wanted)
    assert reached == 300


def test_an_arm_of_five_joints_gives_up_the_turn_and_keeps_the_place() -> None:
    """Higher than it can point straight down."""
    if not ROBOTS["so101"].installed:
        pytest.skip("robokiln[so101] is not installed")
    arm = Kinematics(get("so101"))
    for height in (0.09, 0.12, 0.16):
        wanted = down(np.array([0.2, 0.05, height]), 1.4)
        tool, _ = arm.forward(arm.solve(wanted, arm.home, 100)[0])
        assert np.linalg.norm(tool[:3, 3] - wanted[:3]) < 1e-3
        assert tool[2, 2] < -0.5


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
