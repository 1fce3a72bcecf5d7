"""Force sensors against statics and momentum: weights, levers, signs, frames."""

from dataclasses import replace

import numpy as np
import pytest

from robokiln.episode import EpisodeConfig, Expert, ForceNoise, draw_scene, run
from robokiln.geometry import pose_to_action, pose_tuple, quat_from_axis_angle, quat_multiply
from robokiln.geometry import quat_to_matrix as matrix
from robokiln.physics.bullet import BulletWorld
from robokiln.physics.kinematics import Kinematics
from robokiln.scene import robots, tasks
from robokiln.scene.config import SceneConfig
from robokiln.seeds import Domain, sensor_draws
from robokiln.types import Array, Body, Episode, RobokilnError, SceneSpec, Shape

PANDA = robots.get("panda")
HAND = 0.81 + 2 * 0.1
"""Kilograms of the hand and its fingers, by the URDF."""
TURNS = ((0.0, 0.0, 0.0), (0.9, 0.0, 0.0), (0.0, 0.9, 0.0))


@pytest.fixture(scope="module")
def world() -> BulletWorld:
    return BulletWorld()


def spec(joints: Array, *bodies: Body) -> SceneSpec:
    return SceneSpec("by hand", "panda", tuple(joints), bodies, (), "", {})


def tilted(world: BulletWorld, turn: tuple[float, float, float]) -> tuple[Array, Array]:
    """Joints with the hand raised and turned from home about its own axes, and the tool's pose."""
    world.load(spec(np.array(PANDA.home)))
    tool = world.state().ee_pose
    angle = float(np.linalg.norm(turn))
    axis = np.array(turn) / max(angle, 1e-9)
    quat = quat_multiply(tool[3:], quat_from_axis_angle(axis, angle))
    joints = world.solve_ik(np.concatenate([tool[:3] + np.array([0, 0, 0.15]), quat]))
    assert joints is not None
    world.load(spec(joints))
    return joints, world.state().ee_pose


def hold(world: BulletWorld, target: Array, gripper: float, steps: int = 40) -> None:
    for _ in range(steps):
        world.step(pose_to_action(target, gripper))


@pytest.mark.parametrize("turn", TURNS)
def test_an_empty_hand_weighs_what_it_weighs(
    world: BulletWorld, turn: tuple[float, float, float]
) -> None:
    _, tool = tilted(world, turn)
    first = world.state()
    weight = matrix(tool[3:]).T @ [0, 0, -9.81 * HAND]
    assert np.allclose(first.wrist_wrench[:3], weight, atol=0.01)
    hold(world, tool, 1.0)
    held = world.state()
    assert np.allclose(held.wrist_wrench, first.wrist_wrench, atol=0.02)
    assert np.allclose(held.joint_torque, first.joint_torque, atol=0.02)
    assert np.array_equal(held.finger_force, [0, 0])


@pytest.mark.parametrize("mass", [0.1, 0.4])
@pytest.mark.parametrize("turn", TURNS)
def test_a_held_box_adds_its_weight(
    world: BulletWorld, turn: tuple[float, float, float], mass: float
) -> None:
    joints, tool = tilted(world, turn)
    empty = world.state()
    size = {"x": 0.03, "y": 0.0795, "z": 0.03}
    world.load(spec(joints, Body("box", Shape("box", size), pose_tuple(tool), mass, 1.0)))
    hold(world, tool, 0.0)
    held = world.state()
    assert np.linalg.norm(held.body_pose[0, :3] - held.ee_pose[:3]) < 1e-3
    added = held.wrist_wrench - empty.wrist_wrench
    weight = matrix(held.ee_pose[3:]).T @ [0, 0, -9.81 * mass]
    assert np.allclose(added[:3], weight, atol=0.01 * 9.81 * mass)
    assert np.abs(added[3:]).max() < 0.005, "held at the tool's centre it has no lever"
    assert held.finger_force.sum() == pytest.approx(2 * PANDA.gripper.force, rel=0.01)


def test_a_lever_shows_in_the_torque(world: BulletWorld) -> None:
    """A long box held at one end: its weight times the distance of its middle, as a vector."""
    joints, tool = tilted(world, (0.0, 0.0, 0.0))
    empty = world.state()
    offset = np.array([0.03, 0.0, 0.0])
    middle = pose_tuple(np.concatenate([tool[:3] + matrix(tool[3:]) @ offset, tool[3:]]))
    box = Body("bar", Shape("box", {"x": 0.09, "y": 0.0795, "z": 0.02}), middle, 0.2, 1.0)
    world.load(spec(joints, box))
    hold(world, tool, 0.0)
    held = world.state()
    r = matrix(held.ee_pose[3:])
    arm = held.body_pose[0, :3] - held.ee_pose[:3]
    expected = r.T @ np.cross(arm, [0, 0, -9.81 * 0.2])
    added = (held.wrist_wrench - empty.wrist_wrench)[3:]
    assert np.abs(expected).max() > 0.05
    assert np.allclose(added, expected, atol=0.003)


def test_joint_torques_are_what_a_load_asks_of_them(world: BulletWorld) -> None:
    """Virtual work: the torques of a held load are the Jacobian's transpose times its weight."""
    joints, tool = tilted(world, (0.0, 0.0, 0.0))
    empty = world.state()
    size = {"x": 0.03, "y": 0.0795, "z": 0.03}
    world.load(spec(joints, Body("box", Shape("box", size), pose_tuple(tool), 0.4, 1.0)))
    hold(world, tool, 0.0)
    held = world.state()
    jacobian = Kinematics(PANDA).forward(held.joint_position)[1]
    expected = jacobian[:3].T @ [0, 0, 9.81 * 0.4]
    assert np.abs(expected).max() > 1.0
    assert np.allclose(held.joint_torque - empty.joint_torque, expected, atol=0.03)


def test_pressing_on_a_table_pushes_back(world: BulletWorld) -> None:
    """The table's push on the fingertips is against the tool's axis, which points down."""
    home = np.array(PANDA.home)
    world.load(spec(home))
    tool = world.state().ee_pose
    tips = tool[2] - 0.012
    slab = {"x": 0.3, "y": 0.3, "z": 0.1}
    pose = (tool[0], tool[1], tips - 0.055, 0.0, 0.0, 0.0, 1.0)
    world.load(spec(home, Body("slab", Shape("box", slab), pose, 0.0, 1.0)))
    free = world.state().wrist_wrench[2]
    down = tool.copy()
    down[2] -= 0.03
    hold(world, down, 0.0, 20)
    assert world.state().wrist_wrench[2] < free - 5


def test_speeding_up_is_felt(world: BulletWorld) -> None:
    """An empty hand that starts to move upwards is heavier by its mass times the acceleration."""
    _, tool = tilted(world, (0.0, 0.0, 0.0))
    hold(world, tool, 1.0, 5)
    before = world.state()
    up = tool.copy()
    up[2] += 0.02
    world.step(pose_to_action(up, 1.0))
    after = world.state()
    gained = (after.ee_velocity - before.ee_velocity)[2] * 20
    assert gained > 2
    extra = after.wrist_wrench[2] - before.wrist_wrench[2]
    assert extra == pytest.approx(HAND * gained, rel=0.1)


def demonstrate(world: BulletWorld) -> Episode:
    task, config = tasks.get("pick_place"), EpisodeConfig()
    scene = draw_scene(world, task, PANDA, (), SceneConfig(), Domain.TRAINING, 0, 0, 0)
    return run(world, task, scene, Expert(task, scene, config), config)


def test_an_episode_records_forces_the_same_each_time(world: BulletWorld) -> None:
    episode, again = demonstrate(world), demonstrate(BulletWorld())
    for name, width in (("wrist_wrench", 6), ("joint_torque", 7), ("finger_force", 2)):
        values = getattr(episode, name)
        assert values.shape == (len(episode), width)
        assert np.isfinite(values).all()
        assert values.tobytes() == getattr(again, name).tobytes()
    target = episode.spec.index(episode.spec.goal["target"])
    held = (episode.contacts == target).all(axis=1)
    assert np.median(episode.finger_force[held].min(axis=1)) > 10
    assert episode.finger_force[0].max() == 0


def test_force_noise_has_its_size_and_its_own_draws(world: BulletWorld) -> None:
    episode = demonstrate(world)
    long = {n: np.zeros((4000, w)) for n, w in (("wrist_wrench", 6), ("joint_torque", 7))}
    episode = replace(episode, finger_force=np.zeros((4000, 2)), **long)
    draws = sensor_draws(Domain.TRAINING, 0, 0, 0)
    both = ForceNoise(0.3, 0.02, 0.1, 0.5)(episode, draws)
    assert np.allclose(both.wrist_wrench[:, :3].std(axis=0), 0.3, rtol=0.05)
    assert np.allclose(both.wrist_wrench[:, 3:].std(axis=0), 0.02, rtol=0.05)
    assert np.allclose(both.joint_torque.std(axis=0), 0.1, rtol=0.05)
    alone = ForceNoise(finger_force=0.5)(episode, draws)
    assert np.array_equal(alone.finger_force, both.finger_force)
    assert alone.wrist_wrench is episode.wrist_wrench
    with pytest.raises(RobokilnError, match=r"force_noise\.joint_torque: expected 0 or more"):
        ForceNoise(joint_torque=-1.0)
