"""Pushing, inserting, sorting, stacking and lifting: what counts as a success, and what not."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from tabletop import CONFIG, resting, sample, settled

from robokiln.assets import footprint
from robokiln.geometry import compose, pose, quat_from_axis_angle, quat_from_yaw
from robokiln.physics.bullet import BulletWorld
from robokiln.scene import tasks
from robokiln.scene.config import SceneConfig
from robokiln.scene.tasks.base import inside
from robokiln.types import Array, State


@pytest.fixture(scope="module")
def world() -> BulletWorld:
    return BulletWorld(CONFIG.control_hz, CONFIG.physics_hz)


def held(state: State, body: int) -> State:
    """The same with a finger on a body."""
    return dataclasses.replace(state, touching=(frozenset({body}), frozenset()))


def rolling(state: State, body: int) -> State:
    """The same with a body on the move."""
    velocity = state.body_velocity.copy()
    velocity[body, 0] = 0.08
    return dataclasses.replace(state, body_velocity=velocity)


def test_a_peg_counts_only_deep_in_its_own_hole(world: BulletWorld) -> None:
    task = tasks.get("insert_peg")
    spec = next(s for s in (settled(world, "insert_peg", k) for k in range(9)) if len(s.bodies) > 5)
    peg, block = (spec.bodies[spec.index(spec.goal[r])] for r in ("target", "goal"))
    low, tall = block.shape.size["z"], peg.shape.size["length"]

    def at(x: float, up: float, tilt: float = 0.0, where: str = "socket_0") -> State:
        base = np.array(spec.bodies[spec.index(where)].pose)
        base[2] = 0
        lean = quat_from_axis_angle(np.array([0.0, 1.0, 0.0]), tilt)
        local = pose((x, 0.0, tall / 2 + up), lean)
        return resting(world, spec, target=compose(base, local))

    assert task.satisfied(spec, at(0, 0))
    assert task.satisfied(spec, at(0, 0.1 * low))
    index = spec.index(peg.name)
    refused = {
        "beside": at(0.06, 0),
        "at the edge": at(0.02, 0),
        "on the rim": at(0.002, low),
        "half in": at(0, 0.5 * low),
        "three quarters in": at(0, 0.25 * low),
        "tilted": at(0, 0.05 * low, 0.4),
        "in the other hole": at(0, 0, where="socket_1"),
        "held": held(at(0, 0), index),
        "falling": rolling(at(0, 0), index),
    }
    assert [why for why, state in refused.items() if task.satisfied(spec, state)] == []
    swap = resting(world, spec, peg_1=at(0, 0).body_pose[index])
    assert not task.satisfied(spec, swap)


def test_an_object_counts_only_all_within_its_zone(world: BulletWorld) -> None:
    task, spec = tasks.get("push_to_zone"), settled(world, "push_to_zone")
    target = spec.index(spec.goal["target"])
    body, zone = spec.bodies[target], spec.bodies[spec.index(spec.goal["goal"])]
    side, radius = zone.shape.size["x"], footprint(body.shape)

    def at(x: float, up: float = 0.0, where: str = "goal", tilt: float = 0.0) -> State:
        base = np.array(spec.bodies[spec.index(spec.goal.get(where, where))].pose)
        base[2] = body.pose[2] + up
        lean = quat_from_axis_angle(np.array([0.0, 1.0, 0.0]), tilt)
        return resting(world, spec, target=compose(base, pose((x, 0.0, 0.0), lean)))

    assert task.satisfied(spec, at(0))
    assert task.satisfied(spec, at(side / 2 - radius - 0.002))
    refused = {
        "on the edge": at(side / 2),
        "mostly in": at(side / 2 - 0.5 * radius),
        "lifted": at(0, 0.02),
        "on its side": at(0, tilt=np.pi / 2),
        "in the other zone": at(0, where="zone_1"),
        "touched": held(at(0), target),
        "sliding": rolling(at(0), target),
        "where it began": resting(world, spec),
    }
    assert [why for why, state in refused.items() if task.satisfied(spec, state)] == []


def test_blocks_count_only_in_the_container_of_their_colour(world: BulletWorld) -> None:
    task, spec = tasks.get("sort_by_colour"), settled(world, "sort_by_colour")
    blocks = [b for b in spec.bodies if b.name.startswith("block")]
    home = {b.color: b for b in spec.bodies if b.name.startswith("container")}

    def at(**shift: Array) -> State:
        placed = {}
        for i, block in enumerate(blocks):
            spot = np.add(home[block.color].pose[:3], [0.03 * (-1) ** (i // 2), 0, 0.02])
            placed[block.name] = pose(spot, quat_from_yaw(0)) + shift.get(block.name, 0)
        return resting(world, spec, **placed)

    there = np.subtract(home[blocks[1].color].pose, home[blocks[0].color].pose)
    assert task.satisfied(spec, at())
    refused = {
        "in the wrong one": at(block_0=there),
        "swapped": at(block_0=there, block_1=-there),
        "on the table": at(block_0=np.array([0.12, 0, -0.02, 0, 0, 0, 0])),
        "above it": at(block_0=np.array([0, 0, 0.08, 0, 0, 0, 0])),
        "held": held(at(), spec.index("block_1")),
        "on the move": rolling(at(), spec.index("block_2")),
        "the start": resting(world, spec),
    }
    assert [why for why, state in refused.items() if task.satisfied(spec, state)] == []


def test_a_cube_counts_only_when_it_is_let_go_on_the_other(world: BulletWorld) -> None:
    task, spec = tasks.get("stack_two"), settled(world, "stack_two")
    cube, base = (spec.bodies[spec.index(spec.goal[r])] for r in ("target", "goal"))
    index, step = spec.index(cube.name), (cube.shape.size["z"] + base.shape.size["z"]) / 2

    def at(x: float, up: float, quarter: int = 0) -> State:
        turn = quat_from_axis_angle(np.array([1.0, 0.0, 0.0]), quarter * np.pi / 2)
        return resting(world, spec, target=pose(np.add(base.pose[:3], [x, 0, step + up]), turn))

    assert task.satisfied(spec, at(0.005, 0))
    assert task.satisfied(spec, at(0, 0, quarter=1))
    refused = {
        "over the stack": at(0, 0.02),
        "held over the stack": held(at(0, 0.004), index),
        "held on the stack": held(at(0, 0), index),
        "half beside": at(0.025, 0),
        "falling": rolling(at(0, 0.003), index),
        "below": at(0, -2 * step),
    }
    assert [why for why, state in refused.items() if task.satisfied(spec, state)] == []


def test_lifting_counts_only_high_and_between_both_fingers(world: BulletWorld) -> None:
    task, spec = tasks.get("lift"), settled(world, "lift")
    index = spec.index(spec.goal["target"])
    start = np.array(spec.bodies[index].pose)

    def at(up: float, *fingers: set[int]) -> State:
        state = resting(world, spec, target=np.add(start, [0, 0, up, 0, 0, 0, 0]))
        one, two = (frozenset(f) for f in fingers)
        return dataclasses.replace(state, touching=(one, two))

    assert task.satisfied(spec, at(0.11, {index}, {index}))
    assert not task.satisfied(spec, at(0.09, {index}, {index}))
    assert not task.satisfied(spec, at(0.11, {index}, set()))
    assert not task.satisfied(spec, at(0.11, {index + 1}, {index + 1}))


def test_beside_a_trays_wall_is_not_inside(world: BulletWorld) -> None:
    config = SceneConfig(objects="unseen")
    specs = sample("sort_by_colour", config, 20)
    spec = next(s for s in specs if s.bodies[s.index("container_0")].shape.kind == "tray")
    tray, block = spec.index("container_0"), spec.index("block_0")
    half = spec.bodies[tray].shape.size["x"] / 2
    for x, expected in ((half + 0.016, False), (half - 0.03, True)):
        spot = compose(np.array(spec.bodies[tray].pose), pose((x, 0, 0.005), (0, 0, 0, 1)))
        assert inside(spec, resting(world, spec, block_0=spot), block, tray) is expected
