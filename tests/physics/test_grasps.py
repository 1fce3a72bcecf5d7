"""A robot's fingers, tool frame and motors are good enough to lift things with."""

import numpy as np
import pytest

from robokiln.episode import EpisodeConfig
from robokiln.episode.expert import toward
from robokiln.physics.bullet import BulletWorld
from robokiln.scene.grasps import down, top_down, yaw_of
from robokiln.scene.layout import furniture, standing
from robokiln.scene.robots import ROBOTS, Robot, get
from robokiln.types import Array, Body, SceneSpec, Shape, Skill, State

CONFIG = EpisodeConfig()
LIFTED = 0.09


@pytest.fixture(scope="module")
def world() -> BulletWorld:
    return BulletWorld(CONFIG.control_hz, CONFIG.physics_hz)


def scene(robot: Robot, width: float, place: Array, yaw: float) -> SceneSpec:
    """A cube of 50 g on the table."""
    cube = Shape("box", dict.fromkeys("xyz", width))
    body = Body("cube", cube, standing(place, width, yaw), 0.05, 0.8)
    return SceneSpec("by hand", robot.name, robot.home, (*furniture(), body), (), "", {})


def act(world: BulletWorld, skill: Skill) -> State:
    state = world.state()
    world.step(toward(skill, state.ee_pose, state.ee_velocity, CONFIG))
    return world.state()


def lift(world: BulletWorld, spec: SceneSpec) -> State:
    """Over the cube, down, shut, up; as `pick_place` does it."""
    world.load(spec)
    state, shape = world.state(), spec.bodies[2].shape
    for _ in range(80):
        grasp = top_down(shape, state.body_pose[2], state.ee_pose)
        flat = float(np.linalg.norm(grasp[:2] - state.ee_pose[:2]))
        turn = abs((yaw_of(grasp) - yaw_of(state.ee_pose) + np.pi) % (2 * np.pi) - np.pi)
        if flat < 0.004 and turn < 0.06 and abs(grasp[2] - state.ee_pose[2]) < 0.005:
            break
        above = grasp.copy()
        above[2] += np.clip(3 * (flat - 0.006) + 0.12 * (turn - 0.06), 0, 0.07)
        state = act(world, Skill("approach", above, 1.0))
    for _ in range(14):
        state = act(world, Skill("grasp", grasp, 0.0))
    up = down(np.array([*grasp[:2], LIFTED]), yaw_of(grasp))
    for _ in range(40):
        state = act(world, Skill("lift", up, 0.0))
    return state


@pytest.mark.parametrize("width", [0.025, 0.03, 0.045])
@pytest.mark.parametrize("name", [name for name, robot in ROBOTS.items() if robot.installed])
def test_a_cube_is_lifted_from_anywhere_in_the_workspace(
    world: BulletWorld, name: str, width: float
) -> None:
    robot, rng = get(name), np.random.default_rng(0)
    area, held = robot.workspace, 0
    for _ in range(12):
        place = rng.uniform([area.x[0], area.y[0]], [area.x[1], area.y[1]])
        state = lift(world, scene(robot, width, place, rng.uniform(-np.pi, np.pi)))
        risen = state.body_pose[2, 2] > LIFTED - 0.03
        held += bool(risen and all(2 in touched for touched in state.touching))
        if risen:
            assert (state.finger_force > 10).all()
            assert abs(state.gripper * robot.gripper.widest - width) < 0.015
    assert held >= 11


@pytest.mark.parametrize("name", [name for name, robot in ROBOTS.items() if robot.installed])
def test_the_gripper_goes_where_it_is_told(world: BulletWorld, name: str) -> None:
    robot = get(name)
    world.load(SceneSpec("by hand", name, robot.home, (), (), "", {}))
    here = world.state().ee_pose
    for opening in (0.0, 0.3, 1.0):
        for _ in range(25):
            state = act(world, Skill("move", here, opening))
        assert abs(state.gripper - opening) < 0.02
        assert np.linalg.norm(state.ee_pose[:3] - here[:3]) < 0.002
