"""Bodies that move along a joint: limits, friction, and where they are said to be."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from robokiln.geometry import compose, pose_tuple
from robokiln.physics.bullet import BulletWorld
from robokiln.scene import robots
from robokiln.scene.joints import moved, position, travel
from robokiln.scene.layout import furniture
from robokiln.types import Body, Joint, SceneSpec, Shape

FRAME = Body(
    "frame", Shape("box", {"x": 0.02, "y": 0.02, "z": 0.02}), (0.6, 0.7, 0.5, 0, 0, 0, 1), 0, 1
)
SLIDE = Joint("frame", "prismatic", (0, 0, -1), (0, 0, 0), (-0.1, 0, 0, 0, 0, 0, 1), 0, 0.2, 0, 0)
TURN = Joint(
    "frame", "revolute", (0, 1, 0), (0.05, 0, 0), (-0.1, 0, 0, 0, 0, 0, 1), -1.2, 1.2, 0, 0
)


@pytest.fixture(scope="module")
def world() -> Iterator[BulletWorld]:
    made = BulletWorld()
    yield made
    made.close()


def scene(joint: Joint, start: float = 0.0) -> SceneSpec:
    """A plate of 0.2 kg that hangs on a frame in the air."""
    pose = pose_tuple(moved(joint, np.array(FRAME.pose), start))
    plate = Body("plate", Shape("box", {"x": 0.1, "y": 0.05, "z": 0.01}), pose, 0.2, 1.0, "", joint)
    home = robots.get("panda").home
    return SceneSpec(
        "", "panda", home, (FRAME, plate), (), "", {"target": "plate", "goal": "frame"}
    )


def after(world: BulletWorld, spec: SceneSpec, seconds: float) -> float:
    world.load(spec)
    world.settle(seconds)
    return position(spec, world.state(), "plate")


def test_a_slide_falls_to_its_limit(world: BulletWorld) -> None:
    assert after(world, scene(SLIDE, 0.03), 0.01) == pytest.approx(0.03, abs=0.001)
    assert after(world, scene(SLIDE), 1.0) == pytest.approx(0.2, abs=0.002)


def test_friction_above_its_weight_holds_it(world: BulletWorld) -> None:
    weight = 0.2 * 9.81
    assert after(world, scene(replace(SLIDE, friction=1.2 * weight)), 1.0) < 0.002
    assert after(world, scene(replace(SLIDE, friction=0.8 * weight)), 1.0) > 0.15


def test_damping_bounds_the_speed(world: BulletWorld) -> None:
    # In equilibrium weight = damping * speed.
    spec = scene(replace(SLIDE, damping=20.0))
    early, late = after(world, spec, 0.5), after(world, spec, 1.0)
    assert (late - early) / 0.5 == pytest.approx(0.2 * 9.81 / 20, rel=0.1)


def test_a_hinge_turns_about_its_anchor(world: BulletWorld) -> None:
    spec = scene(TURN)
    turned = after(world, spec, 2.0)
    assert abs(turned) == pytest.approx(1.2, abs=0.02)
    body = world.state().body_pose[1]
    hinge = compose(body, (*TURN.anchor, 0, 0, 0, 1))
    assert hinge[:3] == pytest.approx(
        compose(np.array(spec.bodies[1].pose), (0.05, 0, 0, 0, 0, 0, 1))[:3], abs=1e-4
    )
    assert body == pytest.approx(moved(TURN, np.array(FRAME.pose), turned), abs=1e-4)


@pytest.mark.parametrize("joint", [SLIDE, TURN])
@pytest.mark.parametrize("start", [-0.4, 0.0, 0.15])
def test_travel_undoes_moved(joint: Joint, start: float) -> None:
    parent = np.array([0.3, -0.2, 0.1, 0.1, 0.2, 0.3, 0.927])
    parent[3:] /= np.linalg.norm(parent[3:])
    assert travel(joint, parent, moved(joint, parent, start)) == pytest.approx(start, abs=1e-9)


def test_a_push_moves_a_sleeping_body_by_its_impulse(world: BulletWorld) -> None:
    ball = Body("ball", Shape("sphere", {"radius": 0.02}), (0.6, 0.7, 0.5, 0, 0, 0, 1), 0.1, 1.0)
    spec = SceneSpec("", "panda", robots.get("panda").home, (ball,), (), "", {})
    world.load(spec)
    world.push(0, np.array([0.05, 0.0, 0.0]))
    assert world.state().body_velocity[0, 0] == pytest.approx(0.5, abs=1e-6)


def test_a_push_makes_a_cube_that_sleeps_on_the_table_slide(world: BulletWorld) -> None:
    side = {"x": 0.04, "y": 0.04, "z": 0.04}
    cube = Body("cube", Shape("box", side), (0.4, 0.2, 0.02, 0, 0, 0, 1), 0.1, 0.8)
    spec = SceneSpec("", "panda", robots.get("panda").home, (*furniture(), cube), (), "", {})
    world.load(spec)
    world.settle(0.2)
    world.push(2, np.array([0.05, 0.0, 0.0]))
    world.settle(0.5)
    assert 0.01 < world.state().body_pose[2, 0] - 0.4 < 0.03
